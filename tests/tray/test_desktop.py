"""Clipboard, notifications and Undo, as the engine's calls come in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bulletdrop.clock import Clock, ManualClock, SystemClock
from bulletdrop.errors import QuotaFull, TooBig, UnknownType
from bulletdrop.tray.desk import Item, State, Status
from bulletdrop.tray.desktop import BURST_SECONDS, Desktop
from bulletdrop.tray.formats import Clip, Held
from bulletdrop.tray.notify import Note
from bulletdrop.tray.preferences import Preferences, Rule
from tests.support.screen import wait_for

FOLDER = Path("/p")
ITEM = Item(
    *(1, FOLDER / "a.png", "a.png", 9, Status.WAITING, datetime(2026, 11, 20, tzinfo=UTC)),
    link="http://drop/1",
    direct_url="http://drop/1.png",
    folder=FOLDER,
)


class Paper:
    """A clipboard, a notification service and hands on paper. `holds`: what the clipboard is seen to hold."""

    def __init__(self) -> None:
        self.holds = Held.TEXT
        self.copied: list[Clip] = []
        self.notes: list[Note] = []
        self.asked = 0
        self.done: list[tuple[object, ...]] = []
        self.chosen = Preferences()

    def put(self, clip: Clip) -> Held:
        self.copied.append(clip)
        return self.holds

    def send(self, note: Note) -> None:
        self.notes.append(note)

    def redraw(self) -> None:
        self.asked += 1

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.done.append((name, *given))

    def desktop(self, clock: Clock) -> Desktop:
        return Desktop(
            clipboard=self,
            notifier=self,
            redraw=self.redraw,
            clock=clock,
            preferences=lambda: self.chosen,
            hands=lambda: self,
        )

    def titles(self) -> list[str]:
        return [note.title for note in self.notes]


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def desktop(paper: Paper) -> Iterator[Desktop]:
    made = paper.desktop(SystemClock())
    made.start()
    yield made
    made.stop()


def settled(question: Callable[[], object]) -> None:
    wait_for(question, pause=0.01)


def press(note: Note, title: str) -> None:
    next(button for button in note.buttons if button.title == title).press()


def test_a_link_is_copied_and_told_once_with_its_picture(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    assert paper.copied == [Clip("http://drop/1")]
    note = paper.notes[0]
    assert (note.title, note.message, note.picture) == ("Link copied.", "http://drop/1", FOLDER / "a.png")
    assert [button.title for button in note.buttons] == ["Open", "Copy again", "Undo"]
    desktop.arrived(replace(ITEM, status=Status.DONE))
    time.sleep(0.2)
    assert len(paper.notes) == 1, "what goes well is told once"


def test_a_late_link_leaves_the_clipboard_alone_and_is_offered(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(replace(ITEM, status=Status.DONE), late=True)
    settled(lambda: paper.notes)
    assert paper.copied == []
    assert paper.notes[0].title == "Screenshot uploaded."
    assert paper.notes[0].message == "Its link is not copied: http://drop/1"
    press(paper.notes[0], "Copy")
    assert paper.done == [("copy", 1)]


def test_a_clipboard_that_refuses_is_not_called_copied(desktop: Desktop, paper: Paper) -> None:
    paper.holds = Held.NOTHING
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    assert paper.notes[0].title == "Link ready."
    assert "Copy" in [button.title for button in paper.notes[0].buttons]


@pytest.mark.parametrize(
    ("wish", "holds", "copied", "title"),
    [
        ("direct", Held.TEXT, Clip("http://drop/1.png"), "Link copied."),
        ("markdown", Held.TEXT, Clip("[![a](http://drop/1.png)](http://drop/1)"), "Link copied."),
        ("image", Held.BOTH, Clip("http://drop/1", FOLDER / "a.png"), "Picture and link copied."),
        ("image", Held.PICTURE, Clip("http://drop/1", FOLDER / "a.png"), "Picture copied."),
        ("nothing", Held.TEXT, None, "Link ready."),
    ],
)
def test_what_is_copied_is_the_person_s_choice_and_what_was_possible_is_said(
    desktop: Desktop, paper: Paper, wish: str, holds: Held, copied: Clip | None, title: str
) -> None:
    paper.chosen, paper.holds = Preferences(format=wish), holds
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    assert paper.copied == ([copied] if copied else [])
    assert paper.notes[0].title == title
    assert "http://drop/1" in paper.notes[0].message


def test_a_folder_s_rule_can_keep_links_off_the_clipboard(desktop: Desktop, paper: Paper) -> None:
    paper.chosen = Preferences(folders=(Rule(folder=str(FOLDER), copy=False),))
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    assert paper.copied == []


def test_without_notifications_the_link_is_copied_and_nothing_is_shown(desktop: Desktop, paper: Paper) -> None:
    paper.chosen = Preferences(notify=False)
    desktop.link_ready(ITEM, late=False)
    desktop.refused(replace(ITEM, status=Status.REFUSED), UnknownType("This server takes no ZIP files."))
    settled(lambda: paper.asked >= 2)
    assert paper.copied == [Clip("http://drop/1")]
    assert paper.notes == []


def test_a_burst_is_one_notification_that_grows(paper: Paper) -> None:
    clock = ManualClock()
    desktop = paper.desktop(clock)
    desktop.start()
    for number in range(12):
        desktop.link_ready(replace(ITEM, id=number, link=f"http://drop/{number}"), late=False)
    settled(lambda: len(paper.copied) == 12)
    assert paper.titles() == ["Link copied."]
    clock.advance(seconds=BURST_SECONDS)
    desktop.answered(0)  # what wakes it, and is nothing else
    settled(lambda: len(paper.notes) >= 2)
    desktop.stop()
    assert paper.titles() == ["Link copied.", "12 screenshots."]
    assert paper.notes[0].key == paper.notes[1].key
    assert paper.notes[1].message == "The newest link is copied."


def test_after_the_upload_a_burst_is_told_at_its_end(paper: Paper) -> None:
    desktop = paper.desktop(ManualClock())
    desktop.start()
    for number in range(12):
        item = replace(ITEM, id=number, status=Status.DONE, still_waiting=11 - number)
        desktop.link_ready(item, late=number < 11)
    settled(lambda: paper.notes)
    desktop.stop()
    assert paper.titles() == ["12 screenshots uploaded."]
    assert len(paper.copied) == 1


def test_a_burst_whose_end_never_comes_is_told_all_the_same(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(replace(ITEM, status=Status.DONE, still_waiting=5), late=False)
    settled(lambda: paper.notes)
    assert paper.titles() == ["Link copied."]


def test_a_link_that_had_to_become_another_is_offered_and_not_copied(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(ITEM, late=False)
    desktop.link_ready(replace(ITEM, link="http://drop/other", status=Status.DONE), late=True)
    settled(lambda: len(paper.notes) == 2)
    assert paper.copied == [Clip("http://drop/1")]
    assert paper.notes[1].title == "A link has changed."
    assert "http://drop/other" in paper.notes[1].message


def test_what_was_told_is_not_told_again(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(ITEM, late=False)
    desktop.link_ready(replace(ITEM, status=Status.DONE), late=True)
    time.sleep(0.3)
    assert paper.titles() == ["Link copied."]


def test_offline_the_link_is_copied_and_its_condition_said(desktop: Desktop, paper: Paper) -> None:
    desktop.state_changed(State.OFFLINE)
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    assert paper.notes[0].message == "http://drop/1\nIt opens for others once the server can be reached."


def test_undo_takes_the_whole_burst_back(desktop: Desktop, paper: Paper) -> None:
    for number in (1, 2):
        desktop.link_ready(replace(ITEM, id=number), late=False)
    settled(lambda: len(paper.notes) == 2)
    press(paper.notes[1], "Undo all")
    settled(lambda: paper.done == [("undo", 1), ("undo", 2)])


def test_undo_ends_after_ten_seconds_and_its_button_goes_without_a_sound(paper: Paper) -> None:
    clock = ManualClock(datetime(2026, 11, 20, 14, 3, 7, tzinfo=UTC))
    desktop = paper.desktop(clock)
    desktop.start()
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    assert desktop.undo_ends() == {1: datetime(2026, 11, 20, 14, 3, 17, tzinfo=UTC)}
    clock.advance(seconds=10.5)
    desktop.tell(Note("wake"))
    settled(lambda: len(paper.notes) == 3)
    last = paper.notes[2]
    assert last.quiet
    assert last.key == paper.notes[0].key
    assert [button.title for button in last.buttons] == ["Open", "Copy again"]
    assert desktop.undo_ends() == {}
    press(paper.notes[0], "Undo")  # on its way when the time was over
    settled(lambda: paper.done == [("undo", 1)])
    clock.advance(seconds=2)
    press(paper.notes[0], "Undo")
    settled(lambda: len(paper.notes) == 4)
    assert paper.notes[3].title == "Undo is over."
    assert paper.done == [("undo", 1)]
    desktop.stop()


def test_a_private_drop_says_until_when(paper: Paper) -> None:
    paper.chosen = Preferences(undo_private=True)
    desktop = paper.desktop(ManualClock(datetime(2026, 11, 20, 14, 3, 7, tzinfo=UTC)))
    desktop.start()
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    local = datetime(2026, 11, 20, 14, 3, 17, tzinfo=UTC).astimezone()
    assert paper.notes[0].message == f"http://drop/1\nPrivate until {local:%H:%M:%S}."
    desktop.stop()


def test_what_was_taken_back_can_be_taken_back_no_more(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(ITEM, late=False)
    desktop.took_back(ITEM)
    settled(lambda: len(paper.notes) == 2)
    assert paper.notes[1].title == "Undone."
    assert desktop.undo_ends() == {}


def test_a_folder_that_asks_first_asks_with_two_buttons(desktop: Desktop, paper: Paper) -> None:
    desktop.asks(replace(ITEM, status=Status.ASKING, link=None))
    desktop.asks(replace(ITEM, id=2, name="b.png", status=Status.ASKING, link=None))
    settled(lambda: len(paper.notes) == 2)
    assert paper.titles() == ["Send this screenshot?", "Send 2 screenshots?"]
    assert paper.copied == []
    press(paper.notes[1], "Send")
    press(paper.notes[0], "Do not send")
    assert paper.done == [("approve", 1), ("approve", 2), ("decline", 1)]


def test_what_was_answered_is_not_asked_again(desktop: Desktop, paper: Paper) -> None:
    desktop.asks(replace(ITEM, status=Status.ASKING))
    desktop.answered(1)
    desktop.asks(replace(ITEM, id=2, status=Status.ASKING))
    settled(lambda: len(paper.notes) == 3)
    assert [note.title for note in paper.notes if not note.closes] == ["Send this screenshot?"] * 2


def test_a_question_that_was_answered_elsewhere_goes_from_the_screen(desktop: Desktop, paper: Paper) -> None:
    desktop.asks(replace(ITEM, status=Status.ASKING))
    desktop.asks(replace(ITEM, id=2, status=Status.ASKING))
    desktop.answered(1)
    desktop.answered(2)
    desktop.answered(2)
    settled(lambda: len(paper.notes) == 4)
    fewer, none = paper.notes[2:]
    assert (fewer.title, fewer.quiet, fewer.key) == ("Send this screenshot?", True, paper.notes[0].key)
    assert (none.closes, none.key) == (True, paper.notes[0].key)
    desktop.stop()
    assert len(paper.notes) == 4, "what is answered twice is closed once"


def test_a_question_answered_by_its_own_button_is_closed_and_not_asked_in_between(
    desktop: Desktop, paper: Paper
) -> None:
    desktop.asks(replace(ITEM, status=Status.ASKING))
    desktop.asks(replace(ITEM, id=2, status=Status.ASKING))
    settled(lambda: len(paper.notes) == 2)
    press(paper.notes[1], "Send")
    desktop.answered(1)
    desktop.answered(2)
    settled(lambda: len(paper.notes) == 3)
    desktop.stop()
    assert [note.closes for note in paper.notes] == [False, False, True]


def test_a_private_folder_s_capture_is_told_as_private(desktop: Desktop, paper: Paper) -> None:
    paper.chosen = Preferences(folders=(Rule(folder=str(FOLDER), is_public=False),))
    desktop.link_ready(ITEM, late=False)
    settled(lambda: paper.notes)
    assert (paper.notes[0].title, paper.notes[0].message) == ("Link copied.", "http://drop/1\nOnly you can open it.")


def test_a_refusal_is_told_with_its_reason_and_a_way_on(desktop: Desktop, paper: Paper) -> None:
    desktop.refused(replace(ITEM, status=Status.REFUSED), UnknownType("This server takes no ZIP files."))
    settled(lambda: paper.notes)
    assert paper.notes[0].message == "a.png: This server takes no ZIP files.\nIts link says so too."
    press(paper.notes[0], "Try again")
    assert paper.done == [("retry", 1)]


def test_a_reason_does_not_say_its_title_twice(desktop: Desktop, paper: Paper) -> None:
    desktop.refused(replace(ITEM, status=Status.REFUSED, link=None), TooBig("Too large. This server takes 1 KB."))
    settled(lambda: paper.notes)
    assert (paper.notes[0].title, paper.notes[0].message) == ("Too large.", "a.png: This server takes 1 KB.")


def test_a_refusal_takes_the_place_of_the_note_about_its_link(desktop: Desktop, paper: Paper) -> None:
    desktop.link_ready(ITEM, late=False)
    desktop.refused(replace(ITEM, status=Status.REFUSED), UnknownType("This server takes no ZIP files."))
    settled(lambda: len(paper.notes) == 2)
    assert paper.notes[1].key == paper.notes[0].key


def test_many_refusals_are_told_in_one(desktop: Desktop, paper: Paper) -> None:
    for number in range(5):
        item = replace(ITEM, id=number, status=Status.REFUSED)
        desktop.refused(item, UnknownType("This server takes no ZIP files."))
    settled(lambda: len(paper.notes) == 5)
    assert paper.notes[4].title == "5 screenshots were not accepted."
    assert len({note.key for note in paper.notes[1:]}) == 1


def test_what_waits_for_longer_is_said_with_its_reason(desktop: Desktop, paper: Paper) -> None:
    desktop.held_back(QuotaFull("Your storage is full."))
    settled(lambda: paper.notes)
    assert paper.notes[0].message == "Your storage is full. They are kept and go up by themselves."


def test_a_refused_key_is_said_with_what_to_do_and_which_links_are_not_true(desktop: Desktop, paper: Paper) -> None:
    desktop.unpaired(2)
    settled(lambda: paper.notes)
    note = paper.notes[0]
    assert (note.title, note.urgent) == ("This computer has to be paired again.", True)
    assert "The links of the last 2 screenshots do not work" in note.message
    assert [button.title for button in note.buttons] == ["Pair again"]


def test_a_wish_to_copy_is_answered_with_the_truth(desktop: Desktop, paper: Paper) -> None:
    desktop.copy(ITEM)
    settled(lambda: len(paper.notes) == 1)
    paper.holds = Held.NOTHING
    desktop.copy(ITEM)
    settled(lambda: len(paper.notes) == 2)
    assert paper.titles() == ["Link copied.", "The link could not be copied."]
    assert "http://drop/1" in paper.notes[1].message


def test_one_failure_stops_nothing(paper: Paper) -> None:
    desktop = paper.desktop(SystemClock())
    desktop.start()
    desktop.link_ready(replace(ITEM, link=None), late=False)
    desktop.link_ready(replace(ITEM, id=2), late=False)
    settled(lambda: paper.titles() == ["Link copied."])
    desktop.stop()


def test_what_is_not_told_yet_is_told_at_the_end(paper: Paper) -> None:
    desktop = paper.desktop(SystemClock())
    desktop.start()
    desktop.link_ready(replace(ITEM, status=Status.DONE, still_waiting=3), late=False)
    desktop.stop()
    assert len(paper.notes) == 1
