"""A server or a job under the tracer: its calls on the data folder are counted, and one can be its last."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.product import ROOT, Product, end_group

# How long no call on the data folder means that an operation, with its work in the background, is over.
QUIET_SECONDS = 1.0
# With this the trash is kept for no time.
AT_ONCE = {"BULLETDROP_TRASH_DAYS": "0"}


class TracedProduct(Product):
    """A server under the tracer, which kills it at its `at`-th call after `attach` (0: never).

    Args:
        job: run this background job once instead of the server.
    """

    def __init__(self, data: Path, *, source: Path | None, at: int, job: str = "") -> None:
        super().__init__(data, source=source, environ=AT_ONCE if job else None)
        self.job = job
        self.environ["PYTHONPATH"] = f"{self.source}{os.pathsep}{ROOT}"
        self.launcher = [
            sys.executable,
            "-m",
            "tests.faults.tracer",
            "--data",
            str(data),
            "--at",
            str(at),
            "--log",
            str(self.log),
            "--",
        ]
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.points: list[dict[str, Any]] = []
        self.server = 0
        self.killed_at: dict[str, Any] | None = None

    def serve_command(self) -> list[str]:
        """The whole command line of the server, or of the job."""
        words = ["job", self.job, "--data", str(self.data)]
        return [*self.launcher, *self.command, *words] if self.job else super().serve_command()

    def spawn(self, *, stdin: int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start the tracer, which starts the server."""
        self.process = subprocess.Popen(
            self.serve_command(),
            cwd=self.source,
            env=self.environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        self.server = int(self.lines.get(timeout=60)["pid"])
        return self.process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in process.stdout:
                self.lines.put(json.loads(line))

    def attach(self) -> None:
        """Count from here on."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(b"attach\n")
        self.process.stdin.flush()
        assert self.lines.get(timeout=60)["what"] == "attached"

    def settle(self, *, most: float = 60.0) -> None:
        """Wait until the server was killed at its point, or has made no call on the data folder for a while."""
        until = time.monotonic() + most
        while time.monotonic() < until:
            try:
                # A job is over when its process is; a server never is.
                line = self.lines.get(timeout=most if self.job else QUIET_SECONDS)
            except queue.Empty:
                return
            if line["what"] == "point":
                self.points.append(line)
            elif line["what"] == "killed":
                self.killed_at = self.points[-1]
            elif line["what"] == "end":
                return

    def kill(self) -> None:
        """Kill the server, then the tracer."""
        if self.server:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.server, signal.SIGKILL)
            self.server = 0
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            end_group(self.process)
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            self.process = None
