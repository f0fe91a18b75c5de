"""What was captured and what became of it: one SQLite file that survives a kill at every point.

A row exists before its upload begins and is `done` only after the server's answer, so a killed tray finds what it
owes as `waiting` and asks again with the same idempotency key: the server answers the same link, and each capture is
uploaded exactly once. `sending` is never stored: it would be the same as `waiting` after a crash, for one more fsync.

What counts as one capture is decided in `identity.py`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw

from bulletdrop.clock import Clock
from bulletdrop.errors import BulletDropError, NotFound
from bulletdrop.log import get_logger
from bulletdrop.tray.client import Uploaded
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.identity import Known, Sighting, same_capture
from bulletdrop.tray.rows import ITEM, KNOWN, SCHEMA, Job, to_item, to_known, to_micros, to_moment

log = get_logger("outbox")


class Outbox:
    """The rows of one tray. Safe to call from any thread; each call is one durable transaction."""

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._lock = threading.RLock()
        try:
            self._db = _open(path)
        except (apsw.CorruptError, apsw.NotADBError):
            # Better a tray that begins anew (and so uploads nothing twice) than one that never starts again.
            aside = path.with_name(f"{path.name}.broken-{clock.now():%Y%m%d-%H%M%S}")
            log.exception("The outbox cannot be read. It is kept as %s, and a new one begins.", aside.name)
            path.replace(aside)
            for leftover in ("-wal", "-shm"):
                path.with_name(path.name + leftover).unlink(missing_ok=True)
            self._db = _open(path)

    def close(self) -> None:
        """Close the file; later calls fail."""
        with self._lock:
            self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything inside is one durable transaction: one fsync for a burst instead of one for each file."""
        with self._lock, self._db:
            yield

    # -- what the watcher asks

    def folder_since(self, folder: Path) -> datetime | None:
        """Since when this folder is watched (over restarts); None: never before."""
        rows = self._rows("SELECT since FROM folder WHERE path = ?", str(folder))
        return to_moment(min(rows[0][0], self._now())) if rows else None

    def adopt_folder(self, folder: Path, present: Iterable[Sighting]) -> None:
        """Begin to know a folder: what lies in it now is `seen`, never uploaded. All or nothing."""
        with self.together():
            self.leave_unsent(folder, present)
            self._db.execute("INSERT OR IGNORE INTO folder VALUES (?, ?)", (str(folder), self._now()))

    def leave_unsent(self, folder: Path, present: Iterable[Sighting]) -> None:
        """Mark files as `seen`: they were there before us."""
        with self.together():
            for sighting in present:
                self._insert(folder, sighting, None, Status.SEEN)

    def recognises(self, sighting: Sighting) -> bool:
        """Whether this very file, unchanged, is accounted for. Cheap: no reading, no writing for the usual case."""
        settled = f"status NOT IN ('{Status.STALLED.value}', '{Status.FAILED.value}')"
        same = "size = ? AND mtime_ns = ?"
        with self._lock:
            rows = self._rows(
                f"SELECT id, path FROM capture WHERE inode = ? AND device = ? AND {same} AND {settled} LIMIT 1",
                *(sighting.inode, sighting.device, sighting.size, sighting.mtime_ns),
            )
            if rows and rows[0][1] != str(sighting.path) and not Path(rows[0][1]).exists():
                self._write("UPDATE capture SET path = ? WHERE id = ?", str(sighting.path), rows[0][0])
            # File systems without lasting inodes (FAT, SMB, many FUSE ones): the path with size and time is enough.
            return bool(rows) or bool(
                self._rows(
                    f"SELECT 1 FROM capture WHERE path = ? AND {same} AND {settled} LIMIT 1",
                    *(str(sighting.path), sighting.size, sighting.mtime_ns),
                )
            )

    def take_in(self, folder: Path, sighting: Sighting, sha256: str, *, always: bool = False) -> Item | None:
        """Account for a whole file. Returns the new waiting item, or None when it is a capture we know already.

        `always`: the person asked for this very file, so it is a new capture whatever we know.
        """
        with self.together():
            known = None if always else same_capture(self._candidates(folder, sighting, sha256), sighting, sha256)
            if known is None:
                return self.get(self._insert(folder, sighting, sha256, Status.WAITING))
            if known.status in (Status.STALLED, Status.FAILED) or (known.sha256 and known.sha256 != sha256):
                # The same file, better now: a row of its own, so that it counts as new and its key fits its bytes.
                self._db.execute("DELETE FROM capture WHERE id = ?", (known.id,))
                return self.get(self._insert(folder, sighting, sha256, Status.WAITING))
            self._db.execute(
                "UPDATE capture SET path = ?, device = ?, inode = ?, size = ?, mtime_ns = ? WHERE id = ?",
                (str(sighting.path), sighting.device, sighting.inode, sighting.size, sighting.mtime_ns, known.id),
            )
            return None

    def stall(self, folder: Path, sighting: Sighting) -> Item | None:
        """Note a file that stopped half way. None when it was noted before, in this very state."""
        with self.together():
            for known in self._by_place(sighting):
                if known.status is Status.STALLED:
                    if (known.size, known.mtime_ns) == (sighting.size, sighting.mtime_ns):
                        return None
                    self._db.execute(
                        "UPDATE capture SET size = ?, mtime_ns = ? WHERE id = ?",
                        (sighting.size, sighting.mtime_ns, known.id),
                    )
                    return self.get(known.id)
            item_id = self._insert(folder, sighting, None, Status.STALLED)
            message = "Its writer stopped half way; it is looked at again every few minutes."
            self._db.execute("UPDATE capture SET error_code = 'stalled', error = ? WHERE id = ?", (message, item_id))
            return self.get(item_id)

    def forget_stalled(self, path: Path) -> None:
        """Drop the note about a stalled file that is gone."""
        self._write("DELETE FROM capture WHERE path = ? AND status = ?", str(path), Status.STALLED.value)

    # -- what the sender asks

    def next_waiting(self, skip: Collection[int], newest_since: datetime) -> Job | None:
        """The next capture to send: the newest one found since the given time, so that what was just taken does not
        queue behind a backlog; else the oldest."""
        marks = ",".join("?" * len(skip))
        base = f"SELECT {KNOWN}, key FROM capture WHERE status = 'waiting' AND id NOT IN ({marks})"
        with self._lock:
            rows = self._rows(f"{base} AND found_at >= ? ORDER BY id DESC LIMIT 1", *skip, to_micros(newest_since))
            rows = rows or self._rows(f"{base} ORDER BY id LIMIT 1", *skip)
            if not rows:
                return None
            known = to_known(rows[0][:-1])
            return Job(self.get(known.id), known.at, f"{known.sha256}-{rows[0][-1]}")

    def waiting(self) -> int:
        """How many captures are still to be sent, those on their way included."""
        return int(self._rows("SELECT count(*) FROM capture WHERE status = 'waiting'")[0][0])

    def finish(self, item: Item, answer: Uploaded) -> Item | None:
        """The server has it. None when the file changed meanwhile: its new bytes wait, this link is not theirs."""
        with self._lock:
            self._write(
                "UPDATE capture SET status = 'done', link = ?, direct_url = ?, deletion_url = ?, upload_id = ?,"
                " sent_at = ?, next_at = NULL, error = NULL, error_code = NULL WHERE id = ? AND sha256 = ?",
                *(answer.link, answer.direct_url, answer.deletion_url, answer.id, self._now(), item.id, item.sha256),
            )
            return self.get(item.id) if self._db.changes() else None

    def postpone(self, item: Item, error: BulletDropError, next_at: datetime | None) -> None:
        """It did not work this time; it stays waiting. `next_at` is for show, the sender keeps the time."""
        self._write(
            "UPDATE capture SET attempts = attempts + 1, error_code = ?, error = ?, next_at = ? WHERE id = ?",
            *(error.code, error.message, to_micros(next_at) if next_at else None, item.id),
        )

    def give_up(self, item: Item, error: BulletDropError, status: Status) -> Item | None:
        """It will not be sent: REFUSED by the server or FAILED here. None when the file became another meanwhile."""
        with self._lock:
            self._write(
                "UPDATE capture SET status = ?, attempts = attempts + 1, error_code = ?, error = ?, next_at = NULL"
                " WHERE id = ? AND status = 'waiting'",
                *(status.value, error.code, error.message, item.id),
            )
            return self.get(item.id) if self._db.changes() else None

    def withdraw(self, item: Item) -> None:
        """Drop a waiting capture whose file changed: it will be judged again from the start."""
        self._write("DELETE FROM capture WHERE id = ? AND status = 'waiting'", item.id)

    # -- what the person asks

    def retry(self, item_id: int) -> Item:
        """Back into the queue, at once. Raises NotFound."""
        item = self.get(item_id)
        if item.status in (Status.REFUSED, Status.FAILED, Status.WAITING) and item.sha256:
            self._write(
                "UPDATE capture SET status = 'waiting', next_at = NULL, error = NULL, error_code = NULL WHERE id = ?",
                item_id,
            )
        return self.get(item_id)

    def forget(self, item_id: int) -> None:
        """Never send it, never show it. Raises NotFound."""
        self.get(item_id)
        self._write("UPDATE capture SET status = 'seen' WHERE id = ?", item_id)

    def get(self, item_id: int) -> Item:
        """One item. Raises NotFound."""
        rows = self._rows(f"SELECT {ITEM} FROM capture WHERE id = ?", item_id)
        if not rows:
            raise NotFound("This capture is no longer in the list.")
        return to_item(rows[0])

    def recent(self, n: int) -> list[Item]:
        """The newest n, whatever became of them, without what was only seen."""
        query = f"SELECT {ITEM} FROM capture WHERE status <> 'seen' ORDER BY id DESC LIMIT ?"
        return [to_item(row) for row in self._rows(query, n)]

    def counts(self) -> dict[Status, int]:
        """How many captures are in each status, `seen` left out."""
        query = "SELECT status, count(*) FROM capture WHERE status <> 'seen' GROUP BY status"
        return {Status(status): count for status, count in self._rows(query)}

    def setting(self, name: str) -> str | None:
        """A remembered value of the engine, such as `paused`."""
        rows = self._rows("SELECT value FROM setting WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def set_setting(self, name: str, value: str) -> None:
        """Remember a value."""
        self._write("INSERT OR REPLACE INTO setting VALUES (?, ?)", name, value)

    # -- inside

    def _candidates(self, folder: Path, sighting: Sighting, sha256: str) -> list[Known]:
        """The rows that may be this file, newest first: by place, then by content."""
        content = self._rows(
            f"SELECT {KNOWN} FROM capture WHERE sha256 = ? AND folder = ? ORDER BY id DESC LIMIT 100",
            *(sha256, str(folder)),
        )
        return self._by_place(sighting) + [to_known(row) for row in content]

    def _by_place(self, sighting: Sighting) -> list[Known]:
        rows = self._rows(
            f"SELECT {KNOWN} FROM capture WHERE (inode = ? AND device = ?) OR path = ? ORDER BY id DESC LIMIT 100",
            *(sighting.inode, sighting.device, str(sighting.path)),
        )
        return [to_known(row) for row in rows]

    def _insert(self, folder: Path, sighting: Sighting, sha256: str | None, status: Status) -> int:
        values = (_new_key(), str(folder), str(sighting.path), sighting.device, sighting.inode, sighting.size)
        self._db.execute(
            "INSERT INTO capture (key, folder, path, device, inode, size, mtime_ns, sha256, status, found_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, sighting.mtime_ns, sha256, status.value, self._now()),
        )
        return self._db.last_insert_rowid()

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _write(self, query: str, *values: Any) -> None:
        with self._lock:
            self._db.execute(query, values)

    def _now(self) -> int:
        return to_micros(self._clock.now())


def _open(path: Path) -> apsw.Connection:
    """The database, made if it is not there."""
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(5000)
        # FULL: rows survive a power cut too. A lost "done" would only ask again; a lost "waiting" would wait for the
        # next scan.
        connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=1000000")
        with connection:
            connection.execute(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _new_key() -> str:
    return secrets.token_hex(8)
