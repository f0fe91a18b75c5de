"""MP4: a walk over its boxes, which costs as little for a gigabyte as for a megabyte.

Source of rules and numbers: ISO/IEC 14496-12, chapters 4, 6 and 8.
"""

from __future__ import annotations

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.bmff import MOST_BOXES, Box, Edits, boxes, top_boxes
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.movie import PICTURES, Places, read_movie
from bulletdrop.media.formats.source import Budget, Source

_WANTED = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"sidx", b"ssix", b"styp", b"mfra", b"prft", b"pdin", b"emsg"})
_BLANKED = frozenset({b"free", b"skip", b"wide", b"udta", b"uuid", b"meta"})
_FRAGMENT = frozenset({b"mfhd", b"traf", b"free"})
_TRACK_FRAGMENT = frozenset(b"tfhd tfdt trun sbgp sgpd subs saiz saio senc free".split())


def inspect(source: Source, limits: Limits) -> Found:
    """Prove an MP4 whole. Raises Truncated, BadPicture, TooManyPixels."""
    budget = Budget(MOST_BOXES)
    found = top_boxes(source, _WANTED | _BLANKED, budget)
    wanted = [box for box in found if box.kind in _WANTED]
    headers = [box for box in wanted if box.kind == b"moov"]
    data = [box for box in wanted if box.kind == b"mdat"]
    if not headers or not data:
        raise Truncated("This film is not complete: its recording was cut off.")
    if len(headers) > 1:
        raise BadPicture("This film has two headers.")
    edits = Edits(source)
    tracks = read_movie(source, headers[0], Places(data), edits, budget)
    for box in found:
        if box.kind == b"moof":
            _clean_fragment(source, box, edits, budget)
        elif box.kind not in _WANTED:
            edits.blank(box)
    if not any(track.samples for track in tracks) and not any(box.kind == b"moof" for box in wanted):
        raise Truncated("This film is not complete: its recording was cut off.")
    pictures = [track for track in tracks if track.handler in PICTURES]
    if not pictures:
        raise BadPicture("This film has no picture.")
    width, height = pictures[0].width, pictures[0].height
    if not width or not height:
        raise BadPicture("This film has no size.")
    limits.check(width, height)
    return Found(edits.keep(wanted[-1].end), width, height)


def _clean_fragment(source: Source, moof: Box, edits: Edits, budget: Budget) -> None:
    for box in boxes(source, moof.data, moof.end, budget):
        if box.kind == b"traf":
            for part in boxes(source, box.data, box.end, budget):
                if part.kind not in _TRACK_FRAGMENT:
                    edits.blank(part)
        elif box.kind not in _FRAGMENT:
            edits.blank(box)
