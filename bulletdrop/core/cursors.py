"""Cursors: where a list goes on, as opaque text. A page begins after the last row that was seen."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bulletdrop.errors import Invalid

T = TypeVar("T")

MOST_PER_PAGE = 200
# The longest of ours holds a name of 50 characters, each of them escaped, and an id.
_LONGEST = 800


@dataclass(frozen=True)
class Page(Generic[T]):
    """Part of a list, and the cursor of the next part (None at the end)."""

    items: list[T]
    next: str | None


def paged(
    query: Any, *, by: Any, ties: Any, cursor: str | None, limit: int, descending: bool = True, kind: type = int
) -> Page[Any]:
    """One page of a query, ordered by a column and, where that is equal, by the id: the same cost at any depth.

    Args:
        by: the column, which is never null.
        ties: the column of the id.
        kind: what the value is in a cursor: `int` for numbers and times (in microseconds), `str` for texts.
    Raises: Invalid for a cursor that is none of ours, or a limit beyond 1 to 200.
    """
    if not 1 <= limit <= MOST_PER_PAGE:
        raise Invalid(f"limit is 1 to {MOST_PER_PAGE}.", field="limit")
    if cursor:
        value, row_id = read_cursor(cursor, kind)
        beyond = (by < value) if descending else (by > value)
        query = query.where(beyond | ((by == value) & ((ties < row_id) if descending else (ties > row_id))))
    order = (by.desc(), ties.desc()) if descending else (by.asc(), ties.asc())
    rows = list(query.order_by(*order).limit(limit + 1))
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    return Page(rows[:limit], write_cursor(by.db_value(getattr(last, by.name)), getattr(last, ties.name)))


def write_cursor(value: object, row_id: str) -> str:
    """The cursor after a row."""
    return base64.urlsafe_b64encode(json.dumps([value, row_id]).encode()).decode().rstrip("=")


def read_cursor(cursor: str, kind: type) -> tuple[Any, str]:
    """The value and the id in a cursor. Raises Invalid for what is none of ours."""
    try:
        # json.loads follows brackets as deep as they go.
        if len(cursor) > _LONGEST:
            raise ValueError("too long")
        value, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if type(value) is not kind or not isinstance(row_id, str) or "\0" in f"{value}{row_id}":
            raise ValueError("of no list of ours")
        if isinstance(value, int) and abs(value) > 2**62:
            raise ValueError("beyond what a database holds")
        return value, row_id
    except (ValueError, TypeError, RecursionError) as error:
        raise Invalid("This cursor is none of ours. Start at the beginning.", field="cursor") from error
