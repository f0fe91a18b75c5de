"""How much of what is on its way has gone, and the way to call it back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bulletdrop.tray.client import FileCut

# A small picture is gone before a bar could be drawn; and no desk draws more often than this.
WORTH_TELLING = 1024 * 1024
TELL_SECONDS = 0.5


class Stopped(FileCut):
    """The person took it back while its bytes were going out."""


class Progress:
    """The uploads under way. Safe to call from any thread.

    Args:
        told: called now and then while something large is going out.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._sent: dict[int, tuple[int, int]] = {}
        self._stopped: set[int] = set()
        self._told_at = 0.0

    def begin(self, item_id: int, size: int) -> Callable[[int, int | None], None]:
        """An upload begins. Returns what the client is to call with the bytes sent; that raises Stopped."""
        with self._lock:
            self._sent[item_id] = (0, size)
            self._stopped.discard(item_id)

        def sent(count: int, total: int | None) -> None:
            with self._lock:
                if item_id in self._stopped:
                    raise Stopped
                self._sent[item_id] = (count, size)
                now = time.monotonic()
                due = size >= WORTH_TELLING and now - self._told_at >= TELL_SECONDS
                self._told_at = now if due else self._told_at
            if due:
                self._told()

        return sent

    def end(self, item_id: int) -> None:
        """It is over."""
        with self._lock:
            self._sent.pop(item_id, None)
            self._stopped.discard(item_id)

    def stop(self, item_id: int) -> None:
        """Call it back, if its bytes are going out."""
        with self._lock:
            if item_id in self._sent:
                self._stopped.add(item_id)

    def share(self) -> float | None:
        """How much of all that is on its way has gone, 0 to 1; None while nothing is."""
        with self._lock:
            total = sum(size for _, size in self._sent.values())
            return sum(sent for sent, _ in self._sent.values()) / total if total else None
