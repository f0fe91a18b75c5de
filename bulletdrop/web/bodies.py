"""JSON in and out, by msgspec."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.errors import BadBody, Invalid

T = TypeVar("T")


def json_of(request: Request, kind: type[T]) -> T:
    """The request's JSON body as `kind`. Raises BadBody for no JSON, Invalid with the field for what does not fit."""
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        # Also keeps other sites' forms out, which can only send three types.
        raise BadBody("Send the request as application/json.")
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        field = where.rstrip("`").removeprefix("$.") or _named(message)
        raise Invalid(f"{message}.", field=field or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody("The body is no JSON.") from error


def given(body: msgspec.Struct) -> dict[str, Any]:
    """The fields that a request for a change names, with their values; null is a value, UNSET is none."""
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}


def json_answer(value: Any, *, status: int = 200) -> HTTPResponse:
    """A JSON response."""
    return HTTPResponse(msgspec.json.encode(value), status=status, content_type="application/json")


def nothing() -> HTTPResponse:
    """204: done, and there is nothing to say."""
    return HTTPResponse(status=204)


def _named(message: str) -> str:
    """The field in “Object missing required field `name`”."""
    parts = message.split("`")
    return parts[1] if len(parts) == 3 else ""
