"""One tray per data folder: a lock that the system frees by itself, whatever happens to the program."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path
from typing import IO

from bulletdrop.errors import BulletDropError
from bulletdrop.paths import make_private_folder

# A command that only looks whether a tray runs holds the lock for a moment; a start outlasts it.
TAKE_SECONDS = 0.25
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class AlreadyRunning(BulletDropError):
    """Another tray holds this data folder."""

    code = "already_running"
    title = "BulletDrop is already running"


class LockUnreadable(BulletDropError):
    """The lock's file cannot be opened or locked at all: that is no other tray, and has another cure."""

    code = "lock_unreadable"
    title = "BulletDrop cannot start here"


class InstanceLock:
    """The lock of one data folder. Taken by `take`, freed by `release` or by the end of the process.

    A lock on an open file and not a file that merely exists: the latter goes stale after a crash.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / "tray" / "lock"
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Take the lock. Waits a quarter of a second at most, for those who only look.

        Raises: AlreadyRunning when another process holds it; LockUnreadable when that cannot even be asked, with the
        reason and the cure.
        """
        deadline = time.monotonic() + TAKE_SECONDS
        file = self._open()
        while True:
            try:
                _lock(file)
                break
            except OSError as error:
                if error.errno in _HELD and time.monotonic() < deadline:
                    time.sleep(0.02)
                    continue
                file.close()
                if error.errno in _HELD:
                    raise AlreadyRunning(f"BulletDrop is already running on {self.path.parent.parent}.") from error
                raise self._unreadable(error) from error
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

    def is_held(self) -> bool:
        """Whether some process holds it now. A lock that is not there, or cannot be opened, is held by nobody."""
        try:
            file = self.path.open("r+b")
        except OSError:
            return False
        with file:
            try:
                _lock(file)
            except OSError as error:
                return error.errno in _HELD
        return False

    def holder(self) -> int | None:
        """The process id that the holder wrote, for a message; None when it cannot be read."""
        try:
            return int(self.path.read_bytes())
        except (OSError, ValueError):
            return None

    def _open(self) -> IO[bytes]:
        try:
            make_private_folder(self.path.parent)
            # "a+b": opening with "w" would empty the holder's file before the lock is asked for.
            return self.path.open("a+b")
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> LockUnreadable:
        why = error.strerror or str(error)
        return LockUnreadable(
            f"{self.path} cannot be used ({why}), so nothing tells whether BulletDrop runs already. "
            "Let this account write there, or name another data folder with --data.",
            paths=[self.path],
        )


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
