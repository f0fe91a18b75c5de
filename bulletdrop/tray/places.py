"""The folders where screenshots may lie, and why: asked of the system now and then, and remembered in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.tray.folders import Candidate, System, candidates

# Asking starts other programs, and reasons change as seldom as settings do.
REMEMBER_SECONDS = 300.0


class Places:
    """What `candidates` found, a few minutes old at most.

    Args:
        clock: for how old it is.
        ask: finds the candidates.
    """

    def __init__(self, clock: Clock, ask: Callable[[], Sequence[Candidate]] = lambda: candidates(System())) -> None:
        self._clock = clock
        self._ask = ask
        self._lock = threading.Lock()
        self._found: Sequence[Candidate] = ()
        self._asked_at = float("-inf")

    def found(self, *, fresh: bool = False) -> Sequence[Candidate]:
        """All of them, best first. Takes up to a few seconds when they have to be asked for."""
        with self._lock:
            if fresh or self._clock.monotonic() - self._asked_at > REMEMBER_SECONDS:
                self._found = self._ask()
                self._asked_at = self._clock.monotonic()
            return self._found

    def why(self, folder: Path) -> str:
        """Why screenshots may lie in a folder, in words; "" for one that the person named."""
        return next((one.reason for one in self.found() if one.path == folder), "")
