"""Clipboard, notification and refresh, as the engine's calls come in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bulletdrop.clock import SystemClock
from bulletdrop.errors import UnknownType
from bulletdrop.tray.desk import Item, State, Status
from bulletdrop.tray.desktop import Desktop
from bulletdrop.tray.notify import Note
from tests.support.screen import wait_for

ITEM = Item(1, Path("/p/a.png"), "a.png", 9, Status.DONE, datetime(2026, 11, 20, tzinfo=UTC), link="http://drop/1")


class Paper:
    """A clipboard and a notification service on paper. `works` False: a clipboard that refuses."""

    def __init__(self) -> None:
        self.works = True
        self.copied: list[str] = []
        self.notes: list[Note] = []
        self.refreshed = 0
        self.busy = threading.Event()

    def copy(self, text: str) -> bool:
        self.copied.append(text)
        return self.works

    def send(self, note: Note) -> None:
        self.notes.append(note)

    def refresh(self) -> None:
        self.refreshed += 1
        if self.refreshed == 1:
            raise RuntimeError("the first picture fails, and nothing else may")


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def desktop(paper: Paper) -> Iterator[Desktop]:
    made = Desktop(clipboard=paper, notifier=paper, refresh=paper.refresh, clock=SystemClock())
    made.start()
    yield made
    made.stop()


def settled(question: Callable[[], bool]) -> None:
    wait_for(question, pause=0.01)


def test_a_link_is_copied_and_told(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(ITEM, late=False)
    settled(lambda: len(paper.notes) == 1)
    assert paper.copied == ["http://drop/1"]
    assert paper.notes[0] == Note("Link copied.", "http://drop/1", link="http://drop/1")
    assert desktop.last_link == "http://drop/1"


def test_a_late_link_leaves_the_clipboard_alone(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(ITEM, late=True)
    settled(lambda: len(paper.notes) == 1)
    assert paper.copied == []
    assert paper.notes[0].title == "Screenshot uploaded."


def test_a_clipboard_that_refuses_is_not_called_copied(desktop: Desktop, paper: Paper) -> None:
    paper.works = False
    desktop.link_ready(ITEM, late=False)
    settled(lambda: len(paper.notes) == 1)
    assert "copied" not in paper.notes[0].title.lower()
    assert paper.notes[0].link == "http://drop/1"


def test_a_burst_gets_one_notification_at_its_end(desktop: Desktop, paper: Paper) -> None:
    for number in range(12):
        item = replace(ITEM, id=number, link=f"http://drop/{number}", still_waiting=11 - number)
        desktop.link_ready(item, late=number < 11)
        time.sleep(0.02)
    settled(lambda: len(paper.notes) >= 1)
    time.sleep(0.1)
    assert [note.title for note in paper.notes] == ["12 screenshots uploaded."]
    assert paper.copied == ["http://drop/11"]


def test_a_burst_whose_end_never_comes_is_told_all_the_same(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(replace(ITEM, still_waiting=5), late=False)
    settled(lambda: len(paper.notes) == 1)
    assert paper.notes[0].title == "Link copied."


def test_two_captures_in_quick_succession_do_not_make_a_storm(desktop: Desktop, paper: Paper) -> None:
    for number in range(3):
        desktop.link_ready(replace(ITEM, link=f"http://drop/{number}"), late=False)
        time.sleep(0.05)
    settled(lambda: len(paper.notes) == 2)
    assert [note.title for note in paper.notes] == ["Link copied.", "2 screenshots uploaded."]


def test_a_refusal_is_told_with_its_reason(desktop: Desktop, paper: Paper) -> None:
    desktop.refused(replace(ITEM, status=Status.REFUSED), UnknownType("This server takes no ZIP files."))
    settled(lambda: len(paper.notes) == 1)
    assert paper.notes[0].message == "a.png: This server takes no ZIP files."


def test_icon_and_menu_are_drawn_anew_but_not_for_each_of_a_hundred_changes(desktop: Desktop, paper: Paper) -> None:
    for _ in range(100):
        desktop.state_changed(State.WORKING)
    settled(lambda: paper.refreshed >= 1)
    time.sleep(0.5)
    assert paper.refreshed <= 4


def test_what_is_not_told_yet_is_told_at_the_end(paper: Paper) -> None:
    desktop = Desktop(clipboard=paper, notifier=paper, refresh=paper.refresh, clock=SystemClock())
    desktop.start()
    desktop.link_ready(replace(ITEM, still_waiting=3), late=False)
    desktop.stop()
    assert len(paper.notes) == 1
