"""The outbox's file: one from an older program is brought up to date with all that it holds, a broken one put aside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.tray.desk import State
from bulletdrop.tray.holding import Holder, Reserved
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.outbox import Choice, Outbox
from bulletdrop.tray.rows import STEPS
from tests.tray.engine_kit import FakeServer, eventually, fake_server, png, running, stay, write

# As the program made it before its tables were counted.
FIRST = """
CREATE TABLE capture (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, folder TEXT NOT NULL, path TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 TEXT, status TEXT NOT NULL, found_at INTEGER NOT NULL, sent_at INTEGER, next_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0, link TEXT, direct_url TEXT, deletion_url TEXT, upload_id TEXT,
    error_code TEXT, error TEXT
);
CREATE INDEX capture_inode ON capture (inode, device);
CREATE INDEX capture_path ON capture (path);
CREATE INDEX capture_content ON capture (sha256, folder);
CREATE INDEX capture_waiting ON capture (id) WHERE status = 'waiting';
CREATE INDEX capture_shown ON capture (id) WHERE status <> 'seen';
CREATE TABLE folder (path TEXT PRIMARY KEY, since INTEGER NOT NULL);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
KEPT = (
    "INSERT INTO capture (key, folder, path, device, inode, size, mtime_ns, sha256, status, found_at, link, upload_id)"
)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


def old_file(path: Path, *rows: tuple[object, ...], paused: bool = False, folder: Path | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(FIRST)
    for row in rows:
        connection.execute(f"{KEPT} VALUES ({','.join('?' * len(row))})", row)
    connection.execute("INSERT INTO setting VALUES ('paused', ?)", ("yes" if paused else "no",))
    if folder is not None:
        connection.execute("INSERT INTO folder VALUES (?, 0)", (str(folder),))
    connection.close()


def row(path: Path, sha256: str, status: str, link: str | None = None) -> tuple[object, ...]:
    at = Sighting.look(path)
    assert at is not None
    found = (at.device, at.inode, at.size, at.mtime_ns, sha256, status, 1_700_000_000_000_000)
    return ("k", str(path.parent), str(path), *found, link, "u1" if link else None)


def test_an_older_file_keeps_what_it_holds(tmp_path: Path, clock: ManualClock) -> None:
    done, waits = write(tmp_path / "done.png", b"x"), write(tmp_path / "waits.png", b"yy")
    path = tmp_path / "outbox.db"
    old_file(path, row(done, "aa", "done", "http://x/1"), row(waits, "bb", "waiting"), folder=tmp_path)
    for _ in range(2):
        box = Outbox(path, clock)
        try:
            kept = {item.name: item for item in box.recent(5)}
            assert (kept["done.png"].link, kept["done.png"].is_public) == ("http://x/1", True)
            assert kept["done.png"].folder == tmp_path
            job = box.next_waiting(Choice())
            assert job is not None
            assert (job.item.name, job.idempotency_key) == ("waits.png", "bb-k")
            assert box.folder_since(tmp_path) is not None
            assert box.setting("paused") == "no"
        finally:
            box.close()


def test_the_steps_lead_to_the_same_tables_from_everywhere(tmp_path: Path, clock: ManualClock) -> None:
    old_file(tmp_path / "old.db")
    shapes = []
    for name in ("old.db", "new.db"):
        Outbox(tmp_path / name, clock).close()
        connection = apsw.Connection(str(tmp_path / name))
        tables = [found[0] for found in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        shapes.append({table: connection.execute(f"PRAGMA table_info({table})").fetchall() for table in tables})
        assert connection.pragma("user_version") == len(STEPS)
        connection.close()
    assert shapes[0] == shapes[1]


def test_a_tray_over_an_older_file_sends_what_waited_once_and_stays_paused_if_it_was(
    tmp_path: Path, server: FakeServer
) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    sent = write(folder / "sent.png", png(1))
    old_file(
        tmp_path / "data" / "tray" / "outbox.db",
        row(sent, "aa", "done", "http://x/1"),
        row(write(folder / "waits.png", png(2)), "bb", "waiting"),
        paused=True,
        folder=folder,
    )
    with running(tmp_path, server) as tray:
        assert tray.engine.status().state is State.PAUSED
        stay(0.4)
        assert server.requests == 0
        tray.engine.resume()
        tray.links(1)
    with running(tmp_path, server) as tray:
        stay(0.4)
        assert tray.engine.status().state is State.IDLE
    assert server.names() == ["waits.png"]


def test_a_step_that_is_cut_short_is_made_again(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "outbox.db"
    old_file(path, row(write(tmp_path / "a.png", b"x"), "aa", "waiting"))
    connection = apsw.Connection(str(path))
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(STEPS[1])
    # Killed here: nothing was committed.
    connection.execute("ROLLBACK")
    connection.close()
    box = Outbox(path, clock)
    try:
        assert box.waiting() == 1
        box.pool.put(Holder("http://x", "d"), [Reserved("s", "http://x/s", "http://x/s", clock.now())])
    finally:
        box.close()


def test_a_broken_outbox_is_put_aside_and_a_new_one_begins(tmp_path: Path, clock: ManualClock) -> None:
    path = write(tmp_path / "outbox.db", b"this was a database once" * 500)
    box = Outbox(path, clock)
    try:
        assert box.folder_since(tmp_path) is None
        assert [one.name for one in tmp_path.glob("*.broken-*")] == ["outbox.db.broken-20261120-120000"]
    finally:
        box.close()


def test_a_slug_goes_to_one_capture_alone_and_with_its_row(tmp_path: Path, clock: ManualClock) -> None:
    box = Outbox(tmp_path / "outbox.db", clock)
    holder = Holder("http://x", "d")
    try:
        clock_later = ManualClock()
        clock_later.advance(days=1)
        box.pool.put(holder, [Reserved("s", "http://x/s", "http://x/s", clock_later.now())])
        assert box.pool.count(holder) == 1

        def killed_before_the_commit() -> None:
            with box.together():
                assert box.pool.take(holder, "png") == ("s", "http://x/s", "http://x/s.png")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            killed_before_the_commit()
        assert box.pool.take(holder, "") is not None
        assert box.pool.take(holder, "") is None
    finally:
        box.close()


def test_a_name_that_is_no_utf8_stops_nothing_and_is_sent_as_any_other(tmp_path: Path, server: FakeServer) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    odd = [Path(os.fsdecode(os.fsencode(folder) + name)) for name in (b"/\xff\xfe old.png", b"/\xff new.png")]
    try:
        write(odd[0], png(seed=b"old"))
    except OSError:
        pytest.skip("this file system has names in UTF-8 alone")
    with running(tmp_path, server, folder=folder) as tray:
        write(odd[1], png(seed=b"odd"))
        write(folder / "next.png", png(seed=b"next"))
        eventually(lambda: len(server.kept) == 2)
        assert {one.name for one in server.kept} == {"? new.png", "next.png"}
        eventually(lambda: {item.name for item in tray.engine.recent(5)} == {"? new.png", "next.png"})
        assert odd[1] in {item.path for item in tray.engine.recent(5)}
