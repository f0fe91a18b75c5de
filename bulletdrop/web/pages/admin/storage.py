"""Storage: the disk, what lies on it, and who keeps how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.cursors import Page
from bulletdrop.core.people.plans import limits_of
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import overview
from bulletdrop.core.upkeep.by_hand import run_by_hand
from bulletdrop.core.upkeep.overview import Room
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import (
    Notice,
    add_routes,
    by_of,
    done,
    more,
    notice_of,
    page,
    posted,
    query_of,
)
from bulletdrop.web.threads import in_thread

NOTICES = {"measured": Notice("Counted.")}


@dataclass(frozen=True)
class Keeper:
    """Somebody, or a team, who keeps something."""

    name: str
    path: str
    used: int
    allowed: int | None


async def show(request: Request) -> HTTPResponse:
    """The disk, and users or teams by what they keep."""
    query = query_of(request, "kind")
    kind = query["kind"] or "users"
    room, keepers, following = await in_thread(request, _seen, kind, request.args.get("cursor"))
    context: dict[str, Any] = {
        "room": room,
        "keepers": keepers,
        "kind": kind,
        "more": more("/admin/storage", query, following),
        "did": notice_of(request, NOTICES),
    }
    return page(request, "admin-storage.html", "/admin/storage", **context)


async def measure(request: Request) -> HTTPResponse:
    """Count the thumbnails now."""
    await posted(request)
    await in_thread(request, run_by_hand, await by_of(request), "measure-thumbnails")
    return done("/admin/storage", "measured")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (("GET", "/admin/storage", show, "storage"), ("POST", "/admin/storage", measure, "storage_measure")),
    )


def _seen(site: Site, kind: str, cursor: str | None) -> tuple[Room, list[Keeper], str | None]:
    page: Page[Any] = overview.biggest(site, kind, cursor=cursor)
    keepers = [
        Keeper(
            name=one.username if kind == "users" else one.name,
            path=f"/admin/{kind}/{one.id}",
            used=one.storage_used,
            allowed=limits_of(site, one).storage,
        )
        for one in page.items
    ]
    return overview.room(site), keepers, page.next
