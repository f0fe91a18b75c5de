"""The kinds of file we know, and how to tell them by their first bytes, never by a name or by what was announced."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = 4096
"""How many bytes from the start of a file `sniff` wants (fewer only if the file is shorter)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: its short name (as in the settings), media type and extension.

    `needs_conversion`: browsers cannot show it, so it becomes another kind on arrival.
    """

    name: str
    mime: str
    ext: str
    needs_conversion: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("png", "image/png", "png"),
        Kind("jpeg", "image/jpeg", "jpg"),
        Kind("gif", "image/gif", "gif"),
        Kind("webp", "image/webp", "webp"),
        Kind("avif", "image/avif", "avif"),
        Kind("bmp", "image/bmp", "bmp"),
        Kind("mp4", "video/mp4", "mp4"),
        Kind("webm", "video/webm", "webm"),
        Kind("heic", "image/heic", "heic", needs_conversion=True),
        Kind("tiff", "image/tiff", "tiff", needs_conversion=True),
        Kind("text", "text/plain", "txt"),
        Kind("pdf", "application/pdf", "pdf"),
        Kind("zip", "application/zip", "zip"),
    )
}

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
# ISO/IEC 14496-12 4.3: a file's brands. The pictures' come first, since a picture may carry a film's brand as well.
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_MP4_BRANDS = frozenset({b"isom", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash", b"cmfc", b"av01", b"hvc1"}) | {
    b"iso%d" % number for number in range(2, 10)
}
_NOT_FILMS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"qt  ", b"crx ", b"jp2 ", b"mif1", b"msf1"})
# The sizes of the headers that were ever defined: OS/2 1 and 2, Windows 3, with masks, 4, 5.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})

_BINARY = bytes([*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)])


def sniff(head: bytes) -> Kind | None:
    """The kind of a file by its first `HEAD` bytes, or None for what we do not know.

    SVG, HTML and XML are text here and nothing more.
    """
    for start, name in _STARTS:
        if head.startswith(start):
            return KINDS[name]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return KINDS["webp"]
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return _by_doctype(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return KINDS["bmp"]
    return KINDS["text"] if _is_text(head) else None


def _by_brand(head: bytes) -> Kind | None:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12]] + [head[at : at + 4] for at in range(16, size - 3, 4)]
    if _AVIF_BRANDS.intersection(brands):
        return KINDS["avif"]
    if _HEIC_BRANDS.intersection(brands):
        return KINDS["heic"]
    if brands[0] not in _NOT_FILMS and _MP4_BRANDS.intersection(brands):
        return KINDS["mp4"]
    return None


def _by_doctype(head: bytes) -> Kind | None:
    # RFC 8794 11.2.6: element 0x4282, its size, and a name that NULs may follow.
    at = head.find(b"\x42\x82", 4, 96) + 2
    if at < 2 or not head[at : at + 1]:
        return None
    width = 9 - head[at].bit_length()
    length = int.from_bytes(head[at : at + width], "big") & ((1 << 7 * width) - 1)
    name = head[at + width : at + width + length] if length <= 32 else b""
    return KINDS["webm"] if name.rstrip(b"\0") == b"webm" else None


def has_binary(data: bytes) -> bool:
    """True if there is a byte that no text has: NUL and most control characters (WHATWG MIME Sniffing, 3)."""
    return len(data.translate(None, _BINARY)) != len(data)


def _is_text(head: bytes) -> bool:
    if not head or has_binary(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end inside a character, when more of the file follows.
        return len(head) >= HEAD and error.start >= len(head) - 3 and error.reason == "unexpected end of data"
    return True
