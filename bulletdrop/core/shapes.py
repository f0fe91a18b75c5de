"""Shapes: what a name looks like to a person, so that nobody can take a name that reads like another's."""

from __future__ import annotations

import unicodedata

LONGEST = 300

# Latin letters as other alphabets write them (from Unicode's confusables, UTS 39: those that meet in addresses).
_FOREIGN = str.maketrans("асԁеһіјӏорԛѕтսѵѡхуαβγικνορτυχωօցոք", "acdehijlopqstuvwxyabyikvoptuxwogno")
# What a glance confuses within ASCII. Addresses keep these apart: a1@ and al@ are two real mailboxes.
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "-": "", "_": "", ".": ""})


def username_shape(name: str) -> str:
    """The shape of a username: `Al1ce`, `a-lice` and `alice` have one. Unique among all accounts."""
    shape = _folded(name).translate(_ALIKE)
    return shape.replace("rn", "m").replace("vv", "w") or _folded(name)


def email_shape(email: str) -> str:
    """The shape of an email address: case, width, accents' spelling and alphabets do not tell two apart."""
    return _folded(email)


def _folded(text: str) -> str:
    """NFKC, case folded, foreign look-alikes as Latin letters. What is longer than any name is cut: see `fold`."""
    folded = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    # Taken apart in between: a foreign letter becomes the Latin one also where it carries an accent.
    plain = unicodedata.normalize("NFKD", folded).translate(_FOREIGN)
    return unicodedata.normalize("NFKC", plain).strip()[:LONGEST]
