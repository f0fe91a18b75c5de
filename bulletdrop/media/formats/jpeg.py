"""JPEG: every segment, every table, every scan followed to the end of the picture.

Source of rules and numbers: ITU-T T.81 (JPEG), annex B; JFIF 1.02; ICC.1 annex B.4 (profiles in APP2).
The scans are kept as they are. EXIF, XMP, IPTC, comments, thumbnails, further pictures and vendors' segments go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bulletdrop.errors import BadPicture, Truncated
from bulletdrop.media.formats.exif import orientation_of
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.jpeg_tables import Frame, check_huffman, check_quantisation, read_frame
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.source import STEP, Budget, Keep, Source

_SOI, _EOI, _SOS, _DHT, _DQT, _DRI, _DNL, _COM = 0xD8, 0xD9, 0xDA, 0xC4, 0xDB, 0xDD, 0xDC, 0xFE
# Baseline, extended and progressive, all by Huffman (B.1.1.3): what browsers and Pillow show.
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF})
_MOST_SEGMENTS = 20_000
# A progressive picture has about ten; a hostile one thousands, each of which costs a pass over all pixels.
_MOST_SCANS = 100
# Padding that honest encoders put after a scan's last bit is a few bytes; a disk's block is generous.
_SPARE_BYTES = 4096
# A marker that ends the entropy-coded data: not a stuffed zero, not a restart, not fill (B.1.1.2, B.1.1.5).
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_RESTARTS = bytes(range(0xD0, 0xD8))


@dataclass
class _State:
    source: Source
    limits: Limits
    keep: Keep = field(default_factory=Keep)
    frame: Frame | None = None
    tables: set[tuple[int, int]] = field(default_factory=set)  # Huffman: class, identifier
    quantisers: set[int] = field(default_factory=set)
    restart_interval: int = 0
    scans: int = 0
    covered: set[int] = field(default_factory=set)  # components whose pixels came
    orientation: int | None = None


def inspect(source: Source, limits: Limits) -> Found:
    """Prove a JPEG whole. Raises Truncated, BadPicture, TooManyPixels."""
    state = _State(source, limits)
    budget = Budget(_MOST_SEGMENTS)
    state.keep.span(0, 2)
    at = 2
    while True:
        budget.spend()
        at, marker = _marker(source, at, budget)
        if marker == _EOI:
            state.keep.span(at, at + 2)
            return _found(state)
        length = source.number(at + 2, 2)
        if length < 2:
            raise BadPicture("This JPEG has a segment that cannot be.")
        end = at + 2 + length
        data = source.read(at + 4, length - 2)
        _segment(state, marker, data, at, end)
        at = _scan(state, data, end) if marker == _SOS else end


def _marker(source: Source, at: int, budget: Budget) -> tuple[int, int]:
    """Where the next marker begins, after any fill bytes (B.1.1.2), and its code."""
    while True:
        first, code = source.read(at, 2)
        if first != 0xFF:
            raise BadPicture("This JPEG is damaged: there is something between its parts.")
        if code != 0xFF:
            return at, code
        budget.spend()
        at += 1


def _found(state: _State) -> Found:
    frame = state.frame
    if frame is None or not state.scans or state.covered != {part.identifier for part in frame.components}:
        raise BadPicture("This JPEG holds no whole picture.")
    return Found(state.keep, frame.width, frame.height, 1, state.orientation or 1)


def _segment(state: _State, marker: int, data: bytes, at: int, end: int) -> None:
    """Check one segment, and keep it if the picture needs it."""
    if marker in _FRAMES:
        if state.frame is not None:
            raise BadPicture("This JPEG has two headers.")
        state.frame = read_frame(data, progressive=marker == 0xC2)
        state.limits.check(state.frame.width, state.frame.height)
    elif marker == _DHT:
        state.tables |= check_huffman(data)
    elif marker == _DQT:
        state.quantisers |= check_quantisation(data)
    elif marker == _DRI:
        if len(data) != 2:
            raise BadPicture("This JPEG's restart interval cannot be.")
        state.restart_interval = int.from_bytes(data, "big")
    elif 0xE0 <= marker <= 0xEF:
        _application(state, marker, data, at, end)
        return
    elif marker in (_COM, _DNL):
        return
    elif marker != _SOS:
        kind = "is of a kind that viewers do not show" if marker in _OTHER_FRAMES else "has a part that cannot be"
        raise BadPicture(f"This JPEG {kind}.")
    state.keep.span(at, end)


def _application(state: _State, marker: int, data: bytes, at: int, end: int) -> None:
    """APPn: JFIF without its thumbnail, the colour profile and Adobe's colour transform are kept."""
    if marker == 0xE0 and data[:5] == b"JFIF\0" and len(data) >= 14:
        if len(data) == 14 and data[12:14] == b"\0\0":
            state.keep.span(at, end)
        else:
            state.keep.literal(b"\xff\xe0\x00\x10" + data[:12] + b"\0\0")
    elif marker == 0xE1 and data[:5] == b"Exif\0" and state.orientation is None:
        state.orientation = orientation_of(data)
    elif marker == 0xE2 and data[:12] == b"ICC_PROFILE\0" and len(data) > 14:
        state.keep.span(at, end)
    elif marker == 0xEE and data[:5] == b"Adobe" and len(data) >= 12:
        if len(data) == 12:
            state.keep.span(at, end)
        else:
            state.keep.literal(b"\xff\xee\x00\x0e" + data[:12])


def _scan(state: _State, data: bytes, start: int) -> int:
    """Check a scan's header and follow its data. Returns where the marker after it begins."""
    frame = state.frame
    if frame is None:
        raise BadPicture("This JPEG's data come before its header.")
    state.scans += 1
    if state.scans > _MOST_SCANS:
        raise BadPicture("This JPEG is made of too many scans.")
    scan = frame.read_scan(data, state.tables, state.quantisers)
    if scan.first_coefficient == 0:
        state.covered.update(part.identifier for part in scan.components)
    restarts = scan.units // state.restart_interval if state.restart_interval else 0
    end = _entropy(state.source, start, restarts, scan.most_bytes)
    if (end - start) * 8 < scan.fewest_bits:
        raise Truncated("This JPEG has less data than its size calls for. Nothing was kept; send it again.")
    state.keep.span(start, end)
    return end


def _entropy(source: Source, start: int, most_restarts: int, most_bytes: int) -> int:
    """Follow entropy-coded data through stuffing and restarts (B.2.1, F.1.2.3).

    Returns: where the marker after it begins.
    Raises: Truncated; BadPicture when the restarts are out of order, or when there is more of anything than can be.
    """
    restarts = 0
    most_bytes += 4 * most_restarts + _SPARE_BYTES
    carry = b""
    at = start
    for block in source.blocks(start, source.size, STEP):
        block = carry + block
        match = _MARKER.search(block)
        inside = block[: match.start()] if match else block
        marks = b"".join(_RESTART.findall(inside))
        if marks:
            turn = restarts % 8
            expected = (_RESTARTS * (len(marks) // 8 + 2))[turn : turn + len(marks)]
            restarts += len(marks)
            if restarts > most_restarts or marks != expected:
                raise BadPicture("This JPEG is damaged: its restart marks are out of order.")
        if match:
            return at - len(carry) + match.start()
        at += len(block) - len(carry)
        if at - start > most_bytes:
            raise BadPicture("This JPEG has more data than its size calls for.")
        carry = b"\xff" if block.endswith(b"\xff") else b""
    raise Truncated("This JPEG ends before it should. Nothing was kept; send it again.")
