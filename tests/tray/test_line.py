"""The line to the server: while nobody answers one tries for all, and none of the others sleeps for ever."""

from __future__ import annotations

import threading

from bulletdrop.clock import SystemClock
from bulletdrop.tray.answers import Unreachable
from bulletdrop.tray.line import Line


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
