"""Text from strangers: what belongs into one line, and the part of it that can be kept."""

from __future__ import annotations


def is_visible(text: str) -> bool:
    """True for text of one line without control characters; the joiner inside emoji counts as visible."""
    return text.replace("\u200d", "").isprintable()


def cleaned(text: str, *, most: int) -> str:
    """The visible characters among the first `most`: for what programs say about themselves."""
    return "".join(letter for letter in text[:most] if is_visible(letter))
