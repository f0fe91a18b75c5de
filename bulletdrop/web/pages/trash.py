"""The trash: what is in it, until when, and the way back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import uploads
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.web.auth import required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.files import serve_upload
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


@signed_in
async def trash(request: Request) -> HTTPResponse:
    """The trash, last trashed first; only the rows for htmx."""
    caller = await required_caller(request)
    caller.needs("uploads:read")
    items, cursor = await in_thread(request, _items, caller, request.args.get("cursor"))
    part = bool(request.headers.get("hx-request"))
    return render(request, "trash-part.html" if part else "trash.html", items=items, cursor=cursor)


@signed_in
async def face(request: Request, upload_id: str) -> HTTPResponse:
    """A thumbnail of what lies in the trash, for its owner alone: `/i/{id}` no longer shows it to anybody."""
    caller = await required_caller(request)
    caller.needs("uploads:read")
    upload = await in_thread(request, uploads.get_upload, caller, upload_id)
    # For this answer only: what is in the trash is nobody else's, and no cache keeps it.
    upload.is_public = False
    return await serve_upload(request, upload, size="thumb")


def attach(app: App) -> None:
    """Add the trash's addresses."""
    app.add_route(trash, "/trash", methods=["GET"], name="page_trash")
    app.add_route(face, "/trash/<upload_id:str>/face", methods=["GET"], name="page_trash_face")


def _items(
    site: Site, caller: Caller, cursor: str | None
) -> tuple[list[tuple[Shown, datetime]], str | None]:
    """The drops, each with the moment when it is gone for good."""
    page = uploads.list_uploads(site, caller, trash=True, cursor=cursor)
    grace = timedelta(days=site.config.trash_days)
    return [(shown(site, item), (item.trashed_at or item.created_at) + grace) for item in page.items], page.next
