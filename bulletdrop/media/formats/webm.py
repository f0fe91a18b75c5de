"""WebM: a walk over its elements, to the end of the segment or of the file.

Source of rules and numbers: RFC 8794 (EBML), RFC 9559 (Matroska), and the WebM container guidelines.
Tags, attachments, chapters, titles and times become Void elements of the same size, since others point to places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.bmff import Edits
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.source import Budget, Source

_EBML, _SEGMENT, _CLUSTER, _INFO, _TRACKS = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1549A966, 0x1654AE6B
_TAGS, _ATTACHMENTS, _CHAPTERS, _CUES, _SEEK_HEAD = 0x1254C367, 0x1941A469, 0x1043A770, 0x1C53BB6B, 0x114D9B74
_VOID, _CRC = 0xEC, 0xBF
_KEPT = frozenset({_SEEK_HEAD, _CUES, _CLUSTER})
_FIRST_LEVEL = _KEPT | {_INFO, _TRACKS, _TAGS, _ATTACHMENTS, _CHAPTERS, _VOID, _CRC}
# RFC 9559 5.1.3: what a cluster may hold (timestamp, position, blocks), with Void and CRC-32.
_IN_CLUSTER = frozenset({0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0x5854, _VOID, _CRC})
# RFC 9559 5.1.2: TimestampScale and Duration stay. The writing programs' names must be there, so they become empty.
_INFO_KEPT = frozenset({0x2AD7B1, 0x4489})
_PROGRAMS = frozenset({0x4D80, 0x5741})
_ENTRY, _NAME, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0x536E, 0xE0, 0xB0, 0xBA
_MOST_ELEMENTS = 600_000
_MOST_NUMBER = 8


@dataclass(frozen=True, slots=True)
class _Element:
    """RFC 8794 5 and 6: begins at `at`, its data at `data`. `end` is None for an unknown size."""

    identifier: int
    at: int
    data: int
    end: int | None


@dataclass
class _State:
    source: Source
    edits: Edits
    budget: Budget
    clusters: int = 0
    size: tuple[int, int] | None = None


def inspect(source: Source, limits: Limits) -> Found:
    """Prove a WebM whole. Raises Truncated, BadPicture, TooManyPixels."""
    state = _State(source, Edits(source), Budget(_MOST_ELEMENTS))
    head = _element(state, 0)
    segment = _element(state, _known_end(head)) if head else None
    if head is None or segment is None or segment.identifier != _SEGMENT:
        raise BadPicture("This WebM's header cannot be.")
    if segment.end is not None and segment.end > source.size:
        raise Truncated("This film ends before it should. Nothing was kept; send it again.")
    end = _walk_segment(state, segment)
    if state.size is None or not state.clusters:
        raise Truncated("This film is not complete: its recording was cut off.")
    limits.check(*state.size)
    return Found(state.edits.keep(end), *state.size)


def _element(state: _State, at: int) -> _Element | None:
    """The head of the element at `at`, or None for what cannot be one. Raises Truncated."""
    state.budget.spend()
    source = state.source
    head = source.read(at, min(12, source.size - at))
    if not head or head[0] < 0x10:  # RFC 8794 5: identifiers of up to four bytes
        return None
    length = 9 - head[0].bit_length()
    size_at = length
    if size_at >= len(head):
        raise Truncated("This film ends before it should. Nothing was kept; send it again.")
    if not head[size_at]:
        return None
    width = 9 - head[size_at].bit_length()
    if size_at + width > len(head):
        raise Truncated("This film ends before it should. Nothing was kept; send it again.")
    mask = (1 << 7 * width) - 1
    size = int.from_bytes(head[size_at : size_at + width], "big") & mask
    data = at + size_at + width
    return _Element(int.from_bytes(head[:length], "big"), at, data, None if size == mask else data + size)


def _known_end(element: _Element) -> int:
    if element.end is None:
        raise BadPicture("This WebM's sizes contradict each other.")
    return element.end


def _children(state: _State, parent: _Element) -> Iterator[_Element]:
    """The elements that fill one of known size. Raises BadPicture if they do not fit."""
    at, end = parent.data, _known_end(parent)
    while at < end:
        child = _element(state, at)
        if child is None or _known_end(child) > end:
            raise BadPicture("This WebM's sizes contradict each other.")
        yield child
        at = _known_end(child)


def _walk_segment(state: _State, segment: _Element) -> int:
    """RFC 9559 5.1. Returns where the film ends."""
    at = segment.data
    end = state.source.size if segment.end is None else segment.end
    while at < end:
        element = _element(state, at)
        if element is None or (element.identifier not in _FIRST_LEVEL and segment.end is None):
            if segment.end is None:
                return at  # a foreign tail, after a recording that never said where it would end
            raise BadPicture("This WebM's sizes contradict each other.")
        if element.identifier == _CLUSTER:
            state.clusters += 1
        if element.end is None:
            if element.identifier != _CLUSTER or element.data > end:
                raise BadPicture("This WebM's sizes contradict each other.")
            at = _walk_cluster(state, element.data, end)
            continue
        if element.end > end:
            raise Truncated("This film ends before it should. Nothing was kept; send it again.")
        _take(state, element)
        at = element.end
    return end


def _walk_cluster(state: _State, at: int, end: int) -> int:
    """A cluster of unknown size, as browsers record them, ends where something begins that it cannot hold."""
    while at < end:
        element = _element(state, at)
        if element is None or element.identifier not in _IN_CLUSTER:
            return at
        if element.end is None or element.end > end:
            raise Truncated("This film ends before it should. Nothing was kept; send it again.")
        at = element.end
    return at


def _take(state: _State, element: _Element) -> None:
    if element.identifier == _INFO:
        for child in _children(state, element):
            if child.identifier in _PROGRAMS:
                state.edits.zero(child.data, _known_end(child))
            elif child.identifier not in _INFO_KEPT:
                _void(state, child)
    elif element.identifier == _TRACKS:
        for child in _children(state, element):
            if child.identifier == _ENTRY:
                _track(state, child)
            else:
                _void(state, child)
    elif element.identifier not in _KEPT:
        _void(state, element)


def _track(state: _State, entry: _Element) -> None:
    """RFC 9559 5.1.4.1: the name goes, the first picture's size is the film's."""
    for child in _children(state, entry):
        if child.identifier in (_NAME, _CRC, _VOID):
            _void(state, child)
        elif child.identifier == _VIDEO:
            size = {_WIDTH: 0, _HEIGHT: 0}
            for part in _children(state, child):
                if part.identifier in size:
                    length = min(_known_end(part) - part.data, _MOST_NUMBER)
                    size[part.identifier] = state.source.number(part.data, length)
            if not size[_WIDTH] or not size[_HEIGHT]:
                raise BadPicture("This film has no size.")
            state.size = state.size or (size[_WIDTH], size[_HEIGHT])


def _void(state: _State, element: _Element) -> None:
    """Put a Void element (RFC 8794 11.3.2) in its place, of the same size and full of zeros."""
    end = _known_end(element)
    size = end - element.at
    if size <= 128:
        head = bytes([_VOID, 0x80 | (size - 2)])
    else:
        head = bytes([_VOID, 0x01]) + (size - 9).to_bytes(7, "big")
    if element.identifier != _VOID:
        state.edits.put(element.at, head)
        state.edits.zero(element.at + len(head), end)
    else:
        state.edits.zero(element.data, end)
