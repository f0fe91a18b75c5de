"""Bounded reading of an untrusted file, and the list of what is kept of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.model import Piece, Span

STEP = 256 * 1024
_ZEROS = bytes(64 * 1024)


class Source:
    """A seekable binary file of known size. Every read is for an exact range; what lies outside is Truncated."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self._at = self.size

    def read(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start`. Raises Truncated if the file ends before."""
        if start + length > self.size:
            raise Truncated("The file ends before it should. Nothing was kept; send it again.")
        if self._at != start:
            self._file.seek(start)
        data = self._file.read(length)
        self._at = start + len(data)
        if len(data) != length:
            raise Truncated("The file ends before it should. Nothing was kept; send it again.")
        return data

    def number(self, start: int, length: int) -> int:
        """A big-endian number. Raises Truncated."""
        return int.from_bytes(self.read(start, length), "big")

    def blocks(self, start: int, end: int, step: int = STEP) -> Iterator[bytes]:
        """The bytes from `start` to `end`, in blocks of at most `step`. Raises Truncated."""
        while start < end:
            block = self.read(start, min(step, end - start))
            start += len(block)
            yield block


class Keep:
    """Collects the pieces of the stripped file. Neighbouring spans become one."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.size = 0

    def span(self, start: int, end: int) -> None:
        """Keep these bytes of the source."""
        if end <= start:
            return
        self.size += end - start
        last = self.pieces[-1] if self.pieces else None
        if isinstance(last, Span) and last.end == start:
            self.pieces[-1] = Span(last.start, end)
        else:
            self.pieces.append(Span(start, end))

    def literal(self, data: bytes) -> None:
        """Put in bytes of our own."""
        if data:
            self.size += len(data)
            self.pieces.append(data)

    def append(self, other: Keep) -> None:
        """Everything that another one keeps."""
        for piece in other.pieces:
            if isinstance(piece, bytes):
                self.literal(piece)
            else:
                self.span(piece.start, piece.end)

    def patched(self, source: Source, start: int, data: bytes) -> None:
        """Put `data` in the place of as many bytes of the source; where they are the same, it is the source's span."""
        if source.read(start, len(data)) == data:
            self.span(start, start + len(data))
        else:
            self.literal(data)

    def zeros(self, length: int) -> None:
        """Put in zero bytes. Costs no memory, however many."""
        while length > 0:
            self.literal(_ZEROS[:length] if length < len(_ZEROS) else _ZEROS)
            length -= len(_ZEROS)

    def whole(self, size: int) -> bool:
        """True if what is kept is exactly a source of this size."""
        return self.pieces == [Span(0, size)]


class Budget:
    """A cap on how many parts a file may have, so that every walk ends soon."""

    def __init__(self, most: int) -> None:
        self._left = most

    def spend(self, count: int = 1) -> None:
        """Raises BadPicture when there are more parts than any honest file has."""
        self._left -= count
        if self._left < 0:
            raise BadPicture("This file is made of too many parts.")
