"""A process that another one started never outlives it, however that one ends: a tray's server, a server's worker."""

from __future__ import annotations

import os
import signal
import threading
import time

VARIABLE = "BULLETDROP_PARENT_PIPE"
# Longer than a clean end may take.
PATIENCE_SECONDS = 15.0


def end_with_parent() -> None:
    """Watch the pipe that the parent holds open, if there is one; when it closes, end as on SIGTERM."""
    number = os.environ.pop(VARIABLE, "")
    # Windows hands no further descriptors on: there the pipe is our standard input.
    descriptor = 0 if number == "stdin" else int(number) if number.isdigit() else -1
    if descriptor >= 0:
        end_with_pipe(descriptor)


def end_with_pipe(descriptor: int, *, patience: float = PATIENCE_SECONDS) -> None:
    """Watch a pipe; when its other end closes, end as on SIGTERM, and after `patience` seconds in any case."""
    if descriptor:
        os.set_inheritable(descriptor, False)
    threading.Thread(target=_wait, args=(descriptor, patience), name="parent", daemon=True).start()


def _wait(descriptor: int, patience: float) -> None:
    # Returns with nothing when the last holder of the other end is gone, also after kill -9.
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Whatever hangs in there: uploads under way have had their time, and everything acknowledged is on the disk.
    time.sleep(patience)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
