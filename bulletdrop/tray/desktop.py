"""What happens on the person's desktop: link to the clipboard, one notification for a burst, icon and menu."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from bulletdrop.clock import Clock
from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.tray.desk import Item, State, Status
from bulletdrop.tray.notify import Note

log = get_logger("desktop")

# Captures that finish closer together than this are told in one notification.
BURST_SECONDS = 2.0
# A menu drawn anew more often than this would only cost the panel work.
REFRESH_SECONDS = 0.2


class Copies(Protocol):
    """What the desktop needs of a clipboard."""

    def copy(self, text: str) -> bool:
        """True when the clipboard was seen to hold the text."""
        ...


class Tells(Protocol):
    """What the desktop needs of notifications."""

    def send(self, note: Note) -> None:
        """Show it, soon."""
        ...


@dataclass
class Burst:
    """Captures that are done but not told yet."""

    began: float = 0.0
    items: list[Item] = field(default_factory=list)
    copied: str | None = None  # the link that is on the clipboard, seen there


class Desktop:
    """The `Desk` of the engine. Its calls only queue; one thread does the work, in order.

    Args:
        clipboard, notifier: where links and words go.
        refresh: redraws icon and menu; called in the desktop's thread after something changed.
        clock: for what belongs to one burst.
    """

    def __init__(self, *, clipboard: Copies, notifier: Tells, refresh: Callable[[], None], clock: Clock) -> None:
        self._clipboard = clipboard
        self._notifier = notifier
        self._refresh = refresh
        self._clock = clock
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._burst = Burst()
        self._told_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="desktop", daemon=True)
        self.last_link: str | None = None

    def start(self) -> None:
        """Begin to work on what comes."""
        self._thread.start()

    def stop(self) -> None:
        """Do what is queued, then end. Blocks for up to two seconds."""
        self._work.put(None)
        if self._thread.is_alive():
            self._thread.join(2)

    def link_ready(self, item: Item, *, late: bool) -> None:
        """A capture has its link: copy it (unless late), and tell."""
        self._work.put(lambda: self._take(item, late=late))

    def arrived(self, item: Item) -> None:
        """A capture's bytes are on the server: the menu shows it."""
        self._work.put(lambda: None)

    def asks(self, item: Item) -> None:
        """A capture waits for the person's yes: the menu shows it."""
        self._work.put(lambda: None)

    def refused(self, item: Item, error: BulletDropError) -> None:
        """A capture will not be uploaded: say why and what to do."""
        self._work.put(lambda: self._notifier.send(refusal(item, error)))

    def held_back(self, error: BulletDropError) -> None:
        """Nothing goes up for longer: say why, and that nothing is lost."""
        self._work.put(lambda: self._notifier.send(waiting(error)))

    def state_changed(self, state: State) -> None:
        """The icon has to change."""
        self._work.put(lambda: None)

    def changed(self) -> None:
        """Something else that icon or menu shows has changed."""
        self._work.put(lambda: None)

    def copy(self, item: Item) -> None:
        """The person asks for this link on the clipboard: copy it, and say so if it is true."""
        self._work.put(lambda: self._copy_asked(str(item.link)))

    def tell(self, note: Note) -> None:
        """Show these words."""
        self._work.put(lambda: self._notifier.send(note))

    def _run(self) -> None:
        stale, drawn_at = False, float("-inf")
        while True:
            try:
                work = self._work.get(timeout=self._patience(stale=stale, drawn_at=drawn_at))
            except queue.Empty:
                work = self._tell_burst_if_due
            if work is None:
                self._tell_burst()
                return
            stale = work != self._tell_burst_if_due or stale
            self._safely(work)
            self._tell_burst_if_due()
            if stale and self._clock.monotonic() - drawn_at >= REFRESH_SECONDS:
                self._safely(self._refresh)
                stale, drawn_at = False, self._clock.monotonic()

    def _patience(self, *, stale: bool, drawn_at: float) -> float | None:
        """Seconds until something is due although nothing comes; None when nothing is: then the thread sleeps."""
        due = [drawn_at + REFRESH_SECONDS] if stale else []
        if self._burst.items:
            due.append(self._telling_time())
        return max(0.001, min(due) - self._clock.monotonic()) if due else None

    def _telling_time(self) -> float:
        """When what is done has to be told: at the end of a burst, and at the latest BURST_SECONDS after its start."""
        latest = self._burst.began + BURST_SECONDS
        if self._burst.items[-1].still_waiting:
            return latest
        return min(latest, self._told_at + BURST_SECONDS)

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("Something on the desktop did not work.")

    def _take(self, item: Item, *, late: bool) -> None:
        assert item.link is not None
        self.last_link = item.link
        if not late and self._clipboard.copy(item.link):
            self._burst.copied = item.link
        if not self._burst.items:
            self._burst.began = self._clock.monotonic()
        self._burst.items.append(item)

    def _tell_burst_if_due(self) -> None:
        if self._burst.items and self._clock.monotonic() >= self._telling_time():
            self._tell_burst()

    def _tell_burst(self) -> None:
        burst, self._burst = self._burst, Burst()
        if burst.items:
            self._told_at = self._clock.monotonic()
            self._notifier.send(success(burst.items, burst.copied))

    def _copy_asked(self, link: str) -> None:
        if self._clipboard.copy(link):
            self._notifier.send(Note("Link copied.", link, link=link))
        else:
            self._notifier.send(Note("The link could not be copied.", f"Take it from here: {link}", link=link))


def success(items: list[Item], copied: str | None) -> Note:
    """The words for captures that have their links. "Copied" is said only of a link that was seen on the clipboard."""
    last = items[-1]
    is_copied = copied is not None and copied == last.link
    if len(items) > 1:
        words = "The newest link is copied." if is_copied else "The links are in the menu, under Recent."
        return Note(f"{len(items)} screenshots uploaded.", words, link=last.link)
    if is_copied:
        return Note("Link copied.", str(last.link), link=last.link)
    return Note("Screenshot uploaded.", f"Its link is ready: {last.link}", link=last.link)


def refusal(item: Item, error: BulletDropError) -> Note:
    """The words for a capture that is not uploaded."""
    if item.status is Status.STALLED:
        return Note(
            "A screenshot is not complete yet.", f"{item.name} has stopped growing. It is sent once it is whole."
        )
    return Note(f"{error.title}.", f"{item.name}: {error.message}", urgent=False)


def waiting(error: BulletDropError) -> Note:
    """The words for captures that wait because the account has used up what it may."""
    return Note("Screenshots wait.", f"{error.message} They are kept and go up by themselves.", urgent=False)
