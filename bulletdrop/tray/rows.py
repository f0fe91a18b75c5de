"""The outbox's tables, step by step as they grew, and their rows as objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.identity import Known, Sighting
from bulletdrop.tray.words import t

# Each step is run once, in order; PRAGMA user_version counts them. A file from before the count has the first.
STEPS = (
    """
CREATE TABLE IF NOT EXISTS capture (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,                  -- random part of the idempotency key, new when the content changes
    folder TEXT NOT NULL, path TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 TEXT,                        -- NULL for what was only seen, stalled, or is large and waits
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
""",
    """
ALTER TABLE capture ADD COLUMN slug TEXT;           -- reserved for it, and named in its upload
ALTER TABLE capture ADD COLUMN server TEXT;         -- whose slug and link these are
ALTER TABLE capture ADD COLUMN told_at INTEGER;     -- since when the person may have its link
ALTER TABLE capture ADD COLUMN is_public INTEGER NOT NULL DEFAULT 1;
ALTER TABLE capture ADD COLUMN binned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE capture ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;   -- named by the person, not found in a folder
ALTER TABLE capture ADD COLUMN how TEXT NOT NULL DEFAULT '';        -- one of HOW
ALTER TABLE capture ADD COLUMN home TEXT;           -- the watched folder as it is called; `folder` has no links in it
CREATE INDEX capture_size ON capture (size, folder);
CREATE TABLE reserved (
    slug TEXT PRIMARY KEY, url TEXT NOT NULL, direct_base TEXT NOT NULL, with_ending INTEGER NOT NULL,
    got_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    server TEXT NOT NULL, device TEXT NOT NULL      -- to whom it was handed out: address, and a mark of the key
);
CREATE TABLE owed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,                 -- one of owed.KINDS
    server TEXT NOT NULL,               -- who has to hear it; '' for this machine
    capture INTEGER,
    detail TEXT NOT NULL,               -- JSON
    due_at INTEGER NOT NULL
);
""",
)

ITEM = "id, path, size, status, found_at, sha256, link, direct_url, deletion_url, upload_id, sent_at"
ITEM += ", attempts, next_at, error_code, error, slug, home, folder, how, wanted, is_public, binned"
KNOWN = "id, path, device, inode, size, mtime_ns, sha256, status, folder"


@dataclass(frozen=True, slots=True)
class Job:
    """One capture to send: the file as it was found, and the key that makes a repeat harmless.

    Args:
        key: the random part of the idempotency key; new when the content changes.
        server: whose slug `item.slug` is.
        told_at: since when the person may have the link; None while there is none.
        wanted: the person named this file.
    """

    item: Item
    at: Sighting
    key: str
    server: str | None = None
    told_at: datetime | None = None
    wanted: bool = False

    @property
    def idempotency_key(self) -> str:
        return f"{self.item.sha256}-{self.key}"


def to_micros(moment: datetime) -> int:
    """A time as the table keeps it."""
    return round(moment.timestamp() * 1_000_000)


def to_moment(micros: int | None) -> datetime | None:
    """The table's time, aware, in UTC."""
    return None if micros is None else datetime.fromtimestamp(micros / 1_000_000, UTC)


def shown(text: str) -> str:
    """A file's name as it can be written anywhere: bytes in it that are no UTF-8 are question marks."""
    return text.encode("utf-8", "replace").decode()


def to_known(row: tuple[Any, ...]) -> Known:
    """A row of the KNOWN columns."""
    item_id, path, device, inode, size, mtime_ns, sha256, status, folder = row
    return Known(item_id, Sighting(Path(path), device, inode, size, mtime_ns), sha256, Status(status), Path(folder))


def to_item(row: tuple[Any, ...]) -> Item:
    """A row of the ITEM columns."""
    item_id, path, size, status, found, sha256, link, direct, deletion, upload_id, sent = row[:11]
    attempts, next_at, code, error, slug, home, folder, how, wanted, is_public, binned = row[11:]
    found_at = to_moment(found) or datetime.fromtimestamp(0, UTC)
    return Item(
        id=item_id,
        path=Path(path),
        name=shown(Path(path).name),
        size=size,
        status=Status(status),
        found_at=found_at,
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
        slug=slug,
        folder=Path(home or folder),
        reason=reason(how, Path(home or folder), found_at, wanted=bool(wanted)),
        is_public=bool(is_public),
        binned=bool(binned),
        wanted=bool(wanted),
        missed=how == SCANNED and not wanted,
    )


# How a capture came to be noticed, as the `how` column keeps it.
WRITTEN, RENAMED, MOVED_IN, SCANNED = "written", "renamed", "moved", "scanned"
# What `error_code` says of one whose writer stopped half way, and of one whose file went away.
STALLED, GONE = "stalled", "file_gone"
# And of one that was uploaded, and is not in its album.
UNFILED = "no_album"


def reason(how: str, folder: Path, found_at: datetime, *, wanted: bool) -> str:
    """Why a file was taken, as a sentence for the person, with the time on their own clock."""
    time = f"{found_at.astimezone():%H:%M:%S}"
    if wanted:
        return t("You named this file yourself at {time}.", time=time)
    if how == RENAMED:
        return t("It appeared in {folder} at {time}. It was renamed into place.", folder=folder, time=time)
    if how == MOVED_IN:
        return t("It appeared in {folder} at {time}. It was moved or linked there whole.", folder=folder, time=time)
    if how == SCANNED:
        return t("It was found in {folder} at {time}: it came while nobody looked.", folder=folder, time=time)
    return t("It appeared in {folder} at {time}. It was written there.", folder=folder, time=time)


def spoken(item: Item, why: str) -> Item:
    """A capture with its sentences in the language of now: why its folder is watched, and a note of our own."""
    if why and item.reason:
        item = replace(item, reason=f"{item.reason} {t('This folder is watched: {why}.', why=why)}")
    if item.error_code == STALLED:
        item = replace(item, error=stalled())
    if item.error_code == GONE:
        item = replace(item, error=gone(item.name))
    if item.error_code == UNFILED:
        item = replace(item, error=unfiled())
    return item


def gone(name: str) -> str:
    """What is said of a file that went away."""
    return t("{name} was deleted, moved away or made unreadable before it could be sent.", name=name)


def unfiled() -> str:
    """What is said of one whose album cannot be filled."""
    return t("It is uploaded, but not in its album: that one is not on the server, or not yours.")


def stalled() -> str:
    """What is said of a file that stopped half way."""
    return t("Its writer stopped half way; it is looked at again every few minutes.")
