"""The `meta` box of AVIF and HEIC: its items, their places and sizes, and the same box without some of them.

Source of rules and numbers: ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12 (HEIF), 6.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bulletdrop.errors import BadPicture
from bulletdrop.media.formats.bmff import Box, Fields, boxes
from bulletdrop.media.formats.source import Budget, Source

_LARGEST_META = 1024 * 1024
KEPT = frozenset({b"hdlr", b"pitm", b"iloc", b"iinf", b"iref", b"iprp", b"idat", b"grpl", b"dinf"})
# HEIF 6.5.20 to 6.5.22: descriptions and times, the only properties that tell of people.
TELLING = frozenset({b"udes", b"crtt", b"mdft", b"uuid", b"altt"})


@dataclass
class Item:
    """8.11.6: its number, kind, the entry that declares it, and what is known of it from other boxes.

    Attributes:
        extents: start and end in the file; in the `idat` box where `is_inside` is set.
        properties: numbers from 1 in the list of properties (8.11.14).
    """

    number: int
    kind: bytes
    entry: bytes
    extents: list[tuple[int, int]] = field(default_factory=list)
    is_inside: bool = False
    properties: list[int] = field(default_factory=list)


@dataclass
class Meta:
    """The box as read."""

    source: Source
    box: Box
    children: list[Box]
    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    properties: list[Box] = field(default_factory=list)
    tiles: dict[int, list[int]] = field(default_factory=dict)  # what a derived picture is made of

    def property(self, item: Item, kind: bytes) -> bytes | None:
        """The payload of an item's property of this kind, or None."""
        for index in item.properties:
            if 1 <= index <= len(self.properties) and self.properties[index - 1].kind == kind:
                box = self.properties[index - 1]
                return self.source.read(box.data, box.end - box.data)
        return None

    def size(self, item: Item) -> tuple[int, int] | None:
        """Width and height of an item (`ispe`, HEIF 6.5.3)."""
        data = self.property(item, b"ispe")
        if data is None or len(data) < 12:
            return None
        return int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")


def read_meta(source: Source, box: Box, budget: Budget) -> Meta:
    """Read a `meta` box of a file's first level. Raises Truncated, BadPicture."""
    if box.end - box.at > _LARGEST_META or box.end - box.data < 4:
        raise BadPicture("This picture's description cannot be.")
    meta = Meta(source, box, list(boxes(source, box.data + 4, box.end, budget)))
    kinds = [child.kind for child in meta.children]
    if any(kinds.count(kind) > 1 for kind in KEPT):
        raise BadPicture("This picture's description has a part twice that there is only one of.")
    by_kind = {child.kind: child for child in meta.children}
    for kind, reader in ((b"pitm", _read_primary), (b"iinf", _read_items), (b"iloc", _read_places)):
        if kind not in by_kind:
            raise BadPicture("This picture's description is not complete.")
        reader(meta, by_kind[kind], budget)
    if b"iprp" in by_kind:
        _read_properties(meta, by_kind[b"iprp"], budget)
    if b"iref" in by_kind:
        _read_tiles(meta, by_kind[b"iref"], budget)
    return meta


def full_box(meta: Meta, box: Box) -> tuple[Fields, int, int]:
    """What follows a full box's version and flags (4.2), and these two."""
    fields = Fields(meta.source.read(box.data, box.end - box.data))
    version = fields.number(1)
    return fields, version, fields.number(3)


def _read_primary(meta: Meta, box: Box, budget: Budget) -> None:
    fields, version, _ = full_box(meta, box)
    meta.primary = fields.number(4 if version else 2)


def _read_items(meta: Meta, box: Box, budget: Budget) -> None:
    """iinf and infe (8.11.6)."""
    fields, version, _ = full_box(meta, box)
    count = fields.number(4 if version else 2)
    entries = list(boxes(meta.source, box.data + fields.at, box.end, budget))
    if len(entries) != count:
        raise BadPicture("This picture's description contradicts itself.")
    for entry in entries:
        inner, version, _ = full_box(meta, entry)
        if entry.kind != b"infe" or version not in (2, 3):
            raise BadPicture("This picture's description cannot be.")
        number = inner.number(4 if version == 3 else 2)
        inner.take(2)
        item = Item(number, inner.take(4), meta.source.read(entry.at, entry.end - entry.at))
        if number in meta.items:
            raise BadPicture("This picture's description has a part twice that there is only one of.")
        meta.items[number] = item


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of `iloc` (8.11.3), with its bytes."""

    number: int
    method: int
    extents: list[tuple[int, int]]
    entry: bytes


def read_places(meta: Meta, box: Box, budget: Budget) -> tuple[bytes, int, list[Place]]:
    """The start of an `iloc` box up to its count, the count's length, and its entries."""
    fields, version, _ = full_box(meta, box)
    sizes = fields.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    if version > 2 or any(size not in (0, 4, 8) for size in (offset_size, length_size, base_size)):
        raise BadPicture("This picture's description cannot be.")
    index_size = index_size if version else 0
    head = fields.data[: fields.at]
    width = 4 if version == 2 else 2
    places = []
    for _ in range(fields.number(width)):
        start = fields.at
        number = fields.number(width)
        method = fields.number(2) & 15 if version else 0
        reference = fields.number(2)
        base = fields.number(base_size)
        extents = []
        count = fields.number(2)
        budget.spend(count + 1)
        for _ in range(count):
            fields.take(index_size)
            at = base + fields.number(offset_size)
            extents.append((at, at + fields.number(length_size)))
        if reference or method > 1:
            raise BadPicture("This picture's data lie where they cannot be read.")
        places.append(Place(number, method, extents, fields.data[start : fields.at]))
    return head, width, places


def _read_places(meta: Meta, box: Box, budget: Budget) -> None:
    inside = next((child for child in meta.children if child.kind == b"idat"), None)
    for place in read_places(meta, box, budget)[2]:
        item = meta.items.get(place.number)
        if item is None:
            continue
        item.is_inside = place.method == 1
        item.extents = place.extents
        if item.is_inside:
            if inside is None:
                raise BadPicture("This picture's data lie where they cannot be read.")
            item.extents = [(inside.data + start, inside.data + end) for start, end in place.extents]
            if any(end > inside.end for _, end in item.extents):
                raise BadPicture("This picture's data lie where they cannot be read.")


def _read_properties(meta: Meta, box: Box, budget: Budget) -> None:
    """iprp: a list of properties, and who has which (8.11.14)."""
    for child in boxes(meta.source, box.data, box.end, budget):
        if child.kind == b"ipco":
            if meta.properties:
                raise BadPicture("This picture's description has a part twice that there is only one of.")
            meta.properties = list(boxes(meta.source, child.data, child.end, budget))
        elif child.kind == b"ipma":
            for owner in read_associations(meta, child, budget)[1]:
                if owner.number in meta.items:
                    meta.items[owner.number].properties += owner.properties


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry of `ipma`, with its bytes."""

    number: int
    properties: list[int]
    entry: bytes


def read_associations(meta: Meta, box: Box, budget: Budget) -> tuple[bytes, list[Owner]]:
    """The start of an `ipma` box up to its count, and its entries."""
    fields, version, flags = full_box(meta, box)
    head = fields.data[: fields.at]
    step = 2 if flags & 1 else 1
    mask = 0x7FFF if flags & 1 else 0x7F
    owners = []
    for _ in range(fields.number(4)):
        budget.spend()
        start = fields.at
        number = fields.number(4 if version else 2)
        properties = [fields.number(step) & mask for _ in range(fields.number(1))]
        owners.append(Owner(number, properties, fields.data[start : fields.at]))
    return head, owners


@dataclass(frozen=True, slots=True)
class Reference:
    """One box inside `iref` (8.11.12)."""

    kind: bytes
    origin: int
    targets: list[int]


def read_references(meta: Meta, box: Box, budget: Budget) -> tuple[bytes, int, list[Reference]]:
    """The start of an `iref` box, the length of its numbers, and what it holds."""
    fields, version, _ = full_box(meta, box)
    head = fields.data[: fields.at]
    width = 4 if version else 2
    references = []
    for child in boxes(meta.source, box.data + 4, box.end, budget):
        inner = Fields(meta.source.read(child.data, child.end - child.data))
        origin = inner.number(width)
        targets = [inner.number(width) for _ in range(inner.number(2))]
        references.append(Reference(child.kind, origin, targets))
    return head, width, references


def _read_tiles(meta: Meta, box: Box, budget: Budget) -> None:
    for reference in read_references(meta, box, budget)[2]:
        if reference.kind == b"dimg":
            meta.tiles[reference.origin] = reference.targets
