"""What is asked before a folder is watched, and the folders that are not watched though a picture came into them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bulletdrop.errors import Invalid
from bulletdrop.tray.folders import System, is_shared
from bulletdrop.tray.formats import is_picture
from bulletdrop.tray.preferences import Rule
from bulletdrop.tray.words import t

# Nothing below these is a person's.
_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "sys", "usr")
# These are the system's, and have folders in them that are a person's.
_SYSTEM_ITSELF = ("opt", "root", "run", "srv", "var")
_MACOS = ("System", "Library", "Applications", "private", "Volumes")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A form that did not fit: what was typed, and what is wrong with which of its fields. `rule` None: `add`."""

    folder: str
    field: str
    words: str
    rule: Rule | None = None


def refuse(path: Path, data: Path) -> None:
    """Raise Invalid for a folder that nobody means: the system's, or the tray's own."""
    real = Path(os.path.realpath(path))
    if real == Path(real.anchor) or _is_systems(real):
        raise Invalid(t("{path} belongs to the system: it is not watched.", path=path), field="folder")
    if real.is_relative_to(os.path.realpath(data)):
        raise Invalid(t("{path} is BulletDrop's own: it is not watched.", path=path), field="folder")


def holds_much_else(path: Path) -> bool:
    """Whether a folder has other files too, so that the person is asked once more."""
    system = System()
    real = Path(os.path.realpath(path))
    return is_shared(path, system) or is_shared(real, system)


def strays(folders: Iterable[str], since: datetime) -> tuple[Path, ...]:
    """Of these folders, those into which a picture came since then."""
    return tuple(path for path in map(Path, folders) if _has_new_picture(path, since.timestamp()))


def _is_systems(real: Path) -> bool:
    if sys.platform == "win32":
        roots = (os.environ.get(name) for name in ("SystemRoot", "ProgramFiles", "ProgramFiles(x86)", "ProgramData"))
        return any(real.is_relative_to(root) for root in roots if root)
    first, more = real.parts[1], len(real.parts) > 2
    if first in _SYSTEM:
        return True
    itself = (*_SYSTEM_ITSELF, *(_MACOS if sys.platform == "darwin" else ()))
    return first in itself and not more and real != System().home


def _has_new_picture(folder: Path, since: float) -> bool:
    try:
        if folder.stat().st_mtime < since:
            return False  # nothing came or went
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_picture(Path(entry.name)):
                    state = entry.stat()
                    if max(state.st_mtime, state.st_ctime) >= since:
                        return True
    except OSError:
        pass
    return False
