"""The outbox's table, and its rows as objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.identity import Known, Sighting

SCHEMA = """
CREATE TABLE IF NOT EXISTS capture (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,                  -- random part of the idempotency key, new when the content changes
    folder TEXT NOT NULL, path TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 TEXT,                        -- NULL for what was only seen, or stalled
    status TEXT NOT NULL,
    found_at INTEGER NOT NULL, sent_at INTEGER, next_at INTEGER,    -- microseconds since 1970, UTC
    attempts INTEGER NOT NULL DEFAULT 0,
    link TEXT, direct_url TEXT, deletion_url TEXT, upload_id TEXT, error_code TEXT, error TEXT
);
CREATE INDEX IF NOT EXISTS capture_inode ON capture (inode, device);
CREATE INDEX IF NOT EXISTS capture_path ON capture (path);
CREATE INDEX IF NOT EXISTS capture_content ON capture (sha256, folder);
CREATE INDEX IF NOT EXISTS capture_waiting ON capture (id) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS capture_shown ON capture (id) WHERE status <> 'seen';
CREATE TABLE IF NOT EXISTS folder (path TEXT PRIMARY KEY, since INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

ITEM = "id, path, size, status, found_at, sha256, link, direct_url, deletion_url, upload_id, sent_at"
ITEM += ", attempts, next_at, error_code, error"
KNOWN = "id, path, device, inode, size, mtime_ns, sha256, status, folder"


@dataclass(frozen=True, slots=True)
class Job:
    """One capture to send: the file as it was hashed, and the key that makes a repeat harmless."""

    item: Item
    at: Sighting
    idempotency_key: str


def to_micros(moment: datetime) -> int:
    """A time as the table keeps it."""
    return round(moment.timestamp() * 1_000_000)


def to_moment(micros: int | None) -> datetime | None:
    """The table's time, aware, in UTC."""
    return None if micros is None else datetime.fromtimestamp(micros / 1_000_000, UTC)


def to_known(row: tuple[Any, ...]) -> Known:
    """A row of the KNOWN columns."""
    item_id, path, device, inode, size, mtime_ns, sha256, status, folder = row
    return Known(item_id, Sighting(Path(path), device, inode, size, mtime_ns), sha256, Status(status), Path(folder))


def to_item(row: tuple[Any, ...]) -> Item:
    """A row of the ITEM columns."""
    item_id, path, size, status, found, sha256, link, direct, deletion, upload_id, sent = row[:11]
    attempts, next_at, code, error = row[11:]
    return Item(
        id=item_id,
        path=Path(path),
        name=Path(path).name,
        size=size,
        status=Status(status),
        found_at=to_moment(found) or datetime.fromtimestamp(0, UTC),
        sha256=sha256,
        link=link,
        direct_url=direct,
        deletion_url=deletion,
        upload_id=upload_id,
        sent_at=to_moment(sent),
        attempts=attempts,
        next_at=to_moment(next_at),
        error_code=code,
        error=error,
    )
