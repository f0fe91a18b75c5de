"""WebP: every chunk, every frame, and the header's flags in step with what is kept.

Source of rules and numbers: RFC 9649 (WebP), chapters 2 and 3; RFC 6386 9.1 (VP8 frame header).
Pictures, animation, transparency and the colour profile are kept. EXIF, XMP and unknown chunks go.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from bulletdrop.errors import BadPicture
from bulletdrop.media.formats.exif import orientation_of
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.source import Budget, Keep, Source

_MOST_CHUNKS = 50_000
_LARGEST_EXIF = 1024 * 1024
_PROFILE_FLAG, _ALPHA_FLAG, _EXIF_FLAG, _XMP_FLAG, _ANIMATION_FLAG = 0x20, 0x10, 0x08, 0x04, 0x02


@dataclass(frozen=True, slots=True)
class _Chunk:
    """2.3: four letters, length, data, and a byte of padding after an odd length."""

    kind: bytes
    at: int
    length: int

    @property
    def data(self) -> int:
        return self.at + 8

    @property
    def end(self) -> int:
        return self.data + self.length + (self.length & 1)


@dataclass
class _State:
    source: Source
    limits: Limits
    budget: Budget
    canvas: tuple[int, int] | None = None
    flags: int = 0
    header: _Chunk | None = None
    kept: list[_Chunk] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    size: tuple[int, int] | None = None  # of the still picture
    frames: list[tuple[_Chunk, list[_Chunk]]] = field(default_factory=list)
    orientation: int | None = None


def inspect(source: Source, limits: Limits) -> Found:
    """Prove a WebP whole. Raises Truncated, BadPicture, TooManyPixels."""
    length = int.from_bytes(source.read(4, 4), "little")
    end = 8 + length
    source.read(end - 1, 1)
    if length < 12:
        raise BadPicture("This WebP holds no picture.")
    state = _State(source, limits, Budget(_MOST_CHUNKS))
    for chunk in _chunks(state, 12, end):
        _take(state, chunk)
    return _found(state)


def _chunks(state: _State, at: int, end: int) -> list[_Chunk]:
    """The chunks between `at` and `end`. Raises BadPicture if one reaches over the end."""
    chunks = []
    while at < end:
        state.budget.spend()
        if end - at < 8:
            raise BadPicture("This WebP's sizes contradict each other.")
        kind, length = struct.unpack("<4sI", state.source.read(at, 8))
        chunk = _Chunk(kind, at, length)
        # The last byte of padding is missing from some files, and every decoder takes them.
        if at + 8 + length > end:
            raise BadPicture("This WebP's sizes contradict each other.")
        chunks.append(chunk)
        at = chunk.end
    return chunks


def _take(state: _State, chunk: _Chunk) -> None:
    """Check one chunk of the file's first level (2.6, 2.7) and keep it or not."""
    kind = chunk.kind
    known = kind in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ICCP")
    if known and kind in state.seen:
        raise BadPicture("This WebP has a part twice that there is only one of.")
    if not state.seen and kind not in (b"VP8X", b"VP8 ", b"VP8L"):
        raise BadPicture("This WebP does not begin with its header.")
    if kind == b"VP8X":
        _extended(state, chunk)
    elif kind in (b"VP8 ", b"VP8L"):
        _still(state, chunk)
    elif state.header is not None:
        _extension(state, chunk)
    state.seen.add(kind)


def _extended(state: _State, chunk: _Chunk) -> None:
    """VP8X (2.7.1)."""
    if state.seen or chunk.length < 10:
        raise BadPicture("This WebP's header cannot be.")
    data = state.source.read(chunk.data, 10)
    state.flags = data[0]
    state.header = chunk
    state.canvas = (1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little"))
    state.limits.check(*state.canvas)


def _still(state: _State, chunk: _Chunk) -> None:
    if state.size is not None or state.flags & _ANIMATION_FLAG or (chunk.kind == b"VP8L" and b"ALPH" in state.seen):
        raise BadPicture("This WebP holds pictures that contradict each other.")
    state.size = _picture_size(state.source, chunk)
    state.limits.check(*state.size)
    state.kept.append(chunk)


def _extension(state: _State, chunk: _Chunk) -> None:
    """What may stand beside the picture in the extended layout (2.7)."""
    if chunk.kind == b"ICCP":
        if state.size is None and not state.frames:
            state.kept.append(chunk)
    elif chunk.kind == b"ALPH":
        if state.size is not None or state.flags & _ANIMATION_FLAG:
            raise BadPicture("This WebP's transparency is out of place.")
        _check_alpha(state.source, chunk, state.canvas)
        state.kept.append(chunk)
    elif chunk.kind == b"ANIM":
        if not state.flags & _ANIMATION_FLAG or chunk.length < 6 or state.frames:
            raise BadPicture("This WebP's animation cannot be.")
        state.kept.append(chunk)
    elif chunk.kind == b"ANMF":
        _frame(state, chunk)
    elif chunk.kind == b"EXIF" and state.orientation is None and chunk.length <= _LARGEST_EXIF:
        state.orientation = orientation_of(state.source.read(chunk.data, chunk.length))


def _frame(state: _State, chunk: _Chunk) -> None:
    """ANMF (2.7.1.1): a rectangle of the canvas, with its own picture."""
    if b"ANIM" not in state.seen or chunk.length < 24 or state.canvas is None:
        raise BadPicture("This WebP's animation cannot be.")
    data = state.source.read(chunk.data, 16)
    x, y, width, height = (int.from_bytes(data[at : at + 3], "little") for at in range(0, 12, 3))
    x, y, width, height = 2 * x, 2 * y, width + 1, height + 1
    if x + width > state.canvas[0] or y + height > state.canvas[1]:
        raise BadPicture("This WebP has a frame that lies outside the picture.")
    inner = _chunks(state, chunk.data + 16, chunk.data + chunk.length)
    kept = [part for part in inner if part.kind in (b"ALPH", b"VP8 ", b"VP8L")]
    if [part.kind for part in kept] not in ([b"VP8 "], [b"VP8L"], [b"ALPH", b"VP8 "]):
        raise BadPicture("This WebP has a frame without its picture.")
    if kept[0].kind == b"ALPH":
        _check_alpha(state.source, kept[0], (width, height))
    if _picture_size(state.source, kept[-1]) != (width, height):
        raise BadPicture("This WebP's sizes contradict each other.")
    state.frames.append((chunk, kept))
    state.limits.check(*state.canvas, len(state.frames))


def _picture_size(source: Source, chunk: _Chunk) -> tuple[int, int]:
    """Width and height from the picture's own header."""
    if chunk.kind == b"VP8L":
        # 3.4: a signature byte, then 14 bits each of width - 1 and height - 1, alpha, and a version of 0.
        if chunk.length < 6 or source.read(chunk.data, 1) != b"\x2f":
            raise BadPicture("This WebP's picture cannot be.")
        bits = int.from_bytes(source.read(chunk.data + 1, 4), "little")
        if bits >> 29:
            raise BadPicture("This WebP's picture cannot be.")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    # RFC 6386 9.1: a key frame, shown, whose first partition lies inside; then its start code and sizes.
    if chunk.length < 11:
        raise BadPicture("This WebP's picture cannot be.")
    data = source.read(chunk.data, 10)
    tag = int.from_bytes(data[:3], "little")
    partition = tag >> 5
    width, height = int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
    is_key, version, is_shown = not tag & 1, tag >> 1 & 7, tag >> 4 & 1
    fits = 0 < partition <= chunk.length - 10
    if not (is_key and version <= 3 and is_shown and fits and data[3:6] == b"\x9d\x01\x2a" and width and height):
        raise BadPicture("This WebP's picture cannot be.")
    return width, height


def _check_alpha(source: Source, chunk: _Chunk, size: tuple[int, int] | None) -> None:
    """ALPH (2.7.1.2): raw, a byte for each pixel, or compressed."""
    if chunk.length < 2 or size is None:
        raise BadPicture("This WebP's transparency cannot be.")
    compression = source.read(chunk.data, 1)[0] & 3
    if compression > 1 or (compression == 0 and chunk.length < 1 + size[0] * size[1]):
        raise BadPicture("This WebP's transparency cannot be.")


def _found(state: _State) -> Found:
    """Check the whole against its header, and write a header that fits what is kept."""
    animated = bool(state.flags & _ANIMATION_FLAG)
    if not state.frames if animated else state.size is None or bool(state.frames):
        raise BadPicture("This WebP holds no picture.")
    if state.size is not None and state.canvas not in (None, state.size):
        raise BadPicture("This WebP's sizes contradict each other.")
    size = state.canvas or state.size
    assert size is not None
    body = Keep()
    if state.header is not None:
        has_profile = any(chunk.kind == b"ICCP" for chunk in state.kept)
        flags = state.flags & (_ALPHA_FLAG | _ANIMATION_FLAG) | (_PROFILE_FLAG if has_profile else 0)
        fields = state.source.read(state.header.data + 4, 6)
        body.patched(state.source, state.header.at, b"VP8X\x0a\0\0\0" + bytes([flags, 0, 0, 0]) + fields)
    for chunk in state.kept:
        _keep_chunk(state.source, body, chunk)
    for frame, parts in state.frames:
        _keep_frame(state.source, body, frame, parts)
    keep = Keep()
    keep.patched(state.source, 0, b"RIFF" + struct.pack("<I", 4 + body.size) + b"WEBP")
    keep.append(body)
    return Found(keep, size[0], size[1], max(1, len(state.frames)), state.orientation or 1)


def _keep_chunk(source: Source, keep: Keep, chunk: _Chunk) -> None:
    keep.span(chunk.at, chunk.data + chunk.length)
    if chunk.length & 1:
        if chunk.end <= source.size:
            keep.patched(source, chunk.end - 1, b"\0")
        else:
            keep.literal(b"\0")


def _keep_frame(source: Source, keep: Keep, frame: _Chunk, parts: list[_Chunk]) -> None:
    inner = Keep()
    for part in parts:
        _keep_chunk(source, inner, part)
    head = source.read(frame.data, 16)
    keep.patched(source, frame.at, b"ANMF" + struct.pack("<I", 16 + inner.size) + head)
    keep.append(inner)
