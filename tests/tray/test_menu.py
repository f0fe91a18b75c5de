"""What the menu and the notifications say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from bulletdrop.tray import menu
from bulletdrop.tray.desk import Item, Report, State, Status
from bulletdrop.tray.menu import Entry, Sight, build_menu, short_name, state_line, tooltip, when
from bulletdrop.tray.words import speak

Menu = tuple[Entry, ...]

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUIET = Report(State.IDLE, None, 0, 0, 0, 0)
DONE = Item(1, Path("/p/a.png"), "a.png", 9, Status.DONE, NOW, link="http://drop/abc")


class Hands:
    """Remembers what was chosen."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.done.append((name, *given))


def built(hands: Hands | None = None, *, report: Report = QUIET, recent: Sequence[Item] = (), **more: Any) -> Menu:
    return build_menu(Sight(report, recent, NOW, **more), cast(menu.Hands, hands or Hands()))


def labels(entries: Menu) -> list[str]:
    return ["—" if entry.separator else entry.label for entry in entries]


def choose(entries: Menu, *path: str) -> None:
    entry = find(entries, *path)
    assert entry.action is not None, f"{path[-1]} cannot be chosen"
    entry.action()


def find(entries: Menu, *path: str) -> Entry:
    found = next((entry for entry in entries if entry.label == path[0]), None)
    assert found is not None, f"“{path[0]}” is not in {labels(entries)}"
    return find(found.children, *path[1:]) if len(path) > 1 else found


def test_the_menu_of_a_quiet_tray_is_short() -> None:
    assert labels(built(recent=[DONE])) == [
        *("Copy last link", "Recent", "—", "Pause", "Upload a file…", "—"),
        *("Open gallery", "Settings…", "Doctor", "—", "Quit"),
    ]


def test_nothing_can_be_copied_before_the_first_link() -> None:
    entries = built(recent=[replace(DONE, link=None, status=Status.WAITING)])
    assert not entries[0].enabled
    assert entries[1].children[0].label == "14:30 · a.png · on its way"


def test_an_empty_recent_list_teaches() -> None:
    assert labels(built()[1].children) == ["Take a screenshot, and its link is here."]


def test_recent_holds_ten_and_each_can_be_copied_opened_and_shown() -> None:
    hands = Hands()
    entries = built(hands, recent=[replace(DONE, id=number, name=f"{number}.png") for number in range(12)])
    assert len(entries[1].children) == 10
    choose(entries, "Recent", "14:30 · 3.png", "Copy link")
    choose(entries, "Recent", "14:30 · 4.png", "Open page")
    choose(entries, "Recent", "14:30 · 5.png", "Show file")
    assert hands.done == [("copy", 3), ("open", 4), ("show_file", 5)]


def test_both_copies_are_deleted_only_after_a_second_word() -> None:
    hands = Hands()
    entries = built(hands, recent=[DONE])
    assert find(entries, "Recent", "14:30 · a.png", "Delete both copies").action is None
    choose(entries, "Recent", "14:30 · a.png", "Delete both copies", "Really delete both copies")
    assert hands.done == [("delete_both", 1)]


def test_undo_is_offered_with_its_end_and_only_while_it_lasts() -> None:
    hands = Hands()
    until = NOW + timedelta(seconds=10)
    choose(built(hands, recent=[DONE], undo={1: until}), "Recent", "14:30 · a.png", "Undo (until 14:30:10)")
    assert hands.done == [("undo", 1)]
    assert not any("Undo" in label for label in labels(built(recent=[DONE])[1].children[0].children))


def test_what_was_taken_back_says_so_and_offers_its_file_alone() -> None:
    entry = built(recent=[replace(DONE, status=Status.UNDONE)])[1].children[0]
    assert entry.label == "14:30 · a.png · undone"
    assert labels(entry.children) == ["Show file"]


def test_what_asks_first_can_be_sent_or_not() -> None:
    hands = Hands()
    entries = built(hands, recent=[replace(DONE, status=Status.ASKING, link=None)])
    choose(entries, "Recent", "14:30 · a.png · asks to be sent", "Send")
    choose(entries, "Recent", "14:30 · a.png · asks to be sent", "Do not send")
    assert hands.done == [("approve", 1), ("forget", 1)]


def test_a_refused_capture_says_why_and_can_be_tried_again() -> None:
    hands = Hands()
    why = "This server takes up to 100 MB; this file has 214 MB."
    item = replace(DONE, status=Status.REFUSED, link=None, error=why)
    entries = built(hands, recent=[item], failed=[item], report=replace(QUIET, refused=1))
    entry = entries[1].children[0]
    assert entry.label == "14:30 · a.png · not uploaded"
    assert entry.children[0].label == why
    choose(entries, "Recent", entry.label, "Try again")
    choose(entries, "1 not accepted", "a.png", "Try again")
    choose(entries, "1 not accepted", "a.png", "Forget it")
    choose(entries, "1 not accepted", "Try all again")
    assert hands.done == [("retry", 1), ("retry", 1), ("forget", 1), ("retry_all",)]
    assert find(entries, "1 not accepted", "a.png", why).action is None


def test_a_pause_lasts_an_hour_until_tomorrow_or_until_the_end() -> None:
    hands = Hands()
    for choice in ("For an hour", "Until tomorrow", "Until I resume"):
        choose(built(hands), "Pause", choice)
    morning = datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert hands.done == [("pause", NOW + timedelta(hours=1)), ("pause", morning), ("pause", None)]


def test_a_paused_tray_offers_to_go_on() -> None:
    hands = Hands()
    entries = built(hands, report=replace(QUIET, state=State.PAUSED, waiting=2))
    assert "Paused · 2 waiting" in labels(entries)
    assert state_line(replace(QUIET, state=State.PAUSED, paused_until=NOW + HOUR), NOW) == "Paused until 15:30"
    tomorrow = replace(QUIET, state=State.PAUSED, paused_until=NOW + timedelta(hours=18))
    assert state_line(tomorrow, NOW) == "Paused until tomorrow, 08:30"
    assert "Pause" not in labels(entries)
    choose(entries, "Resume")
    assert hands.done == [("resume",)]


def test_the_state_line_says_what_happens_in_few_words() -> None:
    def said(**changes: Any) -> str | None:
        return state_line(replace(QUIET, **changes), NOW)

    assert said() is None
    offline = said(state=State.OFFLINE, waiting=3)
    assert offline == "The server cannot be reached · 3 screenshots wait for the server"
    full = said(state=State.OFFLINE, waiting=1, message="The server's disk is full.")
    assert full == "The server's disk is full · 1 screenshot waits for the server"
    assert said(state=State.WORKING, waiting=2, sending=1) == "Uploading 3"
    assert said(state=State.NEEDS_YOU, message="Pair again") == "Pair again"
    assert tooltip(replace(QUIET, refused=2), NOW) == "2 not accepted"
    assert tooltip(replace(QUIET, state=State.WORKING, sending=1, progress=0.404), NOW) == "Uploading 1 · 40%"
    assert tooltip(QUIET, NOW) == "Ready. Take a screenshot."


def test_what_asks_first_shows_in_the_line_and_at_the_icon() -> None:
    one = replace(QUIET, asking=1)
    assert state_line(one, NOW) == tooltip(one, NOW) == "1 asks before it is sent"
    busy = replace(QUIET, state=State.WORKING, sending=1, asking=2)
    assert state_line(busy, NOW) == "Uploading 1 · 2 ask before they are sent"


def test_what_the_person_has_to_do_can_be_chosen() -> None:
    hands = Hands()
    choose(built(hands, need="Set up BulletDrop"), "Set up BulletDrop")
    assert hands.done == [("pair_again",)]


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOW, "14:30"),
        (NOW - timedelta(hours=14), "00:30"),
        (NOW - timedelta(hours=15), "yesterday"),
        (NOW - timedelta(days=2), "2026-11-18"),
        (NOW.astimezone(timezone(timedelta(hours=9))), "14:30"),
    ],
)
def test_a_time_is_said_as_one_says_it(moment: datetime, said: str) -> None:
    assert when(moment, NOW) == said


def test_the_menu_speaks_german() -> None:
    speak("de")
    try:
        assert labels(built(recent=[DONE]))[:2] == ["Letzten Link kopieren", "Zuletzt"]
    finally:
        speak("en")


def test_long_names_keep_their_start_and_their_end() -> None:
    name = short_name("Screenshot from 2026-11-20 12-00-00 of a very long window title.png")
    assert len(name) == 40
    assert name.startswith("Screenshot from 2026")
    assert name.endswith("title.png")
