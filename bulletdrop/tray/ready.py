"""When is a file whole? Looks at its name, its first bytes, its container's end, and whether a writer holds it.

Reads a few hundred bytes of a file, never all of it, so that it can run on every event. The formats' rules: PNG (W3C,
section 5), JPEG (ITU T.81, annex B), GIF89a, WebP (RIFF), ISO BMFF (ISO 14496-12, 4.2), BMP, TIFF 6, Matroska/EBML.
"""

from __future__ import annotations

import enum
import errno
import fnmatch
import os
import signal
import struct
from collections.abc import Callable
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class End(enum.Enum):
    """How a container ends.

    EXACT    its last byte is the file's last byte: whole, unless a writer still holds the file
    LOOSE    complete as far as it can be told, but with bytes after it, or of a kind without an end mark
    PARTIAL  something is missing
    FOREIGN  not a kind of file that BulletDrop takes
    """

    EXACT = "exact"
    LOOSE = "loose"
    PARTIAL = "partial"
    FOREIGN = "foreign"


# paperless-ngx's list of what systems and sync tools drop into folders, with the partial downloads of browsers.
IGNORED_NAMES: tuple[str, ...] = (
    *(".*", "~$*", "*~", "*.swp", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"),
    *("*.tmp", "*.temp", "*.part", "*.partial", "*.crdownload", "*.download", "*.!ut"),
)

# Windows: reading such a file would download it from the cloud (FILE_ATTRIBUTE_OFFLINE, _RECALL_ON_*).
CLOUD_ONLY = 0x00001000 | 0x00040000 | 0x00400000

HEAD = 64
SHORTEST = 18  # bytes that tell every kind from every other
MP4_BRANDS = (b"iso", b"mp4", b"avc", b"M4V", b"MSNV", b"dash", b"3gp", b"mmp4", b"f4v", b"cmf", b"hvc")
PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def is_ignored(name: str) -> bool:
    """Whether a file of this name is never a capture: hidden, temporary, or litter of the system."""
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in IGNORED_NAMES)


def is_cloud_only(stat: os.stat_result) -> bool:
    """Whether the bytes are not on this disk, so that reading would fetch them (Windows)."""
    return bool(getattr(stat, "st_file_attributes", 0) & CLOUD_ONLY)


def has_writer(descriptor: int) -> bool | None:
    """Whether any process holds the file open for writing; None where the system cannot say.

    Asks for a read lease, which Linux grants only when nobody has the file open for writing (fcntl(2), F_SETLEASE),
    and gives it back at once. Should a writer open the file in between, the kernel sends a signal: SIGURG here, which
    is ignored by default, instead of SIGIO, which would end the program.
    """
    if fcntl is None or not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        # EAGAIN: open for writing. Else: a file system without leases, or a file of somebody else (EACCES).
        return True if error.errno == errno.EAGAIN else None
    return False


def is_recording(file: BinaryIO) -> bool:
    """Whether it is a film: its writer may rest for long, while nothing moves on the screen."""
    file.seek(0)
    head = file.read(HEAD)
    return _is_webm(head) or (_is_boxes(head) and not head[8:12].startswith(PICTURE_BRANDS))


def extension(head: bytes) -> str:
    """The ending of the direct link that the server will give a file of these first bytes; "" for what it converts, or
    for no kind of picture."""
    if head.startswith(b"\x89PNG"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"GIF8"):
        return "gif"
    if _is_webp(head):
        return "webp"
    if _is_webm(head):
        return "webm"
    if _is_bmp(head):
        return "bmp"
    if _is_boxes(head):
        pictures = {b"avif": "avif", b"avis": "avif"}
        return pictures.get(head[8:12], "" if head[8:12].startswith(PICTURE_BRANDS) else "mp4")
    return ""


def ending(file: BinaryIO, size: int) -> End:
    """How the file ends, judged by the container its first bytes promise.

    Args:
        file: open for reading, at any position.
        size: its length in bytes as `fstat` gives it.

    Raises: OSError when it cannot be read.
    """
    file.seek(0)
    head = file.read(HEAD)
    if min(size, len(head)) < SHORTEST:
        # Too short to tell what it will be: more may come.
        return End.PARTIAL
    for starts, look in _KINDS:
        if starts(head):
            try:
                return look(file, size, head)
            except struct.error:
                # It shrank while we looked.
                return End.PARTIAL
    return End.FOREIGN


# One file must not hold up all others: of more parts than any picture has only rest can tell the end, and no JPEG has
# as many bytes.
MOST_PARTS = 50_000
MOST_READ = 256 * 1024 * 1024


def _tail(file: BinaryIO, size: int, count: int) -> bytes:
    file.seek(max(0, size - count))
    return file.read(count)


def _contains(file: BinaryIO, at: int, mark: bytes) -> bool:
    """Whether the mark comes within MOST_READ after `at`. Not by mmap: a file that shrinks meanwhile would end the
    program."""
    file.seek(at)
    kept, left = b"", MOST_READ
    while left > 0 and (piece := file.read(256 * 1024)):
        if mark in kept + piece:
            return True
        kept = piece[-len(mark) + 1 :]
        left -= len(piece)
    return False


def _png(file: BinaryIO, size: int, head: bytes) -> End:
    if _tail(file, size, 12) == b"\0\0\0\0IEND\xaeB`\x82":
        return End.EXACT
    at = 8
    for _ in range(MOST_PARTS):
        if at + 12 > size:
            return End.PARTIAL
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        at += 12 + length
        if name == b"IEND":
            return End.LOOSE if at <= size else End.PARTIAL
        # PNG, 5.3: letters alone. Zeros are room that its writer has taken beforehand, to be filled.
        if not name.isalpha():
            return End.PARTIAL
    return End.LOOSE


def _jpeg(file: BinaryIO, size: int, head: bytes) -> End:
    if _tail(file, size, 2) == b"\xff\xd9":
        return End.EXACT
    at = 2
    while at + 4 <= size:
        file.seek(at)
        mark, kind, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF:
            return End.PARTIAL
        at += 2 + length
        if kind == 0xDA:
            # Within the compressed data FF is always followed by 00 or RST, so the first FFD9 is the end.
            return End.LOOSE if _contains(file, at, b"\xff\xd9") else End.PARTIAL
    return End.PARTIAL


def _gif(file: BinaryIO, size: int, head: bytes) -> End:
    # The trailer 3B after a block's terminator 00.
    if _tail(file, size, 2) == b"\x00\x3b":
        return End.EXACT
    return End.LOOSE if b"\x00\x3b" in _tail(file, size, 4096) else End.PARTIAL


def _webp(file: BinaryIO, size: int, head: bytes) -> End:
    return _by_size(struct.unpack("<I", head[4:8])[0] + 8, size)


def _bmp(file: BinaryIO, size: int, head: bytes) -> End:
    told = struct.unpack("<I", head[2:6])[0]
    return End.LOOSE if told == 0 else _by_size(told, size)


def _tiff(file: BinaryIO, size: int, head: bytes) -> End:
    """The directory may lie anywhere, and strips after it: only its presence can be told."""
    order = "<" if head[:2] == b"II" else ">"
    directory = struct.unpack(order + "I", head[4:8])[0]
    if directory < 8 or directory + 2 > size:
        return End.PARTIAL
    file.seek(directory)
    entries = struct.unpack(order + "H", file.read(2))[0]
    return End.LOOSE if entries and directory + 2 + 12 * entries <= size else End.PARTIAL


def _boxes(file: BinaryIO, size: int, head: bytes) -> End:
    """ISO BMFF: the boxes' lengths must chain to the exact end, and the index must be there."""
    at, seen, parts = 0, set(), 0
    while at < size:
        parts += 1
        if parts > MOST_PARTS:
            return End.LOOSE
        file.seek(at)
        front = file.read(16)
        if len(front) < 8:
            return End.PARTIAL
        length, name = struct.unpack(">I4s", front[:8])
        if length == 1:
            if len(front) < 16:
                return End.PARTIAL
            length = struct.unpack(">Q", front[8:])[0]
        seen.add(name)
        if length == 0:
            # "Until the end of the file": a recorder writes this before it knows better.
            return End.LOOSE if seen & {b"moov", b"meta"} else End.PARTIAL
        if length < 8:
            return End.LOOSE if seen & {b"moov", b"meta"} and b"mdat" in seen else End.PARTIAL
        at += length
    if at > size or b"mdat" not in seen or not seen & {b"moov", b"meta"}:
        return End.PARTIAL
    return End.EXACT


def _webm(file: BinaryIO, size: int, head: bytes) -> End:
    header, at, _ = _vint(head, 4)
    at += header
    file.seek(at)
    segment = file.read(12)
    if segment[:4] != b"\x18\x53\x80\x67" or len(segment) < 12:
        return End.PARTIAL
    length, start, unknown = _vint(segment, 4)
    # A live recording never learns its length and stays "unknown": only rest can tell its end.
    return End.LOOSE if unknown else _by_size(at + start + length, size)


def _vint(data: bytes, at: int) -> tuple[int, int, bool]:
    """An EBML number (RFC 8794, 4): value, where it ends, and whether it means "unknown"."""
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length() if first else 1
    value = int.from_bytes(data[at : at + width], "big") & ((1 << (7 * width)) - 1)
    return value, at + width, value == (1 << (7 * width)) - 1


def _by_size(told: int, size: int) -> End:
    if told == size:
        return End.EXACT
    return End.LOOSE if told < size else End.PARTIAL


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_bmp(head: bytes) -> bool:
    # "BM" alone begins many a text: the length of the second header is one of seven.
    sizes = (12, 40, 52, 56, 64, 108, 124)
    return head[:2] == b"BM" and len(head) >= 18 and struct.unpack("<I", head[14:18])[0] in sizes


def _is_boxes(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12].startswith(MP4_BRANDS + PICTURE_BRANDS)


def _is_webm(head: bytes) -> bool:
    return head[:4] == b"\x1a\x45\xdf\xa3" and b"webm" in head


_KINDS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int, bytes], End]], ...] = (
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda head: head.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), _gif),
    (_is_webp, _webp),
    (_is_boxes, _boxes),
    (_is_webm, _webm),
    (_is_bmp, _bmp),
    (lambda head: head.startswith((b"II*\0", b"MM\0*")), _tiff),
)
