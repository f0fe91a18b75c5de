"""Identities: signing in by another provider, and the logins that are linked with an account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.models import Identity
from bulletdrop.core.people import identities
from bulletdrop.core.people.providers import find_provider
from bulletdrop.errors import (
    BadSignOn,
    BadTicket,
    BulletDropError,
    Busy,
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    TooMany,
    Unavailable,
)
from bulletdrop.web.api.proofs import OwnerProofIn, prove
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.auth import address_of, required_caller, safe_next
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.context import web_of
from bulletdrop.web.pages.failed import failed_page
from bulletdrop.web.routes import ANYBODY, PERSON, Parameter, Route
from bulletdrop.web.sign_on import come_back, elsewhere, keep, set_out
from bulletdrop.web.threads import in_thread


class IdentityOut(Struct):
    """A login elsewhere that is linked with your account."""

    id: str
    provider: str
    issuer: str
    email: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


class IdentitiesOut(Struct):
    """Your linked logins, the oldest first."""

    items: list[IdentityOut]
    next: str | None = None


class SignOnOut(Struct):
    """Where to send the browser that asked; the way back works in that browser alone, for ten minutes."""

    authorization_url: str


async def start(request: Request, provider: str) -> HTTPResponse:
    """Send the browser to the provider to sign in."""
    back = safe_next(request.args.get("next"))
    try:
        if other := elsewhere(request, provider, back):
            return redirect(other)
        begun = await set_out(request, provider, back=back)
    except (Rejected, Busy) as error:
        return await _failed(request, error)
    return keep(request, redirect(begun.url), begun)


async def link(request: Request, provider: str) -> HTTPResponse:
    """Begin to link a login with your account. Needs a proof that it is you."""
    caller = await required_caller(request)
    find_provider(web_of(request).config, provider)
    wanted = json_of(request, OwnerProofIn)
    user = await prove(request, caller, wanted.password, wanted.code)
    begun = await set_out(request, provider, user=user)
    return keep(request, json_answer(SignOnOut(begun.url)), begun)


async def callback(request: Request, provider: str) -> HTTPResponse:
    """Where the provider sends the browser back to."""
    try:
        response = await come_back(request, provider)
    except (Rejected, Busy) as error:
        response = await _failed(request, error)
    # The address holds a code, used up though it is.
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def _failed(request: Request, error: BulletDropError) -> HTTPResponse:
    """A page for a browser; the error itself for a program."""
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    return await failed_page(request, error)


async def list_identities(request: Request) -> HTTPResponse:
    """Your linked logins."""
    caller = await required_caller(request)
    rows = await in_thread(request, identities.list_identities, caller.user_id)
    return json_answer(IdentitiesOut([identity_out(row) for row in rows]))


async def unlink(request: Request, identity_id: str) -> HTTPResponse:
    """Take a linked login away; never the last way into the account."""
    caller = await required_caller(request)
    await in_thread(request, identities.unlink, caller.user_id, identity_id, address=address_of(request))
    return nothing()


def identity_out(row: Identity) -> IdentityOut:
    """The row as the API shows it."""
    return IdentityOut(
        id=row.id,
        provider=row.provider,
        issuer=row.issuer,
        email=row.email,
        name=row.name,
        created_at=milliseconds(row.created_at),
        last_used_at=milliseconds(row.last_used_at) if row.last_used_at else None,
    )


def _text(name: str, about: str) -> Parameter:
    schema: dict[str, Any] = {"type": "string"}
    return Parameter(name=name, about=about, schema=schema)


ROUTES = (
    Route(
        method="GET",
        path="/auth/<provider>",
        handler=start,
        summary="Go to a provider to sign in",
        who=ANYBODY,
        answers={302: None},
        noun="auth",
        parameters=(_text("next", "The path to go on to."),),
        errors=(NotFound, BadSignOn, TooMany, Unavailable),
    ),
    Route(
        method="POST",
        path="/auth/<provider>",
        handler=link,
        summary="Begin to link a login elsewhere",
        who=PERSON,
        body=OwnerProofIn,
        answers={200: SignOnOut},
        noun="auth",
        errors=(NotFound, Forbidden, BadSignOn, TooMany, Unavailable),
    ),
    Route(
        method="GET",
        path="/auth/<provider>/callback",
        handler=callback,
        summary="Come back from a provider",
        who=ANYBODY,
        answers={303: None},
        noun="auth",
        parameters=(
            _text("state", "What this server sent along."),
            _text("code", "What the provider gave."),
            _text("iss", "The provider's name for itself (RFC 9207)."),
            _text("error", "What the provider says instead of a code."),
        ),
        errors=(NotFound, BadTicket, Forbidden, Conflict, TooMany, Unavailable),
    ),
    Route(
        method="GET",
        path="/account/identities",
        handler=list_identities,
        summary="List your linked logins",
        who=PERSON,
        answers={200: IdentitiesOut},
        noun="account",
    ),
    Route(
        method="DELETE",
        path="/account/identities/<identity_id>",
        handler=unlink,
        summary="Take a linked login away",
        who=PERSON,
        answers={204: None},
        noun="account",
        errors=(NotFound, Conflict),
    ),
)
