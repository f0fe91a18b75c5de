"""Queries of lists: pages, times and numbers, read strictly, and how the API's document describes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sanic import Request

from bulletdrop.clock import in_range, parse_moment
from bulletdrop.errors import Invalid
from bulletdrop.web.routes import Parameter


def text(request: Request, name: str) -> str:
    """A parameter's text; empty when it is missing."""
    return str(request.args.get(name) or "")


def cursor_of(request: Request) -> str | None:
    """Where the list goes on, or None for its beginning."""
    return request.args.get("cursor") or None


def limit_of(request: Request, usual: int = 60) -> int:
    """How many rows a page has: 60, where the query does not say and the list has no other custom. Raises Invalid."""
    found = number(request, "limit")
    return usual if found is None else found


def number(request: Request, name: str) -> int | None:
    """A whole number, or None when the parameter is missing. Raises Invalid."""
    found = text(request, name)
    if not found:
        return None
    if not found.isascii() or not found.isdigit() or len(found) > 18:
        raise Invalid(f"{name} is a whole number.", field=name)
    return int(found)


def moment(request: Request, name: str) -> datetime | None:
    """A time (RFC 3339) or a date (its start in UTC), or None when the parameter is missing. Raises Invalid."""
    found = text(request, name)
    if not found:
        return None
    try:
        if len(found) == 10:
            return in_range(datetime.fromisoformat(found).replace(tzinfo=UTC))
        # A plus sign that was not escaped is a space by now.
        return parse_moment(found.replace(" ", "+"))
    except ValueError as error:
        raise Invalid(f"{name} is a date, or a time such as 2026-11-20T12:00:00Z.", field=name) from error


def flag(request: Request, name: str) -> bool:
    """True for `true` and `1`."""
    return text(request, name).lower() in ("true", "1")


def parameter(name: str, about: str, **schema: Any) -> Parameter:
    """One parameter's line in the document."""
    return Parameter(name=name, about=about, schema=schema or {"type": "string"})


def pages(usual: int = 60) -> tuple[Parameter, ...]:
    """The parameters of a list that comes in pages."""
    return (
        parameter("cursor", "Where the list goes on: `next` of the page before."),
        parameter("limit", "Rows per page.", type="integer", minimum=1, maximum=200, default=usual),
    )


def repeatable(first: str) -> Parameter:
    """The header of a request that may be sent again. Args: `first`, what its repeat is answered with."""
    return Parameter(
        name="Idempotency-Key",
        where="header",
        about=f"A repeat with the same key is answered with {first}.",
        schema={"type": "string", "minLength": 1, "maxLength": 200},
    )


PAGES = pages()
TEAM = parameter("team", "The slug or id of a team that you are in.")
TIMES = (
    parameter("since", "From this date or time on."),
    parameter("until", "Up to this date or time, which is not part of it."),
)
