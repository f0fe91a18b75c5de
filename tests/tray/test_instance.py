"""One tray per data folder, whatever happened to the one before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bulletdrop.tray.instance import AlreadyRunning, InstanceLock, LockUnreadable

HOLD = """
import sys, time
from pathlib import Path
from bulletdrop.tray.instance import InstanceLock
InstanceLock(Path(sys.argv[1])).take()
lock = InstanceLock(Path(sys.argv[1]) / "other"); lock.take()
print("held", flush=True); time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    code = HOLD.replace("InstanceLock(Path(sys.argv[1])).take()", "held = InstanceLock(Path(sys.argv[1])); held.take()")
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_second_tray_is_told_that_the_first_is_running(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    lock = InstanceLock(tmp_path)
    with pytest.raises(AlreadyRunning):
        lock.take()
    assert lock.holder() == holder.pid
    end(holder)


def test_a_tray_that_was_killed_leaves_no_lock_behind(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    end(holder)
    lock = InstanceLock(tmp_path)
    lock.take()
    assert lock.holder() == os.getpid()
    lock.release()


def test_a_refused_second_start_leaves_the_holder_s_note_whole(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    for _ in range(3):
        with pytest.raises(AlreadyRunning):
            InstanceLock(tmp_path).take()
    assert (tmp_path / "tray" / "lock").read_bytes() == b"%d\n" % holder.pid
    end(holder)


def test_two_data_folders_have_a_tray_each(tmp_path: Path) -> None:
    one, two = InstanceLock(tmp_path / "one"), InstanceLock(tmp_path / "two")
    one.take()
    two.take()
    one.release()
    two.release()
    one.release()


def test_a_lock_that_cannot_be_opened_is_not_a_running_tray(tmp_path: Path) -> None:
    (tmp_path / "tray").write_text("a file where the folder should be")
    with pytest.raises(LockUnreadable, match=r"tray/lock cannot be used .+ --data"):
        InstanceLock(tmp_path).take()
    assert not InstanceLock(tmp_path).is_held()


def test_who_only_looks_whether_a_tray_runs_turns_no_start_away(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    lock.take()
    lock.release()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.0005):
            InstanceLock(tmp_path).is_held()

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(100):
            lock.take()
            assert InstanceLock(tmp_path).is_held()
            lock.release()
    finally:
        stop.set()
        looker.join()
