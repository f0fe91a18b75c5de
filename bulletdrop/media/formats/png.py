"""PNG and APNG: every chunk with its checksum, the rules of order, every compressed byte followed to its end.

Source of rules and numbers: W3C, Portable Network Graphics (PNG) Specification, third edition, chapters 5 and 11.
Pixels, colour and animation are kept as they are. Text, times, EXIF and all chunks that we do not know go.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bulletdrop.errors import BadPicture
from bulletdrop.media.formats.exif import orientation_of
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.png_pixels import Header, PixelStream, crc32, profile_is_sound
from bulletdrop.media.formats.source import Keep, Source

_SIGNATURE = 8
_MOST_CHUNKS = 200_000
_LONGEST_CHUNK = 0x7FFFFFFF  # 5.3
_LARGEST_SIDE = 0x7FFFFFFF
_LARGEST_IN_MEMORY = 4 * 1024 * 1024

# 11.2.1: the bit depths that each colour type may have.
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
# 11.3.2 to 11.3.5: what says how the numbers are meant. Only in its proper length, so that nothing else can hide
# behind a well-known name; where the length depends on the colour type it is per type.
_KEPT: dict[bytes, int | dict[int, int]] = {
    b"cHRM": 32,
    b"gAMA": 4,
    b"sRGB": 1,
    b"cICP": 4,
    b"mDCV": 24,
    b"cLLI": 8,
    b"pHYs": 9,
    b"sBIT": {0: 1, 2: 3, 3: 3, 4: 2, 6: 4},
    b"bKGD": {0: 2, 2: 6, 3: 1, 4: 2, 6: 6},
}
_TRANSPARENCY = {0: 2, 2: 6}


@dataclass(frozen=True, slots=True)
class _Chunk:
    """5.3: length, type, data, checksum."""

    source: Source
    at: int
    length: int
    kind: bytes

    @property
    def end(self) -> int:
        return self.at + 12 + self.length

    def body(self) -> Iterator[bytes]:
        """The data, block by block; the checksum is compared after the last one. Raises Truncated, BadPicture."""
        crc = crc32(self.kind)
        for block in self.source.blocks(self.at + 8, self.end - 4):
            crc = crc32(block, crc)
            yield block
        if crc != self.source.number(self.end - 4, 4):
            raise BadPicture("This PNG is damaged: a checksum does not match.")

    def small(self) -> bytes:
        """The data whole, and none for a chunk larger than any that matters."""
        parts = [block for block in self.body() if self.length <= _LARGEST_IN_MEMORY]
        return b"".join(parts)


def inspect(source: Source, limits: Limits) -> Found:
    """Prove a PNG whole. Raises Truncated, BadPicture, TooManyPixels."""
    walk = _Walk(source, limits)
    at = _SIGNATURE
    for _ in range(_MOST_CHUNKS):
        length, kind = struct.unpack(">I4s", source.read(at, 8))
        if length > _LONGEST_CHUNK or not kind.isalpha():
            raise BadPicture("This PNG has a chunk that cannot be.")
        chunk = _Chunk(source, at, length, kind)
        walk.take(chunk)
        if kind == b"IEND":
            return walk.found()
        at = chunk.end
    raise BadPicture("This PNG is made of too many parts.")


class _Walk:
    """What has been seen of one PNG so far."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.limits = limits
        self.keep = Keep()
        self.keep.span(0, _SIGNATURE)
        self.header: Header | None = None
        self.palette = 0  # entries
        self.seen: set[bytes] = set()
        self.orientation = 1
        self.stream: PixelStream | None = None
        self.stream_kind = b""
        self.frames = 0  # as acTL announces
        self.controls = 0  # fcTL seen
        self.sequence = 0  # the number that the next fcTL or fdAT must have
        self.control: tuple[int, int] | None = None  # size of the frame whose data have to come

    def take(self, chunk: _Chunk) -> None:
        """Check one chunk against all before it, and keep it or not."""
        kind = chunk.kind
        if self.header is None and kind != b"IHDR":
            raise BadPicture("This PNG does not begin with its header.")
        if self.stream is not None and kind != self.stream_kind and (self.stream_kind == b"IDAT" or kind == b"fcTL"):
            self._end_stream()
        handler = _HANDLERS.get(kind)
        if handler is not None:
            kept = handler(self, chunk)
        elif kind in _KEPT:
            kept = self._ancillary(chunk)
        elif kind[:1].isupper():
            raise BadPicture("This PNG needs something that no viewer knows.")
        else:
            kept = self._dropped(chunk)
        if kept:
            self.keep.span(chunk.at, chunk.end)
        self.seen.add(kind)

    def found(self) -> Found:
        """The result, after IEND."""
        if self.stream is not None:
            self._end_stream()
        if b"IDAT" not in self.seen:
            raise BadPicture("This PNG holds no picture.")
        if self.controls != self.frames or self.control is not None:
            raise BadPicture("This PNG's animation does not have the frames that it announces.")
        header = self._header()
        return Found(self.keep, header.width, header.height, max(1, self.frames), self.orientation)

    def _header(self) -> Header:
        if self.header is None:
            raise BadPicture("This PNG does not begin with its header.")
        return self.header

    def _once(self, chunk: _Chunk) -> None:
        if chunk.kind in self.seen:
            raise BadPicture("This PNG has a part twice that there is only one of.")

    def _begin(self, chunk: _Chunk) -> bool:
        """IHDR, 11.2.1."""
        self._once(chunk)
        if chunk.length != 13:
            raise BadPicture("This PNG's header has the wrong length.")
        width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", chunk.small())
        if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
            raise BadPicture("This PNG has no size.")
        if depth not in _DEPTHS.get(colour, ()) or method or filters or interlace > 1:
            raise BadPicture("This PNG's header cannot be.")
        self.limits.check(width, height)
        self.header = Header(width, height, depth, colour, interlace == 1)
        return True

    def _colours(self, chunk: _Chunk) -> bool:
        """PLTE, 11.2.2."""
        self._once(chunk)
        header = self._header()
        most = 1 << header.depth if header.colour == 3 else 256
        if b"IDAT" in self.seen or header.colour in (0, 4) or chunk.length % 3 or not 3 <= chunk.length <= 3 * most:
            raise BadPicture("This PNG's palette cannot be.")
        self.palette = len(chunk.small()) // 3
        return True

    def _transparency(self, chunk: _Chunk) -> bool:
        """tRNS, 11.3.1.1."""
        self._once(chunk)
        colour = self._header().colour
        if colour == 3:
            fits = 1 <= chunk.length <= self.palette
        else:
            fits = chunk.length == _TRANSPARENCY.get(colour)
        if b"IDAT" in self.seen or not fits:
            raise BadPicture("This PNG's transparency cannot be.")
        chunk.small()
        return True

    def _pixels(self, chunk: _Chunk) -> bool:
        """IDAT, 11.2.3: one stream over neighbouring chunks."""
        if self.stream is None:
            self._once(chunk)
            header = self._header()
            if header.colour == 3 and not self.palette:
                raise BadPicture("This PNG has no palette.")
            if self.control not in (None, (header.width, header.height)):
                raise BadPicture("This PNG's first frame is not as large as the picture.")
            self.stream = PixelStream(header, header.width, header.height)
            self.stream_kind = b"IDAT"
            self.control = None
        for block in chunk.body():
            self.stream.feed(block)
        return True

    def _end_stream(self) -> None:
        if self.stream is not None:
            self.stream.finish()
        self.stream = None

    def _end(self, chunk: _Chunk) -> bool:
        """IEND, 11.2.4."""
        if chunk.length:
            raise BadPicture("This PNG's end has the wrong length.")
        chunk.small()
        return True

    def _animation(self, chunk: _Chunk) -> bool:
        """acTL, 11.3.6.1."""
        self._once(chunk)
        if chunk.length != 8 or b"IDAT" in self.seen or self.controls:
            raise BadPicture("This PNG's animation cannot be.")
        self.frames = int.from_bytes(chunk.small()[:4], "big")
        header = self._header()
        if not self.frames:
            raise BadPicture("This PNG's animation has no frames.")
        self.limits.check(header.width, header.height, self.frames)
        return True

    def _frame(self, chunk: _Chunk) -> bool:
        """fcTL, 11.3.6.2. Without acTL it means nothing."""
        data = chunk.small()
        if b"acTL" not in self.seen:
            return False
        header = self._header()
        if chunk.length != 26 or self.control is not None or self.controls >= self.frames:
            raise BadPicture("This PNG's animation cannot be.")
        sequence, width, height, x, y, _, _, dispose, blend = struct.unpack(">IIIIIHHBB", data)
        inside = 0 < width <= header.width - x and 0 < height <= header.height - y
        if sequence != self.sequence or not inside or dispose > 2 or blend > 1:
            raise BadPicture("This PNG's animation has a frame that cannot be.")
        self.sequence += 1
        self.controls += 1
        self.control = (width, height)
        return True

    def _frame_pixels(self, chunk: _Chunk) -> bool:
        """fdAT, 11.3.6.3: a sequence number, then as IDAT."""
        if b"acTL" not in self.seen:
            return self._dropped(chunk)
        if chunk.length < 4 or b"IDAT" not in self.seen:
            raise BadPicture("This PNG's animation has a frame that cannot be.")
        if self.stream is None:
            if self.control is None:
                raise BadPicture("This PNG's animation has a frame that nobody announced.")
            self.stream = PixelStream(self._header(), *self.control)
            self.stream_kind = b"fdAT"
            self.control = None
        skip = 4
        for block in chunk.body():
            if skip and int.from_bytes(block[:4], "big") != self.sequence:
                raise BadPicture("This PNG's animation is out of order.")
            self.stream.feed(block[skip:])
            skip = 0
        self.sequence += 1
        return True

    def _exif(self, chunk: _Chunk) -> bool:
        """eXIf, 11.3.4.5: which way is up, then dropped."""
        data = chunk.small()
        if b"eXIf" not in self.seen:
            self.orientation = orientation_of(data)
        return False

    def _profile(self, chunk: _Chunk) -> bool:
        """iCCP, 11.3.2.3: kept if it is a profile; viewers ignore one that is not."""
        data = chunk.small()
        return self._in_place(chunk) and profile_is_sound(data)

    def _ancillary(self, chunk: _Chunk) -> bool:
        chunk.small()
        wanted = _KEPT[chunk.kind]
        length = wanted if isinstance(wanted, int) else wanted[self._header().colour]
        return self._in_place(chunk) and chunk.length == length

    def _in_place(self, chunk: _Chunk) -> bool:
        return b"IDAT" not in self.seen and chunk.kind not in self.seen

    def _dropped(self, chunk: _Chunk) -> bool:
        for _ in chunk.body():
            pass
        return False


_HANDLERS: dict[bytes, Callable[[_Walk, _Chunk], bool]] = {
    b"IHDR": _Walk._begin,
    b"PLTE": _Walk._colours,
    b"tRNS": _Walk._transparency,
    b"IDAT": _Walk._pixels,
    b"IEND": _Walk._end,
    b"acTL": _Walk._animation,
    b"fcTL": _Walk._frame,
    b"fdAT": _Walk._frame_pixels,
    b"eXIf": _Walk._exif,
    b"iCCP": _Walk._profile,
}
