"""One decoding child process, as its parent holds it: started, asked, ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bulletdrop
from bulletdrop.errors import Unavailable
from bulletdrop.log import get_logger
from bulletdrop.paths import is_frozen, program

log = get_logger("decoding")

_START_SECONDS = 30.0
_LINE_BYTES = 64 * 1024


class ChildDied(Exception):
    """The child ended without an answer. `code` is as `subprocess` gives it: negative is a signal."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"exit {code}")
        self.code = code


class ChildTooSlow(Exception):
    """No answer in time; the child has been killed."""


class Child:
    """A process that answers one question at a time. Made by `Child.start`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ending = threading.Lock()
        self.answered = 0
        self.idle_since = time.monotonic()

    @classmethod
    def start(cls, settings: Mapping[str, object], *, command: Sequence[str] | None = None) -> Child:
        """Start a child and tell it its caps. Call it from a thread that lives as long as the child is to.

        Raises: Unavailable.
        """
        try:
            process = subprocess.Popen(
                command or [*program(), "decode"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                # Its own session: a Ctrl-C in the terminal is for the server, which ends its children itself.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            log.exception("no decoding child could be started")
            raise Unavailable("Pictures cannot be decoded right now.", retry_after=10) from error
        child = cls(process)
        try:
            answer = child.ask(settings, seconds=_START_SECONDS)
        except (ChildDied, ChildTooSlow) as error:
            child.kill()
            log.error("a decoding child did not start", extra={"reason": str(error)})
            raise Unavailable("Pictures cannot be decoded right now.", retry_after=10) from error
        if answer != {"ready": True}:
            child.kill()
            log.error("a decoding child did not start", extra={"reason": str(answer)})
            raise Unavailable("Pictures cannot be decoded right now.", retry_after=10)
        child.answered = 0
        return child

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, request: Mapping[str, object], *, seconds: float) -> dict[str, Any]:
        """Send one request and wait for its answer, at most so many seconds by the clock.

        Raises: ChildDied, ChildTooSlow; the child is of no more use then.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        # A timer and not select(): pipes have no select on Windows.
        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            try:
                self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline(_LINE_BYTES)
            except (OSError, ValueError):  # the pipe broke, or `kill` closed it
                line = b""
        finally:
            timer.cancel()
        self.answered += 1
        try:
            answer = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return answer
        if late.is_set():
            raise ChildTooSlow(f"no answer within {seconds:g} seconds")
        # A child that says something else than an answer is taken over; it must not say it twice.
        code = self._wait_briefly()
        raise ChildDied(code)

    def _wait_briefly(self) -> int | None:
        try:
            return self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return None

    def kill(self) -> None:
        """End the process and collect it. Safe to call again, and while another thread waits for an answer."""
        self._process.kill()
        self._process.wait()
        with self._ending:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    _close(pipe)


def _close(pipe: Any) -> None:
    # What was not sent to a dead child is lost, as meant.
    with contextlib.suppress(OSError, ValueError):
        pipe.close()


def _environment() -> dict[str, str]:
    """As little as the child needs, and none of the server's secrets: it reads what strangers sent."""
    if is_frozen():
        # The launcher finds its unpacked files through variables of its own, whose names are its business.
        secret = ("BULLETDROP_SECRET_KEY", "BULLETDROP_DATABASE_URL", "BULLETDROP_TOKEN")
        child = {name: value for name, value in os.environ.items() if not name.startswith(secret)}
    else:
        kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
        child = {name: os.environ[name] for name in kept if name in os.environ}
        child["PYTHONPATH"] = str(Path(bulletdrop.__file__).parent.parent)
    return child | {
        "LC_ALL": "C.UTF-8",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Each arena of glibc's allocator reserves 64 MB of address space, which counts against the limit.
        "MALLOC_ARENA_MAX": "1",
        # What a large picture took goes back to the system when it is done.
        "MALLOC_TRIM_THRESHOLD_": "16777216",
        "MALLOC_MMAP_THRESHOLD_": "16777216",
        "OMP_NUM_THREADS": "1",
    }
