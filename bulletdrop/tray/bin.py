"""Puts a file into this system's bin, where the person finds it again."""

from __future__ import annotations

import os

from bulletdrop.tray.identity import Sighting


def to_bin(expected: Sighting) -> bool:
    """Move a file to the bin, if it is still the very one: same inode, size and time.

    Returns: False when it is another file by now, or none. Raises: OSError when the system has no bin for it.
    """
    now = Sighting.look(expected.path)
    if now is None or not (now.same_file(expected) and now.unchanged(expected)):
        return False
    # Freedesktop's trash specification 1.0, the Recycle Bin, or the Finder's Trash.
    from send2trash import send2trash  # type: ignore[import-untyped]

    try:
        send2trash(os.fspath(expected.path))
    except OSError:
        raise
    except Exception as error:  # each system's own
        raise OSError(f"The bin did not take it: {error}") from error
    return True
