"""The server's life as the tray's child: watched, started again, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bulletdrop.tray.child import ServerChild
from tests.support.screen import wait_for

# What every server does first (the real call), then it is only slow to end or quick to fall.
SERVER = "from bulletdrop.web.parent import end_with_parent; end_with_parent(); import time, sys, signal\n"
SLEEPS = SERVER + "time.sleep(60)"
STUBBORN = SERVER + "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
FALLS = SERVER + "sys.exit(7)"

PARENT = """
import sys, time
from bulletdrop.tray.child import ServerChild
child = ServerChild([sys.executable, "-c", sys.argv[1]], on_exit=lambda code: None)
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def ended() -> list[int]:
    return []


@pytest.fixture
def children() -> Iterator[list[ServerChild]]:
    made: list[ServerChild] = []
    yield made
    for child in made:
        child.stop()


def telling(code: str, up: Path) -> str:
    """The same program, which makes a file once it only sleeps."""
    return code.replace("time.sleep(", f"open({str(up)!r}, 'w').close(); time.sleep(")


def start(code: str, ended: list[int], children: list[ServerChild]) -> ServerChild:
    child = ServerChild(python(code), on_exit=ended.append)
    children.append(child)
    child.start()
    return child


@pytest.mark.alone
def test_the_server_is_gone_within_a_second_after_the_tray_was_killed(tmp_path: Path) -> None:
    up = tmp_path / "up"
    parent = subprocess.Popen([*python(PARENT), telling(SLEEPS, up)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    wait_for(up.exists, what="the child, which has to come as far as watching the pipe")
    assert psutil.pid_exists(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not _runs(pid), seconds=1, pause=0.01, what="the end of the server")


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_stop_ends_the_server_and_starts_no_other(ended: list[int], children: list[ServerChild]) -> None:
    child = start(SLEEPS, ended, children)
    pid = child.pid
    assert pid is not None
    child.stop()
    child.stop()
    assert child.pid is None
    assert not psutil.pid_exists(pid)
    assert ended == []
    assert child.starts == 1


def test_a_server_that_does_not_listen_is_killed(ended: list[int], children: list[ServerChild], tmp_path: Path) -> None:
    up = tmp_path / "up"
    child = start(telling(STUBBORN, up), ended, children)
    wait_for(up.exists, what="the child, which has to come as far as not listening")
    began = time.monotonic()
    child.stop()
    assert child.pid is None
    assert 2.5 < time.monotonic() - began < 20


def test_a_server_that_fell_is_started_again_and_ever_more_slowly(
    ended: list[int], children: list[ServerChild]
) -> None:
    child = start(FALLS, ended, children)
    wait_for(lambda: len(ended) >= 3, what="three ends")
    assert ended[:3] == [7, 7, 7]
    began = time.monotonic()
    wait_for(lambda: child.starts >= 4, what="a fourth start")
    assert time.monotonic() - began > 1


def test_a_program_that_cannot_be_run_is_reported_and_tried_again(ended: list[int], tmp_path: Path) -> None:
    child = ServerChild([str(tmp_path / "nothing")], on_exit=ended.append)
    child.start()
    wait_for(lambda: len(ended) >= 2, what="two reports")
    child.stop()
    assert ended[0] == 127


def test_the_server_has_a_session_of_its_own(ended: list[int], children: list[ServerChild]) -> None:
    child = start(SLEEPS, ended, children)
    assert child.pid is not None
    assert os.getsid(child.pid) == child.pid
    assert os.getsid(child.pid) != os.getsid(0)
