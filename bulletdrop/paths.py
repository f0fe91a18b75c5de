"""Where things lie: the data folder, its parts, and the environment that child programs get."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def default_data_folder() -> Path:
    """The data folder when nobody names one: the system's place for a user's application data."""
    import platformdirs  # here, because it costs 30 ms that `--version` need not pay

    return Path(platformdirs.user_data_dir("bulletdrop", appauthor=False))


def make_private_folder(path: Path) -> Path:
    """Make a folder (and its parents) that only its owner may enter. Returns it."""
    try:
        path.mkdir(exist_ok=True, mode=0o700)
    except FileNotFoundError:
        if path.parent == path:
            raise
        # Not `parents=True`: it makes those with the usual mode, and the data folder is one of them.
        make_private_folder(path.parent)
        path.mkdir(exist_ok=True, mode=0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a small file that only its owner may read (0600), whole or not at all.

    The bytes and the name are on the disk when this returns: temporary file, fsync, rename, fsync of the folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_frozen() -> bool:
    """True in the binary that PyInstaller made."""
    return bool(getattr(sys, "frozen", False))


def program() -> list[str]:
    """The command that starts this same program again, from source or frozen."""
    return [sys.executable] if is_frozen() else [sys.executable, "-m", "bulletdrop"]


def child_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for other people's programs (xdg-open, wl-copy): ours without what PyInstaller put there.

    A frozen program's LD_LIBRARY_PATH points into its own bundle and breaks the system's tools
    (PyInstaller manual, "LD_LIBRARY_PATH / LIBPATH considerations").
    """
    child = dict(environ)
    if is_frozen():
        original = child.pop("LD_LIBRARY_PATH_ORIG", None)
        child.pop("LD_LIBRARY_PATH", None)
        if original is not None:
            child["LD_LIBRARY_PATH"] = original
        child["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
    return child
