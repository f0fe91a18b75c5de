"""AVIF and HEIC: the description of the picture, every place it points to, and the tracks of an animation.

Source of rules and numbers: AOMedia, AV1 Image File Format (AVIF) 1.1; ISO/IEC 23008-12 (HEIF); ISO/IEC 14496-12.
Pictures, their transparency, colours, rotation and animation are kept. EXIF, XMP and all other items go, and so does
every byte of a still picture's data that no picture uses.
"""

from __future__ import annotations

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.avif_items import Item, Meta, read_meta
from bulletdrop.media.formats.avif_strip import remaining, without
from bulletdrop.media.formats.bmff import MOST_BOXES, Box, Edits, top_boxes
from bulletdrop.media.formats.found import Found, all_of
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.movie import PICTURES, Places, read_movie
from bulletdrop.media.formats.source import Budget, Source

_WANTED = frozenset({b"ftyp", b"meta", b"mdat", b"moov"})
_BLANKED = frozenset({b"free", b"skip", b"uuid", b"udta"})
# Items that make up a picture: coded, or derived from others (HEIF 6.6).
_AVIF_PICTURES = frozenset({b"av01", b"grid", b"iovl", b"iden", b"tmap", b"sato"})
_HEIC_PICTURES = _AVIF_PICTURES | {b"hvc1"}
_DERIVED = frozenset({b"grid", b"iovl", b"iden", b"tmap", b"sato"})
_ROTATION = b"irot"


def inspect(source: Source, limits: Limits) -> Found:
    """Prove an AVIF whole. Raises Truncated, BadPicture, TooManyPixels."""
    budget = Budget(MOST_BOXES)
    found = top_boxes(source, _WANTED | _BLANKED, budget)
    box, data, movies = (_of_kind(found, kind) for kind in (b"meta", b"mdat", b"moov"))
    if not box:
        raise Truncated("This picture ends before it should. Nothing was kept; send it again.")
    if len(box) > 1 or len(movies) > 1:
        raise BadPicture("This picture has two descriptions.")
    meta = read_meta(source, box[0], budget)
    width, height = _check(meta, limits, _AVIF_PICTURES)
    _check_places(meta, data)
    edits = Edits(source)
    frames = 1
    if movies:
        frames = _animation(source, movies[0], data, edits, limits, budget)
    dropped = {item.number for item in meta.items.values() if item.kind not in _AVIF_PICTURES}
    edits.put(meta.box.at, without(meta, dropped, budget))
    if movies:
        _zero_items(meta, dropped, edits)
    else:
        _zero_unused(meta, dropped, data, edits)
    for other in found:
        if other.kind not in _WANTED:
            edits.blank(other)
    last = max(part.end for part in found if part.kind in _WANTED)
    return Found(edits.keep(last), width, height, frames)


def inspect_heic(source: Source, limits: Limits) -> Found:
    """Check a HEIC, which is kept whole until it is converted. Raises Truncated, BadPicture, TooManyPixels."""
    budget = Budget(MOST_BOXES)
    found = top_boxes(source, _WANTED | _BLANKED, budget)
    box = _of_kind(found, b"meta")
    if not box:
        raise Truncated("This picture ends before it should. Nothing was kept; send it again.")
    meta = read_meta(source, box[0], budget)
    width, height = _check(meta, limits, _HEIC_PICTURES)
    _check_places(meta, _of_kind(found, b"mdat"))
    return all_of(source.size, width, height)


def _of_kind(found: list[Box], kind: bytes) -> list[Box]:
    return [box for box in found if box.kind == kind]


def _check(meta: Meta, limits: Limits, pictures: frozenset[bytes]) -> tuple[int, int]:
    """Sizes and places of all picture items. Returns the shown size of the main one."""
    total = 0
    for item in meta.items.values():
        if item.kind not in pictures:
            continue
        size = meta.size(item)
        if size is None or not size[0] or not size[1]:
            raise BadPicture("This picture has no size.")
        limits.check(*size)
        if item.kind not in _DERIVED:
            total += size[0] * size[1]
            if not sum(end - start for start, end in item.extents):
                raise BadPicture("This picture has no data.")
        elif item.kind == b"grid":
            _check_grid(meta, item, size)
    limits.check_total(total, 1, 1)
    main = meta.items.get(meta.primary)
    if main is None or main.kind not in pictures:
        raise BadPicture("This picture's description names no picture.")
    width, height = meta.size(main) or (0, 0)
    rotation = meta.property(main, _ROTATION)
    return (height, width) if rotation and rotation[0] & 1 else (width, height)


def _check_places(meta: Meta, data: list[Box]) -> None:
    """All that lies in the file itself lies in its `mdat` boxes, or it would be part of the structure."""
    places = Places(data)
    for item in meta.items.values():
        if not item.is_inside:
            for start, end in item.extents:
                places.check(start, end, meta.source.size)


def _check_grid(meta: Meta, item: Item, size: tuple[int, int]) -> None:
    """A picture of tiles (HEIF 6.6.2.3): rows, columns, and the size of the whole."""
    length = sum(end - start for start, end in item.extents)
    if not 8 <= length <= 12:
        raise BadPicture("This picture's tiles cannot be.")
    data = b"".join(meta.source.read(start, end - start) for start, end in item.extents)
    tiles = (data[2] + 1) * (data[3] + 1)
    width = 4 if data[1] & 1 else 2
    stated = (int.from_bytes(data[4 : 4 + width], "big"), int.from_bytes(data[4 + width : 4 + 2 * width], "big"))
    if stated != size or len(meta.tiles.get(item.number, ())) != tiles:
        raise BadPicture("This picture's tiles cannot be.")


def _animation(source: Source, moov: Box, data: list[Box], edits: Edits, limits: Limits, budget: Budget) -> int:
    """The tracks of an animated AVIF (AVIF 1.1, 3). Returns how many frames the picture has."""
    tracks = [track for track in read_movie(source, moov, Places(data), edits, budget) if track.handler in PICTURES]
    if not all(track.samples for track in tracks) or not tracks:
        raise BadPicture("This picture's animation has no picture.")
    for track in tracks:
        limits.check(track.width, track.height, track.samples)
    return max(track.samples for track in tracks)


def _zero_items(meta: Meta, dropped: set[int], edits: Edits) -> None:
    """Write zeros over the data of dropped items that lie outside the description."""
    ends = {True: 0, False: 0}
    for start, end, goes in sorted(
        (start, end, item.number in dropped)
        for item in meta.items.values()
        if not item.is_inside
        for start, end in item.extents
    ):
        if start < ends[not goes]:
            raise BadPicture("This picture's parts lie over each other.")
        ends[goes] = max(ends[goes], end)
        if goes:
            edits.zero(start, end)


def _zero_unused(meta: Meta, dropped: set[int], data: list[Box], edits: Edits) -> None:
    """Write zeros over all data that no picture uses."""
    used = sorted(extent for item in remaining(meta, dropped) if not item.is_inside for extent in item.extents)
    edges = [(box.data, box.end) for box in data]
    place = 0
    for at, box_end in edges:
        while place < len(used) and used[place][0] < box_end:
            start, end = used[place]
            if start > at:
                edits.zero(at, start)
            at = max(at, end)
            place += 1
        if at < box_end:
            edits.zero(at, box_end)
