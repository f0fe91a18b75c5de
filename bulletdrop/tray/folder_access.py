"""A watched folder that may not be read: said once, with where to allow it, and again only after it was readable."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bulletdrop.tray.desk import FolderReport
from bulletdrop.tray.words import t


def may_read(folder: Path) -> bool:
    """Whether the system lets this program list the folder. One that is not there is no refusal."""
    try:
        with os.scandir(folder):
            return True
    except PermissionError:
        # macOS answers EPERM for Desktop, Documents and Downloads until the person has allowed it (TCC).
        return False
    except OSError:
        return True


def cure(folder: Path, platform: str = sys.platform) -> str:
    """What to do about it, in a sentence."""
    if platform == "darwin":
        return t("Allow it in System Settings, Privacy & Security, Files and Folders.")
    return t("Give this account the right to read {folder}.", folder=folder)


class FolderAccess:
    """Notices refused folders among the reports of the engine.

    Args:
        tell: called with the folder and the cure, once for each refusal.
        may_read: asked only about folders that have a problem; the tests bring their own.
    """

    def __init__(
        self,
        tell: Callable[[Path, str], object],
        *,
        may_read: Callable[[Path], bool] = may_read,
        platform: str = sys.platform,
    ) -> None:
        self._tell = tell
        self._may_read = may_read
        self._platform = platform
        self._told: set[Path] = set()

    def look(self, folders: Iterable[FolderReport]) -> None:
        """Tell what is new. Called from one thread."""
        for folder in folders:
            refused = folder.problem is not None and not self._may_read(folder.path)
            if not refused:
                self._told.discard(folder.path)
            elif folder.path not in self._told:
                self._told.add(folder.path)
                self._tell(folder.path, cure(folder.path, self._platform))
