"""Who may come in now: the cap on what is open at once."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from bulletdrop.errors import TooMany


class Gate:
    """Counts uploads, or other things under way, in total and by address.

    Sanic's own timeouts watch for silence only; a client that sends a byte now and then outlives them. With the
    minimum rate, this cap is what keeps slow clients from holding all of the server.

    Args:
        total: open uploads at most.
        per_address: open uploads at most from one address.
        noun: what is counted, for the refusal.
    """

    def __init__(self, *, total: int, per_address: int, noun: str = "uploads") -> None:
        self._noun = noun
        self.total = total
        self.per_address = per_address
        self._open: Counter[str] = Counter()
        self.count = 0

    @contextlib.contextmanager
    def entered(self, address: str) -> Iterator[None]:
        """Hold one place. Raises TooMany when there is none."""
        if self.count >= self.total:
            message = f"The server has all the {self._noun} under way that it takes. Try again shortly."
            raise TooMany(message, retry_after=2)
        if self._open[address] >= self.per_address:
            message = f"There are too many {self._noun} under way from your address. Try again shortly."
            raise TooMany(message, retry_after=2)
        self.count += 1
        self._open[address] += 1
        try:
            yield
        finally:
            self.count -= 1
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
