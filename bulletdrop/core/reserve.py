"""Room kept for deletions: on a full disk a delete needs a little space in the database before it gives any back."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from peewee import OperationalError

T = TypeVar("T")

# Hundreds of deletions in SQLite's write-ahead log, at about 40 KB each, between two checkpoints of it.
RESERVE_BYTES = 4 * 1024 * 1024


def is_full(error: Exception) -> bool:
    """True when a database says that its disk has no room."""
    text = str(error).lower()
    return "disk is full" in text or "no space left" in text or "disk full" in text


def has_room(data: Path, least: int) -> bool:
    """True when at least `least` bytes are free on the disk of the data folder."""
    return shutil.disk_usage(data).free >= least


def keep_reserve(data: Path, least: int) -> None:
    """Lay the reserve by, unless it is there or would leave less than `least` bytes free. Failing is no error."""
    path = data / "reserve"
    with contextlib.suppress(OSError):
        if (path.exists() and path.stat().st_size >= RESERVE_BYTES) or not has_room(data, least + RESERVE_BYTES):
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            # Written, not only made long: a file with a hole in it reserves nothing.
            os.write(descriptor, bytes(RESERVE_BYTES))
        finally:
            os.close(descriptor)


def with_reserve(data: Path, action: Callable[[], T]) -> T:
    """Do something that leads to free space; when the disk is full, give the reserve up and do it again.

    Args:
        action: changes the database in one transaction or statement, so that a failed try leaves nothing behind.
    """
    try:
        return action()
    except OperationalError as error:
        if not is_full(error):
            raise
        try:
            (data / "reserve").unlink()
        except FileNotFoundError:
            raise error from None
        return action()
