"""The rows of the outbox, one capture each, and what the person does to them: retry, yes, forget, undo.

Every word that the server is owed for it is written in the same transaction, so that it is carried
out after a kill too.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.errors import Conflict, NotFound
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.holding import Holder
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.owed import ALBUM, BIN, END, PUBLISH, RECALL, Debt, Owed
from bulletdrop.tray.reserving import Pool
from bulletdrop.tray.rows import ITEM, KNOWN, UNFILED, to_item, to_known, unfiled
from bulletdrop.tray.spool import Spool
from bulletdrop.tray.words import t


@dataclass(frozen=True, slots=True)
class Manner:
    """How a file came, and what is to be done with it.

    Args:
        how: one of the words of `rows`.
        home: the watched folder as it is called; None: the file's own.
        asks: nothing is sent before the person's yes.
        holder: whose reserved slug to take; None takes none.
        ending: of the direct link, without its dot.
    """

    how: str = ""
    home: Path | None = None
    asks: bool = False
    holder: Holder | None = None
    ending: str = ""


USUAL = Manner()


class Ledger:
    """The captures of one tray. Safe to call from any thread; each call is one durable transaction."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.spool = Spool(path, clock)
        self.pool = Pool(self.spool)
        self.owed = Owed(self.spool)
        self._rows, self._write, self._now = self.spool.rows, self.spool.write, self.spool.now

    def close(self) -> None:
        """Close the file; later calls fail."""
        self.spool.close()

    @contextmanager
    def together(self, *, sync: bool = True) -> Iterator[None]:
        """Everything inside is one durable transaction: one fsync for a burst instead of one for each file.

        Args:
            sync: False leaves the fsync to `sync`.
        """
        with self.spool.together(sync=sync):
            yield

    def sync(self) -> None:
        """Wait until everything is on the disk. Raises OSError."""
        self.spool.sync()

    def retry(self, item_id: int) -> Item:
        """Back into the queue, at once. Raises NotFound."""
        with self.together():
            item = self.get(item_id)
            if item.status is Status.UNDONE:
                # What the server knows by the old key was taken back there.
                self._write("UPDATE capture SET key = ?, told_at = NULL WHERE id = ?", new_key(), item_id)
            if item.status in (Status.REFUSED, Status.FAILED, Status.WAITING, Status.UNDONE):
                self._write(
                    "UPDATE capture SET status = 'waiting', next_at = NULL, error = NULL, error_code = NULL"
                    " WHERE id = ?",
                    item_id,
                )
            return self.get(item_id)

    def approve(self, item_id: int, manner: Manner) -> Item | None:
        """The person said yes. Returns the item, waiting now; None when it did not ask. Raises NotFound."""
        with self.together():
            if self.get(item_id).status is not Status.ASKING:
                return None
            self._write("UPDATE capture SET status = 'waiting' WHERE id = ?", item_id)
            return self._with_slug(item_id, manner)

    def forget(self, item_id: int) -> None:
        """Never send it, never show it; what is on its way is taken back. Raises NotFound; Conflict as
        `check_forget`."""
        with self.together():
            item = self.get(item_id)
            check_forget(item)
            if item.status in (Status.WAITING, Status.ASKING):
                self._owe_recall(item_id)
            self._write("UPDATE capture SET status = 'seen' WHERE id = ?", item_id)

    def undo(self, item_id: int) -> Item:
        """Take it back, wherever it stands; the server is owed the word. Raises NotFound."""
        with self.together():
            item = self.get(item_id)
            if item.status is not Status.UNDONE:
                self._owe_recall(item_id, upload_id=item.upload_id or "")
                self.owed.drop(item_id, PUBLISH, ALBUM, BIN)
                self._write(
                    "UPDATE capture SET status = 'undone', link = NULL, direct_url = NULL, deletion_url = NULL,"
                    " upload_id = NULL, slug = NULL, next_at = NULL, error = NULL, error_code = NULL WHERE id = ?",
                    item_id,
                )
            return self.get(item_id)

    def owe_bin(self, item_id: int) -> None:
        """The file goes to the bin."""
        at = self.at(item_id)
        if at is not None:
            self.owed.add(Debt(BIN, "", at.marks(), item_id))

    def published(self, item_id: int) -> None:
        """Everybody with the link may see it now."""
        self._write("UPDATE capture SET is_public = 1 WHERE id = ?", item_id)

    def unfiled(self, item_id: int) -> Item:
        """It is on the server, and not in its album. Raises NotFound."""
        with self.together():
            self._write(
                "UPDATE capture SET error_code = ?, error = ? WHERE id = ? AND status = 'done'",
                *(UNFILED, unfiled(), item_id),
            )
            return self.get(item_id)

    def binned(self, item_id: int) -> None:
        """Its file went to the bin."""
        self._write("UPDATE capture SET binned = 1 WHERE id = ?", item_id)

    def at(self, item_id: int) -> Sighting | None:
        """The file as it stood when it was taken in; None for an unknown id."""
        rows = self._rows(f"SELECT {KNOWN} FROM capture WHERE id = ?", item_id)
        return to_known(rows[0]).at if rows else None

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

    def with_status(self, wanted: Collection[Status], n: int) -> list[Item]:
        """The newest n in one of these."""
        marks = ",".join("?" * len(wanted))
        query = f"SELECT {ITEM} FROM capture WHERE status IN ({marks}) ORDER BY id DESC LIMIT ?"
        return [to_item(row) for row in self._rows(query, *(status.value for status in wanted), n)]

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

    def _with_slug(self, item_id: int, manner: Manner) -> Item:
        """Give it a reserved slug, unless it has one, asks first, or there is none."""
        item = self.get(item_id)
        if manner.holder is None or item.slug is not None or item.status is not Status.WAITING:
            return item
        reserved = self.pool.take(manner.holder, manner.ending)
        if reserved is None:
            return item
        slug, link, direct = reserved
        self._write(
            "UPDATE capture SET slug = ?, server = ?, link = ?, direct_url = ?, told_at = ? WHERE id = ?",
            *(slug, manner.holder.server, link, direct, self._now(), item_id),
        )
        return self.get(item_id)

    def _owe_recall(self, item_id: int, *, upload_id: str = "", server: str = "") -> None:
        """Owe the server the word that this one was taken back, by all that it may know it by."""
        row = self._rows("SELECT server, slug, sha256, key FROM capture WHERE id = ?", item_id)[0]
        held_by, slug, sha256, key = row
        server = server or held_by or self.setting("server") or ""
        if server and (upload_id or slug or sha256):
            known_by = {"upload_id": upload_id, "slug": slug or "", "key": f"{sha256}-{key}" if sha256 else ""}
            self.owed.add(Debt(RECALL, server, known_by, item_id))

    def _end_slug(self, item_id: int, code: str, message: str) -> None:
        """Take its link away, and owe the server the word for the page."""
        server, slug = self._rows("SELECT server, slug FROM capture WHERE id = ?", item_id)[0]
        if slug:
            self.owed.add(Debt(END, server, {"slug": slug, "code": code, "message": message}, item_id))
            self._write(
                "UPDATE capture SET slug = NULL, link = NULL, direct_url = NULL, told_at = NULL WHERE id = ?", item_id
            )


def check_forget(item: Item) -> None:
    """Raise Conflict for what the server has: out of the list it would be public, and nobody would see that."""
    if item.status is Status.DONE:
        raise Conflict(t("{name} is on the server already. Undo it instead: then its link ends.", name=item.name))


def check_decline(item: Item) -> None:
    """Raise Conflict for what does not ask to be sent (any more)."""
    if item.status is not Status.ASKING:
        raise Conflict(t("{name} does not ask any more: that was answered before.", name=item.name))


def can_retry(item: Item) -> bool:
    """Whether there is a file to send again: what was taken back may have gone to the bin too."""
    return item.status is not Status.UNDONE or (not item.binned and item.path.exists())


def check_retry(item: Item) -> None:
    """Raise Conflict for what was taken back and has no file any more."""
    if not can_retry(item):
        raise Conflict(t("The file of {name} is not there any more: it cannot be sent again.", name=item.name))


def new_key() -> str:
    """The random part of an idempotency key."""
    return secrets.token_hex(8)
