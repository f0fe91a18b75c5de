"""Everybody's drops: the grid, and one drop's page with what an admin may do to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.drops import moderation
from bulletdrop.core.drops.moderation import Filter
from bulletdrop.core.models import Upload
from bulletdrop.core.people.administration import By
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, NotFound, Rejected
from bulletdrop.web.api.queries import moment
from bulletdrop.web.context import App
from bulletdrop.web.files import serve_upload
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
    read_size,
)
from bulletdrop.web.pages.posted import ask_first
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

_FILTERS = ("q", "owner", "type", "state", "sort", "since", "until", "least", "most")
NOTICES = {
    "hide": Notice("Hidden: only its owner sees it now.", "show"),
    "show": Notice("Shown again, to whomever its owner shows it.", "hide"),
    "trash": Notice("Taken away: its links do not work.", "restore"),
    "restore": Notice("Given back: its links work again.", "trash"),
    "delete": Notice("Deleted for good."),
}


@dataclass(frozen=True)
class Tile:
    """One drop of the grid."""

    drop: Shown
    owner: str
    owner_id: str
    is_open: bool
    hidden_at: datetime | None
    removed_at: datetime | None


@dataclass(frozen=True)
class Grid:
    """Part of the grid, and the cursor of the next part."""

    tiles: list[Tile]
    next: str | None


async def show(request: Request) -> HTTPResponse:
    """The grid."""
    query = query_of(request, *_FILTERS)
    error: BulletDropError | None = None
    try:
        wanted = _filter(request, query)
        grid = await in_thread(request, _grid, wanted, query["sort"] or "newest", request.args.get("cursor"))
    except Rejected as problem:
        error, grid = problem, Grid([], None)
    context = {
        "grid": grid,
        "query": query,
        "error": error,
        "more": more("/admin/uploads", query, grid.next),
        "did": notice_of(request, NOTICES),
    }
    return page(request, "admin-uploads.html", "/admin/uploads", status=status_of(error) if error else 200, **context)


async def show_one(request: Request, upload_id: str) -> HTTPResponse:
    """One drop with its moderation. A private one's picture is on the page only after it was asked for."""
    return await _one(request, upload_id)


async def act(request: Request, upload_id: str, act: str) -> HTTPResponse:
    """Look at a private drop (recorded), hide, show, trash, restore, or delete it for good."""
    form, by = await posted(request), await by_of(request)
    reason = form.get("reason", "")
    path = f"/admin/uploads/{upload_id}"
    try:
        if act == "look":
            await in_thread(request, moderation.look_at, by, upload_id)
            return redirect(path, status=303)
        if act == "delete":
            title, text = "Delete this drop for good?", "It is gone at once, and its owner is told by mail."
            asking = ask_first(request, form, title=title, text=text, label="Delete for good", back=path)
            if asking is not None:
                return asking
            await in_thread(request, moderation.delete_anybodys, by, upload_id, reason=reason)
            return done("/admin/uploads", act)
        if act not in moderation.ACTS:
            raise NotFound("There is nothing at this address.")
        await in_thread(request, moderation.moderate, by, upload_id, act, reason=reason)
    except NotFound:
        raise
    except Rejected as error:
        return await _one(request, upload_id, error=error, reason=reason)
    return done(path, act)


async def bytes_of(request: Request, upload_id: str) -> HTTPResponse:
    """A drop's bytes or, with `size`, a thumbnail: of a private one only for the admin who has just asked to see it."""
    by = await by_of(request)
    upload = await in_thread(request, moderation.looked_at, by, upload_id)
    # For this answer only the admin stands in for the owner; as a private one no cache keeps it.
    upload.is_public, upload.owner_id, upload.team_id = False, str(by.actor), None
    return await serve_upload(request, upload, size=request.args.get("size"))


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", "/admin/uploads", show, "uploads"),
            ("GET", "/admin/uploads/<upload_id:str>", show_one, "upload"),
            ("GET", "/admin/uploads/<upload_id:str>/bytes", bytes_of, "upload_bytes"),
            ("POST", "/admin/uploads/<upload_id:str>/<act:str>", act, "upload_act"),
        ),
    )


def _filter(request: Request, query: dict[str, str]) -> Filter:
    return Filter(
        text=query["q"],
        owner=query["owner"],
        kind=query["type"],
        state=query["state"],
        least=read_size(query["least"], "least") if query["least"].strip() else None,
        most=read_size(query["most"], "most") if query["most"].strip() else None,
        since=moment(request, "since"),
        until=moment(request, "until"),
    )


def _grid(site: Site, wanted: Filter, sort: str, cursor: str | None) -> Grid:
    found = moderation.list_everybodys(site, wanted, sort=sort, cursor=cursor)
    return Grid([_tile(site, one) for one in found.items], found.next)


def _tile(site: Site, upload: Upload) -> Tile:
    return Tile(
        drop=shown(site, upload),
        owner=upload.owner.username,
        owner_id=upload.owner_id,
        is_open=not moderation.needs_look(upload),
        hidden_at=upload.hidden_at,
        removed_at=upload.removed_at,
    )


async def _one(
    request: Request, upload_id: str, *, error: BulletDropError | None = None, reason: str = ""
) -> HTTPResponse:
    tile, may_look = await in_thread(request, _open, await by_of(request), upload_id)
    context = {
        "tile": tile,
        "drop": tile.drop,
        "may_look": may_look,
        "error": error,
        "reason": reason,
        "undo_path": f"/admin/uploads/{upload_id}/",
        "did": notice_of(request, NOTICES),
    }
    return page(request, "admin-drop.html", "/admin/uploads", status=status_of(error) if error else 200, **context)


def _open(site: Site, by: By, upload_id: str) -> tuple[Tile, bool]:
    upload = moderation.get_anybodys(site, upload_id)
    return _tile(site, upload), moderation.may_still_look(site, by, upload)
