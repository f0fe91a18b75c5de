"""Boxes, the building blocks of MP4, AVIF and HEIC: a walk that ends, and changes that move nothing.

Source of rules and numbers: ISO/IEC 14496-12 (ISO base media file format), 4.2 and 8.1.
What is not wanted becomes a `free` box of the same size, since other boxes point to places in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.source import Budget, Keep, Source

MOST_BOXES = 150_000
# Beyond this, bytes are replaced without a look at whether they are zero already.
_LOOK_FOR_ZEROS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Box:
    """4.2: begins at `at`, its payload at `data`, the next box at `end`."""

    kind: bytes
    at: int
    data: int
    end: int


def boxes(source: Source, start: int, end: int, budget: Budget) -> Iterator[Box]:
    """The boxes that fill a parent's payload. Raises BadPicture if they do not fit."""
    at = start
    while at < end:
        box = _box_at(source, at, end, budget)
        if box is None or box.end > end:
            raise BadPicture("This file's sizes contradict each other.")
        yield box
        at = box.end


def top_boxes(source: Source, known: frozenset[bytes], budget: Budget) -> list[Box]:
    """The boxes of a file's first level, up to the end or to where something begins that is no box.

    Raises: Truncated when a box of a known kind reaches over the end of the file.
    """
    found = []
    at = 0
    while at < source.size:
        box = _box_at(source, at, source.size, budget)
        if box is None or (box.end > source.size and box.kind not in known):
            break  # a foreign tail, such as a ZIP: whether all is there is for the caller to find out
        if box.end > source.size:
            raise Truncated("This file ends before it should. Nothing was kept; send it again.")
        found.append(box)
        at = box.end
    return found


def _box_at(source: Source, at: int, end: int, budget: Budget) -> Box | None:
    budget.spend()
    if end - at < 8:
        return None
    size, kind = struct.unpack(">I4s", source.read(at, 8))
    header = 8
    if size == 1:
        if end - at < 16:
            return Box(kind, at, at + 16, source.size + 1)
        size = source.number(at + 8, 8)
        header = 16
    elif size == 0:
        if end != source.size or kind != b"mdat":
            return None
        size = end - at
    if size < header:
        return None
    return Box(kind, at, at + header, at + size)


class Fields:
    """Numbers and texts, one after the other, from a block in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, length: int) -> bytes:
        """The next bytes. Raises BadPicture when there are not as many."""
        self.at += length
        if self.at > len(self.data):
            raise BadPicture("This file's sizes contradict each other.")
        return self.data[self.at - length : self.at]

    def number(self, length: int) -> int:
        """The next number, big-endian; 0 for a length of 0."""
        return int.from_bytes(self.take(length), "big")

    def text(self) -> bytes:
        """The next text, which a NUL ends."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            end = len(self.data)
        text = self.data[self.at : end]
        self.at = min(end + 1, len(self.data))
        return text

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.data)


class Edits:
    """Changes to a file that leave everything in its place."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._list: list[tuple[int, int, bytes | None]] = []

    def put(self, at: int, data: bytes) -> None:
        """Write over what is there."""
        if self._source.read(at, len(data)) != data:
            self._list.append((at, at + len(data), data))

    def zero(self, start: int, end: int) -> None:
        """Write zeros over what is there."""
        if end - start > _LOOK_FOR_ZEROS or any(map(any, self._source.blocks(start, end))):
            self._list.append((start, end, None))

    def blank(self, box: Box) -> None:
        """Make it a `free` box of the same size (8.1.2), full of zeros."""
        self.put(box.at + 4, b"free")
        self.zero(box.data, box.end)

    def keep(self, end: int) -> Keep:
        """The file up to `end`, with all changes. Raises BadPicture when they contradict each other."""
        keep = Keep()
        at = 0
        for start, stop, data in sorted(self._list, key=lambda edit: edit[:2]):
            if start >= end:
                break
            if start < at and data is not None:
                raise BadPicture("This file's parts lie over each other.")
            keep.span(at, start)
            if data is None:
                keep.zeros(min(stop, end) - max(at, start))
            else:
                keep.literal(data)
            at = max(at, stop)
        keep.span(at, end)
        return keep
