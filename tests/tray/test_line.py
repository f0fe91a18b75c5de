"""The line to the server: while nobody answers one tries for all, none of the others sleeps for ever, and its return is
found soon."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from bulletdrop.clock import ManualClock, SystemClock
from bulletdrop.tray.answers import Unreachable
from bulletdrop.tray.line import Line
from bulletdrop.tray.uplink import Uplink


def test_when_the_one_that_tries_comes_back_without_a_word_the_others_are_woken() -> None:
    line = Line(SystemClock(), None)
    line.failed(Unreachable("Nobody is there."))
    line.gate.kick()
    assert line.gate.enter()
    assert line.gate.wait() is None, "the others have no time to wake at"
    asleep, woken = threading.Event(), threading.Event()

    def sleeper() -> None:
        with line.turn:
            asleep.set()
            if line.turn.wait(60):
                woken.set()

    threading.Thread(target=sleeper, daemon=True).start()
    assert asleep.wait(30)
    line.released()
    assert woken.wait(30)
    assert line.gate.wait() == 0.0


class Server:
    """A server that answers, or does not."""

    def __init__(self) -> None:
        self.is_there = False

    def health(self) -> dict[str, object]:
        if not self.is_there:
            raise Unreachable("Nobody is there.")
        return {}


def pauses(line: Line, clock: ManualClock, server: Server, count: int) -> list[float]:
    """Ask each time it is due. Returns: after which seconds that was."""
    found = []
    for _ in range(count):
        wait = line.until_probe()
        assert wait is not None
        found.append(round(wait, 3))
        clock.advance(seconds=wait)
        line.probe(as_uplink(server))
    return found


def as_uplink(server: Server) -> Uplink:
    return cast("Uplink", server)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def line(clock: ManualClock, server: Server) -> Line:
    made = Line(clock, as_uplink(server))
    made.failed(Unreachable("Nobody is there."))
    return made


def test_a_server_that_went_away_is_asked_after_soon_and_then_every_ten_seconds(
    line: Line, clock: ManualClock, server: Server
) -> None:
    assert pauses(line, clock, server, 7) == [1, 2, 4, 8, 10, 10, 10]
    line.failed(Unreachable("Nobody is there."))
    assert line.gate.wait() != 0.0
    server.is_there = True
    assert pauses(line, clock, server, 1) == [10]
    assert line.gate.wait() == 0.0, "what waited for it goes at once"
    line.passed()
    assert line.until_probe() is None, "a server that answers is asked no more"
    line.failed(Unreachable("Nobody is there."))
    assert pauses(line, clock, server, 2) == [1, 2]


def test_a_new_capture_begins_the_short_pauses_anew(line: Line, clock: ManualClock, server: Server) -> None:
    assert pauses(line, clock, server, 5)[-1] == 10
    with line.turn:
        line.hope()
    assert line.gate.wait() == 0.0, "it is tried at once"
    line.failed(Unreachable("Nobody is there."))
    assert pauses(line, clock, server, 3) == [1, 2, 4]


def test_a_change_of_the_network_asks_at_once(line: Line, clock: ManualClock, server: Server) -> None:
    assert pauses(line, clock, server, 5)[-1] == 10
    line.hurry()
    assert pauses(line, clock, server, 3) == [0, 2, 4]


def test_a_server_that_answers_questions_and_breaks_uploads_is_not_stormed(
    line: Line, clock: ManualClock, server: Server
) -> None:
    server.is_there = True
    seen = []
    for _ in range(6):
        seen += pauses(line, clock, server, 1)
        assert line.gate.enter()
        line.failed(Unreachable("It hung up in the middle."))
    assert seen == [1, 2, 4, 8, 10, 10]
