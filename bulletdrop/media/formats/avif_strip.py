"""The `meta` box of an AVIF written again without some of its items, in as many bytes as before.

Source of rules and numbers: ISO/IEC 14496-12, 8.11. Places in the file stay true, since nothing after it moves.
"""

from __future__ import annotations

import struct

from bulletdrop.errors import BadPicture
from bulletdrop.media.formats.avif_items import (
    KEPT,
    TELLING,
    Item,
    Meta,
    full_box,
    read_associations,
    read_places,
    read_references,
)
from bulletdrop.media.formats.bmff import Box, boxes
from bulletdrop.media.formats.source import Budget


def without(meta: Meta, dropped: set[int], budget: Budget) -> bytes:
    """The whole box, with a `free` box (8.1.2) in the room that the dropped items leave.

    Args:
        dropped: the numbers of the items to leave out.

    Raises: BadPicture.
    """
    box = meta.box
    parts = [meta.source.read(box.data, 4)]
    for child in meta.children:
        if child.kind == b"iinf":
            parts.append(_items(meta, child, dropped))
        elif child.kind == b"iloc":
            parts.append(_places(meta, child, dropped, budget))
        elif child.kind == b"iref":
            parts.append(_references(meta, child, dropped, budget))
        elif child.kind == b"iprp":
            parts.append(_properties(meta, child, dropped, budget))
        elif child.kind == b"idat":
            parts.append(_box(b"idat", _inside(meta, child, dropped)))
        elif child.kind in KEPT:
            parts.append(_as_it_is(meta, child))
        else:
            parts.append(_box(b"free", bytes(child.end - child.data)))
    payload = b"".join(parts)
    room = box.end - box.data - len(payload)
    if room < 0 or 0 < room < 8:
        raise BadPicture("This picture's description cannot be.")
    head = meta.source.read(box.at, box.data - box.at)
    return head + payload + (_box(b"free", bytes(room - 8)) if room else b"")


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def _as_it_is(meta: Meta, box: Box) -> bytes:
    return meta.source.read(box.at, box.end - box.at)


def _items(meta: Meta, box: Box, dropped: set[int]) -> bytes:
    fields, version, _ = full_box(meta, box)
    entries = [item.entry for item in meta.items.values() if item.number not in dropped]
    return _box(b"iinf", fields.data[:4] + len(entries).to_bytes(4 if version else 2, "big") + b"".join(entries))


def _places(meta: Meta, box: Box, dropped: set[int], budget: Budget) -> bytes:
    head, width, places = read_places(meta, box, budget)
    entries = [place.entry for place in places if place.number in meta.items and place.number not in dropped]
    return _box(b"iloc", head + len(entries).to_bytes(width, "big") + b"".join(entries))


def _references(meta: Meta, box: Box, dropped: set[int], budget: Budget) -> bytes:
    head, width, references = read_references(meta, box, budget)
    parts = []
    for reference in references:
        targets = [target for target in reference.targets if target not in dropped]
        if reference.origin in dropped or not targets:
            continue
        numbers = b"".join(number.to_bytes(width, "big") for number in targets)
        start = reference.origin.to_bytes(width, "big") + len(targets).to_bytes(2, "big")
        parts.append(_box(reference.kind, start + numbers))
    return _box(b"iref", head + b"".join(parts)) if parts else b""


def _properties(meta: Meta, box: Box, dropped: set[int], budget: Budget) -> bytes:
    parts = []
    for child in boxes(meta.source, box.data, box.end, budget):
        if child.kind == b"ipma":
            head, owners = read_associations(meta, child, budget)
            entries = [owner.entry for owner in owners if owner.number not in dropped]
            parts.append(_box(b"ipma", head + len(entries).to_bytes(4, "big") + b"".join(entries)))
        elif child.kind == b"ipco":
            # They are known by their place in the list, so one that goes leaves a box of its size.
            listed = [
                _box(b"free", bytes(part.end - part.data)) if part.kind in TELLING else _as_it_is(meta, part)
                for part in meta.properties
            ]
            parts.append(_box(b"ipco", b"".join(listed)))
        else:
            parts.append(_box(b"free", bytes(child.end - child.data)))
    return _box(b"iprp", b"".join(parts))


def _inside(meta: Meta, box: Box, dropped: set[int]) -> bytes:
    """The `idat` box (8.11.11) with nothing in it but what the remaining items need."""
    before = meta.source.read(box.data, box.end - box.data)
    after = bytearray(len(before))
    for item in remaining(meta, dropped):
        if item.is_inside:
            for start, end in item.extents:
                after[start - box.data : end - box.data] = before[start - box.data : end - box.data]
    return bytes(after)


def remaining(meta: Meta, dropped: set[int]) -> list[Item]:
    """The items that are kept."""
    return [item for item in meta.items.values() if item.number not in dropped]
