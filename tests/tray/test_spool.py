"""What is written without waiting for the disk: a kill does not take it, and nothing is sent before it is there."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.tray.spool import Spool
from tests.faults import ptrace
from tests.faults.traced import TracedProduct
from tests.tray.engine_kit import eventually, png, running, write
from tests.tray.fake_server import fake_server

KILLED = """
import os, signal, sys
from pathlib import Path
from bulletdrop.clock import SystemClock
from bulletdrop.tray.spool import Spool
spool = Spool(Path(sys.argv[1]), SystemClock())
with spool.together(sync=False):
    spool.write("INSERT INTO setting VALUES ('a', '1')")
os.kill(os.getpid(), signal.SIGKILL)
"""
WATCHED = """
import sys, time
from pathlib import Path
from bulletdrop.clock import SystemClock
from bulletdrop.tray.spool import Spool
data, go = Path(sys.argv[1]), Path(sys.argv[2])
spool = Spool(data / "outbox.db", SystemClock())
spool.write("INSERT INTO setting VALUES ('first', '')")
(data.parent / "ready").touch()
while not go.exists():
    time.sleep(0.01)
with spool.together(sync=False):
    spool.write("INSERT INTO setting VALUES ('a', '1')")
(data / "link").mkdir()
spool.sync()
spool.sync()
(data / "upload").mkdir()
spool.write("INSERT INTO setting VALUES ('b', '1')")
(data / "end").mkdir()
"""


class Traced(TracedProduct):
    """WATCHED under the tracer."""

    def serve_command(self) -> list[str]:
        """The script instead of a server."""
        return [*self.launcher, sys.executable, "-c", WATCHED, str(self.data), str(self.data.parent / "go")]


def test_what_is_written_without_waiting_for_the_disk_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    spool = Spool(path, ManualClock())
    assert spool.rows("SELECT name, value FROM setting") == [("a", "1")]
    spool.close()


def test_a_transaction_that_fails_is_undone_and_the_next_one_waits_for_the_disk_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "outbox.db", ManualClock())

    def fail() -> None:
        with spool.together(sync=False):
            spool.write("INSERT INTO setting VALUES ('a', '1')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert spool.rows("SELECT * FROM setting") == []
    assert spool.rows("PRAGMA synchronous") == [(2,)], "2 is FULL"
    with spool.together(), spool.together(sync=False):  # the outer one decides
        spool.write("INSERT INTO setting VALUES ('a', '2')")
    assert spool.rows("SELECT value FROM setting") == [("2",)]
    spool.sync()
    spool.close()
    spool.sync()


def test_the_disk_is_waited_for_once_after_the_link_and_before_the_upload(tmp_path: Path) -> None:
    if not ptrace.supported():
        pytest.skip("needs Linux on a machine whose system calls the tracer knows")
    (tmp_path / "data").mkdir()
    script = Traced(tmp_path / "data", source=None, at=0)
    script.spawn()
    try:
        eventually((tmp_path / "ready").exists)
        script.attach()
        (tmp_path / "go").touch()
        until = time.monotonic() + 60
        while not (tmp_path / "data" / "end").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        script.settle()
    finally:
        script.kill()
    calls = [(str(point["call"]), Path(str(point["path"])).name) for point in script.points]
    names = [name for _, name in calls]
    link, upload, end = (names.index(name) for name in ("link", "upload", "end"))
    syncs = [at for at, (call, name) in enumerate(calls) if call in ("fsync", "fdatasync") and "wal" in name]
    assert "outbox.db-wal" in names[:link], "it is written before the link is told"
    assert [at for at in syncs if at < link] == [], calls
    assert len([at for at in syncs if link < at < upload]) == 1, calls
    assert len([at for at in syncs if upload < at < end]) == 1, "as usual, by the transaction itself"


def test_no_capture_is_sent_before_its_row_is_on_the_disk(tmp_path: Path) -> None:
    with fake_server() as server, running(tmp_path, server) as tray:
        spool = tray.engine._outbox.spool
        seen: list[bool] = []

        def judge(name: str) -> None:
            seen.append(spool._written == spool._synced)

        def has(count: int) -> bool:
            return len(server.kept) == count

        server.judge = judge
        for number in range(5):
            write(tray.folder / f"{number}.png", png(number))
            eventually(partial(has, number + 1))
        assert seen == [True] * 5
        assert spool._written >= 5
