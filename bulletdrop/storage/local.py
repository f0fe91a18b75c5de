"""A folder: temporary file → fsync → rename → fsync of the folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bulletdrop.errors import BulletDropError, DiskFull, MissingObject, Truncated, Unavailable
from bulletdrop.paths import sync_folder
from bulletdrop.storage.base import check_key, is_key

_FULL = {errno.ENOSPC, errno.EDQUOT}


class LocalStorage:
    """Storage in a folder, in which the keys are the files' paths, so that a person can browse it.

    Args:
        root: the folder; made when it is not there. `put` takes only files of the same file system.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._durable: set[Path] = set()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, key: str, source: Path, *, size: int) -> None:
        """See `Storage.put`. An fsync that fails is never tried again on the same file: the page may be lost."""
        target = self._path(key)
        try:
            _sync_file(source, size)
            self._make_folders(target.parent)
            # link() fails where the name exists, rename() would silently replace other people's bytes.
            _link_or_rename(source, target)
            sync_folder(target.parent)
        except FileExistsError:
            raise
        except OSError as error:
            raise _translated(error, target) from error

    def open(self, key: str) -> BinaryIO:
        """See `Storage.open`."""
        path = self._path(key)
        try:
            return path.open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise MissingObject(paths=[path]) from error
        except OSError as error:
            raise _translated(error, path) from error

    def size(self, key: str) -> int:
        """See `Storage.size`."""
        path = self._path(key)
        try:
            return path.stat().st_size
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingObject(paths=[path]) from error

    def delete(self, key: str) -> None:
        """See `Storage.delete`. Folders stay: removing one would race with a put into it."""
        path = self._path(key)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _translated(error, path) from error
        sync_folder(path.parent)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Storage.keys`. Walks only the folders that can hold the prefix, and follows no symbolic links."""
        start = self.root / prefix.rpartition("/")[0] if prefix else self.root
        inside = start.relative_to(self.root).parts
        if any(self.root.joinpath(*inside[: count + 1]).is_symlink() for count in range(len(inside))):
            return
        for folder, _, names in os.walk(start):
            relative = Path(folder).relative_to(self.root).as_posix()
            for name in names:
                key = name if relative == "." else f"{relative}/{name}"
                if key.startswith(prefix) and is_key(key) and not (self.root / key).is_symlink():
                    yield key

    def local_path(self, key: str) -> Path | None:
        """See `Storage.local_path`."""
        return self._path(key)

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def _make_folders(self, folder: Path) -> None:
        """Make the folders down to `folder` and put each name on the disk."""
        # That a folder is there does not mean that its name is safe: another thread may have made it this moment,
        # or a process that was killed before its fsync. So each is synced once by each process.
        if folder == self.root or (folder in self._durable and folder.is_dir()):
            return
        self._make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
        self._durable.add(folder)


def _sync_file(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        actual = os.fstat(descriptor).st_size
        if actual != size:
            raise Truncated(f"{actual} bytes arrived where {size} were expected. Nothing was kept.", paths=[path])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link_or_rename(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
            raise
        # A file system without hard links (exFAT, some network mounts).
        if target.exists():
            raise FileExistsError(errno.EEXIST, "key exists", str(target)) from error
        source.rename(target)
    else:
        source.unlink()


def _translated(error: OSError, path: Path) -> BulletDropError:
    if error.errno in _FULL:
        return DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60, paths=[path])
    message = "The server's storage cannot be written or read right now. Try again later."
    return Unavailable(message, retry_after=30, paths=[path])
