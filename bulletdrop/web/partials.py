"""Unfinished files in DATA/tmp: written and hashed as the bytes arrive, gone unless they are taken over."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from pathlib import Path

from bulletdrop.core.drops.intake import Incoming
from bulletdrop.core.models import new_id
from bulletdrop.errors import DiskFull, EmptyFile, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}


class Partial:
    """One file on its way in. For one thread at a time.

    Args:
        folder: the folder for unfinished files, on the file system of the storage.
        filename: what the client calls the file.
        hash_only: write nothing; only the hash is wanted.
    """

    def __init__(self, folder: Path, filename: str, *, hash_only: bool = False) -> None:
        self.path = folder / f"{new_id()}.part"
        self.filename = filename
        self.size = 0
        self._hash = hashlib.sha256()
        try:
            # Closed by finish() or abort().
            if hash_only:
                self._file = open(os.devnull, "wb")  # noqa: SIM115, PTH123
            else:
                self._file = open(self.path, "xb", opener=_private)  # noqa: SIM115
        except OSError as error:
            raise _translated(error) from error

    def write(self, data: bytes) -> None:
        """Add bytes. Raises DiskFull, Unavailable."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _translated(error) from error
        self._hash.update(data)
        self.size += len(data)

    def finish(self) -> Incoming:
        """The whole file, for `intake.store` to take. Raises EmptyFile, DiskFull."""
        try:
            self._file.close()
        except OSError as error:
            raise _translated(error) from error
        if self.size == 0:
            raise EmptyFile("The file is empty. Nothing was kept.", field="file")
        return Incoming(self.path, self.size, self._hash.hexdigest(), self.filename)

    def abort(self) -> None:
        """Remove the file, whatever state it is in."""
        # What cannot be flushed is thrown away with the rest.
        with contextlib.suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


def check_free_disk(folder: Path, least: int, coming: int) -> None:
    """Raise DiskFull when less than `least` bytes would be free after `coming` more."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _translated(error) from error
    if free - coming < least:
        raise DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)


def _translated(error: OSError) -> DiskFull | Unavailable:
    if error.errno in _FULL:
        return DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60)
    return Unavailable("The server's disk cannot be written right now. Try again later.", retry_after=30)
