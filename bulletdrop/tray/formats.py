"""What goes on the clipboard for a capture, by the person's choice, and what of it was seen there afterwards."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.tray.desk import Item

# What programs paste as a picture. Others (films, HEIC) are a link only.
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}


class Held(enum.Enum):
    """What the clipboard was seen to hold after it was set. NOTHING: it refused, or nobody can tell."""

    NOTHING = "nothing"
    TEXT = "text"
    PICTURE = "picture"
    BOTH = "both"

    @property
    def has_text(self) -> bool:
        """Whether the link is there."""
        return self in (Held.TEXT, Held.BOTH)


@dataclass(frozen=True, slots=True)
class Clip:
    """One thing to put on the clipboard: a text and, where wished, the picture that it belongs to."""

    text: str
    picture: Path | None = None


def clip_of(item: Item, wish: str) -> Clip | None:
    """What to copy of a capture that has its link.

    Args:
        item: the capture.
        wish: one of `preferences.FORMATS`.

    Returns: None for "nothing". A format that this capture has no use for (a film in Markdown, no direct address)
    falls back to the nearest that it has.
    """
    page, direct = str(item.link), item.direct_url or str(item.link)
    if wish == "nothing":
        return None
    if wish == "direct":
        return Clip(direct)
    if wish == "markdown":
        return Clip(_markdown(item, page, direct))
    if wish == "image" and is_picture(item.path):
        return Clip(page, item.path)
    return Clip(page)


def is_picture(path: Path) -> bool:
    """Whether other programs show this file as a picture, by its name."""
    return path.suffix.lower() in PICTURES


def _markdown(item: Item, page: str, direct: str) -> str:
    # CommonMark 6.4: brackets and backslashes in a description are escaped, an address in <> may hold anything else.
    name = (
        item.path.stem.encode("utf-8", "replace").decode().translate({ord(sign): f"\\{sign}" for sign in "\\[]`*_<>"})
    )
    if is_picture(item.path) and item.direct_url:
        return f"[![{name}]({direct})]({page})"
    return f"[{name}]({page})"
