"""The gallery at `/`: the caller's drops by day, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import uploads
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.auth import required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Shelf:
    """Part of the gallery, and the cursor of the next part."""

    drops: list[Shown]
    next: str | None


@signed_in
async def gallery(request: Request) -> HTTPResponse:
    """The whole page; only the drops for htmx; one drop for `?only=ID`, which is how a new one falls in."""
    caller = await required_caller(request)
    caller.needs("uploads:read")
    only = request.args.get("only")
    if only:
        return render(request, "gallery-part.html", shelf=await in_thread(request, _one, caller, only))
    shelf = await in_thread(request, _shelf, caller, request.args.get("cursor"))
    if request.headers.get("hx-request"):
        return render(request, "gallery-part.html", shelf=shelf)
    trashed = await in_thread(request, _just_trashed, caller, request.args.get("trashed"))
    return render(request, "gallery.html", shelf=shelf, trashed=trashed)


def attach(app: App) -> None:
    """Add the gallery's address."""
    app.add_route(gallery, "/", methods=["GET"], name="page_gallery")


def _shelf(site: Site, caller: Caller, cursor: str | None) -> Shelf:
    page = uploads.list_uploads(site, caller, cursor=cursor)
    return Shelf([shown(site, upload) for upload in page.items], page.next)


def _one(site: Site, caller: Caller, upload_id: str) -> Shelf:
    return Shelf([shown(site, uploads.get_upload(site, caller, upload_id))], None)


def _just_trashed(site: Site, caller: Caller, upload_id: str | None) -> Shown | None:
    """The drop that a page without script has just deleted, so that it can offer to undo."""
    if not upload_id:
        return None
    try:
        found = uploads.get_upload(site, caller, upload_id)
    except NotFound:
        return None
    return shown(site, found) if found.trashed_at else None
