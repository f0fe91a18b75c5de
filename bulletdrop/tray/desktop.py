"""What happens on the person's desktop: link to the clipboard, one notification for a burst, a question where asked."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from bulletdrop.clock import Clock
from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.tray import notes
from bulletdrop.tray.desk import Item, State, Status
from bulletdrop.tray.formats import Clip, Held, clip_of
from bulletdrop.tray.notify import Note
from bulletdrop.tray.preferences import Preferences
from bulletdrop.tray.terms import UNDO_SECONDS

log = get_logger("desktop")

# Captures that come closer together than this are told in one notification, which grows at most this often.
BURST_SECONDS = 2.0
# A burst's notification is taken up again by what comes so soon after it, instead of a second one beside it.
JOIN_SECONDS = 5.0
# A press that comes this much later was meant in time: it had a way to go.
GRACE_SECONDS = 1.5
# For so long the engine stands back for a link on its way to the clipboard: 1 to 20 ms on X11, 30 with wl-copy.
FIRST_SECONDS = 0.05
# Links that were told, by capture: to notice when one has to become another.
REMEMBERED = 200


class Copies(Protocol):
    """What the desktop needs of a clipboard."""

    def put(self, clip: Clip) -> Held:
        """Put it there. Returns what was seen there afterwards."""
        ...


class Tells(Protocol):
    """What the desktop needs of notifications."""

    def send(self, note: Note) -> None:
        """Show it, soon."""
        ...


class Presses(notes.Presses, Protocol):
    """What the buttons do, and Undo beside them."""

    def undo(self, item_id: int) -> None:
        """Take it back on the server, wherever it stands."""
        ...


@dataclass
class Burst:
    """Captures that are told together."""

    key: str = ""
    began: float = 0.0
    last_at: float = float("-inf")
    told_at: float = float("-inf")
    items: list[Item] = field(default_factory=list)
    untold: bool = False
    held: Held = Held.NOTHING  # of the newest
    undo_ends: float = 0.0  # of the newest

    @property
    def due(self) -> float:
        """When its notification has to change: what is new is told, or Undo is over.

        The first capture is told at once, what follows at the end of the burst, and at the latest BURST_SECONDS later.
        """
        if not self.untold:
            return self.undo_ends
        latest = max(self.began, self.told_at) + BURST_SECONDS
        # Where links come after the upload, one that came with others behind it is the first of a burst.
        if self.items[-1].status is Status.DONE and self.items[-1].still_waiting:
            return latest
        return min(latest, self.told_at + BURST_SECONDS)


class Desktop:
    """The `Desk` of the engine. Its calls only queue; one thread does the work, in order.

    Nothing but the clipboard stands between a link and the person: notes are sent by another thread, icon and menu
    are drawn by another one.

    Args:
        clipboard, notifier: where links and words go.
        redraw: asks for icon and menu to be drawn anew; returns at once.
        clock: for what belongs to one burst, and for Undo.
        preferences: what the person chose, as it is now.
        hands: what the buttons do.
        stand_back: for how long the engine waits for the clipboard at most, in seconds.
    """

    def __init__(
        self,
        *,
        clipboard: Copies,
        notifier: Tells,
        redraw: Callable[[], None],
        clock: Clock,
        preferences: Callable[[], Preferences],
        hands: Callable[[], Presses],
        stand_back: float = FIRST_SECONDS,
    ) -> None:
        self._clipboard = clipboard
        self._stand_back = stand_back
        self._notifier = notifier
        self._redraw = redraw
        self._clock = clock
        self._preferences = preferences
        self._hands = hands
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._bursts: list[Burst] = []  # the newest last; those that may grow or have Undo
        self._told: dict[int, str] = {}
        self._undo: dict[int, float] = {}
        self._asking: list[Item] = []
        self._refused_at: list[float] = []
        self._state = State.IDLE
        self._thread = threading.Thread(target=self._run, name="desktop", daemon=True)

    def start(self) -> None:
        """Begin to work on what comes."""
        self._thread.start()

    def stop(self) -> None:
        """Do what is queued, then end. Blocks for up to two seconds."""
        self._work.put(None)
        if self._thread.is_alive():
            self._thread.join(2)

    # --- what the engine tells

    def link_ready(self, item: Item, *, late: bool) -> None:
        """A capture has its link: copy it (unless late), and tell.

        Waits for the clipboard, but not long: what the engine does next (hash, read, send) would only keep it waiting.
        """
        copied = threading.Event()
        self._work.put(lambda: self._take(item, late=late, copied=copied))
        if not late:
            copied.wait(self._stand_back)

    def arrived(self, item: Item) -> None:
        """A capture's bytes are on the server: the menu shows it, and what asked for it is answered."""
        self._redraw()

    def asks(self, item: Item) -> None:
        """A capture waits for the person's yes."""
        self._work.put(lambda: self._ask(item))

    def refused(self, item: Item, error: BulletDropError) -> None:
        """A capture will not be uploaded: say why and what to do."""
        self._work.put(lambda: self._refuse(item, error))

    def held_back(self, error: BulletDropError) -> None:
        """Nothing goes up for longer: say why, and that nothing is lost."""
        self.tell(notes.waiting(error))
        self._redraw()

    def trouble(self, title: str, words: str) -> None:
        """The person has to see to something."""
        self.tell(notes.trouble(title, words, self._hands()))
        self._redraw()

    def trouble_over(self) -> None:
        """It was seen to: the menu does not say it any more."""
        self._redraw()

    def unpaired(self, promised: int) -> None:
        """The key is refused: say what to do, and which links cannot be true."""
        self._work.put(lambda: self._send(notes.unpaired(promised, self._hands())))
        self._redraw()

    def state_changed(self, state: State) -> None:
        """The icon has to change."""
        self._state = state
        self._redraw()

    # --- what the tray itself tells

    def changed(self) -> None:
        """Something else that icon or menu shows has changed."""
        self._redraw()

    def copy(self, item: Item) -> None:
        """The person asks for this link on the clipboard: copy it, and say so if it is true."""
        self._work.put(lambda: self._copy_asked(item))

    def tell(self, note: Note) -> None:
        """Show these words, unless the person wants no notifications."""
        self._work.put(lambda: self._send(note))

    def took_back(self, item: Item, *, file_too: bool = False) -> None:
        """A capture was taken back on the server, and its file put into the bin too: say so, offer Undo no more."""
        self._work.put(lambda: self._take_back(item, file_too=file_too))

    def answered(self, item_id: int) -> None:
        """The person has answered whether this capture is sent."""
        self._work.put(lambda: self._forget_question(item_id))

    def undo_ends(self) -> dict[int, datetime]:
        """Until when each capture can be taken back, by its id; aware UTC."""
        now, moment = self._clock.monotonic(), self._clock.now()
        return {key: moment + timedelta(seconds=end - now) for key, end in dict(self._undo).items() if end > now}

    # --- the thread

    def _run(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=self._patience())
            except queue.Empty:
                work = self._tell_if_due
            if work is None:
                for burst in self._bursts:
                    self._tell(burst)
                return
            self._safely(work)
            self._safely(self._tell_if_due)

    def _patience(self) -> float | None:
        """Seconds until something is due although nothing comes; None when nothing is: then the thread sleeps."""
        due = [burst.due for burst in self._bursts] + list(self._undo.values())
        return max(0.001, min(due) - self._clock.monotonic()) if due else None

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("Something on the desktop did not work.")

    def _take(self, item: Item, *, late: bool, copied: threading.Event) -> None:
        try:
            held = Held.NOTHING if late else self._copy_new(item)
        finally:
            copied.set()
        assert item.link is not None
        before = self._told.get(item.id)
        self._told[item.id] = item.link
        while len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        if before is None:
            self._join(item, held)
        elif before != item.link:
            self._send(notes.other_link(item, self._hands()))
        self._redraw()

    def _copy_new(self, item: Item) -> Held:
        preferences = self._preferences()
        clip = clip_of(item, preferences.format) if preferences.rule_for(item.folder or Path()).copy else None
        return self._clipboard.put(clip) if clip is not None else Held.NOTHING

    def _join(self, item: Item, held: Held) -> None:
        now = self._clock.monotonic()
        self._undo[item.id] = now + UNDO_SECONDS
        burst = self._bursts[-1] if self._bursts else None
        if burst is None or (not burst.untold and now - burst.last_at > JOIN_SECONDS):
            burst = Burst(key=f"links-{next(self._numbers)}", began=now)
            self._bursts.append(burst)
        burst.items.append(item)
        burst.last_at, burst.untold, burst.held, burst.undo_ends = now, True, held, now + UNDO_SECONDS

    def _tell_if_due(self) -> None:
        now = self._clock.monotonic()
        for key in [key for key, end in self._undo.items() if end <= now]:
            del self._undo[key]
            self._redraw()
        for burst in [burst for burst in self._bursts if burst.due <= now]:
            if burst.untold:
                self._tell(burst)
            else:  # its time for Undo is over: the button goes, and nothing pops up anew
                self._bursts.remove(burst)
                self._send(replace(self._note_of(burst, undo=False), quiet=True))

    def _tell(self, burst: Burst) -> None:
        if burst.untold:
            burst.untold, burst.told_at = False, self._clock.monotonic()
            self._send(self._note_of(burst, undo=True))

    def _only_for_the_owner(self, items: list[Item]) -> bool:
        preferences = self._preferences()
        return not any(preferences.rule_for(item.folder or Path()).is_public for item in items)

    def _note_of(self, burst: Burst, *, undo: bool) -> Note:
        ends, private = burst.undo_ends, None
        if undo and self._preferences().undo_private:
            left = timedelta(seconds=ends - self._clock.monotonic())
            private = (self._clock.now() + left).astimezone()
        told = notes.Told(
            key=burst.key,
            held=burst.held,
            undo=(lambda: self._work.put(lambda: self._undo_all(burst, ends))) if undo else None,
            only_you=self._only_for_the_owner(burst.items),
            private_until=private,
            is_offline=self._state is State.OFFLINE,
        )
        return notes.links(list(burst.items), told, self._hands())

    def _undo_all(self, burst: Burst, ends: float) -> None:
        if self._clock.monotonic() > ends + GRACE_SECONDS:
            self._send(notes.too_late(burst.key))
            return
        if burst in self._bursts:
            self._bursts.remove(burst)
        for item in burst.items:
            self._hands().undo(item.id)

    def _take_back(self, item: Item, *, file_too: bool) -> None:
        self._undo.pop(item.id, None)
        for burst in list(self._bursts):
            burst.items = [one for one in burst.items if one.id != item.id]
            if not burst.items:
                self._bursts.remove(burst)
        self._send(notes.both_deleted() if file_too else notes.taken_back())
        self._redraw()

    def _ask(self, item: Item) -> None:
        others = [one for one in self._asking if one.id != item.id]
        self._asking = [*others[-9:], item]
        self._send(self._question())
        self._redraw()

    def _question(self) -> Note:
        asked = list(self._asking)
        # What its own buttons answer is not asked about on the way through the captures.
        return notes.question(asked, self._hands(), lambda: self._work.put(lambda: self._pressed(asked)))

    def _pressed(self, asked: list[Item]) -> None:
        keys = {item.id for item in asked}
        self._asking = [one for one in self._asking if one.id not in keys]
        self._ask_less()

    def _forget_question(self, item_id: int) -> None:
        left = [one for one in self._asking if one.id != item_id]
        if left != self._asking:
            self._asking = left
            self._ask_less()

    def _ask_less(self) -> None:
        self._send(replace(self._question(), quiet=True) if self._asking else notes.answered())

    def _refuse(self, item: Item, error: BulletDropError) -> None:
        now = self._clock.monotonic()
        self._refused_at = [moment for moment in self._refused_at if now - moment < JOIN_SECONDS]
        is_final = item.status is not Status.STALLED
        if is_final:
            self._refused_at.append(now)
        if is_final and len(self._refused_at) > 1:
            self._send(notes.refusals(len(self._refused_at)))
        else:
            note = notes.refusal(item, error, self._hands())
            alone = next((one for one in self._bursts if [part.id for part in one.items] == [item.id]), None)
            if alone is not None and is_final:  # "Link copied", with Undo, would stand beside it
                self._bursts.remove(alone)
                note = replace(note, key=alone.key)
            self._send(note)
        self._redraw()

    def _copy_asked(self, item: Item) -> None:
        wish = self._preferences().format
        clip = clip_of(item, wish if wish != "nothing" else "page")
        assert clip is not None
        held = self._clipboard.put(clip)
        self._send(notes.copied(item, held, clip.text))

    def _send(self, note: Note) -> None:
        if self._preferences().notify:
            self._notifier.send(note)
