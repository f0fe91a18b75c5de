"""Slugs and custom names: the short words that links are made of."""

from __future__ import annotations

import re
import unicodedata

from bulletdrop.core.models import random_text
from bulletdrop.core.reserved import is_reserved
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, NameReserved

_CUSTOM = re.compile(r"[\w](?:[\w.-]{0,98}[\w])?", re.UNICODE)
# What a link ends in, or a browser knows: `/name.png` must stay the address of the bytes of `name`.
_ENDINGS = (
    "png apng jpg jpeg jpe jfif gif webp avif bmp mp4 m4v mov webm mkv tif tiff heic heif jxl ico svg svgz txt text md"
    " pdf zip html htm xhtml xml js mjs css json wasm csv mp3 wav ogg"
)
# Asked before normalising, which takes time by the square of a run of combining marks.
_LONGEST_NAME = 200
_LONGEST_FILENAME = 1000
_FORBIDDEN = ("Cc", "Cs", "Zl", "Zp")
# What turns the direction of the text around it, so that `exe.png` is read where `gnp.exe` stands (UAX #9, 2.1 to 2.5).
# The plain marks U+200E and U+200F are no danger, and macOS puts them into names.
_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def new_slug(site: Site) -> str:
    """A fresh slug: `slug_length` characters of base 58 (58 bits for ten), never a reserved word."""
    while is_reserved(slug := random_text(site.config.slug_length)):
        pass
    return slug


def check_custom_name(name: str) -> str:
    """A custom name in the form to keep (NFKC). May carry no ending: the link adds the file's own.

    Raises: BadName for characters that do not belong into a link, and for an ending; NameReserved for our own words.
    """
    if len(name) <= _LONGEST_NAME:
        name = unicodedata.normalize("NFKC", name.strip())
    if not _CUSTOM.fullmatch(name) or ".." in name:
        message = "A name has 1 to 100 letters, digits, dots, dashes or underscores; its ends are letters or digits."
        raise BadName(message, field="custom_name")
    if "." in name and name.rpartition(".")[2].casefold() in _ENDINGS.split():
        raise BadName("Leave the ending out; the link adds it.", field="custom_name")
    if is_reserved(name):
        raise NameReserved("This name is reserved. Take another one.", field="custom_name")
    return name


def check_filename(name: str) -> str:
    """A file's name as its owner sees it (NFC). Refused rather than repaired: a repaired name is not what was sent.

    Raises: BadName for parts of a path, control characters, direction overrides, and more than 255 characters.
    """
    if len(name) > _LONGEST_FILENAME:
        raise BadName("The file's name is too long; 255 characters are the most.", field="file")
    name = unicodedata.normalize("NFC", name)
    if not name.strip() or name in (".", ".."):
        raise BadName("The file needs a name.", field="file")
    if "/" in name or "\\" in name:
        raise BadName("A file's name cannot hold parts of a path.", field="file")
    if any(unicodedata.category(character) in _FORBIDDEN or character in _TURNS_TEXT for character in name):
        raise BadName("The file's name holds control characters, or ones that turn text around.", field="file")
    if len(name) > 255 or len(name.encode()) > 1000:
        raise BadName("The file's name is too long; 255 characters are the most.", field="file")
    return name
