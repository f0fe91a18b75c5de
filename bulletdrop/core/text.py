"""Text: what of a stranger's belongs into one line, and how people say sizes."""

from __future__ import annotations

from typing import Any

from bulletdrop.errors import Invalid

# Persian words need the sign that does not join (ZWNJ). In a name or an address it would only deceive.
_APART = "\u200c"


def is_visible(text: str) -> bool:
    """True for text of one line without control characters; the joiner inside emoji counts as visible."""
    return text.replace("\u200d", "").isprintable()


def line_of(value: Any, *, what: str, field: str, most: int, least: int = 0, error: type[Invalid] = Invalid) -> str:
    """What a person wrote into a field of one line, without space around it.

    Args:
        what: what it is, for the sentence: "A title".
        least, most: characters.
    Raises: `error`, with the field, for another length, or characters that cannot be seen.
    """
    text = str(value or "").strip()
    if not least <= len(text) <= most or not is_visible(text.replace(_APART, "")):
        many = f"{least} to {most}" if least else f"at most {most}"
        raise error(f"{what} has {many} characters, all of them visible.", field=field)
    return text


def lines_of(value: Any, *, what: str, field: str, most: int, error: type[Invalid] = Invalid) -> str:
    """What a person wrote into a field of several lines, whose ends become one sign each. The rest as `line_of`."""
    text = str(value or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    plain = text.replace("\t", "").replace(_APART, "")
    if len(text) > most or not all(is_visible(line) for line in plain.split("\n")):
        raise error(f"{what} has at most {most:,} characters, all of them visible.", field=field)
    return text


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
