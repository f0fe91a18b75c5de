"""The tray's one database file: opened, brought up to date, and shared by all that must survive a kill."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from bulletdrop.clock import Clock
from bulletdrop.log import get_logger
from bulletdrop.tray.rows import STEPS, to_micros

log = get_logger("spool")

# A full disk, and, as SQLite says it, one whose owner has used up what they may (unixWrite: ENOSPC and EDQUOT).
DISK_ERRORS = (apsw.FullError, apsw.IOError)
# So many bytes are written to see whether there is room again: enough for the rows of a burst.
PROBE = 64 * 1024


class Spool:
    """The tables of one tray. Safe to call from any thread; each call outside of `together` is one durable
    transaction."""

    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._is_full = False
        # Transactions that are written and may not be on the disk yet, and how many of them are.
        self._written = self._synced = 0
        self._syncing = threading.Lock()
        try:
            self._db = _open(path)
        except apsw.FullError as error:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
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
    def together(self, *, sync: bool = True) -> Iterator[None]:
        """Everything inside is one durable transaction: one fsync for a burst instead of one for each file.

        Args:
            sync: False: written, so that it survives a kill of this program, and on the disk, so that it survives a
                power cut, only after `sync`. A disk that is busy can take 100 ms for that.
        """
        with self._lock:
            if sync or self._db.in_transaction:
                with self._noticed(), self._db:
                    yield
                return
            # https://sqlite.org/pragma.html#pragma_synchronous: NORMAL in WAL mode leaves out the fsync of a commit.
            self._db.execute("PRAGMA synchronous=NORMAL")
            try:
                with self._noticed(), self._db:
                    yield
            finally:
                self._db.execute("PRAGMA synchronous=FULL")
                self._written += 1

    def sync(self) -> None:
        """Wait until what was written before is on the disk. Others may read and write meanwhile. Raises OSError."""
        with self._syncing:
            written = self._written
            if written == self._synced:
                return
            try:
                log_file = os.open(f"{self.path}-wal", os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
            except FileNotFoundError:  # closed: all of it is in the database, on the disk
                return
            try:
                os.fsync(log_file)
            finally:
                os.close(log_file)
            self._synced = written

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            found = self._db.execute(query, _bound(values)).fetchall()
        return [tuple(os.fsdecode(one) if isinstance(one, bytes) else one for one in row) for row in found]

    def write(self, query: str, *values: Any) -> int:
        """Change rows. Returns how many."""
        with self._lock:
            with self._noticed():
                self._db.execute(query, _bound(values))
            return self._db.changes()

    def insert(self, query: str, *values: Any) -> int:
        """Add a row. Returns its number."""
        with self._lock:
            with self._noticed():
                self._db.execute(query, _bound(values))
            return self._db.last_insert_rowid()

    def has_room(self) -> bool:
        """Whether what comes can be written. Only after a write has failed the disk is asked: with a write."""
        if self._is_full:
            try:
                self.write("INSERT OR REPLACE INTO setting VALUES ('room', zeroblob(?))", PROBE)
                self.write("DELETE FROM setting WHERE name = 'room'")
                self._is_full = False
            except DISK_ERRORS as error:
                log.info("There is still no room: %s", error)
        return not self._is_full

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        """Around what writes: remembers that there was no room for it."""
        try:
            yield
        except DISK_ERRORS:
            self._is_full = True
            raise

    def now(self) -> int:
        """The time of day as the tables keep it."""
        return to_micros(self._clock.now())


def _bound(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_storable(value) if isinstance(value, str) else value for value in values)


def _storable(text: str) -> str | bytes:
    """A text as a table takes it: the name of a file need be no UTF-8, and is kept as its bytes then."""
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return os.fsencode(text)
        except UnicodeEncodeError:
            # Half a character, out of somebody's JSON.
            return text.encode("utf-8", "replace")
    return text


def _open(path: Path) -> apsw.Connection:
    """The database, made if it is not there, brought to today's tables if it is older."""
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(5000)
        # FULL: rows survive a power cut too. A lost "done" would only ask again; a lost "waiting" would wait for the
        # next scan.
        connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=1000000")
        with connection:
            version = int(connection.pragma("user_version") or 0)
            for number, step in enumerate(STEPS, 1):
                if version < number:
                    connection.execute(step)
                    connection.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        connection.close()
        raise
    return connection
