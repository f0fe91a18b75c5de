"""What stays wrong until the person sees to it: a full disk, an album that is not there. Told once, shown meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.tray.desk import Status
from bulletdrop.tray.preferences import Rule
from tests.faults.fulldisk import small_disk
from tests.support.needs import needs_root
from tests.support.server import Server
from tests.tray.engine_kit import FakeServer, Tray, eventually, fake_server, png, running, write
from tests.tray.engine_kit import Rule as ServerRule
from tests.tray.test_sender_real_server import tray_for

SHOTS = 60


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with fake_server() as one:
        yield one


def rules(tmp_path: Path, album: str) -> tuple[Rule, ...]:
    return (Rule(folder=str(tmp_path / "shots"), album=album),)


def shoot(tray: Tray, name: str) -> None:
    write(tray.folder / name, png(name))


def no_such_album(method: str, path: str) -> ServerRule | None:
    return ServerRule(404, "not_found") if path.startswith("/albums") else None


def fill_up(tray: Tray) -> None:
    """Let the outbox's file grow no further, which SQLite says as it says a full disk."""
    tray.engine._outbox.spool.rows("PRAGMA max_page_count = 1")


def make_room(tray: Tray) -> None:
    tray.engine._outbox.spool.rows("PRAGMA max_page_count = 1000000")


def fill_disk(disk: Path) -> Path:
    """A file that takes all that is left."""
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_full_disk_is_told_once_and_shown_until_there_is_room_and_nothing_is_lost(
    tmp_path: Path, fake: FakeServer
) -> None:
    with running(tmp_path, fake) as tray:
        assert tray.engine.status().troubles == ()
        fill_up(tray)
        names = [f"{number:02}.png" for number in range(SHOTS)]
        for name in names:
            shoot(tray, name)
        eventually(lambda: tray.desk.troubles)
        title, words = tray.desk.troubles[0]
        assert title == "This computer's disk is full."
        assert str(tmp_path / "data" / "tray") in words
        assert "Delete something or empty the bin" in words
        assert tray.engine.status().troubles == (f"{title} {words}",)
        assert len(fake.kept) < SHOTS
        make_room(tray)
        eventually(lambda: len(fake.kept) == SHOTS, 60)
        eventually(lambda: tray.engine.status().troubles == ())
        assert sorted(fake.names()) == names
        eventually(lambda: {item.status for item in tray.engine.recent(SHOTS)} == {Status.DONE})
        assert len(tray.engine.recent(SHOTS + 1)) == SHOTS
        assert (len(tray.desk.troubles), tray.desk.over) == (1, 1)


def test_on_a_disk_that_is_really_full_the_same_is_told_and_all_go_up_once_there_is_room(
    tmp_path: Path, fake: FakeServer
) -> None:
    needs_root()
    with small_disk(tmp_path / "disk", size_mb=12) as disk:
        shots = tmp_path / "shots"
        with running(disk, fake, folder=shots) as tray:
            write(shots / "before.png", png("before"))
            eventually(lambda: fake.kept)
            ballast = fill_disk(disk)
            for number in range(SHOTS):
                write(shots / f"{number:02}.png", png(number))
            eventually(lambda: tray.desk.troubles)
            assert tray.engine.status().troubles
            ballast.unlink()
            eventually(lambda: len(fake.kept) == SHOTS + 1, 60)
            eventually(lambda: tray.engine.status().troubles == ())
            eventually(lambda: {item.status for item in tray.engine.recent(SHOTS + 1)} == {Status.DONE})
            assert len(set(fake.names())) == SHOTS + 1


@pytest.mark.parametrize("left", [0, 8 * 1024], ids=["nothing left", "a little left"])
def test_a_tray_that_is_started_on_a_full_disk_says_so_in_one_line(tmp_path: Path, left: int) -> None:
    needs_root()
    with small_disk(tmp_path / "disk", size_mb=2) as disk:
        (disk / "data").mkdir()
        ballast = fill_disk(disk)
        os.truncate(ballast, ballast.stat().st_size - left)
        command = [
            sys.executable,
            "-m",
            "bulletdrop",
            "tray",
            "--data",
            str(disk / "data"),
            "--server",
            "http://[::1]:9",
        ]
        environ = os.environ | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1
        said = f"bulletdrop: The disk is full: nothing can be written to {disk / 'data'}. Delete something,"
        assert done.stderr.strip().splitlines()[-1].startswith(said)
        assert "Traceback" not in done.stderr


def test_a_second_full_disk_is_told_again(tmp_path: Path, fake: FakeServer) -> None:
    with running(tmp_path, fake) as tray:
        for turn in (1, 2):
            fill_up(tray)
            for number in range(SHOTS):
                shoot(tray, f"{turn}-{number:02}.png")
            eventually(lambda so_far=turn: len(tray.desk.troubles) == so_far)  # type: ignore[misc]
            make_room(tray)
            eventually(lambda: tray.engine.status().troubles == ())


def test_an_album_that_is_not_there_is_told_once_and_shown_on_each_capture_and_in_the_health(
    tmp_path: Path, fake: FakeServer
) -> None:
    fake.judge_small = no_such_album
    with running(tmp_path, fake, folders=rules(tmp_path, "holidays")) as tray:
        for name in ("one.png", "two.png"):
            shoot(tray, name)
        eventually(lambda: [bool(item.error) for item in tray.engine.recent()] == [True, True])
        for item in tray.engine.recent():
            assert item.status is Status.DONE
            assert item.error == "It is uploaded, but not in its album: that one is not on the server, or not yours."
        ((title, words),) = tray.desk.troubles
        assert title == "An album is missing."
        assert "the album holidays, which is not on the server" in words
        assert tray.engine.status().troubles == (f"{title} {words}",)
        # Whoever names another one has seen to it, whatever comes of older captures.
        tray.chosen.change(folders=rules(tmp_path, "family"))
        eventually(lambda: tray.engine._outbox.owed.count() == 0)
        assert tray.engine.status().troubles == ()
        assert tray.desk.over == 1


def test_an_album_that_can_be_filled_again_is_no_trouble_any_more(tmp_path: Path, fake: FakeServer) -> None:
    fake.judge_small = no_such_album
    with running(tmp_path, fake, folders=rules(tmp_path, "holidays")) as tray:
        shoot(tray, "one.png")
        eventually(lambda: tray.engine.status().troubles)
        fake.judge_small = lambda method, path: None
        shoot(tray, "two.png")
        eventually(lambda: tray.engine.status().troubles == ())
        assert tray.engine.recent()[0].error is None


@pytest.mark.parametrize("where", ["nowhere", "in the trash"])
def test_a_drop_that_is_gone_itself_blames_no_album(tmp_path: Path, fake: FakeServer, where: str) -> None:
    trashed = json.dumps({"id": "s0", "url": f"{fake.url}/s0", "trashed_at": "2026-01-01T00:00:00Z"}).encode()

    def judge(method: str, path: str) -> ServerRule:
        is_told = method == "GET" and where == "in the trash"
        return ServerRule(200, body=trashed) if is_told else ServerRule(404, "not_found")

    fake.judge_small = judge
    with running(tmp_path, fake, folders=rules(tmp_path, "holidays")) as tray:
        shoot(tray, "one.png")
        eventually(lambda: ("GET", "/uploads/s0") in fake.small)
        eventually(lambda: tray.engine._outbox.owed.count() == 0)
        assert tray.desk.troubles == []
        assert tray.engine.recent()[0].error is None


def test_somebody_elses_album_is_as_one_that_is_not_there(server: Server, tmp_path: Path) -> None:
    made = server.charlie.post("/api/v1/albums", json={"title": "Charlie's"})
    made.raise_for_status()
    album = str(made.json()["id"])
    with tray_for(server, tmp_path, folders=rules(tmp_path, album)) as (engine, desk):
        write(tmp_path / "shots" / "shot.png", png())
        eventually(lambda: desk.troubles)
        assert album in desk.troubles[0][1]
        assert engine.recent()[0].error is not None
