"""What an inspection is given and what it tells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from bulletdrop.errors import TooManyPixels, Truncated

_STEP = 256 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture may be, known from its headers.

    Args:
        max_pixels: width x height of one frame.
        max_total_pixels: width x height x frames.
        max_frames: of an animation.
    """

    max_pixels: int = 50_000_000
    max_total_pixels: int = 200_000_000
    max_frames: int = 2000

    def check(self, width: int, height: int, frames: int = 1) -> None:
        """Raises TooManyPixels for a picture that is larger than this."""
        if width * height > self.max_pixels:
            raise TooManyPixels(f"This picture has {width} × {height} pixels. At most {self.max_pixels:,} are taken.")
        if frames > self.max_frames:
            raise TooManyPixels(f"This animation has {frames} frames. At most {self.max_frames:,} are taken.")
        self.check_total(width, height, frames)

    def check_total(self, width: int, height: int, frames: int) -> None:
        """Raises TooManyPixels for frames that are together larger than this."""
        if width * height * frames > self.max_total_pixels:
            raise TooManyPixels(
                f"This animation has {frames} frames of {width} × {height} pixels. "
                f"At most {self.max_total_pixels:,} in all are taken."
            )


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes `start` up to, not including, `end` of the source."""

    start: int
    end: int


Piece = Span | bytes


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a file that was proved whole.

    Attributes:
        kind: the short name, as in `KINDS`.
        width, height: in pixels as the format itself shows them, before `orientation`; None where there are none.
        frames: of an animation; 1 for still pictures and films.
        orientation: 1 to 8 (EXIF 2.32, tag 274): what is still to be done to see it upright. 1 where nothing is, or
            where the format does it itself (AVIF, HEIC, TIFF, MP4).
        pieces: the stripped file is these, one after the other.
        size: bytes of the stripped file.
        unchanged: the stripped file is the source.
        needs_conversion: browsers cannot show this kind; the pieces are the whole file.
    """

    kind: str
    mime: str
    ext: str
    width: int | None
    height: int | None
    frames: int
    orientation: int
    pieces: tuple[Piece, ...]
    size: int
    unchanged: bool
    needs_conversion: bool


def copy_pieces(source: BinaryIO, target: BinaryIO, pieces: Iterable[Piece]) -> tuple[int, str]:
    """Write the pieces to `target` in small steps.

    Returns: the number of bytes written and their SHA-256, in hex.
    Raises: Truncated when the source has become shorter than it was; OSError.
    """
    digest = hashlib.sha256()
    size = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            digest.update(piece)
            target.write(piece)
            size += len(piece)
            continue
        source.seek(piece.start)
        left = piece.end - piece.start
        while left:
            block = source.read(min(left, _STEP))
            if not block:
                raise Truncated("The file became shorter while it was copied.")
            digest.update(block)
            target.write(block)
            left -= len(block)
        size += piece.end - piece.start
    return size, digest.hexdigest()
