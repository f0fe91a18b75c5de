"""Is this file a capture we know? The one place that decides what "exactly once" counts.

A capture is one file that came to be: its bytes, with the inode and the time of its making. So

- a rename, a move within the file system, a hard link, a `touch` is no new capture: same inode, same bytes;
- a move over file systems, a restored backup or a sync that put the file back is none: same bytes, same time, and the
  file we knew is gone;
- the same screen taken twice is two: same bytes, other inode, other time, or the first file is still there;
- a file written anew under the same name is one more: other bytes; while the first one still waits, it takes its place;
- what lay in the folder before the first start stays unsent when touched or renamed; written anew, it is a capture.

Age plays no part: copies and sync tools keep old times.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.tray.desk import Status

SECOND_NS = 1_000_000_000
NEVER_SENT = (Status.STALLED, Status.FAILED, Status.WAITING, Status.ASKING)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as it stood at one moment."""

    path: Path
    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, facts: os.stat_result) -> Sighting:
        # SQLite's integers are signed: Windows has 64-bit volume numbers and ReFS 128-bit file numbers.
        return cls(path, _signed(facts.st_dev), _signed(facts.st_ino), facts.st_size, facts.st_mtime_ns)

    @classmethod
    def look(cls, path: Path) -> Sighting | None:
        """The file now; None when there is none (gone, a folder, a link, a pipe)."""
        try:
            facts = path.lstat()
        except OSError:
            return None
        return cls.of(path, facts) if stat.S_ISREG(facts.st_mode) else None

    def marks(self) -> dict[str, int]:
        """What tells this file, as it stands, from every other, wherever it is moved on its file system."""
        return {"device": self.device, "inode": self.inode, "size": self.size, "mtime_ns": self.mtime_ns}

    def same_file(self, other: Sighting) -> bool:
        return (self.device, self.inode) == (other.device, other.inode)

    def unchanged(self, other: Sighting) -> bool:
        return (self.size, self.mtime_ns) == (other.size, other.mtime_ns)


@dataclass(frozen=True, slots=True)
class Known:
    """A row of the outbox, as far as identity goes."""

    id: int
    at: Sighting
    sha256: str | None
    status: Status
    folder: Path

    @property
    def size(self) -> int:
        return self.at.size

    @property
    def mtime_ns(self) -> int:
        return self.at.mtime_ns


def same_capture(rows: Iterable[Known], now: Sighting, sha256: str) -> Known | None:
    """The row that this file is, or None for a new capture. Looks at the disk to see whether a row's file is there."""
    for row in rows:
        if row.at.same_file(now):
            if _same_inode_is_same(row, now, sha256):
                return row
        elif row.at.path == now.path and row.status in NEVER_SENT:
            # Written again under the name of one that has not got through: it takes that one's place in the list.
            return row
        elif row.sha256 == sha256 and _same_time(row.at, now) and not _still_there(row.at):
            return row
    return None


def _same_inode_is_same(row: Known, now: Sighting, sha256: str) -> bool:
    same_place = row.at.path == now.path
    if row.status in (Status.STALLED, Status.FAILED):
        return True
    if row.sha256 is None and row.status in NEVER_SENT:
        # Large, and not hashed yet.
        return same_place or row.at.unchanged(now)
    if row.sha256 is None:
        # Only seen, never hashed: with another size it was written anew.
        return row.size == now.size and (same_place or row.mtime_ns == now.mtime_ns)
    if row.sha256 == sha256:
        # Under another name with another time, the inode of a deleted file may have been given out again.
        return same_place or row.mtime_ns == now.mtime_ns or _still_there(row.at)
    # Other bytes: while it waits it is the same capture, only finished later; afterwards a new one.
    return same_place and row.status in (Status.WAITING, Status.ASKING, Status.REFUSED)


def _same_time(one: Sighting, other: Sighting) -> bool:
    """Equal, or equal to the second where one side keeps whole seconds only (FAT, SMB, zip, many sync tools)."""
    if one.mtime_ns == other.mtime_ns:
        return True
    coarse = one.mtime_ns % SECOND_NS == 0 or other.mtime_ns % SECOND_NS == 0
    return coarse and abs(one.mtime_ns - other.mtime_ns) < 2 * SECOND_NS


def _still_there(at: Sighting) -> bool:
    found = Sighting.look(at.path)
    return found is not None and found.same_file(at)


def _signed(number: int) -> int:
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >= 1 << 63 else number
