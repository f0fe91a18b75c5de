"""What the desk is told of each capture, and when: its link once and early, and whether the clipboard may have it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bulletdrop.clock import Clock
from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.tray.desk import Desk, Item, Status

log = get_logger("telling")

LATE_SECONDS = 10.0


class Stalled(BulletDropError):
    """A file that began like a picture and does not end like one."""

    code = "stalled"
    title = "A screenshot is not complete"


@dataclass(frozen=True, slots=True)
class Taken:
    """A capture that is new, or anew, in the outbox.

    Args:
        late: it came while nobody looked: its link is only offered.
        copy: False: the clipboard is not to have its link.
        tickets: of those who named the file.
    """

    item: Item
    late: bool = False
    copy: bool = True
    tickets: tuple[str, ...] = ()


class Telling:
    """One at a time: between the judgement whether a link is the newest and the clipboard no newer one may slip in.

    Args:
        waiting: how many captures are still to be sent.
    """

    def __init__(self, desk: Desk, clock: Clock, waiting: Callable[[], int]) -> None:
        self._desk = desk
        self._clock = clock
        self._waiting = waiting
        self._lock = threading.RLock()
        # Captures of this run: id → when they were whole (monotonic). What is not here is from before: late.
        self._fresh: dict[int, float] = {}
        self._told: set[int] = set()
        self._newest_shown = 0

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Make rows, and tell of them: no sender tells in between that it has sent one of them already."""
        with self._lock:
            yield

    def taken(self, items: Sequence[Taken]) -> None:
        """New captures: those that have their link already are told at once, the newest last."""
        with self._lock:
            now = self._clock.monotonic()
            for one in items:
                if one.item.slug is None:
                    self._told.discard(one.item.id)
                if one.copy and not one.late:
                    self._fresh[one.item.id] = now
            for one in items:
                if one.item.slug is not None and one.item.link and one.item.id not in self._told:
                    self._told.add(one.item.id)
                    self._link(one.item)

    def sent(self, item: Item) -> None:
        """The server has it."""
        with self._lock:
            if item.id in self._told:
                self._told.discard(item.id)
                self.safely(lambda: self._desk.arrived(self._counted(item)))
            else:
                self._link(item)

    def unlinked(self, item_id: int) -> None:
        """The link that was told is not to be; the next one is late."""
        with self._lock:
            self._told.discard(item_id)
            self._fresh.pop(item_id, None)

    def gone(self, item_id: int) -> None:
        """Nothing more will be told of it."""
        self.unlinked(item_id)

    def _link(self, item: Item) -> None:
        late = self._is_late(item.id)
        self.safely(lambda: self._desk.link_ready(self._counted(item), late=late))

    def _is_late(self, item_id: int) -> bool:
        """Whether this link must not go to the clipboard by itself: old, or overtaken by a newer capture."""
        whole_at = self._fresh.pop(item_id, None)
        overtaken = item_id < self._newest_shown or any(other > item_id for other in self._fresh)
        late = whole_at is None or self._clock.monotonic() - whole_at > LATE_SECONDS or overtaken
        if not late:
            self._newest_shown = item_id
        return late

    def _counted(self, item: Item) -> Item:
        others = self._waiting() - (item.status is Status.WAITING)
        return replace(item, still_waiting=max(0, others))

    @staticmethod
    def safely(call: Callable[[], None]) -> None:
        """Nothing that the desktop does may stop the uploads."""
        try:
            call()
        except Exception:
            log.exception("The desktop half failed.")
