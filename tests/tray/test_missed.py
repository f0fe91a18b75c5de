"""A capture that was made while the tray was off: its link is only offered, and it is said why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bulletdrop.tray import notes
from bulletdrop.tray.desk import Item, Report, State, Status
from bulletdrop.tray.formats import Held
from bulletdrop.tray.menu import Sight, build_menu
from tests.tray.engine_kit import fake_server, png, running, write
from tests.tray.test_menu import Hands, find, labels
from tests.tray.test_taking_back import Ahead

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
SAID = "Made while BulletDrop was off or asleep: not copied."
MISSED = Item(1, Path("/p/a.png"), "a.png", 9, Status.DONE, NOW, link="http://drop/abc", missed=True)


def test_what_was_made_while_the_tray_was_off_is_known_as_that(tmp_path: Path) -> None:
    clock = Ahead()
    with fake_server() as server:
        with running(tmp_path, server):
            pass
        write(tmp_path / "shots" / "off.png", png("off"))
        # The machine is switched on a minute later.
        clock.by = timedelta(seconds=60)
        with running(tmp_path, server, clock=clock) as tray:
            tray.links(1)
            item, late = tray.desk.links[0]
            assert (item.missed, late) == (True, True)


def test_what_comes_while_it_looks_or_is_named_by_the_person_is_not(tmp_path: Path) -> None:
    with fake_server() as server, running(tmp_path, server) as tray:
        write(tray.folder / "on.png", png("on"))
        tray.links(1)
        tray.engine.upload(write(tmp_path / "named.png", png("named")))
        tray.links(2)
        assert [item.missed for item, _ in tray.desk.links] == [False, False]


def said(*items: Item, **told: Any) -> str:
    return notes.links(items, notes.Told(key="k", **told), Hands()).message


def test_its_note_says_why_it_is_not_copied() -> None:
    assert said(MISSED) == f"{SAID}\nhttp://drop/abc"
    second = replace(MISSED, id=2)
    assert said(MISSED, second) == f"{SAID}\nThe links are in the menu, under Recent."
    # By the person's own choice, or copied after all: not for this reason.
    assert SAID not in said(replace(MISSED, missed=False))
    assert SAID not in said(MISSED, replace(second, missed=False), held=Held.TEXT)


def test_its_line_in_the_menu_says_it_too() -> None:
    quiet = Report(State.IDLE, None, 0, 0, 0, 0)
    for item, is_said in ((MISSED, True), (replace(MISSED, missed=False), False)):
        entries = build_menu(Sight(quiet, [item], NOW), Hands())
        recent = find(entries, "Recent").children
        assert (SAID in labels(recent[0].children)) is is_said


def test_a_trouble_stands_in_the_menu_and_leads_to_the_health() -> None:
    hands = Hands()
    report = Report(State.IDLE, None, 0, 0, 0, 0, troubles=("This computer's disk is full.",))
    entries = build_menu(Sight(report, [MISSED], NOW), hands)
    action = find(entries, "This computer's disk is full.").action
    assert action is not None
    action()
    assert hands.done == [("open_health",)]
