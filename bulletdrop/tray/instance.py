"""One tray per data folder: a lock that the system frees by itself, whatever happens to the program."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from bulletdrop.errors import BulletDropError
from bulletdrop.paths import make_private_folder


class AlreadyRunning(BulletDropError):
    """Another tray holds this data folder."""

    code = "already_running"
    title = "BulletDrop is already running"


class InstanceLock:
    """The lock of one data folder. Taken by `take`, freed by `release` or by the end of the process.

    A lock on an open file and not a file that merely exists: the latter goes stale after a crash.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / "tray" / "lock"
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Take the lock, without waiting.

        Raises: AlreadyRunning when another process holds it; OSError when the file cannot be opened at all, which
        is another matter and deserves another message.
        """
        make_private_folder(self.path.parent)
        # "a+b": opening with "w" would empty the holder's file before the lock is asked for.
        file = self.path.open("a+b")
        try:
            _lock(file)
        except OSError as error:
            file.close()
            raise AlreadyRunning(f"BulletDrop is already running on {self.path.parent.parent}.") from error
        file.seek(0)
        file.truncate()
        file.write(b"%d\n" % os.getpid())
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back. Calling it twice is fine."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> int | None:
        """The process id that the holder wrote, for a message; None when it cannot be read."""
        try:
            return int(self.path.read_bytes())
        except (OSError, ValueError):
            return None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        # A byte far behind the end, so that the process id at the start stays readable for others.
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
