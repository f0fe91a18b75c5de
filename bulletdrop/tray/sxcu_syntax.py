"""The little language in the values of a custom uploader (.sxcu): read into a tree, and worked out against an answer.

As ShareX 19 reads it (`ShareXSyntaxParser`): `{name:a|b}` calls a function, functions nest, a backslash takes the
meaning from one character, and at the top a bare `}` or `|` ends the text: what comes after it counts for nothing.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from bulletdrop.errors import Invalid
from bulletdrop.tray import sxcu_finding as finding

# Deeper or longer than anybody's file; a hostile one must cost us nothing.
MOST_DEPTH = 20
MOST_TEXT = 16 * 1024
MOST_CALLS = 200
_MOST_VALUE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A function and what it is given."""

    name: str
    given: tuple[Text, ...]


Text = tuple["str | Call", ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a host answered: its text, its headers in lower case, and the address that gave it after redirects."""

    text: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the functions can speak of.

    Args:
        filename: the file's name.
        reply: the host's answer; empty while there is none.
        quoted: the file's name goes into an address, and is encoded for it.
    """

    filename: str = ""
    reply: Reply = field(default_factory=Reply)
    quoted: bool = False


def read(text: str, where: str) -> Text:
    """The tree of a value.

    Args:
        where: the field of the file that it stands in, for the refusal.

    Raises: Invalid for a function that does not exist, one that would have to ask the person, too few parameters, and
        for texts beyond the caps.
    """
    if len(text) > MOST_TEXT:
        raise Invalid(f"{where} is too long.", field=where)
    reader = _Reader(text, where)
    parts, _ = reader.text(0, depth=0)
    return parts


def work_out(parts: Text, facts: Facts) -> str:
    """What a value comes to. Raises Invalid for an answer in which it cannot be found."""
    done = "".join(part if isinstance(part, str) else _call(part, facts) for part in parts)
    if len(done) > _MOST_VALUE:
        raise Invalid("A value came out too long.")
    return done


class _Reader:
    """Reads one value; `text` and `call` return what they read and where they stopped."""

    def __init__(self, source: str, where: str) -> None:
        self._source = source
        self._where = where
        self._calls = 0

    def text(self, at: int, *, depth: int) -> tuple[Text, int]:
        """Up to a bare `}` or `|`, or the end."""
        found: list[str | Call] = []
        plain: list[str] = []
        while at < len(self._source):
            letter = self._source[at]
            if letter in "}|":
                break
            if letter == "{":
                call, at = self._call(at + 1, depth=depth + 1)
                found += ["".join(plain), call]
                plain = []
                continue
            if letter == "\\":
                at += 1
                letter = self._source[at : at + 1]
            plain.append(letter)
            at += 1
        found.append("".join(plain))
        return tuple(part for part in found if part != ""), at

    def _call(self, at: int, *, depth: int) -> tuple[Call, int]:
        self._calls += 1
        if depth > MOST_DEPTH or self._calls > MOST_CALLS:
            raise Invalid(f"{self._where} has too many functions in it.", field=self._where)
        name: list[str] = []
        given: list[Text] = []
        while at < len(self._source):
            letter = self._source[at]
            if letter == "}":
                at += 1
                break
            if letter in ":|":
                parameter, at = self.text(at + 1, depth=depth)
                given.append(parameter)
                continue
            if letter == "{":
                raise Invalid(f"In {self._where} a function's name is made by another one.", field=self._where)
            if letter == "\\":
                at += 1
                letter = self._source[at : at + 1]
            name.append(letter)
            at += 1
        return self._checked(Call("".join(name).lower(), tuple(given))), at

    def _checked(self, call: Call) -> Call:
        if call.name in _ASKS:
            message = (
                f"This uploader asks a question ({{{call.name}}} in {self._where}). BulletDrop uploads without asking."
            )
            raise Invalid(message, field=self._where)
        if call.name not in _FUNCTIONS:
            raise Invalid(f"{self._where} uses a function that is not known: {{{call.name[:40]}}}.", field=self._where)
        least = _FUNCTIONS[call.name][0]
        if len(call.given) < least:
            raise Invalid(f"{{{call.name}}} in {self._where} needs {least} or more values.", field=self._where)
        return call


def _call(call: Call, facts: Facts) -> str:
    # Of a choice only what is chosen is worked out.
    if call.name == "random":
        return work_out(random.choice(call.given), facts)
    return _FUNCTIONS[call.name][1]([work_out(part, facts) for part in call.given], facts)


def _json(given: list[str], facts: Facts) -> str:
    source, path = (given[0], given[1]) if len(given) > 1 else (facts.reply.text, given[0])
    return finding.in_json(source, path) if source and path else ""


def _xml(given: list[str], facts: Facts) -> str:
    source, path = (given[0], given[1]) if len(given) > 1 else (facts.reply.text, given[0])
    return finding.in_xml(source, path) if source and path else ""


def _regex(given: list[str], facts: Facts) -> str:
    if len(given) > 2:
        return finding.by_pattern(given[0], given[1], given[2])
    return finding.by_pattern(facts.reply.text, given[0], given[1] if len(given) > 1 else "")


def _header(given: list[str], facts: Facts) -> str:
    return facts.reply.headers.get(given[0].strip().lower(), "")


def _filename(_given: list[str], facts: Facts) -> str:
    return quote(facts.filename, safe="") if facts.quoted else facts.filename


def _base64(given: list[str], _facts: Facts) -> str:
    # An answer may hold half a character, which JSON can write and UTF-8 cannot.
    return base64.b64encode(given[0].encode("utf-8", "replace")).decode("ascii")


# Name → how many values at least, and what it does. `input` is the text or address of the other destinations.
_FUNCTIONS: dict[str, tuple[int, Callable[[list[str], Facts], str]]] = {
    "json": (1, _json),
    "xml": (1, _xml),
    "regex": (1, _regex),
    "response": (0, lambda _given, facts: facts.reply.text),
    "responseurl": (0, lambda _given, facts: facts.reply.url),
    "header": (1, _header),
    "input": (0, lambda _given, _facts: ""),
    "filename": (0, _filename),
    "random": (2, lambda given, _facts: given[0]),
    "base64": (1, _base64),
}
_ASKS = frozenset({"select", "inputbox", "prompt", "outputbox", "output"})
