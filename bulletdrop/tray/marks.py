"""Is this file a screenshot? macOS marks each one it takes, which tells them apart on a desktop full of other files."""

from __future__ import annotations

import sys
from pathlib import Path

MARK = "com.apple.metadata:kMDItemIsScreenCapture"


def is_marked(path: Path) -> bool:
    """Whether macOS marked the file as a screenshot. The mark may come some moments after the file."""
    if sys.platform == "darwin":
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        # ssize_t getxattr(path, name, value, size, position, options): without a value it answers the length, or -1.
        library.getxattr.restype = ctypes.c_ssize_t
        return bool(library.getxattr(bytes(path), MARK.encode(), None, ctypes.c_size_t(0), 0, 0) >= 0)
    else:
        return True


def needs_mark(folder: Path, *, platform: str = sys.platform, home: Path | None = None) -> bool:
    """Whether only marked files of this folder count: on macOS's Desktop, Documents, Downloads and Pictures."""
    if platform != "darwin":
        return False
    home = home or Path.home()
    return folder in {home / name for name in ("Desktop", "Documents", "Downloads", "Pictures")}


def is_capture(path: Path, folder: Path) -> bool:
    """Whether a whole file of a watched folder is a capture."""
    return not needs_mark(folder) or is_marked(path)
