"""Connections: SQLite through apsw or Postgres through psycopg 3, with one way to transact on both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import apsw
from peewee import Database, DataError, InterfaceError, OperationalError, PostgresqlDatabase
from playhouse.apsw_ext import APSWDatabase

from bulletdrop.config import Config
from bulletdrop.core.reserve import is_full
from bulletdrop.errors import BadConfig, BulletDropError, DiskFull, Invalid, Unavailable
from bulletdrop.paths import make_private_folder

# Below 3.51.3 a write-ahead log with two writers can corrupt the file (sqlite.org/changes, WAL-reset bug).
LEAST_SQLITE = (3, 51, 3)


class Sqlite(APSWDatabase):  # type: ignore[misc]
    """SQLite with every transaction IMMEDIATE: a deferred one that writes after reading fails when others write."""

    def begin(self, lock_type: str | None = None) -> None:
        """Start a transaction that holds the write lock from its first moment."""
        super().begin(lock_type or "IMMEDIATE")


class Postgres(PostgresqlDatabase):
    """Postgres through psycopg 3."""


def open_database(config: Config) -> Database:
    """A database for the settings, not yet connected: SQLite in the data folder unless `database_url` says Postgres.

    Raises: BadConfig for a URL that is no Postgres URL, Unavailable when the linked SQLite is too old to be safe.
    """
    if config.database_url:
        return _postgres(config.database_url)
    assert_sqlite()
    make_private_folder(config.data)
    pragmas = {
        "journal_mode": "wal",
        # NORMAL loses acknowledged rows when the power goes; FULL lost none.
        "synchronous": "full",
        "foreign_keys": 1,
        "secure_delete": 1,
        "cache_size": -8000,
        "temp_store": "memory",
    }
    return Sqlite(str(config.data / "bulletdrop.db"), timeout=10, pragmas=pragmas)


def assert_sqlite(version: str = apsw.sqlite_lib_version()) -> None:
    """Refuse to run on an SQLite that can corrupt its file. Raises Unavailable."""
    numbers = tuple(int(part) for part in version.split("."))
    if numbers < LEAST_SQLITE:
        needed = ".".join(map(str, LEAST_SQLITE))
        raise Unavailable(f"This program is linked with SQLite {version}; it needs {needed} or newer. Update apsw.")


def _postgres(url: str) -> Database:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise BadConfig("database_url starts with postgresql://; leave it out for SQLite.", field="database_url")
    url = re.sub(r"^\w+:", "postgresql:", url)
    return Postgres(url, prefer_psycopg3=True, connect_timeout=10)


def is_sqlite(database: Database) -> bool:
    """True when the database is SQLite: for the few places where the two differ."""
    return isinstance(database, APSWDatabase)


@contextmanager
def using(database: Database) -> Iterator[None]:
    """Give this thread a working connection for the block, and translate the driver's failures.

    The connection stays open for the thread's next block. After an error that is none of ours it is closed: a
    statement left open on it would hold on to old rows, and a broken connection does not come back.

    Raises: Unavailable when the database cannot be reached or stays locked, DiskFull when it has no room, Invalid
        for values that the database cannot hold.
    """
    try:
        if not is_sqlite(database) and not database.is_closed() and not database.is_connection_usable():
            database.close()
        database.connect(reuse_if_open=True)
        yield
    except (OperationalError, InterfaceError) as error:
        _abandon(database)
        raise _translated(error) from error
    except DataError as error:
        _abandon(database)
        raise Invalid("This holds characters or numbers that cannot be kept.") from error
    except BulletDropError:
        if _reads_on(database):
            _abandon(database)
        raise
    except BaseException:
        _abandon(database)
        raise


def _reads_on(database: Any) -> bool:
    """True when SQLite still has a statement under way, which the error's traceback keeps alive.

    It would pin its snapshot: this thread would go on to see old rows, and could not write.
    """
    if not is_sqlite(database) or database.is_closed():
        return False
    return bool(database.connection().txn_state() != apsw.SQLITE_TXN_NONE)


def _abandon(database: Any) -> None:
    """Close this thread's connection and with it whatever is open on it."""
    if database.is_closed() or database.in_transaction():
        # Within somebody's transaction: that one rolls back first, and its own block comes here.
        return
    try:
        database.close()
    except Exception:  # closing a dead connection may fail in any way, and it is gone either way
        database._state.reset()


def _translated(error: Exception) -> Exception:
    if is_full(error):
        return DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60)
    return Unavailable("The database cannot be reached right now. Try again in a moment.", retry_after=5)


def transaction(database: Database) -> Any:
    """A context in which all statements happen or none does. Nested, it is a savepoint."""
    return database.atomic()
