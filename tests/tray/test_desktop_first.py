"""The link goes to the clipboard first: the engine stands back for it, and not for longer than that is of use."""

from __future__ import annotations

import threading
from dataclasses import replace

from bulletdrop.clock import SystemClock
from bulletdrop.tray.desktop import Desktop
from bulletdrop.tray.formats import Clip, Held
from tests.tray.test_desktop import ITEM, Paper, settled


def desktop_of(paper: Paper, **options: float) -> Desktop:
    return Desktop(
        clipboard=paper,
        notifier=paper,
        redraw=paper.redraw,
        clock=SystemClock(),
        preferences=lambda: paper.chosen,
        hands=lambda: paper,
        **options,
    )


def test_the_engine_goes_on_once_the_link_is_copied() -> None:
    paper = Paper()
    desktop = desktop_of(paper, stand_back=30.0)
    desktop.start()
    try:
        for number in range(1, 6):
            desktop.link_ready(replace(ITEM, id=number, link=f"http://drop/{number}"), late=False)
            assert paper.copied[-1] == Clip(f"http://drop/{number}")
        desktop.link_ready(replace(ITEM, id=6), late=True)
        assert len(paper.copied) == 5, "for a link that is only offered it need not wait"
    finally:
        desktop.stop()


def test_a_clipboard_that_hangs_does_not_hold_up_the_engine() -> None:
    answers = threading.Event()

    class Hanging(Paper):
        def put(self, clip: Clip) -> Held:
            answers.wait(60)
            return super().put(clip)

    paper = Hanging()
    desktop = desktop_of(paper)
    desktop.start()
    try:
        desktop.link_ready(ITEM, late=False)
        assert paper.copied == []
        answers.set()
        settled(lambda: paper.copied)
    finally:
        answers.set()
        desktop.stop()
