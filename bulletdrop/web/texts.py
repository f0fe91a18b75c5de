"""Texts as markup: the pieces that a child found become lines with classes, every letter of theirs escaped here."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from sys import getsizeof
from threading import Lock
from typing import Any

# The classes of the style sheet, in the order of `media/decoding/colours.KINDS`.
CLASSES = ("c", "s", "n", "k", "t", "f", "g", "i", "d", "h")
# What a browser still lays out at once; beyond it a text has neither numbers nor colours.
MOST_LINES = 20_000
MOST_MARKUP = 6 * 1024 * 1024
# A text whose markup would be longer is shown in part: a sign takes forty times the room of the letter that it is for,
# and thirty visitors of a megabyte of such letters took two gigabytes of memory.
MOST_ESCAPED = 2 * 1024 * 1024
_CHUNK = 16 * 1024
# Where an editor ends a line. Not `str.splitlines`: form feeds and the like are letters of a line.
_LINE_END = re.compile(r"\r\n|\r|\n")
# What turns the direction of the text around it (UAX #9): drawn as a sign, so that code reads as it runs.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Made visible likewise: what a browser would drop or a terminal obey.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2028\u2029\ufeff]")


@dataclass(frozen=True)
class Marked:
    """A text ready for a template. `lines` is markup, one entry a line; empty where the text is shown plain."""

    lines: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes in memory: a letter has one to four of them, by the rarest in its line."""
        return sum(map(getsizeof, self.lines))


class Texts:
    """The texts in colours that were asked for last, by what they are. Safe between threads.

    Args:
        most: bytes of markup to keep.
    """

    def __init__(self, most: int = 8 * 1024 * 1024) -> None:
        self._most = most
        self._held = 0
        self._lock = Lock()
        self._kept: OrderedDict[Any, Marked | None] = OrderedDict()

    def get(self, key: Any) -> tuple[bool, Marked | None]:
        """Whether it is known, and what it is; None for a text that no colours could be found for."""
        with self._lock:
            if key not in self._kept:
                return False, None
            self._kept.move_to_end(key)
            return True, self._kept[key]

    def put(self, key: Any, marked: Marked | None) -> None:
        """Keep one, and let go of those that were not asked for longest."""
        size = self._cost(marked)
        if size > self._most // 2:
            return
        with self._lock:
            if key not in self._kept:
                self._kept[key] = marked
                self._held += size
            while self._held > self._most:
                _, gone = self._kept.popitem(last=False)
                self._held -= self._cost(gone)

    @staticmethod
    def _cost(marked: Marked | None) -> int:
        return 1000 + (marked.size if marked is not None else 0)


def mark(pieces: Sequence[Any]) -> Marked | None:
    """Pieces (kind, text, kind, text…) as lines of markup; None when that would be more than a browser likes."""
    lines: list[str] = []
    line: list[str] = []
    size = 0
    for kind, text in zip(pieces[::2], pieces[1::2], strict=True):
        name = CLASSES[kind] if 0 <= kind < len(CLASSES) else ""
        first, *rest = _LINE_END.split(text)
        size += len(text) + 25 * (1 + len(rest))
        if size > MOST_MARKUP or len(lines) + len(rest) > MOST_LINES:
            return None
        line.append(_span(first, name))
        for part in rest:
            lines.append("".join(line))
            line = [_span(part, name)]
    if last := "".join(line):
        lines.append(last)
    return Marked(tuple(lines))


def mark_plain(text: str) -> Marked | None:
    """A text without colours as lines of markup; None as in `mark`."""
    return mark((-1, text))


def escaped(text: str) -> str:
    """A text as markup that shows it and does nothing: what is invisible and changes the rest is drawn as a sign."""
    text = escape(text, quote=False)
    text = _CONTROLS.sub(lambda found: _sign(found[0]), text)
    return _TURNING.sub(lambda found: _sign(found[0]), text)


def fitting(text: str) -> str:
    """The text, or as much of its beginning as `escaped` makes MOST_ESCAPED letters of at most."""
    size = 0
    for start in range(0, len(text), _CHUNK):
        size += len(escaped(text[start : start + _CHUNK]))
        if size > MOST_ESCAPED:
            return text[:start]
    return text


def joined(lines: Iterable[str]) -> str:
    """Lines of markup as the one text that a `pre` shows, each in an element that the style sheet numbers."""
    return "".join(f'<span class="l" id="L{number}">{line}\n</span>' for number, line in enumerate(lines, 1))


def _span(text: str, name: str) -> str:
    if not text:
        return ""
    return f'<b class="{name}">{escaped(text)}</b>' if name else escaped(text)


def _sign(letter: str) -> str:
    code = ord(letter)
    # As terminals write them (^L); few fonts have the pictures that Unicode has for them.
    shown = f"^{chr(code ^ 0x40)}" if code < 0x80 else f"U+{code:04X}"
    # The script copies the letter itself.
    return f'<i class="sign" data-code="{code}">{shown}</i>'
