"""The server as a child of the tray: started, watched, started again, and never left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from bulletdrop.log import get_logger

log = get_logger("child")

PARENT_PIPE = "BULLETDROP_PARENT_PIPE"

# Seconds before each new start; the last one repeats. A run of RUNS_WELL seconds starts the ladder anew.
BACKOFF = (0.5, 1, 2, 5, 10, 30)
RUNS_WELL = 30.0
STOP_SECONDS = 3.0


class ServerChild:
    """Runs one command as a child that cannot outlive this process.

    Two ropes: an orderly SIGTERM from `stop`, and a pipe whose other end we hold: its end of file tells the child that
    we are gone, whatever killed us. It is in a session of its own, so that a Ctrl-C in the terminal reaches only us
    and nothing that it does to its process group reaches us.

    Args:
        command: program and arguments.
        on_exit: called with the exit status each time the child ends by itself, from the watching thread.
        environ: the environment for the child.
    """

    def __init__(
        self, command: Sequence[str], *, on_exit: Callable[[int], None], environ: Mapping[str, str] = os.environ
    ) -> None:
        self._command = list(command)
        self._on_exit = on_exit
        self._environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe_end: int | None = None
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="server-child", daemon=True)
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the child and the thread that watches it. Raises OSError when the program cannot be run at all."""
        self._thread.start()
        self._started.wait(5)

    def stop(self) -> None:
        """End the child: SIGTERM, STOP_SECONDS of patience, then SIGKILL. Blocks; calling it twice is fine."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("The server did not stop within %.0f s and was killed.", STOP_SECONDS)
                process.kill()
                process.wait()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(1)
        self._close_pipe()

    def _watch(self) -> None:
        rung = 0
        while not self._stopping.is_set():
            seconds, code = self._run_once()
            if self._stopping.is_set():
                return
            rung = 0 if seconds >= RUNS_WELL else rung
            log.warning("The server ended with status %d.", code, extra={"after_seconds": round(seconds, 1)})
            with contextlib.suppress(Exception):
                self._on_exit(code)
            self._stopping.wait(BACKOFF[min(rung, len(BACKOFF) - 1)])
            rung += 1

    def _run_once(self) -> tuple[float, int]:
        began = time.monotonic()
        try:
            self._process = process = self._spawn()
        except OSError as error:
            log.error("The server could not be started: %s", error)
            self._started.set()
            return 0.0, 127
        self.starts += 1
        self._started.set()
        if self._stopping.is_set():
            process.terminate()
        code = process.wait()
        self._close_pipe()
        return time.monotonic() - began, code

    def _spawn(self) -> subprocess.Popen[bytes]:
        if sys.platform == "win32":  # no passing of single descriptors there: the child watches its standard input
            environment = {**self._environ, PARENT_PIPE: "stdin"}
            return subprocess.Popen(self._command, env=environment, stdin=subprocess.PIPE)
        read, write = os.pipe()
        try:
            process = subprocess.Popen(
                self._command,
                env={**self._environ, PARENT_PIPE: str(read)},
                stdin=subprocess.DEVNULL,
                pass_fds=[read],
                start_new_session=True,
            )
        except BaseException:
            os.close(write)
            raise
        finally:
            os.close(read)
        self._pipe_end = write
        return process

    def _close_pipe(self) -> None:
        end, self._pipe_end = self._pipe_end, None
        if end is not None:
            os.close(end)
