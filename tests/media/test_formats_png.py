"""PNG's and APNG's own rules: files that break one are refused, odd but proper ones are taken."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from bulletdrop.media.formats import inspect
from tests.media.format_samples import chunk, png, profile
from tests.media.test_formats import refused, stripped


def apng(*parts: bytes) -> bytes:
    """IHDR and `parts`, for a picture of 2 x 2 grey pixels."""
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(parts) + chunk(b"IEND", b"")


ROWS = b"\0ab\0cd"
DATA = chunk(b"IDAT", zlib.compress(ROWS))


def control(
    sequence: int, width: int = 2, height: int = 2, x: int = 0, y: int = 0, dispose: int = 0, blend: int = 0
) -> bytes:
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, width, height, x, y, 1, 10, dispose, blend))


def frame(sequence: int, rows: bytes = ROWS) -> bytes:
    return chunk(b"fdAT", struct.pack(">I", sequence) + zlib.compress(rows))


def count(frames: int) -> bytes:
    return chunk(b"acTL", struct.pack(">II", frames, 0))


TWO = [count(2), control(0), DATA, control(1), frame(2)]
PALETTE = chunk(b"PLTE", bytes(12))

BROKEN_PNG: dict[str, bytes] = {
    "a wrong checksum": apng(DATA)[:-13] + b"\0" + apng(DATA)[-12:],
    "no header": b"\x89PNG\r\n\x1a\n" + DATA + chunk(b"IEND", b""),
    "two headers": apng(apng()[8:33], DATA),
    "a header that is too long": apng(DATA).replace(apng()[8:33], chunk(b"IHDR", apng()[16:29] + b"\0")),
    "no size": png(0, 1),
    "a size of more than 31 bits": png(0x80000000, 1, b""),
    "a depth that its colours cannot have": png(2, 2, depth=4),
    "a colour type that does not exist": png(2, 2).replace(struct.pack(">IIB", 2, 2, 8) + b"\2", b""),
    "no data": apng(),
    "too few rows": png(2, 2, bytes(7)),
    "too many rows": png(2, 2, bytes(21)),
    "a row too short": png(2, 2, bytes(13)),
    "a filter that does not exist": png(2, 2, bytes(7) + b"\5" + bytes(6)),
    "a stream without its end": apng(chunk(b"IDAT", zlib.compress(ROWS)[:-4])),
    "a stream with a wrong sum": apng(chunk(b"IDAT", zlib.compress(ROWS)[:-4] + bytes(4))),
    "bytes behind its stream": apng(chunk(b"IDAT", zlib.compress(ROWS) + b"hidden")),
    "a chunk behind its stream": apng(DATA, chunk(b"IDAT", b"hidden")),
    "data in two places": apng(
        chunk(b"IDAT", zlib.compress(ROWS)[:9]), chunk(b"teSt", b""), chunk(b"IDAT", zlib.compress(ROWS)[9:])
    ),
    "no palette": png(2, 2, depth=8, colour=3),
    "two palettes": png(2, 2, depth=8, colour=3, extra=PALETTE + PALETTE),
    "a palette of broken colours": png(2, 2, depth=8, colour=3, extra=chunk(b"PLTE", bytes(11))),
    "a palette larger than its depth": png(8, 2, depth=1, colour=3, extra=PALETTE),
    "a palette in grey": apng(PALETTE, DATA),
    "a palette behind its data": apng(DATA, PALETTE),
    "transparency in a picture with alpha": png(2, 2, colour=6, extra=chunk(b"tRNS", b"\0\1")),
    "transparency before its palette": png(2, 2, colour=3, extra=chunk(b"tRNS", b"\0") + PALETTE),
    "more transparency than palette": png(2, 2, colour=3, extra=PALETTE + chunk(b"tRNS", bytes(5))),
    "transparency of a wrong length": apng(chunk(b"tRNS", bytes(3)), DATA),
    "something that is needed and unknown": apng(chunk(b"NEED", b""), DATA),
    "a type that is no letters": apng(chunk(b"te t", b""), DATA),
    "an end with a length": apng(DATA)[:-12] + chunk(b"IEND", b"x"),
    "an animation of no frames": apng(count(0), DATA),
    "fewer frames than announced": apng(count(3), *TWO[1:]),
    "more frames than announced": apng(count(1), *TWO[1:]),
    "frames out of order": apng(count(2), control(1), DATA, control(0), frame(2)),
    "a frame's data out of order": apng(count(2), control(0), DATA, control(1), frame(3)),
    "a frame outside": apng(count(2), control(0), DATA, control(1, x=1), frame(2)),
    "a frame of no size": apng(count(2), control(0), DATA, control(1, width=0), frame(2)),
    "a frame far outside": apng(count(2), control(0), DATA, control(1, x=0xFFFFFFFF), frame(2)),
    "a frame with a disposal that does not exist": apng(count(2), control(0), DATA, control(1, dispose=3), frame(2)),
    "a frame with a blending that does not exist": apng(count(2), control(0), DATA, control(1, blend=2), frame(2)),
    "a frame without data": apng(count(2), control(0), DATA, control(1)),
    "a frame with too little data": apng(count(2), control(0), DATA, control(1), frame(2, ROWS[:-1])),
    "a frame that nobody announced": apng(count(1), control(0), DATA, frame(1)),
    "a first frame smaller than the picture": apng(count(1), control(0, width=1), DATA),
    "a count behind its data": apng(control(0), DATA, count(1)),
    "two counts": apng(count(2), *TWO),
}


@pytest.mark.parametrize("name", BROKEN_PNG)
def test_a_png_is_refused_that_has(name: str) -> None:
    refused(BROKEN_PNG[name])


PROPER_PNG: dict[str, tuple[bytes, int]] = {
    "empty pieces of data": (apng(chunk(b"IDAT", b""), DATA, chunk(b"IDAT", b"")), 1),
    "data one byte at a time": (apng(*(chunk(b"IDAT", bytes([byte])) for byte in zlib.compress(ROWS))), 1),
    "every filter": (png(1, 5, b"".join(bytes([kind, 0]) for kind in range(5)), depth=1, colour=0), 1),
    "an animation": (apng(*TWO), 2),
    "an animation beside its picture": (apng(count(1), DATA, control(0), frame(1)), 1),
    "a frame in several parts": (
        apng(
            *TWO[:4],
            chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(ROWS)[:5]),
            chunk(b"fdAT", struct.pack(">I", 3) + zlib.compress(ROWS)[5:]),
        ),
        2,
    ),
    "a suggested palette": (png(2, 2, extra=PALETTE), 1),
}


@pytest.mark.parametrize("name", PROPER_PNG)
def test_a_png_is_taken_that_has(name: str) -> None:
    data, frames = PROPER_PNG[name]
    inspection = inspect(io.BytesIO(data))
    assert (inspection.frames, inspection.unchanged) == (frames, True)
    with Image.open(io.BytesIO(data)) as image:
        image.load()


def test_a_png_keeps_what_says_how_its_colours_are_meant() -> None:
    kept = [
        chunk(b"cICP", b"\1\x0d\0\1"),
        chunk(b"sBIT", b"\5\6\5"),
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"cHRM", bytes(32)),
        chunk(b"sRGB", b"\0"),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(profile())),
        chunk(b"bKGD", bytes(6)),
        chunk(b"pHYs", bytes(9)),
    ]
    data = png(2, 2, extra=b"".join(kept))
    assert stripped(data) == data


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"pHYs", b"hidden in density"),
        chunk(b"gAMA", b"hidden"),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(b"this is no colour profile")),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(profile()) + b"hidden"),
        chunk(b"iCCP", b"p\0\0not compressed"),
        chunk(b"iCCP", b""),
        chunk(b"tIME", bytes(7)),
        chunk(b"hIST", bytes(8)),
        chunk(b"fcTL", bytes(26)),
        chunk(b"fdAT", bytes(26)),
        chunk(b"iDOT", bytes(28)),
    ],
)
def test_a_png_loses_what_is_not_what_it_says(extra: bytes) -> None:
    assert stripped(png(2, 2, extra=extra)) == png(2, 2)
