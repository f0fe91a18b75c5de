"""Who may come in now: the cap on open uploads, and the brake on guessed passwords."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
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


class Attempts:
    """Failed sign-ins of the last minutes, by address and by name, in this process's memory.

    Args:
        most: failures after which an address or a name has to wait.
        window: seconds that a failure counts.
    """

    def __init__(self, *, most: int = 10, window: float = 300) -> None:
        self.most = most
        self.window = window
        self._failures: dict[str, deque[float]] = {}

    def check(self, now: float, *names: str) -> None:
        """Raise TooMany when one of the names has failed too often. `now` in monotonic seconds."""
        for name in names:
            failures = self._failures.get(name)
            while failures and failures[0] <= now - self.window:
                failures.popleft()
            if failures and len(failures) >= self.most:
                wait = max(1, round(failures[0] + self.window - now))
                raise TooMany("Too many failed attempts. Wait a few minutes, then try again.", retry_after=wait)

    def failed(self, now: float, *names: str) -> None:
        """Remember one failure for each of the names."""
        if len(self._failures) > 10_000:
            recent = now - self.window
            self._failures = {name: times for name, times in self._failures.items() if times and times[-1] > recent}
        for name in names:
            self._failures.setdefault(name, deque(maxlen=self.most)).append(now)

    def succeeded(self, *names: str) -> None:
        """Forget the failures of names that have shown who they are."""
        for name in names:
            self._failures.pop(name, None)
