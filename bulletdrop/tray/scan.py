"""Reads a watched folder: what came while nobody looked, and what was there before us."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.ready import is_cloud_only, is_ignored


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the folder, and when its entry last changed (seconds since 1970; Windows: when it was made)."""

    sighting: Sighting
    changed: float


def scan(folder: Path) -> Iterator[Found]:
    """The regular files of a folder that may be captures, hidden ones, litter and links left out. Not recursive.

    Raises: OSError when the folder cannot be read; files that vanish meanwhile are left out.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_ignored(entry.name):
                continue
            path = folder / entry.name
            try:
                # Not entry.stat(): on Windows it has no inode and may be stale (bpo-41106).
                facts = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode) and facts.st_size and not is_cloud_only(facts):
                yield Found(Sighting.of(path, facts), facts.st_ctime)
