"""How the server is: what needs somebody, figures, and where the room of the disk went."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import overview
from bulletdrop.errors import Invalid
from bulletdrop.web.api.admin.queries import ADMIN, PAGES, USUAL
from bulletdrop.web.api.queries import cursor_of, limit_of, parameter, text
from bulletdrop.web.api.schemas import milliseconds_or_none
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class NeedsOut(Struct):
    """What somebody should look at, as counts. Security events are those of the last 24 hours."""

    mails: int
    failed_jobs: list[str]
    stuck_work: int
    disk_is_low: bool
    security_events: int
    leaving: int
    unverified: int


class FiguresOut(Struct):
    """The server in numbers; `used` in bytes."""

    users: int
    admins: int
    blocked: int
    teams: int
    uploads: int
    uploads_today: int
    trashed: int
    used: int


class OverviewOut(Struct):
    """How the server is."""

    needs: NeedsOut
    figures: FiguresOut


class KeepsOut(Struct):
    """How much somebody, or a team, keeps, in bytes."""

    id: str
    name: str
    storage_used: int


class StorageOut(Struct):
    """Where the room of the disk went, in bytes, and who keeps how much, the most first.

    `named_bytes` is what all drops would take if each had a file of its own. Thumbnails are counted from time to time;
    null before the first. `orphans` is what the last sweep said.
    """

    disk_total: int
    disk_free: int
    least_free: int
    blobs: int
    blob_bytes: int
    named_bytes: int
    thumbnails: int | None
    thumbnail_bytes: int | None
    measured_at: datetime | None
    waiting: int
    orphans: str
    swept_at: datetime | None
    items: list[KeepsOut]
    next: str | None = None


async def show_overview(request: Request) -> HTTPResponse:
    """What needs somebody, then figures."""
    return json_answer(await in_thread(request, _overview))


async def show_storage(request: Request) -> HTTPResponse:
    """The disk, and who keeps how much."""
    kind, cursor = text(request, "kind") or "users", cursor_of(request)
    return json_answer(await in_thread(request, _storage, kind, cursor, limit_of(request, USUAL)))


def _overview(site: Site) -> OverviewOut:
    needs = msgspec.to_builtins(overview.needs(site))
    return msgspec.convert({"needs": needs, "figures": msgspec.to_builtins(overview.figures(site))}, OverviewOut)


def _storage(site: Site, kind: str, cursor: str | None, limit: int) -> StorageOut:
    page = overview.biggest(site, kind, cursor=cursor, limit=limit)
    room = overview.room(site)
    items = [KeepsOut(one.id, one.username if kind == "users" else one.name, one.storage_used) for one in page.items]
    times = {"measured_at": milliseconds_or_none(room.measured_at), "swept_at": milliseconds_or_none(room.swept_at)}
    known = {name: getattr(room, name) for name in room.__dataclass_fields__}
    return StorageOut(**{**known, **times}, items=items, next=page.next)


ROUTES = (
    Route(
        method="GET",
        path="/admin/overview",
        handler=show_overview,
        summary="How the server is",
        who=ADMIN,
        answers={200: OverviewOut},
        noun="admin",
    ),
    Route(
        method="GET",
        path="/admin/storage",
        handler=show_storage,
        summary="Where the room went",
        who=ADMIN,
        answers={200: StorageOut},
        noun="admin",
        parameters=(
            parameter("kind", "Whose.", type="string", enum=["users", "teams"], default="users"),
            *PAGES,
        ),
        errors=(Invalid,),
    ),
)
