"""A real server process over a fresh data folder, and the people who use it."""

from __future__ import annotations

import functools
import json
import os
import shlex
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import httpx

from bulletdrop.trust import pinned_context
from tests.support.ports import free_port as free_port
from tests.support.warm import run_warm

ALL_SCOPES = "uploads:read uploads:write uploads:delete account:read links:read links:write secrets:read secrets:write"
PASSWORD = "correct horse battery"


def binary() -> list[str]:
    """The program under test: BULLETDROP_BINARY, else the source tree."""
    named = shlex.split(os.environ.get("BULLETDROP_BINARY", ""))
    if not named:
        return [sys.executable, "-m", "bulletdrop"]
    # Tests start it in folders of their own, so a path from the top would not lead there.
    return [str(Path(named[0]).resolve()) if os.sep in named[0] else named[0], *named[1:]]


@functools.cache
def certificates() -> ssl.SSLContext:
    """For clients' `verify`. Read once: for each client anew it would be most of what the client costs."""
    return httpx.create_ssl_context(trust_env=False)


class Server:
    """One `bulletdrop serve` that a test starts, stops and kills.

    Args:
        data: its data folder.
        environ: settings on top of the test's environment.
        options: further options of `serve`.
        log: where its output goes; `DATA.log` when left out.
    """

    def __init__(
        self, data: Path, *, environ: Mapping[str, str] | None = None, options: tuple[str, ...] = (), port: int = 0
    ) -> None:
        self.data = data
        self.port = port or free_port()
        self.options = options
        self.log = data.with_name(data.name + ".log")
        # Servers of tests are nobody's in the machine's network.
        self.environ = {**os.environ, "PYTHONWARNINGS": "default", "BULLETDROP_ANNOUNCE": "off", **(environ or {})}
        # With https of its own: by a certificate that nobody vouches for.
        self.is_secure = self.environ.get("BULLETDROP_TLS", "off") != "off"
        self.url = f"{'https' if self.is_secure else 'http'}://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, httpx.Client] = {}

    def start(self, *, seconds: float = 120) -> Server:
        """Start it and wait for its first answer."""
        command = [*binary(), "serve", "--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self.options], stdout=log, stderr=log, env=self.environ, start_new_session=True
            )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"the server ended at once:\n{self.log.read_text()[-3000:]}")
            if self._answers():
                return self
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"the server did not answer:\n{self.log.read_text()[-3000:]}")

    def _answers(self) -> bool:
        # Patiently: who hangs up on a busy server and asks again gives it the same work once more.
        # Not through httpx, which reads all certificates for each question: more work than the server's own start.
        connection = (
            HTTPSConnection("127.0.0.1", self.port, timeout=30, context=pinned_context())
            if self.is_secure
            else HTTPConnection("127.0.0.1", self.port, timeout=30)
        )
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def stop(self, *, seconds: float = 30) -> int:
        """End it as an admin would (SIGTERM). Returns its exit code."""
        return self._end(signal.SIGTERM, seconds)

    def kill(self) -> int:
        """End it as a power cut would: SIGKILL to its whole process group."""
        return self._end(signal.SIGKILL, 10)

    def _end(self, number: signal.Signals, seconds: float) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except ProcessLookupError:
            pass
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            raise AssertionError("the server did not stop in time") from None

    def close(self) -> None:
        """Stop it and close what was opened."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._process is not None:
            self.stop()

    def command(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run another command of the program over the same data folder."""
        done = subprocess.run(
            [*binary(), *arguments, "--data", str(self.data)],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environ,
            timeout=150,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return done

    def add_person(self, name: str, *, admin: bool = False) -> str:
        """Add an account and a key of all scopes. Returns the key."""
        flags = ["--admin"] if admin else []
        email = f"{name}@example.org"
        self.quickly("user", "add", name, "--email", email, "--password-stdin", *flags, stdin=PASSWORD + "\n")
        scopes = f"{ALL_SCOPES} admin" if admin else ALL_SCOPES
        return self.quickly("key", "add", name, "--name", "tests", "--scope", scopes)

    def quickly(self, *arguments: str, stdin: str = "") -> str:
        """As `command`, without waiting for the program's start where that can be: what it prints.

        Beside a binary, the sources that it was built from do it; its own commands have tests of their own.
        """
        if not hasattr(os, "fork"):
            return self.command(*arguments, stdin=stdin).stdout.strip()
        done = run_warm([*arguments, "--data", str(self.data)], stdin=stdin, environ=self.environ)
        if done.returncode:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def key_of(self, name: str) -> str:
        """The person's key; the person is made at the first call. alice is the admin."""
        path = self.data.with_name(f"{self.data.name}.keys.json")
        keys: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in keys:
            keys[name] = self.add_person(name, admin=name == "alice")
            path.write_text(json.dumps(keys))
        return keys[name]

    def known(self, name: str) -> None:
        """Note that there is such a person already, with the password of all, so that `key_of` only makes a key."""
        self.remember(name, self.command("key", "add", name, "--name", "tests", "--scope", ALL_SCOPES).stdout.strip())

    def remember(self, name: str, key: str) -> None:
        """Note that there is such a person already, with the password of all and this key."""
        path = self.data.with_name(f"{self.data.name}.keys.json")
        keys: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        keys[name] = key
        path.write_text(json.dumps(keys))

    def client(self, name: str | None = None, **options: object) -> httpx.Client:
        """An HTTP client with the person's key; without a name, a stranger's."""
        headers = {"Authorization": f"Bearer {self.key_of(name)}"} if name else {}
        verify = pinned_context() if self.is_secure else certificates()
        settings: dict[str, Any] = {"verify": verify, "timeout": 30, "trust_env": False, **options}
        return httpx.Client(base_url=self.url, headers=headers, **settings)

    def keep(self, name: str, make: Callable[[], httpx.Client]) -> httpx.Client:
        """A client that lives as long as this does, made at the first call."""
        if name not in self._clients:
            self._clients[name] = make()
        return self._clients[name]

    def _kept(self, name: str) -> httpx.Client:
        return self.keep(name, lambda: self.client(None if name == "anonymous" else name))

    @property
    def alice(self) -> httpx.Client:
        """She owns what the test is about, and is the admin."""
        return self._kept("alice")

    @property
    def bob(self) -> httpx.Client:
        """He will be in her team."""
        return self._kept("bob")

    @property
    def charlie(self) -> httpx.Client:
        """A stranger with an account."""
        return self._kept("charlie")

    @property
    def anonymous(self) -> httpx.Client:
        """A stranger without an account."""
        return self._kept("anonymous")

    def log_lines(self) -> list[dict[str, object]]:
        """What it logged."""
        lines = []
        for line in self.log.read_text().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return lines
