"""The signals that end the tray arrive whatever its main thread waits for, and whichever thread the system chose."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

WAITING = """
import signal, sys, threading, time
from bulletdrop.tray.signals import Signals
ended = threading.Event()
signals = Signals(lambda number: (print(number, flush=True), ended.set()))
signals.start()

def other():
    time.sleep(0.2)
    # As the system may: the signal is this thread's, and nothing wakes the main one.
    signal.pthread_kill(threading.get_ident(), int(sys.argv[1]))
    time.sleep(60)

threading.Thread(target=other, daemon=True).start()
ended.wait()
signals.close()
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals of a thread's own")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_that_another_thread_was_given_ends_the_wait_of_the_main_one(name: str) -> None:
    number = int(getattr(signal, name))
    command = [sys.executable, "-c", WAITING, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{number}\n"
