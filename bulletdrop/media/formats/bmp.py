"""BMP: headers, palette, and as many rows as they call for.

Source of rules and numbers: Microsoft, BITMAPFILEHEADER to BITMAPV5HEADER; OS/2 1 and 2 headers.
Kept are headers, palette, rows and an embedded profile; gaps, a link to a profile and trailing bytes go.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bulletdrop.errors import BadPicture
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.source import Keep, Source

_FILE_HEADER = 14
_RGB, _RLE8, _RLE4, _MASKS, _MASKS_WITH_ALPHA = 0, 1, 2, 3, 6
_DEPTHS = {_RGB: {1, 4, 8, 16, 24, 32}, _RLE8: {8}, _RLE4: {4}, _MASKS: {16, 32}, _MASKS_WITH_ALPHA: {16, 32}}
_V5 = 124
_EMBEDDED, _LINKED, _SRGB = b"DEBM", b"KNIL", b"BGRs"  # four-letter codes, little-endian
_LARGEST_PROFILE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    before_pixels: int  # file header, header, masks and palette
    pixels: int  # where they begin
    pixel_bytes: int


def inspect(source: Source, limits: Limits) -> Found:
    """Prove a BMP whole. Raises Truncated, BadPicture, TooManyPixels."""
    size = int.from_bytes(source.read(_FILE_HEADER, 4), "little")
    header = source.read(_FILE_HEADER, size)
    layout = _layout(source, header, limits)
    # Truncated unless every row is there.
    source.read(layout.pixels + layout.pixel_bytes - 1, 1)
    keep = _strip(source, header, layout)
    return Found(keep, layout.width, layout.height)


def _layout(source: Source, header: bytes, limits: Limits) -> _Layout:
    size = len(header)
    if size == 12:
        width, height, planes, depth = struct.unpack("<HHHH", header[4:12])
        compression = stated = colours = 0
        entry = 3
    else:
        width, height, planes, depth, compression, stated = struct.unpack("<iiHHII", header[4:24])
        colours = int.from_bytes(header[32:36], "little")
        entry = 4
    top_down, height = height < 0, abs(height)
    if width <= 0 or not height:
        raise BadPicture("This BMP has no size.")
    if planes != 1 or depth not in _DEPTHS.get(compression, ()) or (top_down and compression in (_RLE8, _RLE4)):
        raise BadPicture("This BMP is of a kind that viewers do not show.")
    limits.check(width, height)
    masks = {_MASKS: 12, _MASKS_WITH_ALPHA: 16}.get(compression, 0) if size == 40 else 0
    if depth <= 8:
        if colours > 1 << depth:
            raise BadPicture("This BMP's palette cannot be.")
        colours = colours or 1 << depth
    elif colours > 256:
        raise BadPicture("This BMP's palette cannot be.")
    before = _FILE_HEADER + size + masks + colours * entry
    pixels = int.from_bytes(source.read(10, 4), "little")
    if compression in (_RLE8, _RLE4):
        length = stated
        # Two bytes make at least one pixel, end a row, or move on (absolute runs are padded to two).
        if not 2 <= length <= 4 * width * height + 6 * height + 6:
            raise BadPicture("This BMP's size and its data contradict each other.")
    else:
        length = (width * depth + 31) // 32 * 4 * height
    if pixels < before:
        raise BadPicture("This BMP's picture begins inside its header.")
    return _Layout(width, height, before, pixels, length)


def _strip(source: Source, header: bytes, layout: _Layout) -> Keep:
    """Headers and palette, rows, and the profile, without what lies between."""
    head = bytearray(source.read(0, layout.before_pixels))
    profile = _profile(source, header)
    size = layout.before_pixels + layout.pixel_bytes
    if profile is None:
        if len(header) == _V5 and header[56:60] in (_EMBEDDED, _LINKED):
            head[_FILE_HEADER + 56 : _FILE_HEADER + 60] = _SRGB
        if len(header) == _V5:
            head[_FILE_HEADER + 112 : _FILE_HEADER + 120] = bytes(8)
    else:
        struct.pack_into("<I", head, _FILE_HEADER + 112, size - _FILE_HEADER)
        size += profile[1] - profile[0]
    struct.pack_into("<IHHI", head, 2, size, 0, 0, layout.before_pixels)
    keep = Keep()
    keep.patched(source, 0, bytes(head))
    keep.span(layout.pixels, layout.pixels + layout.pixel_bytes)
    if profile is not None:
        keep.span(*profile)
    return keep


def _profile(source: Source, header: bytes) -> tuple[int, int] | None:
    """Where an embedded colour profile lies (BITMAPV5HEADER); a broken one is none."""
    if len(header) != _V5 or header[56:60] != _EMBEDDED:
        return None
    offset, size = struct.unpack("<II", header[112:120])
    start = _FILE_HEADER + offset
    if not 128 <= size <= _LARGEST_PROFILE or start + size > source.size:
        return None
    return (start, start + size) if source.read(start + 36, 4) == b"acsp" else None
