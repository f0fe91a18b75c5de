"""What a client asks for beside the bytes: form fields, query parameters and headers become `Wishes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sanic import Request

from bulletdrop.clock import parse_expiry
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.people.callers import Caller
from bulletdrop.errors import Invalid
from bulletdrop.web.context import web_of

_YES = frozenset({"true", "1", "yes", "on"})
_NO = frozenset({"false", "0", "no", "off"})
_SOURCES = frozenset({"web", "tray", "cli", "api"})


def wishes_of(request: Request, caller: Caller, fields: Mapping[str, Sequence[str]]) -> Wishes:
    """The wishes that came with an upload; form fields win over the query.

    Raises: Invalid with the field.
    """
    given: dict[str, list[str]] = {
        name: list(values) for name, values in request.get_args(keep_blank_values=True).items()
    }
    given |= {name: list(values) for name, values in fields.items()}
    source = request.headers.get("x-bulletdrop-source", "web" if request.ctx.by_cookie else "api").lower()
    return Wishes(
        custom_name=_last(given, "custom_name"),
        expires_at=_expiry(_last(given, "expires_at"), web_of(request).site.clock.now()),
        is_public=_truth(_last(given, "is_public"), "is_public", otherwise=True),
        tags=tuple(tag.strip() for text in given.get("tags", ()) for tag in text.split(",") if tag.strip()),
        source=source if source in _SOURCES else "api",
        idempotency_key=idempotency_key(request),
    )


def idempotency_key(request: Request) -> str | None:
    """The key under which a repeat of this request gets the first one's answer. Raises Invalid for an unusable one."""
    key: str | None = request.headers.get("idempotency-key")
    if key is None:
        return None
    key = key.strip()
    if not 1 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
        raise Invalid("An Idempotency-Key has 1 to 200 visible ASCII characters.", field="Idempotency-Key")
    return key


def _last(given: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = given.get(name)
    return (str(values[-1]).strip() or None) if values else None


def _truth(text: str | None, field: str, *, otherwise: bool) -> bool:
    if text is None:
        return otherwise
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise Invalid(f"{field} is true or false.", field=field)


def _expiry(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_expiry(text, now=now)
    except (ValueError, OverflowError) as error:
        message = "expires_at is a time such as 2026-12-24T18:00:00Z, a date, or a span such as 12h or 7d."
        raise Invalid(message, field="expires_at") from error
