"""Icon, tooltip and menu, drawn from how things stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bulletdrop.clock import Clock
from bulletdrop.tray.desk import Report, State
from bulletdrop.tray.icon import TrayBackend
from bulletdrop.tray.menu import MOST_RECENT, Hands, Sight, build_menu, tooltip
from bulletdrop.tray.pairing import LOCKED
from bulletdrop.tray.words import t


class Face:
    """Draws what the person sees of the tray.

    Args:
        hands: what the menu can do, and where it reads how things stand.
        backend: where it is shown.
        is_paired: whether this run has had a client yet; before that nothing is said about pairing.
        clock: for "14:03" and "yesterday".
    """

    def __init__(self, *, hands: Hands, backend: TrayBackend, is_paired: Callable[[], bool], clock: Clock) -> None:
        self._hands = hands
        self._backend = backend
        self._is_paired = is_paired
        self._clock = clock

    def draw(self) -> None:
        """Draw it all anew. In the desktop's thread."""
        report, need, now = self._hands.report(), self._hands.need(), self._clock.now().astimezone()
        state, said = self._state(report, need.words if need else None, now)
        if report.state is State.NEEDS_YOU and not self._is_paired():
            # Whether it is paired is not known yet: nothing is said about it.
            if state is State.IDLE:
                report = replace(report, message=t("Starting"))
            elif need and need.words == LOCKED:
                report = replace(report, message=t("The keyring is locked"))
        self._backend.show(state, said)
        asked = spoken_need(need.words) if need else None
        if asked is None and self._is_paired() and report.state is State.NEEDS_YOU:
            asked = t("Pair again")
        self._backend.set_menu(build_menu(self._sight(report, asked, now), self._hands))

    def _sight(self, report: Report, need: str | None, now: datetime) -> Sight:
        failed = self._hands.failed() if report.refused or report.stalled else []
        return Sight(report, self._hands.recent(MOST_RECENT), now, failed=failed, need=need)

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
    }
    return known[words]() if words in known else words
