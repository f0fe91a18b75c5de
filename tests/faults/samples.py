"""Real small files, no two alike: PNG, JPEG and MP4 from a seeded random source, cheap enough to make under load."""

from __future__ import annotations

import io
import math
import struct
import zlib
from dataclasses import dataclass
from random import Random

from PIL import Image

MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@dataclass(frozen=True)
class Sample:
    """A file to upload."""

    name: str
    mime: str
    content: bytes


def chunk(kind: bytes, content: bytes) -> bytes:
    """One PNG chunk (PNG 3rd edition, 5.3)."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))


def png(rng: Random, size: int) -> bytes:
    """A PNG of noise with about `size` bytes."""
    width = max(4, int(math.sqrt(size / 3)))
    height = max(4, size // (3 * width))
    rows = b"".join(b"\0" + rng.randbytes(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def jpeg(rng: Random, size: int) -> bytes:
    """A JPEG of noise with about `size` bytes."""
    side = max(8, int(math.sqrt(size / 1.1)))
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), rng.randbytes(3 * side * side)).save(out, "JPEG", quality=70)
    return out.getvalue()


def box(kind: bytes, *parts: bytes) -> bytes:
    """One box of ISO 14496-12, 4.2."""
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def full(kind: bytes, content: bytes, *, flags: int = 0) -> bytes:
    """One FullBox, version 0."""
    return box(kind, struct.pack(">I", flags), content)


def movie_header(frame_bytes: int, *, wide: bool = False) -> bytes:
    """`ftyp` and `moov` of a film with one frame of `frame_bytes` bytes; its `mdat` must follow at once.

    Args:
        wide: the mdat header will have the 64-bit form, sixteen bytes long.
    """
    kinds = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")

    def moov(offset: int) -> bytes:
        codec = box(b"avcC", bytes([1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0]))
        frame = struct.pack(">HHIIIH", 64, 64, 0x480000, 0x480000, 0, 1)
        start = bytes(6) + struct.pack(">H", 1) + bytes(16)
        entry = box(b"avc1", start, frame, bytes(32), struct.pack(">Hh", 24, -1), codec)
        table = box(
            b"stbl", full(b"stsd", struct.pack(">I", 1) + entry), full(b"stts", struct.pack(">III", 1, 1, 1000)),
            full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)), full(b"stsz", struct.pack(">III", 0, 1, frame_bytes)),
            full(b"stco", struct.pack(">II", 1, offset)),
        )  # fmt: skip
        data = box(b"dinf", full(b"dref", struct.pack(">I", 1) + full(b"url ", b"", flags=1)))
        media = box(
            b"mdia", full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 1000, 1000, 0x55C4, 0)),
            full(b"hdlr", struct.pack(">I4s12x", 0, b"vide") + b"video\0"),
            box(b"minf", full(b"vmhd", bytes(8), flags=1), data, table),
        )  # fmt: skip
        track = (
            struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, 1000, 0, 0, 0, 0) + MATRIX + struct.pack(">II", 64 << 16, 64 << 16)
        )
        whole = struct.pack(">IIIIIH10x", 0, 0, 1000, 1000, 0x10000, 0x100) + MATRIX + bytes(24) + struct.pack(">I", 2)
        return box(b"moov", full(b"mvhd", whole), box(b"trak", full(b"tkhd", track, flags=3), media))

    return kinds + moov(len(kinds) + len(moov(0)) + (16 if wide else 8))


def mp4(rng: Random, size: int) -> bytes:
    """An MP4 container with one frame of noise of `size` bytes."""
    return movie_header(size) + box(b"mdat", rng.randbytes(size))


def sample(rng: Random, *, largest: int = 3_000_000) -> Sample:
    """A new file: mostly pictures, sizes spread evenly over the orders of magnitude from 1 KB to `largest`."""
    size = int(1000 * (largest / 1000) ** (rng.random() ** 1.5))
    number = rng.getrandbits(48)
    kind = rng.random()
    if kind < 0.65:
        return Sample(f"shot-{number:x}.png", "image/png", png(rng, size))
    if kind < 0.9:
        return Sample(f"shot-{number:x}.jpg", "image/jpeg", jpeg(rng, min(size, 400_000)))
    return Sample(f"film-{number:x}.mp4", "video/mp4", mp4(rng, size))
