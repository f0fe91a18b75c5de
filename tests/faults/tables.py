"""The database read without the product's own code: rows of blobs and uploads, on SQLite and Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

BLOBS = "SELECT id, sha256, size, key, refs, state FROM blob"
UPLOADS = "SELECT id, slug, blob_id, owner_id, idempotency_key, trashed_at FROM upload"


@dataclass(frozen=True)
class BlobRow:
    """One row of `blob`."""

    id: str
    sha256: str
    size: int
    key: str
    refs: int
    state: str


@dataclass(frozen=True)
class UploadRow:
    """One row of `upload`."""

    id: str
    slug: str
    blob: str
    owner: str
    idempotency_key: str | None
    trashed_at: int | None


@dataclass(frozen=True)
class Tables:
    """Both tables, read in one transaction."""

    blobs: list[BlobRow]
    uploads: list[UploadRow]


def query(data: Path, database_url: str, *statements: str) -> list[list[Sequence[Any]]]:
    """Run reads in one transaction. Args: `database_url`, empty for the SQLite file in the data folder."""
    if database_url:
        return _query_postgres(database_url, statements)
    connection = apsw.Connection(str(data / "bulletdrop.db"))
    try:
        connection.set_busy_timeout(10_000)
        connection.execute("BEGIN")
        rows = [list(connection.execute(statement)) for statement in statements]
        connection.execute("COMMIT")
        return rows
    finally:
        connection.close()


def _query_postgres(url: str, statements: Sequence[str]) -> list[list[Sequence[Any]]]:
    import psycopg  # an extra: only who tests Postgres has it

    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return [list(connection.execute(statement.encode()).fetchall()) for statement in statements]


def read_tables(data: Path, database_url: str = "") -> Tables:
    """Both tables of a data folder, also of one whose server runs."""
    blobs, uploads = query(data, database_url, BLOBS, UPLOADS)
    return Tables([BlobRow(*row) for row in blobs], [UploadRow(*row) for row in uploads])


def integrity(data: Path) -> str:
    """What SQLite's own check says: "ok", or its first complaint."""
    [[row]] = query(data, "", "PRAGMA integrity_check(1)")
    return str(row[0])
