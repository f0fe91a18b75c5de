"""Waiting: who in this process waits for a slug to be filled. One list, and one look at the database for all of them.

A fill in this process wakes them at once (`tell`); what another process did is seen at the next look, which is made
only while somebody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from bulletdrop.core.drops.reservations import Arrival
from bulletdrop.log import get_logger
from bulletdrop.web.gate import Gate

log = get_logger("arrivals")

T = TypeVar("T")

# How long another process's fill may stay unseen, in seconds. A look costs 0.3 ms, for all who wait together.
_LOOK = 0.5
# So many slugs are asked for in one query: SQLite and Postgres both take more values, but plan no faster for it.
_AT_ONCE = 500

Look = Callable[[Sequence[str]], Awaitable[Mapping[str, Arrival]]]


class Waiter:
    """One connection that waits.

    Args:
        seen: what its asker was told last; when something else is true, it wakes.
    """

    __slots__ = ("_changed", "seen")

    def __init__(self, seen: Arrival | None) -> None:
        self.seen = seen
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Something may have changed, or nobody waits any more."""
        self._changed.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until something may have changed. False when the time is over before that."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


class Waiting:
    """All who wait in this process. For the event loop's thread alone.

    Args:
        look: asks the database about slugs.
        total, per_address: how many may wait at once.
    """

    def __init__(self, look: Look, *, total: int, per_address: int) -> None:
        self.gate = Gate(total=total, per_address=per_address, noun="visitors who wait")
        self.is_over = False
        self._look = look
        self._waiters: dict[str, set[Waiter]] = {}
        self._looking: asyncio.Task[None] | None = None
        # Questions under way about a slug, each shared by all who ask it meanwhile.
        self._asked: dict[str, dict[Hashable, asyncio.Future[Any]]] = {}

    @contextlib.contextmanager
    def entered(self, address: str, arrival: Arrival) -> Iterator[Waiter]:
        """A place among those who wait. Raises TooMany when there is none."""
        with self.gate.entered(address):
            waiter = Waiter(arrival)
            beside = self._waiters.setdefault(arrival.slug, set())
            beside.add(waiter)
            if self.is_over:
                waiter.wake()
            elif self._looking is None:
                self._looking = asyncio.create_task(self._keep_looking(), name="arrivals")
            try:
                yield waiter
            finally:
                beside.discard(waiter)
                if not beside and self._waiters.get(arrival.slug) is beside:
                    del self._waiters[arrival.slug]

    async def once(self, slug: str, about: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` answers, asked once for all who want to know it at the same moment: hundreds wake together.

        What was asked before something happened to the slug is no answer to who asks afterwards.
        """
        under_way = self._asked.setdefault(slug, {})
        asked = under_way.get(about)
        if asked is None:
            asked = under_way[about] = asyncio.ensure_future(ask())
            asked.add_done_callback(lambda done: self._answered(slug, under_way, about, done))
        answer: T = await asyncio.shield(asked)
        return answer

    def _answered(
        self, slug: str, under_way: dict[Hashable, asyncio.Future[Any]], about: Hashable, done: asyncio.Future[Any]
    ) -> None:
        del under_way[about]
        if not under_way and self._asked.get(slug) is under_way:
            del self._asked[slug]
        # Whoever asked may have left: nobody else has to hear of what went wrong.
        if not done.cancelled():
            done.exception()

    def tell(self, slug: str) -> None:
        """Something happened to a slug here: whoever waits for it looks again at once."""
        self._asked.pop(slug, None)
        for waiter in self._waiters.get(slug, ()):
            waiter.wake()

    def stop(self) -> None:
        """The server stops: nobody waits any longer."""
        self.is_over = True
        for slug in self._waiters:
            self.tell(slug)

    async def _keep_looking(self) -> None:
        try:
            while self._waiters and not self.is_over:
                slugs = list(self._waiters)
                for start in range(0, len(slugs), _AT_ONCE):
                    await self._look_at(slugs[start : start + _AT_ONCE])
                await asyncio.sleep(_LOOK)
        finally:
            self._looking = None

    async def _look_at(self, slugs: list[str]) -> None:
        try:
            found = await self._look(slugs)
        except Exception:
            # The next look comes soon; who waits is told nothing wrong meanwhile.
            log.warning("whether anything has arrived cannot be asked", exc_info=True)
            return
        for slug in slugs:
            now = found.get(slug)
            if any(waiter.seen != now for waiter in self._waiters.get(slug, ())):
                self._asked.pop(slug, None)
                for waiter in self._waiters[slug]:
                    if waiter.seen != now:
                        waiter.wake()
