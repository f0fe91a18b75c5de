"""Icon, tooltip and menu, drawn from how things stand, by a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bulletdrop.clock import Clock
from bulletdrop.log import get_logger
from bulletdrop.tray.desk import Item, Report, State
from bulletdrop.tray.icon import TrayBackend
from bulletdrop.tray.menu import MOST_RECENT, Hands, Sight, build_menu, tooltip
from bulletdrop.tray.pairing import CHANGED, LOCKED, UNREADABLE
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import said

log = get_logger("face")

# A menu drawn anew more often than this would only cost the panel work.
REDRAW_SECONDS = 0.2
# What is asked for is drawn a moment later: often a link is on its way to the clipboard then, and goes first.
CALM_SECONDS = 0.1
# While something is on its way, its progress is looked at this often.
PROGRESS_SECONDS = 0.5


class Painter:
    """Draws when asked, soon and never too often; sleeps while nobody asks.

    Args:
        draw: draws everything. Returns after how many seconds it wants to be called although nobody asks, or None.
    """

    def __init__(self, draw: Callable[[], float | None]) -> None:
        self._draw = draw
        self._asked = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="painter", daemon=True)

    def start(self) -> None:
        """Draw for the first time, and begin to wait."""
        self._asked.set()
        self._thread.start()

    def ask(self) -> None:
        """Something changed. Returns at once."""
        self._asked.set()

    def stop(self) -> None:
        """Draw no more."""
        self._stopped.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(1)

    def _run(self) -> None:
        again: float | None = None
        while True:
            if self._asked.wait(again):
                self._stopped.wait(CALM_SECONDS)
            if self._stopped.is_set():
                return
            self._asked.clear()
            try:
                again = self._draw()
            except Exception:
                log.exception("Icon and menu could not be drawn.")
                again = None
            self._stopped.wait(REDRAW_SECONDS)


class Face:
    """Draws what the person sees of the tray.

    Args:
        hands: what the menu can do, and where it reads how things stand.
        backend: where it is shown.
        is_paired: whether this run has had a client yet; before that nothing is said about pairing.
        undo: until when each capture can be taken back, by its id.
        icons: the small picture of each capture, by its id, as far as there are any.
        clock: for "14:03" and "yesterday".
    """

    def __init__(
        self,
        *,
        hands: Hands,
        backend: TrayBackend,
        is_paired: Callable[[], bool],
        undo: Callable[[], Mapping[int, datetime]],
        icons: Callable[[list[Item]], Mapping[int, bytes]],
        clock: Clock,
    ) -> None:
        self._hands = hands
        self._backend = backend
        self._is_paired = is_paired
        self._undo = undo
        self._icons = icons
        self._clock = clock

    def draw(self) -> float:
        """Draw it all anew. Returns in how many seconds it will look otherwise by itself."""
        report, need, now = self._hands.report(), self._hands.need(), self._clock.now().astimezone()
        state, said = self._state(report, need.words if need else None, now)
        if report.state is State.NEEDS_YOU and not self._is_paired():
            # Whether it is paired is not known yet: nothing is said about it.
            if state is State.IDLE:
                report = replace(report, message=t("Starting"))
            elif need and need.words == LOCKED:
                report = replace(report, message=t("The keyring is locked"))
        progress = report.progress if state is State.WORKING else None
        self._backend.show(state, said, progress)
        asked = spoken_need(need.words) if need else None
        if asked is None and self._is_paired() and report.state is State.NEEDS_YOU:
            asked = t("Pair again")
        self._backend.set_menu(build_menu(self._sight(report, asked, now), self._hands))
        if progress is not None:
            return PROGRESS_SECONDS
        # "14:03" is "yesterday" after midnight.
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds() + 1

    def _sight(self, report: Report, need: str | None, now: datetime) -> Sight:
        recent = self._hands.recent(MOST_RECENT)
        undo = {key: end.astimezone(now.tzinfo) for key, end in self._undo().items()}
        failed = self._hands.failed() if report.refused or report.failed else []
        return Sight(report, recent, now, failed=failed, need=need, undo=undo, icons=self._icons(recent))

    def _state(self, report: Report, need: str | None, now: datetime) -> tuple[State, str]:
        if need:
            return State.NEEDS_YOU, spoken_need(need)
        if report.state is State.NEEDS_YOU and not self._is_paired():
            return State.IDLE, t("Starting")
        return report.state, tooltip(report, now)


def spoken_need(words: str) -> str:
    """What the person has to do, in the chosen language. Words that are not known here stay as they are."""
    known = {
        "Set up BulletDrop": lambda: t("Set up BulletDrop"),
        "Pair this computer": lambda: t("Pair this computer"),
        "The server is not running": lambda: t("The server is not running"),
        LOCKED: lambda: t("Unlock the keyring"),
        CHANGED: lambda: t("The server shows another certificate"),
        UNREADABLE: lambda: t("The other host's uploader cannot be read"),
    }
    return known[words]() if words in known else said(words)
