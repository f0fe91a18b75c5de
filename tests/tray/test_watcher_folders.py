"""The watched folder goes, comes back, was never there, lies on a network: the watch follows, and says how it goes."""

from __future__ import annotations

import errno
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from bulletdrop.clock import Clock, SystemClock
from bulletdrop.tray.intake import Rhythm
from bulletdrop.tray.mounts import file_system, is_network
from bulletdrop.tray.watcher import FolderWatch, Hints
from tests.tray.engine_kit import LIVELY, FakeServer, eventually, fake_server, png, running, stay, write


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


def test_a_folder_deleted_and_made_again_is_watched_again(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        write(tray.folder / "one.png", png(1))
        tray.links(1)
        shutil.rmtree(tray.folder)
        eventually(lambda: tray.engine.status().folders[0].how == "absent")
        tray.folder.mkdir()
        write(tray.folder / "two.png", png(2))
        assert tray.links(2) == ["one.png", "two.png"]
        eventually(lambda: tray.engine.status().folders[0].how == "events")
        write(tray.folder / "three.png", png(3))
        assert tray.links(3)[2] == "three.png"


def test_a_folder_replaced_between_two_looks_is_watched_again(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        shutil.rmtree(tray.folder)
        tray.folder.mkdir()
        write(tray.folder / "one.png", png(1))
        assert tray.links(1) == ["one.png"]


def test_a_renamed_folder_is_left_alone_and_its_successor_watched(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        tray.folder.rename(tmp_path / "renamed")
        eventually(lambda: tray.engine.status().folders[0].how == "absent")
        write(tmp_path / "renamed" / "elsewhere.png", png(1))
        stay(0.5)
        assert server.kept == []
        tray.folder.mkdir()
        write(tray.folder / "here.png", png(2))
        assert tray.links(1) == ["here.png"]


def test_a_folder_that_comes_back_by_rename_brings_only_what_is_new(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        write(tray.folder / "one.png", png(1))
        tray.links(1)
        tray.folder.rename(tmp_path / "away")
        stay(0.3)
        write(tmp_path / "away" / "two.png", png(2))
        (tmp_path / "away").rename(tray.folder)
        tray.links(2)
        stay(0.4)
        assert server.names() == ["one.png", "two.png"]


def test_a_folder_absent_at_start_is_watched_from_its_first_screenshot_on(tmp_path: Path, server: FakeServer) -> None:
    folder = tmp_path / "Pictures" / "Screenshots"
    # No regular look within the test: the event of the parent must do.
    with running(tmp_path, server, folder=folder, make=False, rhythm=Rhythm(health=300)) as tray:
        assert tray.engine.status().folders[0].how == "absent"
        folder.mkdir(parents=True)
        write(folder / "first.png", png(1))
        assert tray.links(1) == ["first.png"]


def test_an_absent_folder_is_not_called_watched(
    tmp_path: Path, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bulletdrop")
    with running(tmp_path, server, make=False) as tray:
        words = f"{tray.folder} does not exist yet; it is watched as soon as it is there."
        eventually(lambda: words in caplog.text)
        assert "Watching" not in caplog.text


def test_an_absent_folder_that_appears_full_of_old_pictures_uploads_none(tmp_path: Path, server: FakeServer) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    for n in range(5):
        write(stick / f"{n}.png", png(n))
    # The two seconds that coarse file systems need.
    stay(2.3)
    folder = tmp_path / "shots"
    with running(tmp_path, server, make=False) as tray:
        stick.rename(folder)
        eventually(lambda: tray.engine.status().folders[0].how == "events")
        stay(0.4)
        write(folder / "new.png", png("new"))
        assert tray.links(1) == ["new.png"]


def test_a_link_to_a_folder_is_followed_when_it_turns(tmp_path: Path, server: FakeServer) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "a")
    with running(tmp_path, server, folder=link) as tray:
        write(tmp_path / "a" / "one.png", png(1))
        tray.links(1)
        link.unlink()
        link.symlink_to(tmp_path / "b")
        eventually(lambda: tray.engine._outbox.folder_since(tmp_path / "b"))
        stay(0.3)
        write(tmp_path / "b" / "two.png", png(2))
        assert tray.links(2) == ["one.png", "two.png"]


def polling(folder: Path, hints: Hints, clock: Clock) -> FolderWatch:
    """A watch on a system that has no events left to give."""

    class NoMore(Observer):  # type: ignore[valid-type, misc]
        def start(self) -> None:
            raise OSError(errno.ENOSPC, "inotify watch limit reached")

    return FolderWatch(folder, hints, clock, events=NoMore, polling=lambda: PollingObserver(timeout=0.2))


def test_a_used_up_limit_is_told_with_its_cure_and_the_folder_is_polled(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, watch=polling) as tray:
        report = tray.engine.status().folders[0]
        assert report.how == "polling"
        assert "sudo sysctl fs.inotify.max_user_watches=" in (report.problem or "")
        write(tray.folder / "polled.png", png())
        assert tray.links(1) == ["polled.png"]


def test_polling_waits_for_a_slow_writer_too(tmp_path: Path, server: FakeServer) -> None:
    data = png("slow", size=3000)
    with running(tmp_path, server, watch=polling) as tray:
        with (tray.folder / "slow.png").open("wb", buffering=0) as file:
            for start in range(0, len(data), 500):
                file.write(data[start : start + 500])
                stay(0.1)
        tray.links(1)
        assert server.kept[0].size == len(data)


def test_used_up_instances_name_their_own_limit(tmp_path: Path) -> None:
    def no_more() -> BaseObserver:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    watch = FolderWatch(tmp_path, queue.SimpleQueue(), SystemClock(), events=no_more)
    try:
        assert watch.check()
        assert "max_user_instances" in (watch.report().problem or "")
    finally:
        watch.close()


def test_a_dead_emitter_is_noticed_and_replaced(tmp_path: Path, server: FakeServer) -> None:
    watches: list[FolderWatch] = []

    def remembered(folder: Path, hints: Hints, clock: Clock) -> FolderWatch:
        watches.append(FolderWatch(folder, hints, clock))
        return watches[0]

    with running(tmp_path, server, watch=remembered) as tray:
        observer = watches[0]._observer
        assert observer is not None
        for emitter in observer.emitters:
            emitter.stop()
        eventually(lambda: watches[0]._observer is not observer)
        write(tray.folder / "shot.png", png())
        assert tray.links(1) == ["shot.png"]


def test_the_five_minute_scan_finds_what_no_event_told(tmp_path: Path, server: FakeServer) -> None:
    class Deaf(FolderWatch):
        def check(self) -> bool:
            self.how = "events"
            return False

    with running(tmp_path, server, watch=Deaf, rhythm=Rhythm(health=0.1, rescan=0.5)) as tray:
        write(tray.folder / "unheard.png", png())
        assert tray.links(1) == ["unheard.png"]


def test_a_machine_that_slept_looks_through_everything(tmp_path: Path, server: FakeServer) -> None:
    class Sleeper(SystemClock):
        """The time of day jumps on as over a night; the steady clock does not count it."""

        ahead = timedelta()

        def now(self) -> datetime:
            return super().now() + self.ahead

    class Deaf(FolderWatch):
        def check(self) -> bool:
            self.how = "events"
            return False

    clock = Sleeper()
    with running(tmp_path, server, watch=Deaf, clock=clock) as tray:
        write(tray.folder / "while-asleep.png", png())
        stay(0.5)
        assert server.kept == []
        clock.ahead = timedelta(hours=8)
        assert tray.links(1) == ["while-asleep.png"]


@pytest.mark.parametrize("years", [-20, 20])
def test_a_clock_jump_loses_no_capture(
    tmp_path: Path, server: FakeServer, years: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bulletdrop")

    class Set(SystemClock):
        ahead = timedelta()

        def now(self) -> datetime:
            return super().now() + self.ahead

    clock = Set()
    with running(tmp_path, server, clock=clock) as tray:
        write(tray.folder / "before.png", png(1))
        tray.links(1)
        clock.ahead = timedelta(days=365 * years)
        # Where the clock of the files jumps as well, no look through the folder takes a new one for an old one.
        eventually(lambda: "its clock was set" in caplog.text)
        write(tray.folder / "after.png", png(2))
        assert tray.links(2) == ["before.png", "after.png"]
        assert tray.desk.links[1][1] is False


def test_a_folder_that_may_not_be_read_says_what_to_allow() -> None:
    # Not in tmp_path, whose parents only their owner may enter.
    outer = Path(tempfile.mkdtemp())
    outer.chmod(0o755)
    folder = outer / "closed"
    folder.mkdir(mode=0o000)
    was_root = os.geteuid() == 0
    watch = FolderWatch(folder, queue.SimpleQueue(), SystemClock())
    try:
        if was_root:
            os.seteuid(65534)
        watch.check()
    finally:
        if was_root:
            os.seteuid(0)
        watch.close()
        shutil.rmtree(outer)
    assert "Allow it" in (watch.report().problem or "")


MOUNTS = """\
/dev/vda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /home/alice/Shared\\040Pictures nfs4 rw 0 0
//nas/shots /mnt/nas cifs rw 0 0
C:\\134 /mnt/c 9p rw 0 0
/dev/sdb1 /mnt/usb fuseblk rw 0 0
sshfs#host:/ /mnt/ssh fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    "folder, kind, network",
    [
        ("/home/alice/Pictures/Screenshots", "ext4", False),
        ("/home/alice/Shared Pictures/Screenshots", "nfs4", True),
        ("/home/alice/Shared Pictures 2", "ext4", False),
        ("/mnt/nas", "cifs", True),
        ("/mnt/c/Users/alice/Pictures", "9p", True),
        ("/mnt/usb/shots", "fuseblk", False),
        ("/mnt/ssh/shots", "fuse.sshfs", True),
    ],
)
def test_network_file_systems_are_known_by_the_mount_table(
    tmp_path: Path, folder: str, kind: str, network: bool
) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert file_system(Path(folder), mounts=table) == kind
    assert is_network(Path(folder), mounts=table) is network


def test_stopping_leaves_no_thread_behind(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, rhythm=LIVELY) as tray:
        write(tray.folder / "shot.png", png())
        tray.links(1)
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith(("intake", "sender"))]
    assert left == []
