"""Who may come in now: the cap on open uploads, and the brake on guessed passwords."""

from __future__ import annotations

import contextlib
import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from bulletdrop.errors import TooMany

# Addresses that have signed in as somebody and are remembered for it.
_MOST_KNOWN = 10_000


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


@dataclass
class _Count:
    """One thing's failures (monotonic seconds, oldest first), and its attempts whose outcome is not known yet."""

    failures: deque[float] = field(default_factory=deque)
    pending: int = 0


class Attempts:
    """The failed attempts of the last minutes to guess a secret, in this process's memory.

    An attempt counts from its beginning: many that are under way at once are no way around the limits. Counted are an
    address with a name (so that nobody is locked out by a stranger elsewhere), an address with all its names (so that
    an account of one's own does not help), and a name from everywhere (against many addresses).

    Args:
        pair: failures of one address with one name, after which it has to wait.
        address: failures of one address.
        name: failures with one name. Addresses that have signed in under it before go on beyond it.
        window: seconds that a failure counts.
    """

    def __init__(self, *, pair: int = 10, address: int = 30, name: int = 50, window: float = 300) -> None:
        self._limits = {"pair": pair, "address": address, "name": name}
        self.window = window
        self._counts: dict[tuple[str, ...], _Count] = {}
        self._known: dict[tuple[str, str], None] = {}
        self._swept = 0.0

    def begin(self, now: float, address: str, name: str, *, shared: bool = False) -> Attempt:
        """Count an attempt before anything is checked. Raises TooMany when one of its limits is reached.

        Args:
            now: monotonic seconds.
            address: from where.
            name: as whom; short.
            shared: the secret is no person's and too long to be guessed from many addresses: no limit by name.
        """
        self._sweep(now)
        keys: list[tuple[str, ...]] = [("pair", address, name), ("address", address)]
        if not shared:
            keys.append(("name", name))
        is_known = (address, name) in self._known
        for key in keys:
            count = self._counts.get(key)
            if count is not None and not (key[0] == "name" and is_known):
                self._check(now, count, self._limits[key[0]])
        for key in keys:
            self._counts.setdefault(key, _Count()).pending += 1
        return Attempt(self, keys)

    def _check(self, now: float, count: _Count, most: int) -> None:
        self._forget_old(now, count)
        if len(count.failures) >= most:
            wait = max(1, math.ceil(count.failures[0] + self.window - now))
            raise TooMany("Too many failed attempts. Wait a few minutes, then try again.", retry_after=wait)
        if len(count.failures) + count.pending >= most:
            raise TooMany("Too many attempts at once. Try again in a moment.", retry_after=1)

    def _end(self, keys: list[tuple[str, ...]], *, failed_at: float | None, succeeded: bool) -> None:
        for key in keys:
            count = self._counts[key]
            count.pending -= 1
            if failed_at is not None:
                count.failures.append(failed_at)
            elif succeeded and key[0] != "address":
                count.failures.clear()
            if not count.pending and not count.failures:
                del self._counts[key]
        if succeeded:
            _, address, name = keys[0]
            self._known.pop((address, name), None)
            self._known[address, name] = None
            if len(self._known) > _MOST_KNOWN:
                del self._known[next(iter(self._known))]

    def _forget_old(self, now: float, count: _Count) -> None:
        while count.failures and count.failures[0] <= now - self.window:
            count.failures.popleft()

    def _sweep(self, now: float) -> None:
        if now - self._swept < self.window / 5:
            return
        self._swept = now
        for key, count in list(self._counts.items()):
            self._forget_old(now, count)
            if not count.pending and not count.failures:
                del self._counts[key]


class Attempt:
    """One attempt under way; ended once, by one of these."""

    def __init__(self, attempts: Attempts, keys: list[tuple[str, ...]]) -> None:
        self._attempts = attempts
        self._keys = keys

    def failed(self, now: float) -> None:
        """It was wrong. `now` in monotonic seconds."""
        self._attempts._end(self._keys, failed_at=now, succeeded=False)

    def succeeded(self) -> None:
        """It was right: what was wrong under this name is forgotten, what was wrong from this address is not."""
        self._attempts._end(self._keys, failed_at=None, succeeded=True)

    def given_back(self) -> None:
        """It said nothing about the secret."""
        self._attempts._end(self._keys, failed_at=None, succeeded=False)
