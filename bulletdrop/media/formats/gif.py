"""GIF: every block and every chain of sub-blocks, to the trailer.

Source of rules and numbers: CompuServe, Graphics Interchange Format, version 89a, chapters 15 to 27.
Pictures, timing, transparency, the loop and a colour profile are kept. Comments, XMP and plain text go.
"""

from __future__ import annotations

import struct

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.source import STEP, Budget, Keep, Source

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
# Some encoders end a chain of sub-blocks twice. Viewers do not mind; the second one is dropped.
_STRAY = 0x00
_CONTROL, _APPLICATION, _PLAIN_TEXT = 0xF9, 0xFF, 0x01
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_PROFILE = b"ICCRGBG1012"
_MOST_BLOCKS = 200_000
# A sub-block has up to 255 bytes, and honest ones nearly always have: one for every 64 bytes is generous.
_BYTES_PER_SUBBLOCK = 64
_SPARE_SUBBLOCKS = 500_000
# 4,096 codes of 12 bits; a code stands for as many pixels as there were codes before it (appendix F).
_MOST_PIXELS_PER_BYTE = 4096 * 8 // 12
# Two codes of 12 bits for every pixel, one of which clears the table, and their sub-blocks.
_MOST_BYTES_PER_PIXEL, _SPARE_BYTES = 4, 4096


def inspect(source: Source, limits: Limits) -> Found:
    """Prove a GIF whole. Raises Truncated, BadPicture, TooManyPixels."""
    width, height, flags = struct.unpack("<HHB", source.read(6, 5))
    if not width or not height:
        raise BadPicture("This GIF has no size.")
    limits.check(width, height)
    walk = _Walk(source, limits, width, height)
    at = 13 + _table(flags)
    source.read(12, at - 12)
    walk.keep.span(0, at)
    budget = Budget(_MOST_BLOCKS)
    while True:
        budget.spend()
        kind = source.read(at, 1)[0]
        if kind == _IMAGE:
            at = walk.image(at)
        elif kind == _EXTENSION:
            at = walk.extension(at)
        elif kind == _TRAILER:
            walk.keep.span(at, at + 1)
            break
        elif kind == _STRAY:
            at += 1
        else:
            raise BadPicture("This GIF is damaged: there is something between its parts.")
    if not walk.frames:
        raise BadPicture("This GIF holds no picture.")
    return Found(walk.keep, width, height, walk.frames)


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags announce (18, 20)."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


class _Walk:
    """What has been seen of one GIF so far."""

    def __init__(self, source: Source, limits: Limits, width: int, height: int) -> None:
        self.source = source
        self.limits = limits
        self.width = width
        self.height = height
        self.keep = Keep()
        self.frames = 0
        self.control: tuple[int, int] | None = None  # belongs to the next picture (23)
        self.chains = Budget(source.size // _BYTES_PER_SUBBLOCK + _SPARE_SUBBLOCKS)
        self._window = b""
        self._window_at = 0

    def image(self, at: int) -> int:
        """Image descriptor, local colours, and data (20 to 22). Returns where the next block begins."""
        left, top, width, height, flags = struct.unpack("<HHHHB", self.source.read(at + 1, 9))
        if not (0 < width <= self.width - left and 0 < height <= self.height - top):
            raise BadPicture("This GIF has a frame that lies outside the picture.")
        self.frames += 1
        self.limits.check(self.width, self.height, self.frames)
        data = at + 10 + _table(flags)
        if not 1 <= self.source.read(data, 1)[0] <= 8:
            raise BadPicture("This GIF has a frame that cannot be.")
        end = self.chain(data + 1)
        if (end - data) * _MOST_PIXELS_PER_BYTE < width * height or end - data < 4:
            raise BadPicture("This GIF has a frame without its picture.")
        if end - data > width * height * _MOST_BYTES_PER_PIXEL + _SPARE_BYTES:
            raise BadPicture("This GIF has a frame with more data than its size calls for.")
        if self.control:
            self.keep.span(*self.control)
            self.control = None
        self.keep.span(at, end)
        return end

    def extension(self, at: int) -> int:
        """Any extension (23 to 26). Returns where the next block begins."""
        label, size = self.source.read(at + 1, 2)
        end = self.chain(at + 2)
        if label == _CONTROL:
            if size != 4 or end != at + 8:
                raise BadPicture("This GIF's timing cannot be.")
            self.control = (at, end)
        elif label == _PLAIN_TEXT:
            self.control = None  # it belonged to the text, which no viewer shows
        elif label == _APPLICATION and size == 11:
            self._application(at, end)
        return end

    def _application(self, at: int, end: int) -> None:
        name = self.source.read(at + 3, 11)
        is_loop = name in _LOOPS and end == at + 19 and self.source.read(at + 14, 2) == b"\x03\x01"
        if is_loop or name == _PROFILE:
            self.keep.span(at, end)

    def chain(self, at: int) -> int:
        """Follow sub-blocks to their terminator (15, 16). Returns where the next block begins."""
        while True:
            window, offset = self._look(at)
            last = len(window)
            size, count = -1, 0
            while offset < last:
                size = window[offset]
                offset += 1 + size
                count += 1
                if not size:
                    break
            at = self._window_at + offset
            self.chains.spend(count)
            if not size:
                return at
            if at > self.source.size:
                raise Truncated("This GIF ends before it should. Nothing was kept; send it again.")

    def _look(self, at: int) -> tuple[bytes, int]:
        """A window of the file that holds `at`, and where in it. Raises Truncated."""
        if not self._window_at <= at < self._window_at + len(self._window):
            self._window_at = at
            self._window = self.source.read(at, max(1, min(STEP, self.source.size - at)))
        return self._window, at - self._window_at
