"""Proves a file from the internet whole, and finds what of it to keep, without decoding a pixel.

Pure, synchronous, in bounded memory and time. One module per family of containers; each has
`inspect(source, limits) -> Found` and raises nothing but the four errors below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from bulletdrop.errors import UnknownType
from bulletdrop.media.formats import avif, bmp, documents, gif, jpeg, mp4, png, tiff, webm, webp
from bulletdrop.media.formats.found import Found
from bulletdrop.media.formats.kinds import HEAD, KINDS, Kind, sniff
from bulletdrop.media.formats.model import Inspection, Limits, Piece, Span, copy_pieces
from bulletdrop.media.formats.source import Source

__all__ = ["HEAD", "KINDS", "Inspection", "Kind", "Limits", "Piece", "Span", "copy_pieces", "inspect", "sniff"]

_READERS: dict[str, Callable[[Source, Limits], Found]] = {
    "png": png.inspect,
    "jpeg": jpeg.inspect,
    "gif": gif.inspect,
    "webp": webp.inspect,
    "avif": avif.inspect,
    "bmp": bmp.inspect,
    "mp4": mp4.inspect,
    "webm": webm.inspect,
    "heic": avif.inspect_heic,
    "tiff": tiff.inspect,
    "text": documents.inspect_text,
    "pdf": documents.inspect_pdf,
    "zip": documents.inspect_zip,
}


def inspect(file: BinaryIO, limits: Limits | None = None) -> Inspection:
    """Prove a file whole with the least work that does, and say what to keep of it.

    Which kinds are welcome is for the caller to say: this one answers for every kind in `KINDS`.

    Args:
        file: open for reading in binary, seekable; its position afterwards is anywhere.
        limits: of pixels and frames; checked from headers, before anything is unpacked.

    Raises:
        UnknownType: the bytes are of no kind that we know.
        Truncated: the file ends before its container does.
        BadPicture: the container is wrong (checksums, headers that cannot be, sizes that contradict each other).
        TooManyPixels: larger than the limits.
        OSError: the disk is at fault.
    """
    source = Source(file)
    kind = sniff(source.read(0, min(HEAD, source.size)))
    if kind is None:
        raise UnknownType("This is no type of file that is taken here.")
    found = _READERS[kind.name](source, limits or Limits())
    return Inspection(
        kind=kind.name,
        mime=kind.mime,
        ext=kind.ext,
        width=found.width,
        height=found.height,
        frames=found.frames,
        orientation=found.orientation,
        pieces=tuple(found.keep.pieces),
        size=found.keep.size,
        unchanged=found.keep.whole(source.size),
        needs_conversion=kind.needs_conversion,
    )
