"""Files come into a folder in every way that tools know: each becomes one link. Real files, real events."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from bulletdrop.tray.candidates import Patience
from bulletdrop.tray.watcher import Hint
from tests.support.needs import requires
from tests.tray.engine_kit import (
    QUICK,
    FakeServer,
    Tray,
    eventually,
    fake_server,
    png,
    running,
    stay,
    wait_for_jiffy,
    write,
)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


@pytest.fixture
def tray(tmp_path: Path, server: FakeServer) -> Iterator[Tray]:
    with running(tmp_path, server) as running_tray:
        yield running_tray


# With this, what is waited for until it rests has no link for two minutes.
RESTS_LONG = replace(QUICK, quiet=120.0, quiet_while_held=120.0, stalled=300.0)


def test_a_file_that_is_written_and_closed_gets_its_link_at_once(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, patience=RESTS_LONG) as tray:
        write(tray.folder / "shot.png", png(size=500_000))
        assert tray.links(1) == ["shot.png"]
        assert tray.desk.links[0][1] is False


def test_a_file_renamed_into_the_folder_gets_its_link_at_once(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, patience=RESTS_LONG) as tray:
        write(tmp_path / "elsewhere.png", png()).rename(tray.folder / "shot.png")
        assert tray.links(1) == ["shot.png"]


def test_a_file_hardlinked_into_the_folder_gets_its_link(tray: Tray, tmp_path: Path) -> None:
    outside = write(tmp_path / "elsewhere.png", png())
    os.link(outside, tray.folder / "shot.png")
    assert tray.links(1) == ["shot.png"]


@pytest.mark.parametrize("name", ["shot.png.tmp", ".shot.png.part", ".x7Gh2"])
def test_a_tmp_that_becomes_a_png_counts_only_under_its_final_name(tray: Tray, name: str) -> None:
    temporary = write(tray.folder / name, png())
    stay(0.6)
    assert tray.server.kept == []
    temporary.rename(tray.folder / "shot.png")
    assert tray.links(1) == ["shot.png"]
    stay(0.4)
    assert tray.server.names() == ["shot.png"]


def test_a_slow_writer_of_one_byte_in_100_ms_is_waited_for(tray: Tray) -> None:
    data = png("slow", size=200)
    with (tray.folder / "slow.png").open("wb", buffering=0) as file:
        file.write(data[:-12])
        for byte in data[-12:]:
            time.sleep(0.1)
            assert tray.server.kept == []
            file.write(bytes([byte]))
    assert tray.links(1) == ["slow.png"]
    assert tray.server.kept[0].size == len(data)


def test_a_writer_that_stops_for_long_and_goes_on_is_waited_for(tray: Tray) -> None:
    data = png("pause", size=5000)
    with (tray.folder / "slow.png").open("wb", buffering=0) as file:
        file.write(data[:2000])
        time.sleep(1.2)
        assert tray.server.kept == []
        file.write(data[2000:])
    assert tray.links(1) == ["slow.png"]


def test_a_writer_that_reopens_its_file_is_waited_for(tray: Tray) -> None:
    data = png("again", size=9000)
    path = tray.folder / "shot.png"
    for start in range(0, len(data), 3000):
        with path.open("ab") as file:
            file.write(data[start : start + 3000])
        time.sleep(0.15)
    assert tray.links(1) == ["shot.png"]
    stay(0.5)
    assert [one.size for one in tray.server.kept] == [len(data)]


def test_a_file_that_is_closed_empty_first_is_waited_for(tray: Tray) -> None:
    path = tray.folder / "import.png"
    path.touch()
    time.sleep(0.5)
    write(path, png("import"))
    assert tray.links(1) == ["import.png"]
    stay(0.4)
    assert len(tray.server.kept) == 1


def test_a_finished_picture_that_its_tool_keeps_open_is_not_waited_for_long(tray: Tray) -> None:
    with (tray.folder / "held.png").open("wb", buffering=0) as file:
        file.write(png("held"))
        started = time.monotonic()
        assert tray.links(1) == ["held.png"]
        assert 0.9 < time.monotonic() - started < 20  # a file that stalls is given up after sixty


def test_empty_files_foreign_files_folders_and_links_are_nothing(tray: Tray, tmp_path: Path) -> None:
    (tray.folder / "empty.png").touch()
    write(tray.folder / "notes.png", b"These are notes, whatever their name says. " * 9)
    write(tray.folder / ".DS_Store", png("litter"))
    (tray.folder / "folder.png").mkdir()
    (tray.folder / "link.png").symlink_to(write(tmp_path / "secret.png", png("secret")))
    os.mkfifo(tray.folder / "pipe.png")
    stay(1.5)
    assert tray.server.kept == []
    assert tray.engine.recent() == []
    write(tray.folder / "shot.png", png())
    assert tray.links(1) == ["shot.png"]


def test_half_a_picture_is_shown_as_stalled_and_goes_when_it_is_whole(tray: Tray) -> None:
    data = png("half", size=5000)
    path = write(tray.folder / "half.png", data[:2500])
    eventually(lambda: tray.desk.refusals)
    item, error = tray.desk.refusals[0]
    assert (item.name, item.status.value, error.code) == ("half.png", "stalled", "stalled")
    assert tray.engine.status().stalled == 1
    tray.engine.rescan()
    stay(2.0)
    assert len(tray.desk.refusals) == 1, "said once is enough"
    with path.open("ab") as file:
        file.write(data[2500:])
    assert tray.links(1) == ["half.png"]
    assert tray.engine.status().stalled == 0


def test_a_stalled_file_that_was_finished_unseen_is_found_by_the_rescan(tray: Tray) -> None:
    data = png("half", size=5000)
    path = write(tray.folder / "half.png", data[:2500])
    eventually(lambda: tray.desk.refusals)
    # A time in the past, as a sync tool would set it.
    write(path, data)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    tray.engine.rescan()
    assert tray.links(1) == ["half.png"]


def test_an_mtime_from_2001_makes_no_file_old(tray: Tray, tmp_path: Path) -> None:
    source = write(tmp_path / "old.png", png("2001"))
    os.utime(source, (1_000_000_000, 1_000_000_000))
    shutil.copy2(source, tray.folder / "copied.png")
    source.rename(tray.folder / "moved.png")
    assert sorted(tray.links(2)) == ["copied.png", "moved.png"]


def test_the_same_content_twice_is_two_captures(tray: Tray) -> None:
    write(tray.folder / "one.png", png("same"))
    tray.links(1)
    wait_for_jiffy()
    write(tray.folder / "two.png", png("same"))
    assert tray.links(2) == ["one.png", "two.png"]


def test_a_capture_overwritten_with_a_new_one_is_two_captures(tray: Tray) -> None:
    write(tray.folder / "last.png", png("first"))
    tray.links(1)
    wait_for_jiffy()
    write(tray.folder / "last.png", png("second"))
    assert tray.links(2) == ["last.png", "last.png"]
    assert len(tray.server.kept) == 2


def test_renaming_touching_and_linking_an_uploaded_file_uploads_nothing(tray: Tray) -> None:
    path = write(tray.folder / "shot.png", png())
    tray.links(1)
    path = path.rename(tray.folder / "renamed.png")
    stay(0.3)
    os.utime(path)
    os.link(path, tray.folder / "linked.png")
    stay(0.3)
    tray.engine.rescan()
    stay(0.7)
    assert len(tray.server.kept) == 1
    assert tray.engine.recent()[0].name in ("renamed.png", "linked.png")


def test_a_file_moved_away_and_put_back_by_copying_uploads_nothing(tray: Tray, tmp_path: Path) -> None:
    path = write(tray.folder / "shot.png", png())
    tray.links(1)
    shutil.copy2(path, tmp_path / "backup.png")
    path.unlink()
    wait_for_jiffy()
    shutil.copy2(tmp_path / "backup.png", tray.folder / "restored.png")
    stay(0.8)
    assert len(tray.server.kept) == 1


def test_what_lay_in_the_folder_at_the_first_start_is_never_uploaded(tmp_path: Path, server: FakeServer) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    old = [write(folder / f"old-{n}.png", png(n)) for n in range(20)]
    with running(tmp_path, server) as tray:
        old[0].rename(folder / "renamed.png")
        os.utime(old[1])
        tray.engine.rescan()
        stay(0.6)
        write(folder / "new.png", png("new"))
        assert tray.links(1) == ["new.png"]
    with running(tmp_path, server) as tray:
        stay(0.5)
    assert server.names() == ["new.png"]


def test_an_old_file_that_is_written_anew_is_a_capture(tmp_path: Path, server: FakeServer) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    write(folder / "last.png", png("old", size=3000))
    with running(tmp_path, server) as tray:
        write(folder / "last.png", png("new", size=5000))
        assert tray.links(1) == ["last.png"]


def test_what_came_while_the_tray_was_off_is_uploaded_once_and_late(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        folder = tray.folder
    for n in range(10):
        write(folder / f"off-{n}.png", png(n))
    started = time.monotonic()
    with running(tmp_path, server) as tray:
        tray.links(10)
        assert time.monotonic() - started < 10
    with running(tmp_path, server) as tray:
        stay(0.5)
    assert sorted(server.names()) == [f"off-{n}.png" for n in range(10)]


@pytest.mark.timeout(900)
def test_a_burst_of_5000_files_all_arrive_and_only_the_newest_takes_the_clipboard(tray: Tray) -> None:
    count = 5000
    for n in range(count):
        (tray.folder / f"{n:04}.png").write_bytes(png(n, size=200))
    tray.links(count, seconds=600)
    stay(0.3)
    assert sorted(tray.server.names()) == [f"{n:04}.png" for n in range(count)]
    eventually(lambda: tray.engine.status().state.value == "idle")
    assert tray.desk.links[-1][0].still_waiting == 0
    # Of those that were taken over, none came after a newer one.
    prompt = [item.id for item, late in tray.desk.links if not late]
    assert prompt == sorted(prompt)


@pytest.mark.parametrize("tool", ["scrot", "maim", "import", "flameshot"])
def test_a_real_screenshot_tool_gets_one_link(tray: Tray, tool: str) -> None:
    requires(tool if tool != "import" else "import", package={"import": "imagemagick"}.get(tool, tool))
    requires("xvfb-run", package="xvfb")
    command = {
        "scrot": ["scrot", str(tray.folder / "shot.png")],
        "maim": ["maim", str(tray.folder / "shot.png")],
        "import": ["import", "-window", "root", str(tray.folder / "shot.png")],
        "flameshot": ["dbus-run-session", "flameshot", "full", "-p", str(tray.folder)],
    }[tool]
    subprocess.run(["xvfb-run", "-a", *command], check=True, capture_output=True, timeout=60)
    tray.links(1)
    stay(0.7)
    assert len(tray.server.kept) == 1


def test_writers_in_many_threads_lose_nothing(tray: Tray) -> None:
    def write_some(start: int) -> None:
        for n in range(start, start + 50):
            temporary = tray.folder / f".{n}.part"
            temporary.write_bytes(png(n, size=4000))
            temporary.rename(tray.folder / f"{n:04}.png")

    threads = [threading.Thread(target=write_some, args=(k * 50,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tray.links(300, seconds=120)
    stay(0.3)
    assert sorted(tray.server.names()) == [f"{n:04}.png" for n in range(300)]


def test_what_is_told_as_fast_as_it_is_heard_keeps_no_capture_waiting(tray: Tray) -> None:
    hints, over = tray.engine._intake.hints, threading.Event()

    class Endless:
        """Something that happens again as soon as somebody hears of it."""

        path = tray.folder / ".recording.part"

        @property
        def wanted(self) -> bool:
            if not over.is_set():
                hints.put(cast(Hint, self))
            return False

    try:
        hints.put(cast(Hint, Endless()))
        write(tray.folder / "shot.png", png())
        assert tray.links(1) == ["shot.png"]
    finally:
        over.set()


def test_a_file_deleted_at_once_is_forgotten_in_peace(tray: Tray) -> None:
    for n in range(30):
        path = write(tray.folder / f"{n}.png", png(n)[:50])
        path.unlink()
    stay(0.5)
    write(tray.folder / "after.png", png("after"))
    assert tray.links(1) == ["after.png"]


def test_a_named_file_goes_to_the_server_whatever_it_is(tray: Tray, tmp_path: Path) -> None:
    tray.engine.upload(write(tmp_path / "notes.txt", b"the server decides whether it takes notes " * 9))
    assert tray.links(1) == ["notes.txt"]


def test_patience_has_the_measured_numbers() -> None:
    patience = Patience()
    assert (patience.poll, patience.equal_polls, patience.quiet, patience.stalled) == (0.25, 2, 0.4, 60.0)
