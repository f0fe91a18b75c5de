"""JPEG's headers and tables. Source of rules and numbers: ITU-T T.81, A.1, A.2, B.2."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.errors import BadPicture

# 64 coefficients, each with a code of 16 bits and a value of 11 (F.1.2), every byte of which is followed by a zero.
_MOST_BYTES_PER_BLOCK = 64 * 27 // 8 * 2


@dataclass(frozen=True, slots=True)
class Component:
    """B.2.2: sampling factors, and which quantisation table."""

    identifier: int
    across: int
    down: int
    quantiser: int


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over some components.

    `units`: how many minimum coded units; `fewest_bits`, `most_bytes`: that data for them can take.
    """

    components: tuple[Component, ...]
    first_coefficient: int
    units: int
    fewest_bits: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Frame:
    """B.2.2: size and components of the picture."""

    width: int
    height: int
    progressive: bool
    components: tuple[Component, ...]

    def read_scan(self, data: bytes, tables: set[tuple[int, int]], quantisers: set[int]) -> Scan:
        """A scan's header (B.2.3), checked against frame and tables. Raises BadPicture."""
        count = data[0] if data else 0
        if not 1 <= count <= 4 or len(data) != 4 + 2 * count:
            raise BadPicture("This JPEG has a scan that cannot be.")
        by_identifier = {part.identifier: part for part in self.components}
        chosen = [by_identifier.get(data[at]) for at in range(1, 1 + 2 * count, 2)]
        parts = tuple(part for part in chosen if part is not None)
        # A sequential scan has but one selection; decoders do not look at what is written there.
        first, last, successive = data[-3:] if self.progressive else (0, 63, 0)
        if len(set(parts)) != count or not self._selection_is_possible(count, first, last, successive):
            raise BadPicture("This JPEG has a scan that cannot be.")
        refines = successive >> 4
        for at, part in enumerate(parts):
            selectors = data[2 + 2 * at]
            needs_dc = first == 0 and not refines
            needs_ac = last > 0
            missing = (needs_dc and (0, selectors >> 4) not in tables) or (
                needs_ac and (1, selectors & 15) not in tables
            )
            if missing or part.quantiser not in quantisers:
                raise BadPicture("This JPEG lacks a table that its data need.")
        units, blocks = self._units(parts)
        # At least one bit for each DC coefficient and, in a sequential scan, one for the end of each block.
        bits = 0 if first or refines else blocks if self.progressive else 2 * blocks
        return Scan(parts, first, units, bits, blocks * _MOST_BYTES_PER_BLOCK)

    def _selection_is_possible(self, count: int, first: int, last: int, successive: int) -> bool:
        """B.2.3 and table B.3."""
        high, low = successive >> 4, successive & 15
        if not self.progressive:
            return True
        if low > 13 or (high and high != low + 1):
            return False
        return last == 0 if first == 0 else first <= last <= 63 and count == 1

    def _units(self, parts: tuple[Component, ...]) -> tuple[int, int]:
        """How many minimum coded units and blocks a scan of these has (A.1.1, A.2.2, A.2.3)."""
        most_across = max(part.across for part in self.components)
        most_down = max(part.down for part in self.components)
        if len(parts) == 1:
            part = parts[0]
            columns = _divide_up(_divide_up(self.width * part.across, most_across), 8)
            rows = _divide_up(_divide_up(self.height * part.down, most_down), 8)
            return columns * rows, columns * rows
        units = _divide_up(self.width, 8 * most_across) * _divide_up(self.height, 8 * most_down)
        return units, units * sum(part.across * part.down for part in parts)


def _divide_up(number: int, by: int) -> int:
    return -(-number // by)


def read_frame(data: bytes, *, progressive: bool) -> Frame:
    """A frame's header (B.2.2), of 1, 3 or 4 components with 8 bits. Raises BadPicture."""
    if len(data) < 6 or len(data) != 6 + 3 * data[5]:
        raise BadPicture("This JPEG's header has the wrong length.")
    height, width = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
    if not width or not height:
        raise BadPicture("This JPEG has no size.")
    if data[0] != 8 or data[5] not in (1, 3, 4):
        raise BadPicture("This JPEG is of a kind that viewers do not show.")
    parts = tuple(
        Component(data[at], data[at + 1] >> 4, data[at + 1] & 15, data[at + 2]) for at in range(6, len(data), 3)
    )
    possible = all(1 <= part.across <= 4 and 1 <= part.down <= 4 and part.quantiser <= 3 for part in parts)
    if not possible or len({part.identifier for part in parts}) != len(parts):
        raise BadPicture("This JPEG's header cannot be.")
    return Frame(width, height, progressive, parts)


def check_huffman(data: bytes) -> set[tuple[int, int]]:
    """The tables in a DHT segment (B.2.4.2), as class and identifier. Raises BadPicture."""
    found = set()
    at = 0
    while at < len(data):
        counts = data[at + 1 : at + 17]
        kind, identifier = data[at] >> 4, data[at] & 15
        values = sum(counts)
        codes = 0
        for length, count in enumerate(counts, 1):
            codes += count << (16 - length)
        if len(counts) < 16 or kind > 1 or identifier > 3 or not 1 <= values <= 256 or codes > 1 << 16:
            raise BadPicture("This JPEG has a table that cannot be.")
        found.add((kind, identifier))
        at += 17 + values
    if at != len(data) or not found:
        raise BadPicture("This JPEG has a table that cannot be.")
    return found


def check_quantisation(data: bytes) -> set[int]:
    """The tables in a DQT segment (B.2.4.1). Raises BadPicture."""
    found = set()
    at = 0
    while at < len(data):
        precision, identifier = data[at] >> 4, data[at] & 15
        if precision > 1 or identifier > 3:
            raise BadPicture("This JPEG has a table that cannot be.")
        found.add(identifier)
        at += 1 + 64 * (precision + 1)
    if at != len(data) or not found:
        raise BadPicture("This JPEG has a table that cannot be.")
    return found
