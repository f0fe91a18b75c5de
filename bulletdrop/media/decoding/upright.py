"""Turns a picture's EXIF orientation into pixels, inside a child: without loss wherever the format allows.

JPEG: its coefficients are moved, not recomputed (libturbojpeg). Where an edge is not on a block, or the library is
missing, it is decoded, turned and encoded again with its own quantisation tables, so no edge is ever cut off.
PNG, GIF, BMP and lossless WebP: decoded, turned, encoded: the same pixels. Lossy WebP and AVIF: encoded again at
high quality, the only way there is. The colour profile stays, all other metadata goes.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

from PIL import Image, ImageSequence, JpegImagePlugin, PngImagePlugin

from bulletdrop.media.decoding import turbojpeg
from bulletdrop.media.decoding.opening import Caps, every_further_frame, faults_are_the_pictures, open_picture, prove

# EXIF 2.32, tag 274: what has to be done to the stored pixels.
METHODS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPPED = frozenset({5, 6, 7, 8})
_ICC = b"ICC_PROFILE\x00"
# What says how a PNG's numbers are colours, beside the profile (PNG specification, third edition, 11.3.2).
_PNG_COLOUR = frozenset({b"cHRM", b"gAMA", b"sRGB", b"cICP", b"sBIT"})


def make_upright(source: Path, target: Path, *, mime: str, orientation: int, caps: Caps) -> None:
    """Write the picture to `target` as it is meant to be seen, without any metadata but its colour profile.

    Args:
        orientation: what EXIF says, 2 to 8.

    Raises: BadPicture, TooManyPixels, UnknownType; OSError when the disk is at fault.
    """
    if orientation not in METHODS:
        raise ValueError(f"an orientation is 2 to 8 here, not {orientation}")
    prove(source, mime=mime, caps=caps)
    if mime == "image/jpeg":
        data = _jpeg(source, orientation=orientation, caps=caps)
    else:
        data = _encoded_again(source, mime=mime, orientation=orientation, caps=caps)
    target.write_bytes(data)


def _jpeg(source: Path, *, orientation: int, caps: Caps) -> bytes:
    data = source.read_bytes()
    with open_picture(source, mime="image/jpeg", caps=caps) as picture:
        progressive = bool(picture.info.get("progressive"))
        try:
            turned = turbojpeg.turn(data, orientation=orientation, progressive=progressive)
        except turbojpeg.NotPerfect:
            with faults_are_the_pictures():
                return _jpeg_again(picture, orientation=orientation, progressive=progressive)
    return _with_profile(turned, _profile_segments(data))


def _jpeg_again(picture: Image.Image, *, orientation: int, progressive: bool) -> bytes:
    assert isinstance(picture, JpegImagePlugin.JpegImageFile)
    tables = [picture.quantization[index] for index in sorted(picture.quantization)]
    sampling = JpegImagePlugin.get_sampling(picture)
    if orientation in _SWAPPED:
        tables = [[table[column * 8 + row] for row in range(8) for column in range(8)] for table in tables]
        if sampling == 1:
            sampling = 0  # 4:2:2 on its side cannot be written; 4:4:4 holds all of it
    if picture.width % 2 or picture.height % 2:
        sampling = 0  # colours shared by two pixels would be shared by other two
    turned = picture.transpose(METHODS[orientation])
    profile, dpi = picture.info.get("icc_profile"), picture.info.get("dpi")
    turned.info = {}
    buffer = io.BytesIO()
    turned.save(
        buffer,
        "JPEG",
        qtables=tables,
        subsampling=max(sampling, 0),
        progressive=progressive,
        optimize=True,
        icc_profile=profile,
        dpi=_turned_pair(dpi, orientation),
    )
    return buffer.getvalue()


def _turned_pair(pair: tuple[float, float] | None, orientation: int) -> tuple[int, int]:
    if not pair:
        return (0, 0)
    x, y = (round(value) for value in pair)
    return (y, x) if orientation in _SWAPPED else (x, y)


def _profile_segments(jpeg: bytes) -> bytes:
    """The APP2 segments that hold the ICC profile, as they stand (ICC.1:2022, B.4)."""
    found = b""
    for start, end in _segments(jpeg):
        if jpeg[start + 1] == 0xE2 and jpeg[start + 4 : start + 4 + len(_ICC)] == _ICC:
            found += jpeg[start:end]
    return found


def _with_profile(jpeg: bytes, profile: bytes) -> bytes:
    """Put the profile's segments after SOI and the JFIF and Adobe segments, where readers look for them."""
    if not profile:
        return jpeg
    place = 2
    for start, end in _segments(jpeg):
        if jpeg[start + 1] not in (0xE0, 0xEE):
            break
        place = end
    return jpeg[:place] + profile + jpeg[place:]


def _segments(jpeg: bytes) -> list[tuple[int, int]]:
    """Start and end of each marker segment before the first scan."""
    spans = []
    position = 2
    while position + 4 <= len(jpeg) and jpeg[position] == 0xFF:
        marker = jpeg[position + 1]
        if marker == 0xFF:  # fill bytes
            position += 1
            continue
        if marker == 0xDA:
            break
        end = position + 2 + int(struct.unpack_from(">H", jpeg, position + 2)[0])
        spans.append((position, end))
        position = end
    return spans


def _encoded_again(source: Path, *, mime: str, orientation: int, caps: Caps) -> bytes:
    with open_picture(source, mime=mime, caps=caps) as picture, faults_are_the_pictures():
        buffer = io.BytesIO()
        options = _options(source, picture, mime)
        moving = getattr(picture, "n_frames", 1) > 1
        if moving:
            every_further_frame(picture, caps=caps)
            picture.seek(0)
            frames = []
            durations = []
            for frame in ImageSequence.Iterator(picture):
                frames.append(frame.transpose(METHODS[orientation]))
                durations.append(frame.info.get("duration", 0))
            options |= {"save_all": True, "append_images": frames[1:], "duration": durations}
            options |= {"loop": picture.info.get("loop", 1 if mime == "image/gif" else 0)}
            frames[0].save(buffer, picture.format, **options)
        else:
            turned = picture.transpose(METHODS[orientation])
            if "transparency" in picture.info:
                options["transparency"] = picture.info["transparency"]
            turned.info = {}
            turned.save(buffer, picture.format, **options)
        return buffer.getvalue()


def _options(source: Path, picture: Image.Image, mime: str) -> dict[str, Any]:
    """How to write this picture again without losing what it has."""
    profile = picture.info.get("icc_profile")
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if mime == "image/png":
        options["pnginfo"] = png_colour(source)
    elif mime == "image/webp":
        lossless = is_lossless_webp(source)
        options |= {"lossless": lossless, "exact": lossless, "quality": 80 if lossless else 95, "method": 4}
    elif mime == "image/avif":
        options |= {"quality": 90, "max_threads": 1}
    return options


def png_colour(source: Path) -> PngImagePlugin.PngInfo:
    """The chunks of a PNG that say what its numbers look like, for `pnginfo`."""
    kept = PngImagePlugin.PngInfo()
    with source.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"IDAT":
                break
            if kind in _PNG_COLOUR and length <= 64:
                kept.add(kind, file.read(length))
                file.seek(4, io.SEEK_CUR)
            else:
                file.seek(length + 4, io.SEEK_CUR)
    return kept


def is_lossless_webp(source: Path) -> bool:
    """Whether the first frame of a WebP is in the lossless coding (RFC 9649, 2.6: a VP8L chunk)."""
    with source.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            kind, length = struct.unpack("<4sI", head)
            if kind in (b"VP8L", b"VP8 "):
                return bool(kind == b"VP8L")
            # An animation's frame begins with 16 bytes of its own, then the same kind of chunks.
            file.seek(16 if kind == b"ANMF" else length + length % 2, io.SEEK_CUR)
    return False
