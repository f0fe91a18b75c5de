"""Small MP4 and WebM files by hand: true containers, with a few bytes where the coded pictures would be."""

from __future__ import annotations

import struct

PICTURES = bytes(range(1, 201))
SOUNDS = b"\x55" * 40
PLACES = b"+48.8577+002.295/GPS"
TIME = 0xE2000000  # 2024, in seconds since 1904
_IDENTITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_TURNED = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


def box(kind: bytes, *parts: bytes) -> bytes:
    """ISO/IEC 14496-12, 4.2."""
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def full(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    """The same with a version and flags."""
    return box(kind, bytes([version, 0, 0, 0]), *parts)


def _track(handler: bytes, start: int, data: bytes, *, turned: bool = False, name: bytes = b"") -> bytes:
    """One track with two samples in one chunk."""
    size = struct.pack(">II", 64 << 16, 48 << 16) if handler == b"vide" else bytes(8)
    matrix = _TURNED if turned else _IDENTITY
    header = full(b"tkhd", struct.pack(">IIII", TIME, TIME, 1, 0), bytes(20), matrix, size)
    entry = box(b"avc1", bytes(24), struct.pack(">HH", 64, 48), bytes(50))
    half = len(data) // 2
    tables = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", struct.pack(">III", 1, 2, 1000)),
        full(b"stsc", struct.pack(">IIII", 1, 1, 2, 1)),
        full(b"stsz", struct.pack(">IIII", 0, 2, half, len(data) - half)),
        full(b"stco", struct.pack(">II", 1, start)),
    )
    reference = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", b"")))
    media = box(
        b"mdia",
        full(b"mdhd", struct.pack(">IIIIHH", TIME, TIME, 1000, 2000, 0, 0)),
        full(b"hdlr", bytes(4), handler, bytes(12), name + b"\0"),
        box(b"minf", full(b"vmhd", bytes(8)), reference, tables),
    )
    return box(b"trak", header, media, box(b"udta", box(b"name", name)) if name else b"")


def mp4(secret: bytes = b"", *, header_first: bool = False, turned: bool = False) -> bytes:
    """Picture and sound; with `secret`, also a title, a place, a vendor's box and a track of places."""
    start = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isommp42")
    samples = PICTURES + SOUNDS + (PLACES + secret if secret else b"")
    data = box(b"mdat", samples)

    def header(first: int) -> bytes:
        places = first + len(PICTURES) + len(SOUNDS)
        movie = full(b"mvhd", struct.pack(">IIII", TIME, TIME, 1000, 2000), bytes(80))
        tracks = [
            _track(b"vide", first, PICTURES, turned=turned, name=secret),
            _track(b"soun", first + len(PICTURES), SOUNDS, name=secret),
        ]
        telling = b""
        if secret:
            tracks.append(_track(b"meta", places, PLACES + secret, name=secret))
            place = box(b"\xa9xyz", struct.pack(">HH", len(PLACES), 0), PLACES)
            telling = box(b"udta", place, box(b"\xa9cmt", struct.pack(">HH", len(secret), 0), secret))
            telling += box(b"uuid", bytes(16), secret)
        return box(b"moov", movie, *tracks, telling)

    if header_first:
        length = len(header(0))
        return start + header(len(start) + length + 8) + data
    free = box(b"free", secret) if secret else b""
    return start + free + data + header(len(start) + len(free) + 8)


def element(identifier: int, *parts: bytes, unknown: bool = False) -> bytes:
    """RFC 8794, 4: identifier, size, data. `unknown` leaves the size open."""
    payload = b"".join(parts)
    name = identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")
    size = b"\x01" + b"\xff" * 7 if unknown else (0x10000000 | len(payload)).to_bytes(4, "big")
    return name + size + payload


def webm(secret: bytes = b"", *, live: bool = False) -> bytes:
    """One cluster with blocks; `live` as browsers record it. With `secret`: title, tags, chapters, an attachment."""
    header = element(
        0x1A45DFA3, element(0x4286, b"\1"), element(0x42F7, b"\1"), element(0x42F2, b"\4"), element(0x42F3, b"\x08"),
        element(0x4282, b"webm"), element(0x4287, b"\4"), element(0x4285, b"\2"),
    )  # fmt: skip
    video = element(0xE0, element(0xB0, b"\x40"), element(0xBA, b"\x30"))
    name = element(0x536E, secret) if secret else b""
    track = element(
        0xAE, element(0xD7, b"\1"), element(0x73C5, b"\1"), element(0x83, b"\1"), name, element(0x86, b"V_VP8"), video
    )
    titles = [element(0x7BA9, secret), element(0x4461, bytes(8)), element(0x7384, secret)] if secret else []
    info = element(
        0x1549A966,
        element(0x2AD7B1, b"\x0f\x42\x40"),
        *titles,
        element(0x4D80, b"Lavf" + secret),
        element(0x5741, b"Lavf"),
    )
    tag = element(0x7373, element(0x67C8, element(0x45A3, b"LOCATION"), element(0x4487, PLACES + secret)))
    attached = element(0x61A7, element(0x466E, secret), element(0x465C, secret * 20))
    blocks = [element(0xA3, b"\x81\0" + bytes([at]) + b"\x80" + PICTURES[at : at + 20]) for at in (0, 20, 40)]
    cluster = element(0x1F43B675, element(0xE7, b"\0"), *blocks, unknown=live)
    telling = [element(0x1254C367, tag), element(0x1941A469, attached), element(0x1043A770, element(0x45B9, secret))]
    after = telling if secret and not live else []
    before = [telling[0]] if secret and live else []
    return header + element(
        0x18538067, element(0xEC, secret), info, element(0x1654AE6B, track), *before, cluster, *after, unknown=live
    )
