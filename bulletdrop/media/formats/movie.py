"""The `moov` box of a film or of an animated AVIF: its tracks, and what in it tells of people and places.

Source of rules and numbers: ISO/IEC 14496-12, chapters 8.2 to 8.10.
Titles, places, times and timed tracks that are neither picture, sound nor text are blanked, in their place.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.bmff import Box, Edits, boxes
from bulletdrop.media.formats.source import Budget, Source

# What each box may hold; everything else in it is blanked.
_MOVIE = frozenset({b"mvhd", b"trak", b"mvex", b"iods", b"pssh", b"free"})
_TRACK = frozenset({b"tkhd", b"tref", b"edts", b"mdia", b"trgr", b"free"})
_MEDIA = frozenset({b"mdhd", b"hdlr", b"minf", b"elng", b"free"})
_INFORMATION = frozenset({b"vmhd", b"smhd", b"hmhd", b"nmhd", b"sthd", b"gmhd", b"dinf", b"stbl", b"free"})
_TABLES = frozenset(
    b"stsd stts ctts cslg stsc stsz stz2 stco co64 stss stsh padb stdp sdtp sbgp sgpd subs saiz saio free".split()
)
_NESTED = {b"trak": b"mdia", b"mdia": b"minf", b"minf": b"stbl"}
# Handlers (8.4.3) whose samples people see, hear and read. The others, timed metadata first of all, know where the
# camera was and what time it was.
_SHOWN = frozenset({b"vide", b"soun", b"pict", b"auxv", b"text", b"sbtl", b"subt", b"clcp"})
PICTURES = frozenset({b"vide", b"pict"})
_LARGEST_TABLE = 16 * 1024 * 1024
_MOST_CHUNKS = 1_000_000


@dataclass
class Track:
    """One track: what it is, its size as it is shown, and its tables."""

    handler: bytes = b""
    width: int = 0
    height: int = 0
    samples: int = 0
    tables: dict[bytes, Box] = field(default_factory=dict)


class Places:
    """Where samples may lie: in `mdat` boxes (8.1.1), for anything else is part of the structure."""

    def __init__(self, data: list[Box]) -> None:
        self._starts = [box.data for box in data]
        self._ends = [box.end for box in data]
        self.budget = Budget(_MOST_CHUNKS)

    def check(self, start: int, end: int, size: int) -> None:
        """Raises Truncated when this lies beyond the file's `size`, BadPicture when it is outside the data."""
        self.budget.spend()
        if end > size:
            raise Truncated("This file ends before it should. Nothing was kept; send it again.")
        index = bisect_right(self._starts, start) - 1
        if index < 0 or end > self._ends[index]:
            raise BadPicture("This file has samples that lie outside its data.")


def read_movie(source: Source, moov: Box, places: Places, edits: Edits, budget: Budget) -> list[Track]:
    """Read a `moov` box, check that all samples are in the file, and blank what is not wanted.

    Returns: its tracks, without those that were blanked.
    Raises: Truncated when samples lie beyond the end of the file; BadPicture.
    """
    tracks = []
    for box in boxes(source, moov.data, moov.end, budget):
        if box.kind == b"trak":
            track = _read_track(source, box, budget)
            is_shown = track.handler in _SHOWN
            for start, end in _chunks(source, track):
                places.check(start, end, source.size)
                if not is_shown:
                    edits.zero(start, end)
            if is_shown:
                _clean_track(source, box, edits, budget)
                tracks.append(track)
            else:
                edits.blank(box)
        elif box.kind == b"mvhd":
            _forget_times(source, box, edits)
        elif box.kind not in _MOVIE or box.kind == b"free":
            edits.blank(box)
    return tracks


def _clean_track(source: Source, trak: Box, edits: Edits, budget: Budget) -> None:
    todo = [(trak, _TRACK)]
    inside = {b"mdia": _MEDIA, b"minf": _INFORMATION, b"stbl": _TABLES}
    while todo:
        parent, allowed = todo.pop()
        for box in boxes(source, parent.data, parent.end, budget):
            if box.kind not in allowed or box.kind == b"free":
                edits.blank(box)
            elif box.kind in inside:
                todo.append((box, inside[box.kind]))
            elif box.kind in (b"tkhd", b"mdhd"):
                _forget_times(source, box, edits)
            elif box.kind == b"hdlr":
                # 8.4.3: the name is for people, and names the camera's maker.
                edits.zero(min(box.data + 24, box.end), box.end)


def _forget_times(source: Source, box: Box, edits: Edits) -> None:
    """Creation and modification (8.2.2, 8.3.2, 8.4.2): two numbers of 4 bytes, or of 8 in version 1."""
    length = 16 if source.read(box.data, 1) == b"\1" else 8
    if box.end - box.data < 4 + length:
        raise BadPicture("This film has a header that cannot be.")
    edits.zero(box.data + 4, box.data + 4 + length)


def _read_track(source: Source, trak: Box, budget: Budget) -> Track:
    track = Track()
    todo = [trak]
    header = None
    while todo:
        parent = todo.pop()
        for box in boxes(source, parent.data, parent.end, budget):
            if box.kind == _NESTED.get(parent.kind):
                if box.kind in track.tables:
                    raise BadPicture("This film has a track that cannot be.")
                track.tables[box.kind] = box
                todo.append(box)
            elif box.kind == b"hdlr" and parent.kind == b"mdia":
                track.handler = _inside(source, box, 8, 4)
            elif box.kind == b"tkhd" and parent is trak:
                header = box
            elif parent.kind == b"stbl":
                track.tables[box.kind] = box
    if header is None or not track.handler:
        raise BadPicture("This film has a track that cannot be.")
    if track.handler in PICTURES:
        track.width, track.height = _shown_size(source, header, track)
    return track


def _inside(source: Source, box: Box, offset: int, length: int) -> bytes:
    if box.data + offset + length > box.end:
        raise BadPicture("This film has a part that is too short.")
    return source.read(box.data + offset, length)


def _shown_size(source: Source, header: Box, track: Track) -> tuple[int, int]:
    """Width and height after the track's own rotation (8.3.2), or as its sample description has them (12.1.3)."""
    offset = 48 if _inside(source, header, 0, 1) == b"\1" else 36
    matrix = struct.unpack(">9i", _inside(source, header, offset + 4, 36))
    width, height = struct.unpack(">II", _inside(source, header, offset + 40, 8))
    width, height = width >> 16, height >> 16
    if (not width or not height) and b"stsd" in track.tables:
        width, height = struct.unpack(">HH", _inside(source, track.tables[b"stsd"], 8 + 8 + 24, 4))
    if not matrix[0] and not matrix[4] and matrix[1] and matrix[3]:
        return height, width
    return width, height


def _chunks(source: Source, track: Track) -> Iterator[tuple[int, int]]:
    """Where each chunk of samples begins and ends (8.7)."""
    sizes, each, count = _sample_sizes(source, track)
    starts = _numbers(source, track, b"stco", "I") or _numbers(source, track, b"co64", "Q")
    runs = _numbers(source, track, b"stsc", "I", per_entry=3)
    if not count:
        return
    if not starts or not runs or runs[0] != 1:
        raise BadPicture("This film has a track that cannot be.")
    sample = 0
    for place in range(0, len(runs), 3):
        first, per_chunk = runs[place], runs[place + 1]
        following = runs[place + 3] if place + 3 < len(runs) else len(starts) + 1
        if not first < following <= len(starts) + 1:
            raise BadPicture("This film has a track that cannot be.")
        for start in starts[first - 1 : following - 1]:
            last = min(sample + per_chunk, count)
            length = sum(sizes[sample:last]) if sizes is not None else each * (last - sample)
            yield start, start + length
            sample = last


def _sample_sizes(source: Source, track: Track) -> tuple[array[int] | None, int, int]:
    """Sizes one by one, or one size for all (8.7.3.2), and how many samples there are."""
    box = track.tables.get(b"stsz")
    if box is None:
        compact = track.tables.get(b"stz2")  # sizes of a few bits, which nobody writes: counted, but not followed
        track.samples = int.from_bytes(_inside(source, compact, 8, 4), "big") if compact else 0
        return None, 0, 0
    each, count = struct.unpack(">II", _inside(source, box, 4, 8))
    track.samples = count
    if each:
        return None, each, count
    return _table(source, box, 12, "I", count), 0, count


def _numbers(source: Source, track: Track, kind: bytes, code: str, per_entry: int = 1) -> array[int]:
    box = track.tables.get(kind)
    if box is None:
        return array(code)
    count = int.from_bytes(_inside(source, box, 4, 4), "big")
    return _table(source, box, 8, code, count * per_entry)


def _table(source: Source, box: Box, offset: int, code: str, count: int) -> array[int]:
    numbers = array(code)
    length = count * numbers.itemsize
    if length > _LARGEST_TABLE:
        raise BadPicture("This film has a track that cannot be.")
    numbers.frombytes(_inside(source, box, offset, length))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
