"""Share links: more links to drops and albums, each with terms of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import ShareLink
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import links
from bulletdrop.core.sharing.link_states import NO_RIGHT
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid, NotFound
from bulletdrop.web.api.queries import PAGES, cursor_of, limit_of, parameter, repeatable, text
from bulletdrop.web.api.schemas import Moment, milliseconds, milliseconds_or_none
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import given, json_answer, json_of, nothing
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_hash_thread, in_thread
from bulletdrop.web.wishes import idempotency_key

_Note = Annotated[str, msgspec.Meta(max_length=1000)]
_Password = Annotated[str, msgspec.Meta(max_length=4096)]
_ACTIVE = {"": None, "active": True, "ended": False}


class ShareIn(Struct, forbid_unknown_fields=True):
    """A new share link: to whoever has it, until `expires_at` and for `max_views` views, each null for no end."""

    password: _Password | None = None
    max_views: int | None = None
    expires_at: Moment | None = None
    note: _Note = ""


class ShareLinkPatch(Struct, forbid_unknown_fields=True):
    """Changes to a share link: fields that are left out stay as they are. `revoked` can be made true, and stays so."""

    password: _Password | UnsetType | None = UNSET
    max_views: int | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    note: _Note | UnsetType = UNSET
    revoked: bool | UnsetType = UNSET


class ShareLinkOut(Struct):
    """A share link as those see it who manage it.

    Exactly one of `upload_id` and `album_id` is set; `name` is what that is called. `state` is active, used_up,
    revoked, expired, no_right (who made it may no longer share it) or away (its object is shown to nobody now).
    """

    token: str
    url: str
    note: str
    upload_id: str | None
    album_id: str | None
    name: str
    state: str
    has_password: bool
    max_views: int | None
    views: int
    last_viewed_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime


class ShareLinksOut(Struct):
    """A part of a list of share links; `next` is the cursor of the following part."""

    items: list[ShareLinkOut]
    next: str | None = None


def link_out(site: Site, link: ShareLink) -> ShareLinkOut:
    """A link with its state and object loaded."""
    return ShareLinkOut(
        token=link.token,
        url=urls.link_url(site, link),
        note=link.note,
        upload_id=link.upload_id,
        album_id=link.album_id,
        name=name_of(link),
        state=link.state,
        has_password=link.password_hash is not None,
        max_views=link.max_views,
        views=link.views,
        last_viewed_at=milliseconds_or_none(link.last_viewed_at),
        expires_at=milliseconds_or_none(link.expires_at),
        revoked_at=milliseconds_or_none(link.revoked_at),
        created_at=milliseconds(link.created_at),
    )


def name_of(link: ShareLink) -> str:
    """What the link's object is called; empty where who made the link may no longer know."""
    if link.state == NO_RIGHT:
        return ""
    if link.upload is not None:
        return link.upload.title or link.upload.original_filename
    return link.album.title or link.album.slug if link.album is not None else ""


async def share_upload(request: Request, upload_id: str) -> HTTPResponse:
    """Make a share link to a drop."""
    return await _share(request, upload_id=upload_id)


async def share_album(request: Request, album_id: str) -> HTTPResponse:
    """Make a share link to an album."""
    return await _share(request, album_id=album_id)


async def _share(request: Request, **which: str) -> HTTPResponse:
    caller = await required_caller(request)
    terms = msgspec.structs.asdict(json_of(request, ShareIn))
    options = {"note": terms.pop("note"), "terms": terms, "idempotency_key": idempotency_key(request)}
    run = in_hash_thread if terms["password"] else in_thread
    answer = await run(request, _out, links.share, caller, **which, **options)
    response = json_answer(answer, status=201)
    response.headers["location"] = answer.url
    return response


async def list_links(request: Request) -> HTTPResponse:
    """Your share links, newest first; with `upload` or `album`, all links to that."""
    caller = await required_caller(request)
    state = text(request, "state")
    if state not in _ACTIVE:
        raise Invalid("state is active or ended.", field="state")
    page = await in_thread(
        request,
        _list,
        caller,
        upload_id=text(request, "upload") or None,
        album_id=text(request, "album") or None,
        active=_ACTIVE[state],
        text=text(request, "q"),
        cursor=cursor_of(request),
        limit=limit_of(request),
    )
    return json_answer(page)


def _list(site: Site, caller: Caller, /, **options: Any) -> ShareLinksOut:
    page = links.list_links(site, caller, **options)
    return ShareLinksOut([link_out(site, link) for link in page.items], page.next)


async def get_link(request: Request, token: str) -> HTTPResponse:
    """One of your share links."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _out, links.get_link, caller, token))


async def change_link(request: Request, token: str) -> HTTPResponse:
    """Change a share link, extend it, or revoke it."""
    caller = await required_caller(request)
    wanted = json_of(request, ShareLinkPatch)
    changes = given(wanted)
    revoked = changes.pop("revoked", None)
    if revoked is False:
        raise Invalid("A link that was revoked stays so. Make a new one.", field="revoked")
    run = in_hash_thread if changes.get("password") else in_thread
    answer = await run(request, _out, links.change_link, caller, token, changes)
    if revoked:
        answer = await in_thread(request, _out, links.revoke_link, caller, token)
    return json_answer(answer)


async def delete_link(request: Request, token: str) -> HTTPResponse:
    """Take a share link back and out of the list."""
    caller = await required_caller(request)
    await in_thread(request, links.delete_link, caller, token)
    return nothing()


def _out(site: Site, use_case: Callable[..., ShareLink], caller: Caller, *args: Any, **options: Any) -> ShareLinkOut:
    return link_out(site, use_case(site, caller, *args, **options))


_KEY = repeatable("the link that the first request made")
_LIST = (
    parameter("upload", "The id of a drop that you may change: all links to it, whoever made them."),
    parameter("album", "The id of an album that you may change: all links to it, whoever made them."),
    parameter("state", "Those that work, or those that do not.", type="string", enum=["active", "ended"]),
    parameter("q", "Part of the note, or of the name of what a link leads to."),
    *PAGES,
)
_SHARED = (Invalid, Forbidden, NotFound, Conflict)

ROUTES = (
    Route(
        method="POST",
        path="/uploads/<upload_id>/share",
        handler=share_upload,
        summary="Make a share link to a drop",
        who="links:write",
        body=ShareIn,
        parameters=(_KEY,),
        answers={201: ShareLinkOut},
        noun="links",
        errors=_SHARED,
    ),
    Route(
        method="POST",
        path="/albums/<album_id>/share",
        handler=share_album,
        summary="Make a share link to an album",
        who="links:write",
        body=ShareIn,
        parameters=(_KEY,),
        answers={201: ShareLinkOut},
        noun="links",
        errors=_SHARED,
    ),
    Route(
        method="GET",
        path="/share-links",
        handler=list_links,
        summary="List your share links",
        who="links:read",
        parameters=_LIST,
        answers={200: ShareLinksOut},
        noun="links",
        errors=_SHARED,
    ),
    Route(
        method="GET",
        path="/share-links/<token>",
        handler=get_link,
        summary="One of your share links",
        who="links:read",
        answers={200: ShareLinkOut},
        noun="links",
        errors=(NotFound,),
    ),
    Route(
        method="PATCH",
        path="/share-links/<token>",
        handler=change_link,
        summary="Change a share link, extend it, or revoke it",
        who="links:write",
        body=ShareLinkPatch,
        answers={200: ShareLinkOut},
        noun="links",
        errors=(Invalid, NotFound, Conflict),
    ),
    Route(
        method="DELETE",
        path="/share-links/<token>",
        handler=delete_link,
        summary="Take a share link back and out of the list",
        who="links:write",
        answers={204: None},
        noun="links",
        errors=(NotFound,),
    ),
)
