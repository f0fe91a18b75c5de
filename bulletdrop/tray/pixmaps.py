"""The tray's pictures: read from the package, coloured for the panel, in the form that a panel wants."""

from __future__ import annotations

import enum
import functools
import struct
import zlib
from pathlib import Path

from bulletdrop.tray.desk import State
from bulletdrop.tray.ring import with_ring

FOLDER = Path(__file__).parent / "icons"
SIZES = (16, 22, 24, 32, 48)


class Ink(enum.Enum):
    """The one colour of the mark. EITHER is seen on light and on dark panels (3:1 on both), for when nobody knows."""

    DARK = (0x22, 0x26, 0x2F)
    LIGHT = (0xF2, 0xF4, 0xFA)
    EITHER = (0x86, 0x8B, 0x9A)


def picture_path(state: State, size: int) -> Path:
    """The PNG of one state: black where the ink goes, the accent in its own colour."""
    return FOLDER / f"{state.value.replace('_', '-')}-{size}.png"


def app_icon() -> Path:
    """The app's own icon, for notifications."""
    return FOLDER / "app.png"


@functools.cache
def pixmaps(state: State, ink: Ink) -> list[tuple[int, int, bytes]]:
    """All sizes of one state as (width, height, pixels), the pixels as ARGB32 in network byte order.

    Source of the form: StatusNotifierItem specification, "Icons", IconPixmap.
    """
    return [(size, size, _argb(picture_path(state, size), ink)) for size in SIZES]


@functools.lru_cache(maxsize=2)
def ring_pixmaps(ink: Ink, step: int) -> list[tuple[int, int, bytes]]:
    """The same for an upload that is at this step of its way (see `ring.step_of`)."""
    return [(size, size, with_ring(_small_mark(ink, size), size, step, ink.value)) for size in SIZES]


@functools.cache
def _small_mark(ink: Ink, size: int) -> bytes:
    return _argb(FOLDER / f"sending-{size}.png", ink)


def _argb(path: Path, ink: Ink) -> bytes:
    pixels = read_png(path)
    out = bytearray(len(pixels))
    red, green, blue = ink.value
    for at in range(0, len(pixels), 4):
        r, g, b, alpha = pixels[at : at + 4]
        # Black is the place of the ink; any other colour stays (the dot that asks for the person).
        out[at : at + 4] = (alpha, r, g, b) if r or g or b else (alpha, red, green, blue)
    return bytes(out)


def read_png(path: Path) -> bytes:
    """The pixels of one of our own PNGs as RGBA.

    Ours are eight-bit RGBA with filter 0 in every row, as `assets/make_icons.py` writes them: reading that takes ten
    lines and no picture library in a program that lives in memory all day. Raises ValueError for any other PNG.
    """
    data = path.read_bytes()
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if data[:8] != b"\x89PNG\r\n\x1a\n" or (depth, colour) != (8, 6):
        raise ValueError(f"{path} is not one of our icons")
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    raw, stride = zlib.decompress(packed), width * 4 + 1
    rows = [raw[start : start + stride] for start in range(0, height * stride, stride)]
    if any(row[0] for row in rows):
        raise ValueError(f"{path} is not one of our icons")
    return b"".join(row[1:] for row in rows)
