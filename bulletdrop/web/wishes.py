"""What a client asks for beside the bytes: form fields, query parameters and headers become `Wishes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sanic import Request

from bulletdrop.clock import parse_expiry
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.models import Team
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing.limits import check_terms
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid
from bulletdrop.web.context import web_of
from bulletdrop.web.threads import in_hash_thread, in_thread

_YES = frozenset({"true", "1", "yes", "on"})
_NO = frozenset({"false", "0", "no", "off"})
# For uploads whose body is the file itself.
PASSWORD_HEADER = "X-Upload-Password"
_SOURCES = frozenset({"web", "tray", "cli", "api"})


def wishes_of(request: Request, caller: Caller, fields: Mapping[str, Sequence[str]]) -> Wishes:
    """The wishes that came with an upload, but for its password; form fields win over the query.

    Raises: Invalid with the field.
    """
    given: dict[str, list[str]] = {
        name: list(values) for name, values in request.get_args(keep_blank_values=True).items()
    }
    given |= {name: list(values) for name, values in fields.items()}
    source = request.headers.get("x-bulletdrop-source", "web" if request.ctx.by_cookie else "api").lower()
    return Wishes(
        custom_name=_last(given, "custom_name"),
        expires_at=moment_of(request, _last(given, "expires_at"), "expires_at"),
        is_public=_truth(_last(given, "is_public"), "is_public", otherwise=True),
        title=_last(given, "title") or "",
        description=_last(given, "description") or "",
        max_views=_number(_last(given, "max_views"), "max_views"),
        # Empty says the main address; left out, the sender's primary domain.
        domain=(_last(given, "domain") or "") if "domain" in given else None,
        slug=_last(given, "slug"),
        slug_style=_last(given, "slug_style"),
        is_paste=_truth(_last(given, "paste"), "paste", otherwise=False),
        tags=tuple(tag.strip() for text in given.get("tags", ()) for tag in text.split(",") if tag.strip()),
        source=source if source in _SOURCES else "api",
        idempotency_key=idempotency_key(request),
        # As it was sent, a slug or an id: `in_team` looks it up.
        team_id=_last(given, "team"),
    )


async def with_terms(request: Request, wishes: Wishes, fields: Mapping[str, Sequence[str]]) -> Wishes:
    """The wishes with the limits checked and the password hashed.

    The password comes as a form field or, with a file as the body, in a header; never in an address, which is written
    down in too many places.

    Raises: Invalid with the field.
    """
    if "password" in request.get_args(keep_blank_values=True):
        message = f"A password has no place in an address. Send it as a form field, or in the header {PASSWORD_HEADER}."
        raise Invalid(message, field="password")
    password = (fields.get("password") or [request.headers.get(PASSWORD_HEADER, "")])[-1]
    if not password and wishes.max_views is None:
        return wishes
    terms = {"password": password, "max_views": wishes.max_views}
    return replace(wishes, **await hashed_terms(request, terms))


async def hashed_terms(request: Request, terms: Mapping[str, Any]) -> dict[str, Any]:
    """The columns for terms as they were sent; see `limits.check_terms`. A password takes a thread for hashing."""
    password = terms.get("password")
    if password and any("\ud800" <= letter <= "\udfff" for letter in password):
        raise Invalid("The password is no UTF-8.", field="password")
    run = in_hash_thread if password else in_thread
    return await run(request, check_terms, terms)


async def in_team(request: Request, caller: Caller, wishes: Wishes) -> tuple[Wishes, Team | None]:
    """The wishes with the id of the team that they name, and that team.

    Raises: NotFound for a team that the caller is not in, Forbidden for one where they only look on, Conflict while it
        is being deleted.
    """
    if wishes.team_id is None:
        return wishes, None
    team = await in_thread(request, _find_team, caller.user_id, wishes.team_id)
    return replace(wishes, team_id=team.id), team


def _find_team(site: Site, user_id: str, name: str) -> Team:
    found = teams.find_team(site, user_id, name)
    teams.check_may_upload(site, user_id, found.team.id)
    return found.team


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


def _number(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Invalid(f"{field} is a whole number.", field=field)
    return int(text)


def moment_of(request: Request, text: str | None, field: str) -> datetime | None:
    """When something ends, as people and programs write it; None for nothing. Raises Invalid with the field."""
    if not text:
        return None
    try:
        return parse_expiry(text, now=web_of(request).site.clock.now())
    except (ValueError, OverflowError) as error:
        message = f"{field} is a time such as 2026-12-24T18:00:00Z, a date, or a span such as 12h or 7d."
        raise Invalid(message, field=field) from error
