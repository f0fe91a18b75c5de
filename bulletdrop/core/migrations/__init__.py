"""Ordered migrations: what turns an empty or older database into today's, under a lock, after a backup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from peewee import Database

from bulletdrop.core.database import is_sqlite, transaction
from bulletdrop.core.migrations.desk_tables import desk_tables
from bulletdrop.core.migrations.first_tables import first_tables
from bulletdrop.core.migrations.people_tables import people_tables
from bulletdrop.core.migrations.sharing_tables import sharing_tables
from bulletdrop.core.models import to_microseconds
from bulletdrop.errors import Unavailable
from bulletdrop.log import get_logger
from bulletdrop.paths import make_private_folder

Migration = Callable[[Database], None]

logger = get_logger("migrations")

# Any number, the same in every process: Postgres takes the lock by it.
_LOCK = 0x62756C6C


# Never reordered, never changed once released: a new column is a new row at the end.
MIGRATIONS: tuple[Migration, ...] = (first_tables, people_tables, sharing_tables, desk_tables)


def migrate(
    database: Database, *, now: datetime, backups: Path | None = None, steps: tuple[Migration, ...] = MIGRATIONS
) -> int:
    """Bring the database to today's tables. Safe to call from several processes at once.

    Args:
        database: connected.
        now: the time to write beside each migration.
        backups: the folder for the copy that is made of an SQLite file before it is changed; None makes none.
        steps: the migrations, all of them; tests pass others.

    Returns: how many migrations ran.
    Raises: Unavailable when the database was made by a newer program.
    """
    done = _done(database)
    if done > len(steps):
        raise Unavailable("This database was made by a newer BulletDrop. Use that version, or restore a backup.")
    if done == len(steps):
        return 0
    if done and backups is not None and is_sqlite(database):
        _back_up(database, backups, now)
    with transaction(database):
        if not is_sqlite(database):
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        database.execute_sql(
            "CREATE TABLE IF NOT EXISTS migration (number INTEGER NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL,"
            " applied_at BIGINT NOT NULL)"
        )
        # Asked again under the lock: another process may have been faster.
        done = _done(database)
        for number, step in enumerate(steps[done:], start=done + 1):
            step(database)
            mark = "?" if is_sqlite(database) else "%s"
            database.execute_sql(
                f"INSERT INTO migration (number, name, applied_at) VALUES ({mark}, {mark}, {mark})",
                (number, step.__name__, to_microseconds(now)),
            )
            logger.info("migrated", extra={"number": number, "step": step.__name__})
    return len(steps) - done


def _done(database: Database) -> int:
    if not database.table_exists("migration"):
        return 0
    return int(database.execute_sql("SELECT COALESCE(MAX(number), 0) FROM migration").fetchone()[0])


def _back_up(database: Database, folder: Path, now: datetime) -> None:
    make_private_folder(folder)
    target = folder / f"before-migration-{now:%Y%m%d-%H%M%S-%f}.db"
    database.execute_sql("VACUUM INTO ?", (str(target),))
    target.chmod(0o600)
    logger.info("backed up before migrating", extra={"path": str(target)})
