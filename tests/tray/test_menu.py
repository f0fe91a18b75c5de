"""What the menu and the notifications say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bulletdrop.errors import TooBig
from bulletdrop.tray.desk import Item, Report, State, Status
from bulletdrop.tray.desktop import refusal, success
from bulletdrop.tray.menu import Actions, Entry, build_menu, short_name, state_line, tooltip

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
QUIET = Report(State.IDLE, None, 0, 0, 0, 0)
DONE = Item(1, Path("/p/a.png"), "a.png", 9, Status.DONE, NOW, link="http://drop/abc")


class Hands:
    """Remembers what was chosen."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def actions(self) -> Actions:
        def say(word: str) -> object:
            return lambda *given: self.done.append((word, *(item.id for item in given)))

        names = ("copy_last", "copy", "open", "retry", "forget", "pause", "resume", "gallery", "pair", "quit")
        return Actions(**{name: say(name) for name in names})  # type: ignore[arg-type]


def labels(entries: tuple[Entry, ...]) -> list[str]:
    return ["—" if entry.separator else entry.label for entry in entries]


def choose(entries: tuple[Entry, ...], *path: str) -> None:
    entry = next(entry for entry in entries if entry.label == path[0])
    if len(path) > 1:
        choose(entry.children, *path[1:])
    else:
        assert entry.action is not None, f"{path[0]} cannot be chosen"
        entry.action()


def test_the_menu_of_a_quiet_tray_is_short() -> None:
    menu = build_menu(QUIET, [DONE], Hands().actions())
    assert labels(menu) == ["Copy last link", "Recent", "—", "Pause", "Open gallery", "—", "Quit"]


def test_nothing_can_be_copied_before_the_first_link() -> None:
    menu = build_menu(QUIET, [replace(DONE, link=None, status=Status.WAITING)], Hands().actions())
    assert not menu[0].enabled
    assert menu[1].children[0].label == "a.png · on its way"


def test_an_empty_recent_list_teaches() -> None:
    menu = build_menu(QUIET, [], Hands().actions())
    assert labels(menu[1].children) == ["Take a screenshot, and its link is here."]


def test_recent_holds_ten_and_each_can_be_copied_and_opened() -> None:
    hands = Hands()
    items = [replace(DONE, id=number, name=f"{number}.png") for number in range(12)]
    menu = build_menu(QUIET, items, hands.actions())
    assert len(menu[1].children) == 10
    choose(menu, "Recent", "3.png", "Copy link")
    choose(menu, "Recent", "4.png", "Open page")
    assert hands.done == [("copy", 3), ("open", 4)]


def test_a_refused_capture_says_why_and_can_be_tried_again() -> None:
    hands = Hands()
    item = replace(
        DONE, status=Status.REFUSED, link=None, error="This server takes up to 100 MB; this file has 214 MB."
    )
    menu = build_menu(QUIET, [item], hands.actions())
    entry = menu[1].children[0]
    assert entry.label == "a.png · not uploaded"
    assert entry.children[0].label == "This server takes up to 100 MB; this file has 214 MB."
    choose(menu, "Recent", entry.label, "Try again")
    assert hands.done == [("retry", 1)]


def test_a_paused_tray_offers_to_go_on() -> None:
    hands = Hands()
    menu = build_menu(replace(QUIET, state=State.PAUSED, waiting=2), [], hands.actions())
    assert "Paused · 2 waiting" in labels(menu)
    assert "Pause" not in labels(menu)
    choose(menu, "Resume")
    assert hands.done == [("resume",)]


def test_the_state_line_says_what_happens_in_few_words() -> None:
    assert state_line(QUIET) is None
    offline = replace(QUIET, state=State.OFFLINE, waiting=3)
    assert state_line(offline) == "The server cannot be reached · 3 screenshots wait for the server"
    full = replace(QUIET, state=State.OFFLINE, waiting=1, message="The server's disk is full.")
    assert state_line(full) == "The server's disk is full · 1 screenshot waits for the server"
    assert state_line(replace(QUIET, state=State.WORKING, waiting=2, sending=1)) == "Uploading 3"
    assert state_line(replace(QUIET, state=State.NEEDS_YOU, message="Pair again")) == "Pair again"
    assert state_line(replace(QUIET, refused=2)) == "2 not accepted"
    assert tooltip(QUIET) == "Ready. Take a screenshot."


def test_what_the_person_has_to_do_can_be_chosen() -> None:
    hands = Hands()
    choose(build_menu(QUIET, [], hands.actions(), needs="Set up BulletDrop"), "Set up BulletDrop")
    assert hands.done == [("pair",)]


def test_long_names_keep_their_start_and_their_end() -> None:
    name = short_name("Screenshot from 2026-11-20 12-00-00 of a very long window title.png")
    assert len(name) == 40
    assert name.startswith("Screenshot from 2026")
    assert name.endswith("title.png")


def test_copied_is_said_only_of_a_link_that_was_seen_on_the_clipboard() -> None:
    assert success([DONE], "http://drop/abc").title == "Link copied."
    assert success([DONE], None).title == "Screenshot uploaded."
    assert success([DONE], "http://drop/older").title == "Screenshot uploaded."


def test_a_burst_is_one_sentence() -> None:
    note = success([replace(DONE, id=number) for number in range(12)], "http://drop/abc")
    assert (note.title, note.message) == ("12 screenshots uploaded.", "The newest link is copied.")


def test_a_refusal_says_what_and_why() -> None:
    note = refusal(DONE, TooBig("This server takes up to 100 MB; this file has 214 MB."))
    assert note.title == "Too large."
    assert note.message == "a.png: This server takes up to 100 MB; this file has 214 MB."
