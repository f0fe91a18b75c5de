"""Secrets: making, listing, burning; and opening them, which needs no account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Secret
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import secrets
from bulletdrop.core.sharing.secrets import Draft, Wishes
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    Conflict,
    DiskFull,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    NotSignedIn,
    QuotaFull,
    TooBig,
    TooMany,
    TooSlow,
    Unavailable,
)
from bulletdrop.web.api.queries import PAGES, cursor_of, limit_of, parameter, repeatable, text
from bulletdrop.web.api.schemas import milliseconds, milliseconds_or_none
from bulletdrop.web.auth import address_of, check_csrf, check_origin, required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.context import web_of
from bulletdrop.web.routes import ANYBODY, Route
from bulletdrop.web.secret_bodies import SecretBody, received_secret
from bulletdrop.web.secret_opening import opened, send_attachment
from bulletdrop.web.threads import in_hash_thread, in_thread


class SecretOut(Struct):
    """A secret as those see it who may manage it; never what is in it.

    `state` is open, opened (as often as it could), expired or burned. Of one that a browser encrypted, `url` lacks
    what is behind the `#`: that was never here.
    """

    id: str
    url: str
    mode: str
    note: str
    state: str
    made_by: str
    team_id: str | None
    has_passphrase: bool
    max_views: int | None
    views: int
    last_viewed_at: datetime | None
    size: int
    file_count: int
    expires_at: datetime | None
    burned_at: datetime | None
    created_at: datetime


class SecretsOut(Struct):
    """A part of a list of secrets; `next` is the cursor of the following part."""

    items: list[SecretOut]
    next: str | None = None


class SecretAccessOut(Struct):
    """One line of a secret's log. `outcome` is opened, refused (wrong passphrase), burned or expired."""

    at: datetime
    outcome: str
    address: str
    agent: str


class SecretAccessesOut(Struct):
    """A secret's log, the newest line first; at most 200."""

    items: list[SecretAccessOut]


class SecretOpenIn(Struct, forbid_unknown_fields=True):
    """What opening asks for."""

    passphrase: str | None = None


class SecretFileOut(Struct):
    """An attachment of an opened secret."""

    part: int
    name: str
    type: str
    size: int


class OpenedSecretOut(Struct, rename={"pass_": "pass"}):
    """What one opening gives. `pass` fetches the files for 15 minutes; in the mode browser, `content` is ciphertext."""

    mode: str
    content: str
    files: list[SecretFileOut]
    views_left: int | None
    pass_: str


class SecretFetchIn(Struct, forbid_unknown_fields=True, rename={"pass_": "pass"}):
    """The pass that came with the opening."""

    pass_: str


def secret_out(site: Site, secret: Secret) -> SecretOut:
    """A secret whose owner is loaded."""
    return SecretOut(
        id=secret.id,
        url=urls.secret_url(site, secret),
        mode=secret.mode,
        note=secret.note,
        state=secrets.state_of(secret, site.clock.now()),
        made_by=secret.owner.username,
        team_id=secret.team_id,
        has_passphrase=secret.passphrase_hash is not None,
        max_views=secret.max_views,
        views=secret.views,
        last_viewed_at=milliseconds_or_none(secret.last_viewed_at),
        size=secret.size,
        file_count=secret.file_count,
        expires_at=milliseconds_or_none(secret.expires_at),
        burned_at=milliseconds_or_none(secret.burned_at),
        created_at=milliseconds(secret.created_at),
    )


async def create_secret(request: Request) -> HTTPResponse:
    """Make a secret: as JSON, or as a form when it carries files."""
    caller = await required_caller(request)
    with web_of(request).gate.entered(address_of(request)):
        async with received_secret(request) as body:
            if request.ctx.by_cookie and "x-csrf-token" not in request.headers:
                check_csrf(request, caller, body.csrf)
            answer, is_new = await keep_secret(request, caller, body)
    response = json_answer(answer, status=201)
    response.headers["location"] = answer.url
    if not is_new:
        response.headers["idempotency-replayed"] = "true"
    return response


async def keep_secret(request: Request, caller: Caller, body: SecretBody) -> tuple[SecretOut, bool]:
    """Keep what came, for the API and the page alike. Returns the secret, and whether it is a new one."""
    hashed = None
    if body.wanted.passphrase:
        hashed = await in_hash_thread(request, secrets.hash_passphrase, body.wanted.passphrase)
    wishes = body.wishes(request, hashed)
    return await in_thread(
        request, _make, caller, body.draft, body.wanted.content, body.names, wishes, address_of(request)
    )


def _make(
    site: Site, caller: Caller, draft: Draft, text: str, names: list[str], wishes: Wishes, address: str
) -> tuple[SecretOut, bool]:
    known = secrets.earlier(site, caller, wishes.idempotency_key)
    if known is not None:
        return secret_out(site, known), False
    made = secrets.make_secret(site, caller, draft, text=text, names=names, wishes=wishes, address=address)
    return secret_out(site, made.secret), made.is_new


async def list_secrets(request: Request) -> HTTPResponse:
    """Your secrets and those of your teams, newest first; with `team`, that team's alone."""
    caller = await required_caller(request)
    team = text(request, "team") or None
    return json_answer(await in_thread(request, _list, caller, team, cursor_of(request), limit_of(request)))


def _list(site: Site, caller: Caller, team: str | None, cursor: str | None, limit: int) -> SecretsOut:
    page = secrets.list_secrets(site, caller, team=team, cursor=cursor, limit=limit)
    return SecretsOut([secret_out(site, secret) for secret in page.items], page.next)


async def get_secret(request: Request, secret_id: str) -> HTTPResponse:
    """One secret: what became of it, never what is in it."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _get, caller, secret_id))


def _get(site: Site, caller: Caller, secret_id: str) -> SecretOut:
    return secret_out(site, secrets.visible_secret(site, caller, secret_id))


async def burn_secret(request: Request, secret_id: str) -> HTTPResponse:
    """Burn a secret at once: nobody opens it any more."""
    caller = await required_caller(request)
    await in_thread(request, secrets.burn_secret, caller, secret_id, address=address_of(request))
    return nothing()


async def list_accesses(request: Request, secret_id: str) -> HTTPResponse:
    """Who opened a secret, or tried to: when, from about where, with what."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _accesses, caller, secret_id))


def _accesses(site: Site, caller: Caller, secret_id: str) -> SecretAccessesOut:
    rows = secrets.list_accesses(site, secrets.visible_secret(site, caller, secret_id))
    return SecretAccessesOut(
        [SecretAccessOut(milliseconds(row.at), row.outcome, row.address, row.user_agent) for row in rows]
    )


async def open_secret(request: Request, secret_id: str) -> HTTPResponse:
    """Open a secret: one view is used up, and with the last one it is gone."""
    check_origin(request)
    wanted = json_of(request, SecretOpenIn)
    found = await opened(request, secret_id, wanted.passphrase)
    files = [SecretFileOut(each.part, each.name, each.mime, each.size) for each in found.files]
    return json_answer(OpenedSecretOut(found.mode, found.text, files, found.views_left, found.pass_))


async def fetch_file(request: Request, secret_id: str, part: str) -> None:
    """Fetch an attachment with the pass that came with the opening."""
    check_origin(request)
    wanted = json_of(request, SecretFetchIn)
    await send_attachment(request, secret_id, part, wanted.pass_)


_TEXT: dict[str, Any] = {"type": "string"}
_VIEWS = {"type": "integer", "minimum": 1, "maximum": secrets.MOST_VIEWS, "default": 1}
_FIELDS = {
    "content": {**_TEXT, "description": "At most 1 MB of text."},
    "note": {"type": "string", "maxLength": 200, "description": "For your list alone."},
    "passphrase": {"type": "string", "maxLength": 1024},
    "max_views": {**_VIEWS, "description": "How often it opens; empty or null for any number until it expires."},
    "expires_at": {"type": "string", "description": "RFC 3339, a date, or a span such as 12h or 7d."},
    "team": {"type": "string", "description": "The slug or id of the team that it is for."},
    "mode": {"type": "string", "enum": [secrets.SERVER, secrets.BROWSER], "default": secrets.SERVER},
}
_FILE = {"description": "One file, or several parts of this name.", "type": "string", "format": "binary"}
_JSON_FIELDS = {**_FIELDS, "max_views": {**_FIELDS["max_views"], "type": ["integer", "null"]}}
_MEDIA = {
    "application/json": {"type": "object", "required": ["content"], "properties": _JSON_FIELDS},
    "multipart/form-data": {"type": "object", "properties": {**_FIELDS, "file": _FILE}},
}
_KEY = repeatable("the first result, whatever it carries")
_TEAM = parameter("team", "The slug or id of a team that you are in.")

ROUTES = (
    Route(
        method="POST",
        path="/secrets",
        handler=create_secret,
        summary="Make a secret",
        who="secrets:write",
        media=_MEDIA,
        parameters=(_KEY,),
        answers={201: SecretOut},
        noun="secrets",
        errors=(Invalid, Forbidden, NotFound, Conflict, TooBig, TooSlow, TooMany, Unavailable, QuotaFull, DiskFull),
        stream=True,
        csrf_in_body=True,
    ),
    Route(
        method="GET",
        path="/secrets",
        handler=list_secrets,
        summary="List your secrets",
        who="secrets:read",
        parameters=(_TEAM, *PAGES),
        answers={200: SecretsOut},
        noun="secrets",
        errors=(Invalid, NotFound),
    ),
    Route(
        method="GET",
        path="/secrets/<secret_id>",
        handler=get_secret,
        summary="One of your secrets",
        who="secrets:read",
        answers={200: SecretOut},
        noun="secrets",
        errors=(NotFound,),
    ),
    Route(
        method="DELETE",
        path="/secrets/<secret_id>",
        handler=burn_secret,
        summary="Burn a secret",
        who="secrets:write",
        answers={204: None},
        noun="secrets",
        errors=(Forbidden, NotFound),
    ),
    Route(
        method="GET",
        path="/secrets/<secret_id>/access-log",
        handler=list_accesses,
        summary="Who opened a secret",
        who="secrets:read",
        answers={200: SecretAccessesOut},
        noun="secrets",
        errors=(NotFound,),
    ),
    Route(
        method="POST",
        path="/secrets/<secret_id>/open",
        handler=open_secret,
        summary="Open a secret",
        who=ANYBODY,
        body=SecretOpenIn,
        answers={200: OpenedSecretOut},
        noun="secrets",
        errors=(Invalid, Gone, NotSignedIn, Forbidden, TooMany, Unavailable),
    ),
    Route(
        method="POST",
        path="/secrets/<secret_id>/files/<part>",
        handler=fetch_file,
        summary="Fetch a file of a secret that you opened",
        who=ANYBODY,
        body=SecretFetchIn,
        answers={200: None},
        noun="secrets",
        errors=(Invalid, Gone, Forbidden, Unavailable),
    ),
)
