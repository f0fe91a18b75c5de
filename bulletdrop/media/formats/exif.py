"""The one thing wanted from EXIF before it is dropped: which way is up."""

from __future__ import annotations

_ORIENTATION = 0x0112
_SHORT = 3
# An IFD is at most a few dozen entries long in practice; TIFF 6.0 has no limit.
_MOST_ENTRIES = 1000


def orientation_of(data: bytes) -> int:
    """The orientation in a block of EXIF (TIFF 6.0 layout, tag 274 of the first directory).

    Args:
        data: the block, with or without its leading "Exif" and two NULs.

    Returns: 1 to 8; 1 for anything that is not a proper orientation, since EXIF is never worth a refusal.
    """
    if data[:6] in (b"Exif\0\0", b"Exif\0\xff"):
        data = data[6:]
    order: str
    if data[:4] == b"II*\0":
        order = "little"
    elif data[:4] == b"MM\0*":
        order = "big"
    else:
        return 1

    def number(at: int, length: int) -> int:
        return int.from_bytes(data[at : at + length], "little" if order == "little" else "big")

    directory = number(4, 4)
    entries = min(number(directory, 2), _MOST_ENTRIES)
    for at in range(directory + 2, min(directory + 2 + 12 * entries, len(data) - 11), 12):
        if number(at, 2) == _ORIENTATION:
            value = number(at + 8, 2)
            proper = number(at + 2, 2) == _SHORT and number(at + 4, 4) == 1 and 1 <= value <= 8
            return value if proper else 1
    return 1
