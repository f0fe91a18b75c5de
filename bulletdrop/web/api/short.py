"""Short links: addresses of ours that lead to others."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import ShortLink
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import shortener
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NameTaken, NotFound
from bulletdrop.web.api.queries import PAGES, cursor_of, limit_of, repeatable, text
from bulletdrop.web.api.schemas import Moment, milliseconds, milliseconds_or_none
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import given, json_answer, json_of, nothing
from bulletdrop.web.routes import Parameter, Route
from bulletdrop.web.threads import in_hash_thread, in_thread
from bulletdrop.web.wishes import idempotency_key

_Url = Annotated[str, msgspec.Meta(max_length=5000)]
_Line = Annotated[str, msgspec.Meta(max_length=1000)]
_Password = Annotated[str, msgspec.Meta(max_length=4096)]


class ShortLinkIn(Struct, forbid_unknown_fields=True):
    """A new short link. With `asks_first` a page shows the target before anybody goes there."""

    url: _Url
    title: _Line = ""
    custom_name: _Line | None = None
    domain: _Line | None = None
    asks_first: bool = False
    password: _Password | None = None
    max_views: int | None = None
    expires_at: Moment | None = None


class ShortLinkPatch(Struct, forbid_unknown_fields=True):
    """Changes to a short link: fields that are left out stay as they are. `revoked` switches it off and on."""

    url: _Url | UnsetType = UNSET
    title: _Line | UnsetType = UNSET
    custom_name: _Line | UnsetType | None = UNSET
    domain: _Line | UnsetType | None = UNSET
    asks_first: bool | UnsetType = UNSET
    password: _Password | UnsetType | None = UNSET
    max_views: int | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    revoked: bool | UnsetType = UNSET


class ShortLinkOut(Struct):
    """A short link as its owner sees it: `short_url` is the address to give away, `url` where it leads."""

    id: str
    slug: str
    custom_name: str | None
    domain: str | None
    short_url: str
    url: str
    title: str
    asks_first: bool
    has_password: bool
    max_views: int | None
    views: int
    last_viewed_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime


class ShortLinksOut(Struct):
    """A part of a list of short links; `next` is the cursor of the following part."""

    items: list[ShortLinkOut]
    next: str | None = None


async def create_short(request: Request) -> HTTPResponse:
    """Make a short link."""
    caller = await required_caller(request)
    wanted = json_of(request, ShortLinkIn)
    run = in_thread if wanted.password is None else in_hash_thread
    made, answer = await run(request, _create, caller, msgspec.structs.asdict(wanted), idempotency_key(request))
    response = json_answer(answer, status=201)
    response.headers["location"] = answer.short_url
    if not made:
        response.headers["idempotency-replayed"] = "true"
    return response


def _create(site: Site, caller: Caller, wishes: dict[str, Any], key: str | None) -> tuple[bool, ShortLinkOut]:
    made = shortener.shorten(site, caller, **wishes, idempotency_key=key)
    return made.made, short_out(site, made.short)


async def list_shorts(request: Request) -> HTTPResponse:
    """Your short links, newest first."""
    caller = await required_caller(request)
    search, cursor = text(request, "q"), cursor_of(request)
    return json_answer(await in_thread(request, _list, caller, search, cursor, limit_of(request)))


def _list(site: Site, caller: Caller, search: str, cursor: str | None, limit: int) -> ShortLinksOut:
    page = shortener.list_shorts(site, caller, search=search, cursor=cursor, limit=limit)
    return ShortLinksOut([short_out(site, short) for short in page.items], page.next)


async def get_short(request: Request, short_id: str) -> HTTPResponse:
    """One of your short links."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _get, caller, short_id))


def _get(site: Site, caller: Caller, short_id: str) -> ShortLinkOut:
    return short_out(site, shortener.get_short(site, caller, short_id))


async def change_short(request: Request, short_id: str) -> HTTPResponse:
    """Change a short link; fields that are left out stay as they are."""
    caller = await required_caller(request)
    changes = given(json_of(request, ShortLinkPatch))
    run = in_hash_thread if changes.get("password") else in_thread
    return json_answer(await run(request, _change, caller, short_id, changes))


def _change(site: Site, caller: Caller, short_id: str, changes: dict[str, Any]) -> ShortLinkOut:
    return short_out(site, shortener.change_short(site, caller, short_id, changes))


async def delete_short(request: Request, short_id: str) -> HTTPResponse:
    """Delete a short link for good."""
    caller = await required_caller(request)
    await in_thread(request, shortener.delete_short, caller, short_id)
    return nothing()


def short_out(site: Site, short: ShortLink) -> ShortLinkOut:
    """A short link as its owner sees it."""
    return ShortLinkOut(
        id=short.id,
        slug=short.slug,
        custom_name=short.custom_name,
        domain=short.domain.name if short.domain is not None else None,
        short_url=urls.short_url(site, short),
        url=short.url,
        title=short.title,
        asks_first=short.asks_first,
        has_password=short.password_hash is not None,
        max_views=short.max_views,
        views=short.views,
        last_viewed_at=milliseconds_or_none(short.last_viewed_at),
        expires_at=milliseconds_or_none(short.expires_at),
        revoked_at=milliseconds_or_none(short.revoked_at),
        created_at=milliseconds(short.created_at),
    )


_TEXT: dict[str, Any] = {"type": "string"}
_KEY = repeatable("the first link")
_LIST = (
    Parameter(name="q", about="Part of a title, a name or a target.", schema=_TEXT),
    *PAGES,
)

ROUTES = (
    Route(
        method="POST",
        path="/short-links",
        handler=create_short,
        summary="Make a short link",
        who="links:write",
        body=ShortLinkIn,
        parameters=(_KEY,),
        answers={201: ShortLinkOut},
        noun="short links",
        errors=(Invalid, NameTaken, NotFound),
    ),
    Route(
        method="GET",
        path="/short-links",
        handler=list_shorts,
        summary="List your short links",
        who="links:read",
        parameters=_LIST,
        answers={200: ShortLinksOut},
        noun="short links",
        errors=(Invalid,),
    ),
    Route(
        method="GET",
        path="/short-links/<short_id>",
        handler=get_short,
        summary="One of your short links",
        who="links:read",
        answers={200: ShortLinkOut},
        noun="short links",
        errors=(NotFound,),
    ),
    Route(
        method="PATCH",
        path="/short-links/<short_id>",
        handler=change_short,
        summary="Change a short link",
        who="links:write",
        body=ShortLinkPatch,
        answers={200: ShortLinkOut},
        noun="short links",
        errors=(Invalid, NameTaken, NotFound),
    ),
    Route(
        method="DELETE",
        path="/short-links/<short_id>",
        handler=delete_short,
        summary="Delete a short link",
        who="links:write",
        answers={204: None},
        noun="short links",
        errors=(NotFound,),
    ),
)
