"""Text: what of a stranger's belongs into one line, and how people say sizes."""

from __future__ import annotations


def is_visible(text: str) -> bool:
    """True for text of one line without control characters; the joiner inside emoji counts as visible."""
    return text.replace("\u200d", "").isprintable()


def cleaned(text: str, *, most: int) -> str:
    """The visible characters among the first `most`: for what programs say about themselves."""
    return "".join(letter for letter in text[:most] if is_visible(letter))


def size_in_words(count: int) -> str:
    """Bytes as people say them: "214 MB", "1.4 MB", "812 bytes". Units are of 1024, as the limits are."""
    if count < 1024:
        return f"{count} byte{'' if count == 1 else 's'}"
    units = ["KB", "MB", "GB", "TB"]
    value, unit = count / 1024, units.pop(0)
    while value >= 999.5 and units:
        value, unit = value / 1024, units.pop(0)
    # One decimal only where it tells something: 1.4 MB, but 214 MB and 100 MB.
    text = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    return f"{text.removesuffix('.0')} {unit}"
