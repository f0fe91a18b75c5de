"""Small files of every kind, made here and now: with a picture, and with everything that has to go.

Each maker hides the word in `SECRET` wherever its format lets it, in plain sight or compressed.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageCms, PngImagePlugin

from tests.media import film_samples

SECRET = b"Waldweg 7, Anna"
DURATIONS = (100, 50, 70)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + SECRET + b"</x:xmpmeta>"


@cache
def profile() -> bytes:
    """An ICC profile, as small as they come."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 6) -> Image.Exif:
    """EXIF with a direction, a description and a place."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = SECRET.decode()
    block[0x8825] = {1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    return block


def picture(mode: str = "RGB", size: tuple[int, int] = (16, 12), turn: int = 0) -> Image.Image:
    """A picture in which every pixel counts."""
    width, height = size
    data = bytes(
        (x * 7 + y * 31 + turn * 50 + band * 90) % 256 for y in range(height) for x in range(width) for band in range(4)
    )
    return Image.frombytes("RGBA", size, data).convert(mode)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """What Pillow writes."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def animated(form: str, mode: str = "RGB", **options: object) -> bytes:
    """Three frames, each with a time of its own."""
    first, *others = (picture(mode, turn=turn) for turn in range(3))
    return saved(first, form, save_all=True, append_images=others, duration=list(DURATIONS), **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, raw: bytes | None = None, *, depth: int = 8, colour: int = 2, extra: bytes = b""
) -> bytes:
    """A PNG by hand: `raw` are its rows with their filter bytes, black ones if None."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = raw if raw is not None else bytes(1 + (width * depth * samples + 7) // 8) * height
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + data + chunk(b"IEND", b"")


def png_with_everything() -> bytes:
    """Text in three forms, EXIF, a time, a vendor's chunk, a profile, a density and a ZIP at the end."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    info.add_text("Author", SECRET.decode(), zip=True)
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    data = saved(picture("RGBA"), "PNG", exif=exif(), icc_profile=profile(), pnginfo=info, dpi=(96, 96))
    at = data.index(b"IDAT") - 4
    private = chunk(b"tIME", b"\x07\xe8\x01\x01\x00\x00\x00") + chunk(b"caNv", SECRET)
    return data[:at] + private + data[at:] + zip_file()


def jpeg_with_everything(*, progressive: bool = False) -> bytes:
    """EXIF, XMP, IPTC, a comment, a vendor's segment, a thumbnail, a profile in two parts and a ZIP at the end."""
    data = saved(picture(size=(40, 24)), "JPEG", quality=90, exif=exif(), comment=SECRET, progressive=progressive)
    half = len(profile()) // 2
    parts = [profile()[:half], profile()[half:]]
    segments = [(0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + part) for number, part in enumerate(parts, 1)]
    segments += [
        (0xE0, b"JFXX\0\x13\1\1" + SECRET[:3]),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (
            0xED,
            b"Photoshop 3.0\x008BIM\x04\x04\0\0"
            + struct.pack(">I", 5 + len(SECRET))
            + b"\x1c\x02\x78"
            + struct.pack(">H", len(SECRET))
            + SECRET,
        ),
        (0xE5, SECRET),
    ]
    written = b"".join(b"\xff" + bytes([kind]) + struct.pack(">H", 2 + len(body)) + body for kind, body in segments)
    return data[:20] + written + data[20:] + saved(picture(), "JPEG") + zip_file()


def gif_with_everything() -> bytes:
    """A comment, XMP with its strange trailer, plain text, a loop, and a ZIP at the end."""
    data = animated("GIF", "P", loop=2, comment=SECRET)
    at = data.index(b"\x21\xf9\x04")
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    xmp = b"\x21\xff\x0bXMP DataXMP" + XMP + trailer
    text = b"\x21\x01\x0c" + bytes(12) + bytes([len(SECRET)]) + SECRET + b"\0"
    return data[:at] + xmp + text + data[at:] + zip_file()


def webp_with_everything(**options: object) -> bytes:
    """EXIF, XMP, a profile, an unknown chunk, and a ZIP at the end."""
    data = saved(picture("RGBA"), "WEBP", exif=exif(), xmp=XMP, icc_profile=profile(), **options)
    data += b"WHAT" + struct.pack("<I", len(SECRET)) + SECRET + bytes(len(SECRET) & 1)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:] + zip_file()


def avif_with_everything() -> bytes:
    """EXIF, XMP, a profile, and a ZIP at the end."""
    return saved(picture("RGBA"), "AVIF", exif=exif(), xmp=XMP, icc_profile=profile()) + zip_file()


def bmp_with_everything() -> bytes:
    """A gap before the rows, and a ZIP after them."""
    data = saved(picture(), "BMP")
    start = struct.unpack("<I", data[10:14])[0]
    moved = data[:10] + struct.pack("<I", start + len(SECRET)) + data[14:start] + SECRET + data[start:]
    return moved + zip_file()


@cache
def zip_file() -> bytes:
    """A ZIP with one small file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("note.txt"), SECRET)
    return buffer.getvalue()


# One small file for each layout that we read: what a cut at any byte must make impossible to take.
PLAIN: dict[str, Callable[[], bytes]] = {
    "png": lambda: saved(picture(), "PNG"),
    "png_palette": lambda: saved(picture("P"), "PNG", transparency=3),
    "png_interlaced": lambda: interlaced_png(),
    "apng": lambda: animated("PNG"),
    "jpeg": lambda: saved(picture(), "JPEG"),
    "jpeg_progressive": lambda: saved(picture(size=(40, 24)), "JPEG", progressive=True),
    "jpeg_restarts": lambda: saved(picture(size=(64, 64)), "JPEG", restart_marker_blocks=1),
    "jpeg_grey": lambda: saved(picture("L"), "JPEG"),
    "jpeg_cmyk": lambda: saved(picture("CMYK"), "JPEG"),
    "gif": lambda: saved(picture("P"), "GIF"),
    "gif_animated": lambda: animated("GIF", "P", loop=0),
    "webp_lossy": lambda: saved(picture(), "WEBP"),
    "webp_lossless": lambda: saved(picture(), "WEBP", lossless=True),
    "webp_alpha": lambda: saved(picture("RGBA"), "WEBP"),
    "webp_animated": lambda: animated("WEBP"),
    "avif": lambda: saved(picture(), "AVIF"),
    "avif_alpha": lambda: saved(picture("RGBA"), "AVIF"),
    "avif_animated": lambda: animated("AVIF"),
    # HEIC is the same container with another coder inside, and inside nobody looks here.
    "heic": lambda: saved(picture(), "AVIF").replace(b"avif", b"heic").replace(b"av01", b"hvc1"),
    "bmp": lambda: saved(picture(), "BMP"),
    "bmp_palette": lambda: saved(picture("P"), "BMP"),
    "mp4": lambda: film_samples.mp4(),
    "mp4_fast": lambda: film_samples.mp4(header_first=True),
    "webm": lambda: film_samples.webm(),
    "tiff": lambda: saved(picture(), "TIFF"),
}

FULL: dict[str, Callable[[], bytes]] = {
    "png": png_with_everything,
    "apng": lambda: animated("PNG", exif=exif()) + zip_file(),
    "jpeg": jpeg_with_everything,
    "jpeg_progressive": lambda: jpeg_with_everything(progressive=True),
    "gif": gif_with_everything,
    "webp_lossy": webp_with_everything,
    "webp_lossless": lambda: webp_with_everything(lossless=True),
    "webp_animated": lambda: animated("WEBP", exif=exif(), xmp=XMP, icc_profile=profile()) + zip_file(),
    "avif": avif_with_everything,
    # Pillow 13.0 crashes when it writes an animated AVIF that is to be turned.
    "avif_animated": lambda: animated("AVIF", exif=exif(1), xmp=XMP) + zip_file(),
    "bmp": bmp_with_everything,
    "mp4": lambda: film_samples.mp4(SECRET) + zip_file(),
    "mp4_fast": lambda: film_samples.mp4(SECRET, header_first=True) + zip_file(),
    "webm": lambda: film_samples.webm(SECRET) + zip_file(),
    "webm_live": lambda: film_samples.webm(SECRET, live=True) + zip_file(),
}


def interlaced_png() -> bytes:
    """Adam7 by hand, 9 x 5, grey: Pillow reads these but does not write them."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = b""
    for left, top, across, down in passes:
        for y in range(top, 5, down):
            row = bytes(x * 20 + y for x in range(left, 9, across))
            rows += b"\0" + row if row else b""
    header = struct.pack(">IIBBBBB", 9, 5, 8, 0, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
