"""The tray when its account has used up what it may: keeps everything, says so once, does not knock all the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop import errors
from bulletdrop.clock import ManualClock
from bulletdrop.tray.desk import State
from bulletdrop.tray.gate import Gate
from bulletdrop.tray.notes import waiting
from tests.tray.engine_kit import FakeServer, Rule, Tray, eventually, fake_server, png, running, stay, write


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


@pytest.fixture
def tray(tmp_path: Path, server: FakeServer) -> Iterator[Tray]:
    with running(tmp_path, server) as running_tray:
        yield running_tray


FULL = Rule(507, "quota_full")
DAY = Rule(429, "too_many", {"Retry-After": "40000"})


@pytest.mark.parametrize("rule", [FULL, DAY], ids=["storage", "day"])
def test_captures_are_kept_and_the_person_is_told_once(tray: Tray, rule: Rule) -> None:
    tray.server.always = rule
    write(tray.folder / "one.png", png(1))
    eventually(lambda: tray.engine.status().state is State.OFFLINE)
    for number in range(2, 6):
        write(tray.folder / f"{number}.png", png(number))
    eventually(lambda: tray.engine.status().waiting == 5)
    tray.engine.rescan()
    stay(1.0)
    assert tray.server.requests == 1, "it knocks again before its time"
    assert [error.code for error in tray.desk.held] == [rule.code]
    assert tray.desk.refusals == []
    assert tray.engine.status().message == f"The fake server says {rule.code}."


def test_once_there_is_room_everything_goes_up_by_itself_and_the_next_time_is_told_again(tray: Tray) -> None:
    soon = {"Retry-After": "1"}
    tray.server.rules.extend([Rule(507, "quota_full", soon), Rule(507, "quota_full", soon)])
    write(tray.folder / "one.png", png(1))
    tray.links(1)
    assert tray.server.requests == 3
    assert len(tray.desk.held) == 1
    tray.server.rules.append(Rule(507, "quota_full", soon))
    write(tray.folder / "two.png", png(2))
    tray.links(2)
    assert len(tray.desk.held) == 2


def test_a_full_quota_is_tried_again_after_five_minutes() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    gate.failed(errors.QuotaFull())
    assert gate.used_up
    gate.kick()
    assert gate.wait() == 300.0
    clock.advance(seconds=301)
    assert gate.enter()


def test_a_day_s_limit_is_tried_again_every_hour_and_a_moment_s_is_no_news() -> None:
    gate = Gate(ManualClock())
    gate.failed(errors.TooMany(retry_after=50_000))
    assert gate.used_up
    assert gate.wait() == 3600.0
    gate.reset()
    gate.failed(errors.TooMany(retry_after=5))
    assert not gate.used_up


def test_the_words_say_why_and_that_nothing_is_lost() -> None:
    note = waiting(errors.QuotaFull("Your storage is full: 1 GB of 1 GB used. Delete something or ask the admin."))
    assert note.title == "Screenshots wait."
    assert note.message.startswith("Your storage is full: 1 GB of 1 GB used.")
    assert note.message.endswith("They are kept and go up by themselves.")
