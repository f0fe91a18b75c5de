"""Text, PDF and ZIP, which are taken only where a setting says so: light checks, nothing stripped."""

from __future__ import annotations

import codecs

from bulletdrop.errors import BadPicture, Truncated, UnknownType
from bulletdrop.media.formats.found import Found, all_of
from bulletdrop.media.formats.kinds import has_binary
from bulletdrop.media.formats.model import Limits
from bulletdrop.media.formats.source import Source

# PDF 1.7 (Adobe), implementation note 18: the end is looked for in the last 1,024 bytes.
_PDF_TAIL = 1024
# PKWARE APPNOTE 4.3.16: a record of 22 bytes and a comment of at most 65,535.
_ZIP_TAIL = 22 + 0xFFFF
_ZIP_END = b"PK\x05\x06"


def inspect_text(source: Source, limits: Limits) -> Found:
    """UTF-8 to the last byte, with no byte that no text has. Raises UnknownType."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in source.blocks(0, source.size):
            if has_binary(block):
                raise UnknownType("This is no type of file that is taken here.")
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise UnknownType("This is no type of file that is taken here.") from error
    return all_of(source.size)


def inspect_pdf(source: Source, limits: Limits) -> Found:
    """A PDF has its end mark near its end. Raises Truncated."""
    length = min(source.size, _PDF_TAIL)
    if b"%%EOF" not in source.read(source.size - length, length):
        raise Truncated("This PDF ends before it should. Nothing was kept; send it again.")
    return all_of(source.size)


def inspect_zip(source: Source, limits: Limits) -> Found:
    """A ZIP has its directory, whole, before its end record (APPNOTE 4.3.16). Raises Truncated, BadPicture."""
    length = min(source.size, _ZIP_TAIL)
    tail = source.read(source.size - length, length)
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) - at < 22:
        raise Truncated("This ZIP ends before it should. Nothing was kept; send it again.")
    if len(tail) - at - 22 < int.from_bytes(tail[at + 20 : at + 22], "little"):
        raise Truncated("This ZIP ends before it should. Nothing was kept; send it again.")
    end = source.size - length + at
    entries = int.from_bytes(tail[at + 10 : at + 12], "little")
    size, start = (int.from_bytes(tail[at + offset : at + offset + 4], "little") for offset in (12, 16))
    is_zip64 = 0xFFFFFFFF in (size, start) or entries == 0xFFFF
    if not is_zip64 and (start + size > end or (entries and source.read(start, 4) != b"PK\x01\x02")):
        raise BadPicture("This ZIP's directory is not where it should be.")
    return all_of(source.size)
