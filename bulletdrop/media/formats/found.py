"""What a format's reader hands back to `inspect`."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.media.formats.source import Keep


@dataclass(frozen=True, slots=True)
class Found:
    """Sizes in pixels, `None` where there are none; `keep` holds the pieces."""

    keep: Keep
    width: int | None = None
    height: int | None = None
    frames: int = 1
    orientation: int = 1


def all_of(size: int, width: int | None = None, height: int | None = None, frames: int = 1) -> Found:
    """The whole file is kept as it is."""
    keep = Keep()
    keep.span(0, size)
    return Found(keep, width, height, frames)
