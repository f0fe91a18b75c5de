"""Who named a file, and what became of it. Tickets live as long as the program."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence

from bulletdrop.errors import BulletDropError, NotFound

MOST = 1000


class Tickets:
    """Ticket → the item's id, the error that refused it, or None while the file is looked at. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, int | BulletDropError | None] = {}

    def issue(self) -> str:
        """A new ticket; the oldest of a thousand is forgotten."""
        ticket = secrets.token_urlsafe(12)
        with self._lock:
            while len(self._all) >= MOST:
                del self._all[next(iter(self._all))]
            self._all[ticket] = None
        return ticket

    def settle(self, tickets: Sequence[str], outcome: int | BulletDropError) -> None:
        """The file has its row, or is refused."""
        with self._lock:
            self._all.update((ticket, outcome) for ticket in tickets if ticket in self._all)

    def outcome(self, ticket: str) -> int | None:
        """The item's id; None while the file is looked at. Raises NotFound, or what refused it."""
        with self._lock:
            if ticket not in self._all:
                raise NotFound("This upload is not known; the tray may have been started again.")
            outcome = self._all[ticket]
        if isinstance(outcome, BulletDropError):
            raise outcome
        return outcome
