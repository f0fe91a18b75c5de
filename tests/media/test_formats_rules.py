"""Each format's own rules: files that break one are refused, odd but proper ones are taken."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from bulletdrop.errors import Truncated
from bulletdrop.media.formats import inspect
from tests.media import film_samples
from tests.media.format_samples import PLAIN, animated, picture, profile, saved
from tests.media.test_formats import refused, stripped


def _jpeg(old: bytes, new: bytes, name: str = "jpeg") -> bytes:
    data = PLAIN[name]()
    assert old in data
    return data.replace(old, new, 1)


def _segment(marker: int, name: str = "jpeg") -> bytes:
    data = PLAIN[name]()
    at = data.index(bytes([0xFF, marker]))
    return data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]


FRAME = _segment(0xC0)
SCAN = _segment(0xDA)
QUANTISER = _segment(0xDB)
HUFFMAN = _segment(0xC4)
RESTARTS = PLAIN["jpeg_restarts"]()

BROKEN_JPEG: dict[str, Callable[[], bytes]] = {
    "no header": lambda: _jpeg(FRAME, b""),
    "two headers": lambda: _jpeg(FRAME, FRAME + FRAME),
    "no scan": lambda: PLAIN["jpeg"]()[: PLAIN["jpeg"]().index(b"\xff\xda")] + b"\xff\xd9",
    "no height": lambda: _jpeg(FRAME[:5] + FRAME[5:7], FRAME[:5] + b"\0\0"),
    "no width": lambda: _jpeg(FRAME[:7] + FRAME[7:9], FRAME[:7] + b"\0\0"),
    "twelve bits": lambda: _jpeg(FRAME[:5], FRAME[:4] + b"\x0c"),
    "two components": lambda: _jpeg(FRAME, b"\xff\xc0\0\x0e" + FRAME[4:9] + b"\2" + FRAME[10:16]),
    "the same component twice": lambda: _jpeg(FRAME, FRAME[:13] + FRAME[10:11] + FRAME[14:]),
    "a sampling of none": lambda: _jpeg(FRAME, FRAME[:11] + b"\0" + FRAME[12:]),
    "lossless coding": lambda: _jpeg(FRAME[:2], b"\xff\xc3"),
    "arithmetic coding": lambda: _jpeg(FRAME[:2], b"\xff\xc9"),
    "no quantisation": lambda: PLAIN["jpeg_grey"]().replace(_segment(0xDB, "jpeg_grey"), b""),
    "a quantisation table too short": lambda: _jpeg(QUANTISER, QUANTISER[:2] + b"\0\x42" + QUANTISER[4:68]),
    "a code table that cannot be": lambda: _jpeg(HUFFMAN, HUFFMAN[:5] + b"\xff" + HUFFMAN[6:]),
    "a code table too short": lambda: _jpeg(HUFFMAN, b"\xff\xc4\0\x05\0\0\0"),
    "no code table": lambda: _jpeg(HUFFMAN, b""),
    "a scan of a component that is not there": lambda: _jpeg(SCAN, SCAN[:5] + b"\x09" + SCAN[6:]),
    "a scan of nothing": lambda: _jpeg(SCAN, b"\xff\xda\0\6\0\0\x3f\0"),
    "a scan of one component of three": lambda: _jpeg(SCAN, b"\xff\xda\0\x08\1" + SCAN[5:7] + SCAN[-3:]),
    "junk between its parts": lambda: _jpeg(FRAME, b"junk" + FRAME),
    "a segment of no length": lambda: _jpeg(FRAME, b"\xff\xe5\0\1" + FRAME),
    "restarts that it did not announce": lambda: RESTARTS.replace(b"\xff\xdd\0\4\0\1", b""),
    "restarts out of order": lambda: RESTARTS.replace(b"\xff\xd1", b"\xff\xd3", 1),
    "a restart missing in the middle": lambda: RESTARTS.replace(b"\xff\xd1", b"", 1),
    "a restart interval that cannot be": lambda: _jpeg(SCAN, b"\xff\xdd\0\3\0" + SCAN),
    "next to no data": lambda: PLAIN["jpeg_restarts"]()[: RESTARTS.index(SCAN) + len(SCAN) + 4] + b"\xff\xd9",
    "an unknown marker": lambda: _jpeg(FRAME, b"\xff\xf3\0\2" + FRAME),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_JPEG)
def test_a_jpeg_is_refused_that_has(name: str) -> None:
    refused(BROKEN_JPEG[name]())


def test_a_jpeg_may_have_fill_before_its_markers() -> None:
    data = _jpeg(FRAME, b"\xff\xff\xff" + FRAME)
    assert stripped(data) == PLAIN["jpeg"]()


def test_a_jpegs_jfif_thumbnail_is_cut_out() -> None:
    start = _segment(0xE0)
    with_thumbnail = b"\xff\xe0" + struct.pack(">H", 16 + 3) + start[4:16] + b"\1\1" + b"RGB"
    assert stripped(_jpeg(start, with_thumbnail)) == PLAIN["jpeg"]()


def test_a_jpegs_broken_exif_is_no_reason_to_refuse_it() -> None:
    for block in (
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x09\0\0",
    ):
        segment = b"\xff\xe1" + struct.pack(">H", 8 + len(block)) + b"Exif\0\0" + block
        inspection = inspect(io.BytesIO(_jpeg(FRAME, segment + FRAME)))
        assert inspection.orientation == 1


GIF = PLAIN["gif"]()
IMAGE = GIF.index(b"\x2c\0\0\0\0")
IMAGE_DATA = IMAGE + 10 + (3 << ((GIF[IMAGE + 9] & 7) + 1) if GIF[IMAGE + 9] & 0x80 else 0)

BROKEN_GIF: dict[str, bytes] = {
    "no width": GIF[:6] + b"\0\0" + GIF[8:],
    "no picture": GIF[:IMAGE] + b";",
    "a frame outside": GIF[: IMAGE + 1] + b"\1\0" + GIF[IMAGE + 3 :],
    "a frame of no size": GIF[: IMAGE + 5] + b"\0\0" + GIF[IMAGE + 7 :],
    "a code size that cannot be": GIF[:IMAGE_DATA] + b"\x0d" + GIF[IMAGE_DATA + 1 :],
    "a frame without data": GIF[: IMAGE_DATA + 1] + b"\0;",
    "junk between its parts": GIF[:IMAGE] + b"junk" + GIF[IMAGE:],
    "timing that cannot be": GIF[:IMAGE] + b"\x21\xf9\5\0\0\0\0\0\0" + GIF[IMAGE:],
}


@pytest.mark.parametrize("name", BROKEN_GIF)
def test_a_gif_is_refused_that_has(name: str) -> None:
    refused(BROKEN_GIF[name])


def test_plain_text_in_a_gif_goes_with_its_timing() -> None:
    timing = b"\x21\xf9\4\0\x64\0\0\0"
    text = b"\x21\x01\x0c" + bytes(12) + b"\5hello\0"
    assert stripped(GIF[:IMAGE] + timing + text + GIF[IMAGE:]) == GIF


def test_a_gif_may_end_its_blocks_twice() -> None:
    assert stripped(GIF[:-1] + b"\0\0;") == GIF


def test_a_gif_keeps_its_colour_profile() -> None:
    block = b"\x21\xff\x0bICCRGBG1012\x04prof\0"
    data = GIF[:IMAGE] + block + GIF[IMAGE:]
    assert stripped(data) == data


WEBP, LOSSLESS, MOVING = PLAIN["webp_lossy"](), PLAIN["webp_lossless"](), PLAIN["webp_animated"]()
ALPHA = PLAIN["webp_alpha"]()


def _riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


BROKEN_WEBP: dict[str, bytes] = {
    "nothing in it": _riff(b""),
    "two pictures": _riff(WEBP[12:] + LOSSLESS[12:]),
    "a picture smaller than its canvas": ALPHA[:24] + b"\x20" + ALPHA[25:],
    "a frame that is no key frame": _riff(WEBP[12:20] + bytes([WEBP[20] | 1]) + WEBP[21:]),
    "a wrong start code": _riff(WEBP[12:23] + b"\0" + WEBP[24:]),
    "a first part larger than all": _riff(WEBP[12:22] + b"\xff" + WEBP[23:]),
    "no lossless signature": _riff(LOSSLESS[12:20] + b"\x30" + LOSSLESS[21:]),
    "a lossless version of tomorrow": _riff(LOSSLESS[12:24] + b"\xff" + LOSSLESS[25:]),
    "a chunk that reaches over the end": WEBP[:16] + b"\xff\xff\0\0" + WEBP[20:],
    "a frame outside its canvas": MOVING[: MOVING.index(b"ANMF") + 8] + b"\1" + MOVING[MOVING.index(b"ANMF") + 9 :],
    "frames, but says it does not move": MOVING[:20] + b"\0" + MOVING[21:],
    "no frames, but says it moves": ALPHA[:20] + b"\x12" + ALPHA[21:],
    "a chunk before its header": _riff(b"ICCP\0\0\0\0" + WEBP[12:]),
    "half a chunk at its end": _riff(WEBP[12:] + b"EXIF"),
}


@pytest.mark.parametrize("name", BROKEN_WEBP)
def test_a_webp_is_refused_that_has(name: str) -> None:
    refused(BROKEN_WEBP[name])


def test_a_webps_header_fits_what_is_left() -> None:
    data = saved(picture("RGBA"), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0", xmp=b"<x/>", icc_profile=profile())
    assert data[20] & 0x0C == 0x0C
    kept = stripped(data)
    assert kept[20] == 0x20 | (data[20] & 0x10)
    assert struct.unpack("<I", kept[4:8])[0] == len(kept) - 8


BMP = PLAIN["bmp"]()


def _bmp(at: int, data: bytes) -> bytes:
    return BMP[:at] + data + BMP[at + len(data) :]


BROKEN_BMP: dict[str, bytes] = {
    "no width": _bmp(18, bytes(4)),
    "a negative width": _bmp(18, b"\xff\xff\xff\xff"),
    "no height": _bmp(22, bytes(4)),
    "the smallest height": _bmp(22, b"\0\0\0\x80"),
    "two planes": _bmp(26, b"\2"),
    "a depth that does not exist": _bmp(28, b"\x07"),
    "a picture of another kind inside": _bmp(30, b"\4"),
    "more rows than bytes": _bmp(22, b"\x40"),
    "its picture in its header": _bmp(10, b"\x0a"),
    "a palette that cannot be": _bmp(46, b"\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("name", BROKEN_BMP)
def test_a_bmp_is_refused_that_has(name: str) -> None:
    refused(BROKEN_BMP[name])


def test_a_bmp_may_be_upside_down() -> None:
    height = struct.pack("<i", -12)
    inspection = inspect(io.BytesIO(_bmp(22, height)))
    assert (inspection.height, inspection.unchanged) == (12, True)


def _v5(kind: bytes, offset: int, size: int, tail: bytes) -> bytes:
    rows = bytes(4 * 2)
    header = struct.pack("<IiiHHIIiiII", 124, 2, 2, 1, 24, 0, len(rows) * 2, 0, 0, 0, 0) + bytes(16) + kind
    header += bytes(124 - len(header) - 12) + struct.pack("<III", offset, size, 0)
    start = 14 + len(header)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, start) + header + rows * 2
    return data[:2] + struct.pack("<I", len(data + tail)) + data[6:] + tail


def test_a_bmp_keeps_its_profile_and_forgets_where_one_lies() -> None:
    embedded = _v5(b"DEBM", 124 + 16, len(profile()), profile())
    assert stripped(embedded) == embedded
    moved = _v5(b"DEBM", 124 + 16 + 4, len(profile()), b"gap!" + profile())
    assert stripped(moved) == embedded
    linked = stripped(_v5(b"KNIL", 124 + 16, 20, b"C:\\Users\\Anna\\my.icc"))
    assert b"Anna" not in linked
    assert linked[14 + 56 : 14 + 60] == b"BGRs"


AVIF = PLAIN["avif"]()


def _avif(old: bytes, new: bytes) -> bytes:
    assert old in AVIF
    return AVIF.replace(old, new, 1)


BROKEN_AVIF: dict[str, Callable[[], bytes]] = {
    "no size": lambda: _avif(b"ispe", b"free"),
    "no main picture": lambda: _avif(b"pitm", b"free"),
    "a main picture that is not there": lambda: _avif(b"pitm\0\0\0\0\0\1", b"pitm\0\0\0\0\0\7"),
    "no places": lambda: _avif(b"iloc", b"free"),
    "no description": lambda: _avif(b"meta", b"free"),
    "two descriptions": lambda: AVIF[: AVIF.index(b"mdat") - 4] + AVIF[AVIF.index(b"meta") - 4 :],
    "no data": lambda: _avif(b"mdat", b"free"),
    "a size of none": lambda: _avif(b"ispe\0\0\0\0\0\0\0\x10", b"ispe\0\0\0\0\0\0\0\0"),
}


@pytest.mark.parametrize("name", BROKEN_AVIF)
def test_an_avif_is_refused_that_has(name: str) -> None:
    refused(BROKEN_AVIF[name]())


def test_data_of_an_avif_that_no_picture_uses_become_zeros() -> None:
    at = AVIF.index(b"mdat") - 4
    longer = AVIF[:at] + struct.pack(">I", len(AVIF) - at + 6) + AVIF[at + 4 :] + b"hidden"
    kept = stripped(longer)
    assert len(kept) == len(longer)
    assert kept[-6:] == bytes(6)
    with Image.open(io.BytesIO(kept)) as image:
        image.load()


FILM, FAST, WEBM = PLAIN["mp4"](), PLAIN["mp4_fast"](), PLAIN["webm"]()

BROKEN_FILM: dict[str, bytes] = {
    "no header": FILM.replace(b"moov", b"free"),
    "two headers": FILM + FILM[FILM.index(b"moov") - 4 :],
    "no data": FILM.replace(b"mdat", b"free"),
    "no picture": FILM.replace(b"vide", b"soun"),
    "no size": FILM.replace(struct.pack(">II", 64 << 16, 48 << 16), bytes(8)).replace(
        struct.pack(">HH", 64, 48), bytes(4)
    ),
    "samples behind its end": FILM.replace(b"stco\0\0\0\0\0\0\0\1\0\0", b"stco\0\0\0\0\0\0\0\1\1\0"),
    "samples in its header": FILM.replace(b"stco\0\0\0\0\0\0\0\1\0\0\0", b"stco\0\0\0\0\0\0\0\1\0\0\2"),
    "no places for its samples": FILM.replace(b"stco", b"free"),
    "a box larger than its parent": FAST.replace(b"\0\0\0\x20mdhd", b"\0\0\7\x20mdhd"),
    "no samples and no fragments": FILM.replace(b"stsz", b"free"),
    "webm without a segment": WEBM.replace(b"\x18\x53\x80\x67", b"\x18\x53\x80\x68"),
    "webm without clusters": WEBM.replace(b"\x1f\x43\xb6\x75", b"\x10\x43\xa7\x70"),
    "webm without a size": WEBM.replace(b"\xb0\x10\0\0\1\x40", b"\xb0\x10\0\0\1\0"),
    "webm without pictures": WEBM.replace(b"\xe0\x10", b"\xe1\x10"),
    "webm with tracks of unknown length": WEBM.replace(b"\x16\x54\xae\x6b\x10", b"\x16\x54\xae\x6b\xff"),
}


@pytest.mark.parametrize("name", BROKEN_FILM)
def test_a_film_is_refused_that_has(name: str) -> None:
    assert BROKEN_FILM[name] not in (FILM, FAST, WEBM)
    refused(BROKEN_FILM[name])


def test_a_film_recorded_in_fragments_is_taken() -> None:
    header = FAST.replace(b"stsz", b"free")
    extra = film_samples.full(b"trex", bytes(20))
    moov = header[header.index(b"moov") - 4 : header.index(b"mdat") - 4]
    grown = film_samples.box(b"moov", moov[8:], film_samples.box(b"mvex", extra))
    traf = film_samples.box(b"traf", film_samples.full(b"tfhd", bytes(4)), film_samples.box(b"uuid", b"where I was"))
    moof = film_samples.box(b"moof", film_samples.full(b"mfhd", bytes(4)), traf)
    start = header[: header.index(b"moov") - 4]
    data = start + grown + moof + film_samples.box(b"mdat", film_samples.PICTURES)
    kept = stripped(data)
    assert b"where I was" not in kept
    assert len(kept) == len(data)
    refused(data[:-1])


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_frames_of_an_animation_count_the_canvas_each(form: str) -> None:
    assert inspect(io.BytesIO(animated(form))).frames == 3


def test_a_tiff_with_strips_behind_its_end_is_not_whole() -> None:
    with pytest.raises(Truncated):
        inspect(io.BytesIO(PLAIN["tiff"]()[:8] + PLAIN["tiff"]()[8:-1]))


def test_a_tiff_of_several_pages_tells_how_many() -> None:
    first, *others = (picture(turn=turn) for turn in range(3))
    inspection = inspect(io.BytesIO(saved(first, "TIFF", save_all=True, append_images=others)))
    assert (inspection.frames, inspection.needs_conversion, inspection.unchanged) == (3, True, True)
