"""A real BulletDrop in a process group of its own: start it, kill it with -9, start it again, ask its command line."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from tests.support.early import exchange
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SCOPES = ("uploads:read", "uploads:write", "uploads:delete", "account:read", "links:read", "links:write")
PASSWORD = "correct-horse-battery-47"
READY_SECONDS = 120.0


class ProductError(Exception):
    """The server did not start, or a command of it failed; the message carries what it printed."""


def command_of(source: Path | None = None) -> list[str]:
    """The command that runs the product: the binary in BULLETDROP_BINARY, else this Python with the package.

    Args:
        source: a folder that holds another copy of the package; such a copy is never the binary.
    """
    binary = os.environ.get("BULLETDROP_BINARY")
    return [binary] if binary and source is None else [sys.executable, "-m", "bulletdrop"]


def end_group(process: subprocess.Popen[bytes], *, patience: float = 10.0) -> int:
    """Kill a process and everything it started, by id. Returns how many children had outlived their parent.

    Args:
        patience: seconds that a child may take to notice: one that is just starting looks when it has started.
    """
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=patience)
    for child in alive:
        with contextlib.suppress(psutil.Error):
            child.kill()
    return len(alive)


class Product:
    """One data folder and the server over it.

    Args:
        data: the data folder; the log of the server is written beside it.
        source: a folder holding a copy of the package to run instead of this checkout's.
        environ: more variables for every process started, such as BULLETDROP_DATABASE_URL.
        launcher: words before the command, such as the tracer's.
    """

    def __init__(
        self,
        data: Path,
        *,
        source: Path | None = None,
        environ: Mapping[str, str] | None = None,
        launcher: Sequence[str] = (),
    ) -> None:
        self.data = data
        self.source = source or ROOT
        self.command = command_of(source)
        self.launcher = list(launcher)
        self.port = free_port()
        self.log = data.with_name(f"{data.name}.log")
        self.process: subprocess.Popen[bytes] | None = None
        self.survivors = 0
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BULLETDROP_")}
        self.environ = {**kept, "PYTHONPATH": str(self.source), "PYTHONDONTWRITEBYTECODE": "1", **(environ or {})}

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started last (the launcher's, where there is one)."""
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> Product:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def serve_command(self) -> list[str]:
        """The whole command line of the server."""
        where = ["--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        return [*self.launcher, *self.command, "serve", *where]

    def spawn(self, *, stdin: int | None = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start the server and do not wait for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.serve_command(),
                cwd=self.source,
                env=self.environ,
                stdin=stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.process

    def start(self) -> float:
        """Start the server and wait for its first 200 on /health.

        Returns: seconds from exec to that answer. Raises: ProductError with the end of the log.
        """
        began = time.perf_counter()
        self.spawn()
        try:
            return self.wait_ready(began)
        except ProductError:
            # Nobody else would end it: whoever begins `with` this never gets inside.
            self.kill()
            raise

    def wait_ready(self, began: float | None = None) -> float:
        """Wait for 200 on /health. Returns: seconds since `began` (default: since the call)."""
        assert self.process is not None
        began = time.perf_counter() if began is None else began
        while time.perf_counter() - began < READY_SECONDS:
            if self.health() == 200:
                return time.perf_counter() - began
            if self.process.poll() is not None:
                raise ProductError(f"the server ended with {self.process.returncode}: {self.log_tail()}")
            time.sleep(0.005)
        raise ProductError(f"no answer in {READY_SECONDS:.0f} s: {self.log_tail()}")

    def health(self) -> int:
        """The status of GET /health, 0 when nobody answers."""
        # Patient: who hangs up on a busy server and asks again gives it the same work once more.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def kill(self) -> None:
        """SIGKILL to the process group, then to any child that outlived it (counted in `survivors`)."""
        if self.process is not None:
            self.survivors += end_group(self.process)
            self.process = None

    def stop(self) -> None:
        """A clean stop: SIGTERM to the server alone, SIGKILL to the group after half a minute."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.kill()

    def log_tail(self, size: int = 1500) -> str:
        """The last words of the server, for an error message."""
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else "(no log)"

    def cli(self, *words: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command of the product over the same data folder.

        Raises: ProductError when `check` and its exit code is not 0.
        """
        command = [*self.command, *words, "--data", str(self.data)]
        done = subprocess.run(
            command,
            cwd=self.source,
            env=self.environ,
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check and done.returncode != 0:
            raise ProductError(
                f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-1500:]}"
            )
        return done

    def person(self, name: str = "alice", *, admin: bool = True) -> str:
        """Make a person by the command line. Returns: an API key that may read, write and delete uploads."""
        flags = ["--admin"] if admin else []
        self.cli(
            "user", "add", name, "--email", f"{name}@example.org", "--password-stdin", *flags, text=PASSWORD + "\n"
        )
        return self.key(name)

    def key(self, name: str = "alice") -> str:
        """One more key of somebody's that may read, write and delete uploads: links are held by a key."""
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        return self.cli("key", "add", name, "--name", "faults", *scopes).stdout.strip().splitlines()[-1]

    def ask(self, method: str, path: str, key: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """One request, as a stranger when `key` is empty. Returns: status, and the body as JSON where it is that.

        Raises: OSError or http.client.HTTPException when the server went away.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = exchange(connection, method, path, body, {**({"X-API-Key": key} if key else {}), **named})
            content = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, content

    def put(self, name: str, content: bytes, key: str, **headers: str) -> tuple[int, Any]:
        """One raw upload. Returns and raises: as `ask`."""
        return self.ask("PUT", f"/api/v1/uploads/{name}", key, content, **headers)
