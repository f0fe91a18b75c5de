"""The trash, one's own and those of one's teams: what is in it, until when, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import uploads
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.web.auth import required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.files import serve_upload
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Binned:
    """Part of a trash: each drop with the moment when it is gone for good, the cursor of the next part, the address of
    this trash, and the addresses and names of all that the asker may open."""

    items: list[tuple[Shown, datetime]]
    next: str | None
    here: str
    bins: list[tuple[str, str]]


@signed_in
async def trash(request: Request) -> HTTPResponse:
    """A trash, last trashed first; only the rows for htmx."""
    caller = await required_caller(request)
    caller.needs("uploads:read")
    team = request.args.get("team") or None
    found = await in_thread(request, _binned, caller, team, request.args.get("cursor"))
    part = bool(request.headers.get("hx-request"))
    return render(request, "trash-part.html" if part else "trash.html", bin=found)


@signed_in
async def face(request: Request, upload_id: str) -> HTTPResponse:
    """A thumbnail of what lies in the trash, for those who may list it: `/i/{id}` no longer shows it to anybody."""
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


def _binned(site: Site, caller: Caller, team: str | None, cursor: str | None) -> Binned:
    page = uploads.list_uploads(site, caller, team=team, trash=True, cursor=cursor)
    grace = timedelta(days=site.config.trash_days)
    items = [(shown(site, item), (item.trashed_at or item.created_at) + grace) for item in page.items]
    mine = [one.team for one in teams.teams_of(site, caller.user_id) if one.may("upload")]
    bins = [(f"/trash?team={one.slug}", one.name) for one in mine if one.delete_scheduled_for is None]
    here = f"/trash?team={teams.find_team(site, caller.user_id, team).team.slug}" if team else "/trash"
    return Binned(items, page.next, here, [("/trash", "Your own"), *bins])
