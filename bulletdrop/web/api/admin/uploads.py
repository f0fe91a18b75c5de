"""Everybody's drops: looking through them, hiding, taking away. Their bytes are on no route of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import moderation
from bulletdrop.core.drops.moderation import Filter
from bulletdrop.core.models import Upload
from bulletdrop.core.names import urls
from bulletdrop.core.people.administration import By
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Invalid, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, PAGES, by
from bulletdrop.web.api.queries import TIMES, cursor_of, limit_of, moment, number, parameter, text
from bulletdrop.web.api.schemas import milliseconds, milliseconds_or_none
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class AnyDropOut(Struct):
    """Somebody's drop as an admin sees it. Whatever would let one see a private one's bytes is not in it."""

    id: str
    url: str
    owner_id: str
    owner: str
    team_id: str | None
    filename: str
    title: str
    mime_type: str
    size: int
    width: int | None
    height: int | None
    state: str
    is_public: bool
    hidden_at: datetime | None
    trashed_at: datetime | None
    removed_at: datetime | None
    expires_at: datetime | None
    source: str
    created_at: datetime


class AnyDropsOut(Struct):
    """A part of the list of everybody's drops."""

    items: list[AnyDropOut]
    next: str | None = None


class ModerationIn(Struct, forbid_unknown_fields=True):
    """What to do with a drop. Its owner is told, with the reason."""

    act: Literal["hide", "show", "trash", "restore"]
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


def filter_of(request: Request) -> Filter:
    """The filter in a query. Raises Invalid with the field."""
    return Filter(
        text=text(request, "q"),
        owner=text(request, "owner"),
        kind=text(request, "type"),
        state=text(request, "state"),
        least=number(request, "least"),
        most=number(request, "most"),
        since=moment(request, "since"),
        until=moment(request, "until"),
    )


async def list_any_drops(request: Request) -> HTTPResponse:
    """Everybody's drops, filtered and in order."""
    sort = text(request, "sort") or "newest"
    cursor, limit = cursor_of(request), limit_of(request, 60)
    return json_answer(await in_thread(request, _list, filter_of(request), sort, cursor, limit))


async def moderate_drop(request: Request, upload_id: str) -> HTTPResponse:
    """Hide a drop, show it again, put it into the trash, take it out."""
    caller = await required_caller(request)
    wanted = json_of(request, ModerationIn)
    return json_answer(await in_thread(request, _moderate, by(request, caller), upload_id, wanted))


async def delete_any_drop(request: Request, upload_id: str) -> HTTPResponse:
    """Delete a drop for good. There is no way back."""
    caller = await required_caller(request)
    reason = text(request, "reason")
    await in_thread(request, moderation.delete_anybodys, by(request, caller), upload_id, reason=reason)
    return nothing()


def any_drop_out(site: Site, upload: Upload) -> AnyDropOut:
    """A drop as an admin sees it in a list."""
    blob = upload.blob
    return AnyDropOut(
        id=upload.id,
        url=urls.page_url(site, upload),
        owner_id=upload.owner_id,
        owner=upload.owner.username,
        team_id=upload.team_id,
        filename=upload.original_filename,
        title=upload.title,
        mime_type=blob.mime,
        size=blob.size,
        width=blob.width,
        height=blob.height,
        state=blob.state,
        is_public=upload.is_public,
        hidden_at=milliseconds_or_none(upload.hidden_at),
        trashed_at=milliseconds_or_none(upload.trashed_at),
        removed_at=milliseconds_or_none(upload.removed_at),
        expires_at=milliseconds_or_none(upload.expires_at),
        source=upload.source,
        created_at=milliseconds(upload.created_at),
    )


def _list(site: Site, wanted: Filter, sort: str, cursor: str | None, limit: int) -> AnyDropsOut:
    page = moderation.list_everybodys(site, wanted, sort=sort, cursor=cursor, limit=limit)
    return AnyDropsOut([any_drop_out(site, one) for one in page.items], page.next)


def _moderate(site: Site, by: By, upload_id: str, wanted: ModerationIn) -> AnyDropOut:
    return any_drop_out(site, moderation.moderate(site, by, upload_id, wanted.act, reason=wanted.reason))


_FILTERS = (
    parameter("q", "Part of a file name, a title or a custom name, or a whole slug."),
    parameter("owner", "An account's id or username."),
    parameter("type", "picture, film or other, or the beginning of a MIME type."),
    parameter("state", "Which ones; all outside of the trash.", type="string", enum=list(moderation.STATES)),
    parameter("least", "The least size in bytes.", type="integer", minimum=0),
    parameter("most", "The greatest size in bytes.", type="integer", minimum=0),
    parameter("sort", "The order.", type="string", enum=list(moderation.SORTS), default="newest"),
)
ROUTES = (
    Route(
        method="GET",
        path="/admin/uploads",
        handler=list_any_drops,
        summary="List everybody's drops",
        who=ADMIN,
        answers={200: AnyDropsOut},
        noun="admin",
        parameters=(*_FILTERS, *TIMES, *PAGES),
        errors=(Invalid,),
    ),
    Route(
        method="PATCH",
        path="/admin/uploads/<upload_id>",
        handler=moderate_drop,
        summary="Hide or take away a drop",
        who=ADMIN,
        body=ModerationIn,
        answers={200: AnyDropOut},
        noun="admin",
        errors=(Invalid, Conflict, NotFound),
    ),
    Route(
        method="DELETE",
        path="/admin/uploads/<upload_id>",
        handler=delete_any_drop,
        summary="Delete anybody's drop for good",
        who=ADMIN,
        answers={204: None},
        noun="admin",
        parameters=(parameter("reason", "Why, for the audit log and the owner."),),
        errors=(Invalid, NotFound),
    ),
)
