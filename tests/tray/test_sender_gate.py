"""The gate that all uploads share, without threads, by a clock that is moved by hand."""

from __future__ import annotations

from bulletdrop import errors
from bulletdrop.clock import ManualClock
from bulletdrop.tray.answers import Unreachable
from bulletdrop.tray.gate import Gate, ladder


def test_a_server_without_an_admin_asks_for_the_person_and_goes_on_by_itself() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    gate.enter()
    gate.failed(errors.NotSetUp())
    assert gate.needs_person
    assert not gate.enter()
    clock.advance(seconds=11)
    assert gate.enter()


def test_the_ladder_doubles_from_two_seconds_to_five_minutes() -> None:
    middle = [ladder(step, lambda: 0.5) for step in range(12)]
    assert middle == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert (ladder(0, lambda: 0.0), round(ladder(0, lambda: 1.0), 6)) == (1.6, 2.4)
    assert ladder(10_000) <= 360


def test_while_nobody_answers_one_upload_tries_for_all() -> None:
    clock = ManualClock()
    gate = Gate(clock, lambda: 0.5)
    assert gate.enter()
    gate.failed(Unreachable())
    assert not gate.enter()
    clock.advance(seconds=2)
    assert gate.enter()
    assert not gate.enter(), "the others wait for the one that tries"
    gate.failed(Unreachable())
    clock.advance(seconds=2)
    assert not gate.enter(), "the second wait is longer"
    clock.advance(seconds=2)
    assert gate.enter()
    assert gate.passed()
    assert gate.enter()
    assert gate.enter()


def test_uploads_that_fail_together_count_once() -> None:
    clock = ManualClock()
    gate = Gate(clock, lambda: 0.5)
    for _ in range(3):
        gate.enter()
    for _ in range(3):
        gate.failed(Unreachable())
    assert gate.wait() == 2.0


def test_hope_opens_the_gate_for_a_lost_network_but_not_for_a_server_that_asked_for_time() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    gate.failed(Unreachable())
    gate.kick()
    assert gate.wait() == 0.0
    gate.passed()
    gate.failed(errors.TooMany(retry_after=30))
    gate.kick()
    assert gate.wait() == 30.0


def test_a_clock_that_jumps_neither_hurries_nor_holds_the_queue() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    gate.failed(errors.Unavailable(retry_after=5))
    clock._now = clock._now.replace(year=2001)
    assert gate.wait() == 5.0
    clock.advance(seconds=5)
    assert gate.enter()


def test_a_server_can_ask_neither_for_a_storm_nor_for_ever() -> None:
    gate = Gate(ManualClock())
    gate.failed(errors.TooMany(retry_after=0))
    assert gate.wait() == 1.0
    gate.failed(errors.TooMany(retry_after=1e9))
    assert gate.wait() == 3600.0
