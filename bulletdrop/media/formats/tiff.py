"""TIFF, before it is converted: its directories, their sizes, and that every strip lies inside the file.

Source of rules and numbers: Adobe, TIFF 6.0, sections 2, 8 and 15. Kept whole: what leaves us is another kind.
"""

from __future__ import annotations

import struct
import sys
from array import array

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.found import Found, all_of
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.source import Source

_WIDTH, _LENGTH = 256, 257
# Strips and tiles: where they begin, and how long they are.
_PLACES = ((273, 279), (324, 325))
_WANTED = {_WIDTH, _LENGTH}.union(*_PLACES)
_FORMATS = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4)}  # BYTE, SHORT, LONG
_MOST_ENTRIES = 1000
_MOST_STRIPS = 1_000_000


def inspect(source: Source, limits: Limits) -> Found:
    """Check a TIFF's headers. Raises Truncated, BadPicture, TooManyPixels."""
    order = "<" if source.read(0, 2) == b"II" else ">"
    (at,) = struct.unpack(order + "I", source.read(4, 4))
    seen: set[int] = set()
    largest = (0, 0)
    first: tuple[int, int] | None = None
    while at:
        if at in seen:
            raise BadPicture("This TIFF's pages go round in a circle.")
        seen.add(at)
        size, at = _directory(source, order, at)
        first = first or size
        largest = max(largest, size, key=lambda pair: pair[0] * pair[1])
        limits.check(*largest, len(seen))
    if first is None:
        raise BadPicture("This TIFF holds no picture.")
    return all_of(source.size, first[0], first[1], len(seen))


def _directory(source: Source, order: str, at: int) -> tuple[tuple[int, int], int]:
    """One page's size, and where the next page's directory lies (0: there is none)."""
    (count,) = struct.unpack(order + "H", source.read(at, 2))
    if not 0 < count <= _MOST_ENTRIES:
        raise BadPicture("This TIFF has a page that cannot be.")
    data = source.read(at + 2, 12 * count + 4)
    values = {}
    for place in range(0, 12 * count, 12):
        entry = data[place : place + 12]
        tag, kind, length = struct.unpack(order + "HHI", entry[:8])
        if tag in _WANTED and tag not in values:
            values[tag] = _values(source, order, entry, kind, length)
    if len(values.get(_WIDTH, ())) != 1 or len(values.get(_LENGTH, ())) != 1:
        raise BadPicture("This TIFF has a page without a size.")
    width, height = values[_WIDTH][0], values[_LENGTH][0]
    if not width or not height:
        raise BadPicture("This TIFF has a page without a size.")
    _check_strips(source, values)
    (following,) = struct.unpack(order + "I", data[-4:])
    return (width, height), following


def _values(source: Source, order: str, entry: bytes, kind: int, length: int) -> array[int]:
    """The numbers of one entry, from the entry itself or from where it points."""
    if kind not in _FORMATS or not 0 < length <= _MOST_STRIPS:
        raise BadPicture("This TIFF has a page that cannot be.")
    code, width = _FORMATS[kind]
    size = width * length
    data = entry[8 : 8 + size] if size <= 4 else source.read(struct.unpack(order + "I", entry[8:12])[0], size)
    numbers = array(code, data)
    if (order == "<") != (sys.byteorder == "little"):
        numbers.byteswap()
    return numbers


def _check_strips(source: Source, values: dict[int, array[int]]) -> None:
    for offsets, lengths in _PLACES:
        if offsets in values and lengths in values:
            starts, sizes = values[offsets], values[lengths]
            if len(starts) != len(sizes):
                raise BadPicture("This TIFF's strips contradict each other.")
            if max(map(int.__add__, starts, sizes)) > source.size:
                raise Truncated("This TIFF ends before it should. Nothing was kept; send it again.")
            return
    raise BadPicture("This TIFF has a page without a picture.")
