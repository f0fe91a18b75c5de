"""Signals that end the program, heard whatever its main thread waits for.

Python runs handlers in the main thread alone, and wakes it only where the system has given the signal to that very
thread. One that another thread was given waits for the main thread's next step, which in a tray without an icon never
comes. What Python writes into the wake-up socket comes from whichever thread it was (`signal.set_wakeup_fd`).
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable

NAMES = ("SIGTERM", "SIGINT", "SIGHUP")


class Signals:
    """From `start` to `close`, calls `told(number)` for each, in a thread of its own. In the main thread alone."""

    def __init__(self, told: Callable[[int], object]) -> None:
        self._told = told
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._before = -1
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for name in NAMES:
            if hasattr(signal, name):
                # Without a handler of Python's nothing is written.
                signal.signal(getattr(signal, name), lambda number, frame: None)
        self._thread.start()

    def close(self) -> None:
        """Stop listening. Signals that come from now on do nothing."""
        with contextlib.suppress(ValueError):  # what was there before is closed
            signal.set_wakeup_fd(self._before)
        with contextlib.suppress(OSError):
            self._writing.shutdown(socket.SHUT_RDWR)
        self._writing.close()
        if self._thread.ident is not None:
            self._thread.join(1)
        self._reading.close()

    def _listen(self) -> None:
        wanted = {getattr(signal, name) for name in NAMES if hasattr(signal, name)}
        while numbers := self._reading.recv(16):
            for number in numbers:
                if number in wanted:
                    self._told(number)
