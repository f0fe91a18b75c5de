"""What was captured and what became of it: rows that survive a kill at every point.

A row is on the disk before its upload begins and is `done` only after the server's answer, so a killed tray finds what
it owes as `waiting` and asks again with the same idempotency key: the server answers the same link, and each capture is
uploaded exactly once. `sending` is never stored: it would be the same as `waiting` after a crash, for one more fsync.
A reserved slug leaves the pool in the transaction that makes the row it is for, and every debt to the server is written
in the transaction of its reason.

What counts as one capture is decided in `identity.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bulletdrop.errors import BulletDropError
from bulletdrop.tray.client import Uploaded
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.identity import Known, Sighting, same_capture
from bulletdrop.tray.ledger import USUAL, Ledger, Manner, new_key
from bulletdrop.tray.owed import Debt
from bulletdrop.tray.rows import ITEM, KNOWN, STALLED, Job, stalled, to_item, to_known, to_micros, to_moment

_JOB = f"{ITEM}, key, device, inode, mtime_ns, server, told_at, wanted"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which captures a worker may take.

    Args:
        skip: ids that it may not.
        newest_since: prefer the newest one found since then; None: only by age.
        most: bytes; larger ones are for others.
        away: servers that are known and are not the one to send to now: what has a link there waits for them.
    """

    skip: Collection[int] = ()
    newest_since: datetime | None = None
    most: int | None = None
    away: Collection[str] = ()

    def query(self) -> tuple[str, list[Any]]:
        """The query so far, and its values."""
        skip, away = (",".join("?" * len(values)) for values in (self.skip, self.away))
        query = f"SELECT {_JOB} FROM capture WHERE status = 'waiting' AND id NOT IN ({skip})"
        values: list[Any] = list(self.skip)
        if self.most is not None:
            query, values = f"{query} AND size <= ?", [*values, self.most]
        if self.away:
            query, values = f"{query} AND (slug IS NULL OR server NOT IN ({away}))", [*values, *self.away]
        return query, values


class Outbox(Ledger):
    """The captures of one tray. Safe to call from any thread; each call is one durable transaction."""

    # -- what the watcher asks

    def folder_since(self, folder: Path) -> datetime | None:
        """Since when this folder is watched (over restarts); None: never before."""
        rows = self._rows("SELECT since FROM folder WHERE path = ?", str(folder))
        return to_moment(min(rows[0][0], self._now())) if rows else None

    def adopt_folder(self, folder: Path, present: Iterable[Sighting]) -> None:
        """Begin to know a folder: what lies in it now is `seen`, never uploaded. All or nothing."""
        with self.together():
            self.leave_unsent(folder, present)
            self._write("INSERT OR IGNORE INTO folder VALUES (?, ?)", str(folder), self._now())

    def leave_unsent(self, folder: Path, present: Iterable[Sighting]) -> None:
        """Mark files as `seen`: they were there before us."""
        with self.together():
            for sighting in present:
                self._insert(folder, sighting, None, Status.SEEN)

    def recognises(self, sighting: Sighting) -> bool:
        """Whether this very file, unchanged, is accounted for. Cheap: no reading, no writing for the usual case."""
        settled = f"status NOT IN ('{Status.STALLED.value}', '{Status.FAILED.value}')"
        same = "size = ? AND mtime_ns = ?"
        rows = self._rows(
            f"SELECT id, path FROM capture WHERE inode = ? AND device = ? AND {same} AND {settled} LIMIT 1",
            *(sighting.inode, sighting.device, sighting.size, sighting.mtime_ns),
        )
        if rows and rows[0][1] != str(sighting.path):
            old = Sighting.look(Path(rows[0][1]))
            # A hard link leaves it where it is; a rename does not, even where another file took the old name.
            if old is None or not old.same_file(sighting):
                self._write("UPDATE capture SET path = ? WHERE id = ?", str(sighting.path), rows[0][0])
        # File systems without lasting inodes (FAT, SMB, many FUSE ones): the path with size and time is enough.
        return bool(rows) or bool(
            self._rows(
                f"SELECT 1 FROM capture WHERE path = ? AND {same} AND {settled} LIMIT 1",
                *(str(sighting.path), sighting.size, sighting.mtime_ns),
            )
        )

    def is_new(self, folder: Path, sighting: Sighting) -> bool:
        """Whether this is a capture of its own whatever its bytes: no row of its place, or of its size there."""
        if self._by_place(sighting):
            return False
        return not self._rows("SELECT 1 FROM capture WHERE size = ? AND folder = ? LIMIT 1", sighting.size, str(folder))

    def take_in(
        self, folder: Path, sighting: Sighting, sha256: str | None, *, always: bool = False, manner: Manner = USUAL
    ) -> Item | None:
        """Account for a whole file. Returns the item that is new or anew, or None when it is a capture we know already.

        Args:
            sha256: None for a large file that `is_new`: it is hashed before it is sent.
            always: the person asked for this very file, so it is a new capture whatever we know.
        """
        with self.together():
            if always:
                self.forget_stalled(sighting.path)
            known = None
            if sha256 is not None and not always:
                known = same_capture(self._candidates(folder, sighting, sha256), sighting, sha256)
            if known is None:
                return self._begin(folder, sighting, sha256, manner, wanted=always)
            if known.status in (Status.STALLED, Status.FAILED):
                # Better now: a row of its own, so that it counts as new.
                wanted = self.get(known.id).wanted
                self._write("DELETE FROM capture WHERE id = ?", known.id)
                return self._begin(folder, sighting, sha256, manner, wanted=wanted)
            anew = known.status in (Status.WAITING, Status.ASKING, Status.REFUSED) and known.sha256 != sha256
            self._write(
                "UPDATE capture SET path = ?, device = ?, inode = ?, size = ?, mtime_ns = ? WHERE id = ?",
                *(str(sighting.path), sighting.device, sighting.inode, sighting.size, sighting.mtime_ns, known.id),
            )
            if not anew:
                return None
            # Finished later than we thought: its link stays, its key fits its bytes.
            self._write(
                "UPDATE capture SET sha256 = ?, key = ?, attempts = 0, next_at = NULL, error = NULL, error_code = NULL,"
                " status = iif(status = 'asking', 'asking', 'waiting') WHERE id = ?",
                *(sha256, new_key(), known.id),
            )
            return self._with_slug(known.id, manner)

    def stall(self, folder: Path, sighting: Sighting, *, wanted: bool = False) -> Item | None:
        """Note a file that stopped half way. None when it was noted before, in this very state."""
        with self.together():
            for known in self._by_place(sighting):
                if known.status is Status.STALLED:
                    if (known.size, known.mtime_ns) == (sighting.size, sighting.mtime_ns):
                        return None
                    self._write(
                        "UPDATE capture SET size = ?, mtime_ns = ? WHERE id = ?",
                        *(sighting.size, sighting.mtime_ns, known.id),
                    )
                    return self.get(known.id)
            item_id = self._insert(folder, sighting, None, Status.STALLED, wanted=wanted)
            self._write("UPDATE capture SET error_code = ?, error = ? WHERE id = ?", STALLED, stalled(), item_id)
            return self.get(item_id)

    def forget_stalled(self, path: Path) -> None:
        """Drop the note about a stalled file that is gone."""
        self._write("DELETE FROM capture WHERE path = ? AND status = ?", str(path), Status.STALLED.value)

    # -- what the sender asks

    def next_waiting(self, choice: Choice) -> Job | None:
        """The next capture to send: the newest one found since the given time, so that what was just taken does not
        queue behind a backlog; else the oldest."""
        query, values = choice.query()
        with self.together():
            rows = []
            if choice.newest_since is not None:
                newest = to_micros(choice.newest_since)
                rows = self._rows(f"{query} AND found_at >= ? ORDER BY id DESC LIMIT 1", *values, newest)
            rows = rows or self._rows(f"{query} ORDER BY id LIMIT 1", *values)
            return _to_job(rows[0]) if rows else None

    def waiting(self) -> int:
        """How many captures are still to be sent, those on their way included."""
        return int(self._rows("SELECT count(*) FROM capture WHERE status = 'waiting'")[0][0])

    def hashed(self, job: Job, sha256: str) -> Job | None:
        """Its bytes are known now. None when it is another capture, or none, meanwhile."""
        with self.together():
            changed = self._write(
                "UPDATE capture SET sha256 = ? WHERE id = ? AND key = ? AND status = 'waiting'",
                *(sha256, job.item.id, job.key),
            )
            return self._job(job.item.id) if changed else None

    def finish(self, job: Job, answer: Uploaded, debts: Sequence[Debt] = (), *, server: str = "") -> Item | None:
        """The server has it; from now on `debts` are owed. Returns the item: DONE, or what the person made of it
        meanwhile, and then the server is owed the word. None when the file changed meanwhile: its new bytes wait, and
        this link is not theirs."""
        item = job.item
        with self.together():
            found = self._rows("SELECT status, key FROM capture WHERE id = ?", item.id)
            if not found or found[0][1] != job.key:
                return None
            if found[0][0] in (Status.UNDONE.value, Status.SEEN.value):
                if answer.id:
                    self._owe_recall(item.id, upload_id=answer.id, server=server)
                return self.get(item.id)
            self._write(
                "UPDATE capture SET status = 'done', link = ?, direct_url = ?, deletion_url = ?, upload_id = ?,"
                " sent_at = ?, told_at = ifnull(told_at, ?), is_public = ?, next_at = NULL, error = NULL,"
                " error_code = NULL, server = ? WHERE id = ?",
                *(_link(item, answer), answer.direct_url, answer.deletion_url, answer.id, self._now(), self._now()),
                *(answer.fields.get("is_public") is not False, server or job.server, item.id),
            )
            for debt in debts:
                self.owed.add(debt)
            return self.get(item.id)

    def unlink(self, job: Job) -> None:
        """The server does not hold its slug for us: it gets its link with the upload."""
        self._write(
            "UPDATE capture SET slug = NULL, link = NULL, direct_url = NULL, told_at = NULL WHERE id = ? AND key = ?",
            *(job.item.id, job.key),
        )

    def postpone(self, item: Item, error: BulletDropError, next_at: datetime | None, *, server: str = "") -> None:
        """It did not work this time; it stays waiting. `next_at` is for show, the sender keeps the time; `server` may
        have it all the same, for an answer can be lost."""
        self._write(
            "UPDATE capture SET attempts = attempts + 1, error_code = ?, error = ?, next_at = ?,"
            " server = ifnull(server, ?) WHERE id = ?",
            *(error.code, error.message, to_micros(next_at) if next_at else None, server or None, item.id),
        )

    def leave(self, job: Job) -> None:
        """It goes to another server now: the one before is owed the word, should it have it after all."""
        with self.together():
            self._owe_recall(job.item.id)
            self._write("UPDATE capture SET server = NULL WHERE id = ? AND key = ?", job.item.id, job.key)

    def give_up(self, item: Item, error: BulletDropError, status: Status) -> Item | None:
        """It will not be sent: REFUSED by the server or FAILED here; its page says so. None when the file became
        another meanwhile, or the person said something else."""
        with self.together():
            changed = self._write(
                "UPDATE capture SET status = ?, attempts = attempts + 1, error_code = ?, error = ?, next_at = NULL"
                " WHERE id = ? AND status = 'waiting'",
                *(status.value, error.code, error.message, item.id),
            )
            if not changed:
                return None
            self._end_slug(item.id, error.code, error.message)
            return self.get(item.id)

    # -- inside

    def _begin(self, folder: Path, sighting: Sighting, sha256: str | None, manner: Manner, *, wanted: bool) -> Item:
        asks = manner.asks and not wanted
        item_id = self._insert(folder, sighting, sha256, Status.ASKING if asks else Status.WAITING)
        self._write(
            "UPDATE capture SET wanted = ?, how = ?, home = ? WHERE id = ?",
            *(wanted, manner.how, str(manner.home) if manner.home else None, item_id),
        )
        return self._with_slug(item_id, manner)

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

    def _insert(
        self, folder: Path, sighting: Sighting, sha256: str | None, status: Status, *, wanted: bool = False
    ) -> int:
        return self.spool.insert(
            "INSERT INTO capture (key, folder, path, device, inode, size, mtime_ns, sha256, status, found_at,"
            " wanted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(new_key(), str(folder), str(sighting.path), sighting.device, sighting.inode, sighting.size),
            *(sighting.mtime_ns, sha256, status.value, self._now(), wanted),
        )

    def _job(self, item_id: int) -> Job:
        return _to_job(self._rows(f"SELECT {_JOB} FROM capture WHERE id = ?", item_id)[0])


def _to_job(row: tuple[Any, ...]) -> Job:
    """A row of the _JOB columns."""
    item = to_item(row[:-7])
    key, device, inode, mtime_ns, server, told_at, wanted = row[-7:]
    at = Sighting(item.path, device, inode, item.size, mtime_ns)
    return Job(item, at, key, server, to_moment(told_at), bool(wanted))


def _link(item: Item, answer: Uploaded) -> str:
    """The link as it was told, if the upload went there; else as the server says it."""
    told = item.slug is not None and answer.fields.get("slug") == item.slug
    return item.link if told and item.link else answer.link
