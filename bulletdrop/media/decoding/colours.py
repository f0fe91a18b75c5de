"""Colours for a text: a lexer of Pygments cuts it into tokens. In a child, because a hostile text can hold a lexer up.

A regular expression that goes astray holds Python's one lock for as long as it takes: in the server that would stop
every other answer. In a child the kernel ends it after its seconds, and the text is shown plain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bulletdrop.errors import BadPicture

# What the page has colours for, by its place here. The order counts: the first that fits.
KINDS = ("comment", "string", "number", "keyword", "type", "name", "tag", "added", "removed", "heading")
_OF_TOKENS = (
    ("Comment", 0),
    ("Literal.String", 1),
    ("Literal.Number", 2),
    ("Literal.Date", 2),
    ("Keyword.Type", 4),
    ("Keyword.Constant", 2),
    ("Keyword", 3),
    ("Operator.Word", 3),
    ("Name.Function", 5),
    ("Name.Decorator", 5),
    ("Name.Class", 4),
    ("Name.Namespace", 4),
    ("Name.Exception", 4),
    ("Name.Builtin", 4),
    ("Name.Tag", 6),
    ("Name.Attribute", 5),
    ("Name.Entity", 2),
    ("Generic.Inserted", 7),
    ("Generic.Deleted", 8),
    ("Generic.Heading", 9),
    ("Generic.Subheading", 9),
    ("Generic.Error", 8),
    ("Generic.Prompt", 0),
)


def colour(source: Path, target: Path, *, language: str) -> int:
    """Write a text's pieces to `target`, as a JSON list of kind, text, kind, text…; kind is -1 or a place in KINDS.

    Args:
        source: UTF-8.
        language: a name that Pygments knows.
    Returns: how many pieces there are. The texts joined are the source to the letter.
    Raises: BadPicture for a text that the lexer falls over.
    """
    text = source.read_bytes().decode("utf-8")
    try:
        pieces = [part for piece in _merged(text, language) for part in piece]
    except Exception as error:
        # Lexers fall over hostile texts in many ways, such as too deep a recursion. Memory is no such way.
        if isinstance(error, MemoryError):
            raise
        raise BadPicture("There are no colours for this text.") from error
    target.write_text(json.dumps(pieces, ensure_ascii=False), encoding="utf-8")
    return len(pieces) // 2


def _merged(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Neighbours of one kind as one piece."""
    from pygments.lexers import get_lexer_by_name

    # As it is: Pygments would strip, and add, line ends of its own.
    lexer: Any = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    known: dict[Any, int] = {}
    last = -1
    held: list[str] = []
    # Not `get_tokens`, which makes every line end the same.
    for _, token, value in lexer.get_tokens_unprocessed(text):
        kind = known.get(token)
        if kind is None:
            kind = known[token] = _kind(str(token).removeprefix("Token."))
        if kind != last and held:
            yield last, "".join(held)
            held = []
        last = kind
        held.append(value)
    if held:
        yield last, "".join(held)


def _kind(token: str) -> int:
    for name, kind in _OF_TOKENS:
        if token == name or token.startswith(f"{name}."):
            return kind
    return -1
