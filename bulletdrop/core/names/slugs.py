"""Slugs and custom names: the short words that links are made of."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Literal, get_args

from bulletdrop.core.models import random_text
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.reserved import is_reserved
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, Invalid, NameReserved

_CUSTOM = re.compile(r"[\w](?:[\w.-]{0,98}[\w])?", re.UNICODE)
# What a link ends in, or a browser knows: `/name.png` must stay the address of the bytes of `name`.
_ENDINGS = (
    "png apng jpg jpeg jpe jfif gif webp avif bmp mp4 m4v mov webm mkv tif tiff heic heif jxl ico svg svgz txt text md"
    " pdf zip html htm xhtml xml js mjs css json wasm csv mp3 wav ogg"
)
# Asked before normalising, which takes time by the square of a run of combining marks.
_LONGEST_NAME = 200
_LONGEST_FILENAME = 1000
# The styles of slugs, for people to choose from.
Style = Literal["random", "words", "date", "name"]
STYLES: tuple[str, ...] = get_args(Style)
LONGEST_STEM = 30
# Windows opens a device where a file has such a name, whatever its ending: in an export, or saved from a browser.
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))])
_FORBIDDEN = ("Cc", "Cs", "Zl", "Zp")
# What turns the direction of the text around it, so that `exe.png` is read where `gnp.exe` stands (UAX #9, 2.1 to 2.5).
# The plain marks U+200E and U+200F are no danger, and macOS puts them into names.
_TURNS_TEXT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def new_slug(site: Site, style: str = "random", *, filename: str = "", plain: bool = False) -> str:
    """A fresh slug in one of the STYLES, never a reserved word. Whether it is free is the caller's to ask.

    How hard one is to guess for who knows nothing of it:

    - random: `slug_length` characters of base 58, 58 bits for ten. The one for links that nobody is to find.
    - words: `quiet-otter-4821`, 29 bits: ten tries a second find one of a thousand drops within a day.
    - date: `2026-11-21-184501-x7Kd` in UTC: 23 bits for who knows the second.
    - name: what the file is called, with four random characters when that is taken: anybody's guess.

    Args:
        filename: of the file, for the style `name`; what has no letters in it gets a random slug.
        plain: for the style `name`, without the random characters.
    """
    while is_reserved(slug := _made(site, style, filename, plain)) or slug in _DEVICES:
        plain = False
    return slug


def check_style(style: str) -> str:
    """The style itself. Raises Invalid with the field `slug_style` for one that is none of ours."""
    if style not in STYLES:
        raise Invalid(f"slug_style is one of {', '.join(STYLES)}.", field="slug_style")
    return style


def _made(site: Site, style: str, filename: str, plain: bool) -> str:
    if style == "words":
        # Here, because few servers need them.
        from bulletdrop.core.names.words import ADJECTIVES, NOUNS

        return f"{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}-{1000 + secrets.randbelow(9000)}"
    if style == "date":
        return f"{site.clock.now():%Y-%m-%d-%H%M%S}-{random_text(4)}"
    if style == "name" and (stem := _stem_of(filename)):
        return stem if plain else f"{stem}-{random_text(4)}"
    return random_text(site.config.slug_length)


def _stem_of(filename: str) -> str:
    """Letters and digits of a file's name, in lower case, with dashes between; empty where it has none."""
    text = fold(filename[:_LONGEST_NAME].rpartition(".")[0] or filename[:_LONGEST_NAME])
    letters = ""
    for letter in text:
        # A vowel sign of Devanagari is no letter for Python, but the word is none without it.
        belongs = letter.isalnum() or (unicodedata.category(letter).startswith("M") and letters[-1:] not in ("", "-"))
        letters += letter if belongs else "-" if letters[-1:] not in ("", "-") else ""
    return letters[:LONGEST_STEM].strip("-")


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
