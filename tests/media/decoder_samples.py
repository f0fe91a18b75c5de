"""Pictures for the tests of decoding, made and broken on purpose."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageStat

from bulletdrop.media.decoding import turbojpeg
from tests.support.needs import unavailable

MIMES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "bmp": "image/bmp",
}


def needs_turbojpeg() -> None:
    """Skip unless libturbojpeg is here; with CI=true, fail."""
    if not turbojpeg.available():
        unavailable("libturbojpeg is not installed (package libturbojpeg0)")


def scene(width: int = 320, height: int = 208, *, mode: str = "RGB") -> Image.Image:
    """A picture in which no corner looks like another, so that every wrong turn shows."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width // 3, height // 4), fill=(200, 30, 30))
    draw.rectangle((width * 2 // 3, 0, width, height // 3), fill=(30, 160, 30))
    draw.ellipse((width // 8, height // 2, width // 2, max(height // 2, height - 4)), fill=(40, 40, 220))
    draw.text((width // 2, height // 2), "BulletDrop", fill=(250, 240, 10))
    if mode.endswith("A"):
        picture = picture.convert("RGBA")
        picture.putalpha(Image.linear_gradient("L").rotate(90).resize((width, height)))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def write(folder: Path, name: str, data: bytes) -> Path:
    """Write bytes into a file; returns its path."""
    path = folder / name
    path.write_bytes(data)
    return path


def unlike(one: Image.Image, other: Image.Image) -> float:
    """How much two pictures of one size differ on average, in steps of 255."""
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return float(max(ImageStat.Stat(difference).mean))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG, its checksum right."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, compressed: bytes, *, bits: int = 8, colour: int = 2) -> bytes:
    """A PNG whose container is right whatever its compressed data are."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", compressed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks)


def garbled_jpeg() -> bytes:
    """A JPEG with all its headers and its end, whose compressed data are noise."""
    whole = encoded(scene(640, 480), "JPEG", quality=90)
    start = whole.index(b"\xff\xda")
    start += 2 + int(struct.unpack_from(">H", whole, start + 2)[0])
    noise = random.Random(1).randbytes(len(whole) - start - 2).replace(b"\xff", b"\xfe")
    return whole[:start] + noise + b"\xff\xd9"


def animation(frames: int, kind: str, *, width: int = 40, height: int = 30) -> bytes:
    """A moving picture, each frame unlike the others."""
    pictures = []
    for index in range(frames):
        picture = Image.new("RGB", (width, height), (index * 7 % 256, index * 3 % 256, index % 256))
        ImageDraw.Draw(picture).rectangle((index % width, 0, index % width + 5, 9), fill=(255, 255, 255))
        pictures.append(picture)
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=50, loop=0)


def laborious_png(frames: int = 200, *, side: int = 1000) -> bytes:
    """An animation that is small to write and takes seconds to decode: the same noisy frame again and again."""
    noise = random.Random(1).randbytes(side * 3)
    row = bytes(value & 0x11 for value in noise)
    rows = b"".join(b"\x04" + row[start:] + row[:start] for start in range(0, side * 3, 3))
    data = zlib.compress(rows, 1)
    control = struct.pack(">IIIIHHBB", side, side, 0, 0, 1, 20, 0, 0)
    chunks = [
        png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        png_chunk(b"acTL", struct.pack(">II", frames, 0)),
        png_chunk(b"fcTL", struct.pack(">I", 0) + control),
        png_chunk(b"IDAT", data),
    ]
    for frame in range(1, frames):
        chunks.append(png_chunk(b"fcTL", struct.pack(">I", 2 * frame - 1) + control))
        chunks.append(png_chunk(b"fdAT", struct.pack(">I", 2 * frame) + data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + png_chunk(b"IEND", b"")


def decoding_children() -> list[psutil.Process]:
    """The decoding children of this process that run."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one too
            found += [child] if child.cmdline()[-1:] == ["decode"] else []
    return found


def swapped_profile() -> bytes:
    """A colour profile under which red numbers are green and green ones red: sRGB with two of its primaries swapped."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {
        bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12)
    }
    red, green = tags[b"rXYZ"] + 4, tags[b"gXYZ"] + 4
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "RGRB".encode("utf-16-be")).replace(b"sRGB", b"RGRB")
