"""The galleries, drops by day and page by page: one's own at `/`, a team's at `/teams/{slug}`."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import uploads
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.teams import TeamOf
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.auth import required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Shelf:
    """Part of a gallery: whose it is, its address, the cursor of the next part. `ending`: nothing of it is shown."""

    drops: list[Shown]
    next: str | None
    team: TeamOf | None
    home: str
    ending: bool = False

    @property
    def may_upload(self) -> bool:
        """Whether who looks may add to it."""
        return not self.ending and (self.team is None or self.team.may("upload"))


@signed_in
async def gallery(request: Request) -> HTTPResponse:
    """Your own drops."""
    return await _gallery(request, None)


@signed_in
async def team_gallery(request: Request, team: str) -> HTTPResponse:
    """The drops of a team that you are in."""
    return await _gallery(request, team)


async def _gallery(request: Request, team: str | None) -> HTTPResponse:
    """The whole page; only the drops for htmx; one drop for `?only=ID`, which is how a new one falls in."""
    caller = await required_caller(request)
    caller.needs("uploads:read")
    only = request.args.get("only")
    shelf = await in_thread(request, _shelf, caller, team, request.args.get("cursor"), only)
    if only or request.headers.get("hx-request"):
        return render(request, "gallery-part.html", shelf=shelf)
    trashed = await in_thread(request, _just_trashed, caller, request.args.get("trashed"))
    return render(request, "gallery.html", shelf=shelf, trashed=trashed)


def attach(app: App) -> None:
    """Add the galleries' addresses."""
    app.add_route(gallery, "/", methods=["GET"], name="page_gallery")
    app.add_route(team_gallery, "/teams/<team:str>", methods=["GET"], name="page_team")


def _shelf(site: Site, caller: Caller, name: str | None, cursor: str | None, only: str | None) -> Shelf:
    team = None if name is None else teams.find_team(site, caller.user_id, name)
    home = "/" if team is None else f"/teams/{team.team.slug}"
    if team is not None and team.team.delete_scheduled_for is not None:
        return Shelf([], None, team, home, ending=True)
    if only:
        return Shelf([shown(site, uploads.get_upload(site, caller, only))], None, team, home)
    page = uploads.list_uploads(site, caller, team=team.team.id if team else None, cursor=cursor)
    return Shelf([shown(site, upload) for upload in page.items], page.next, team, home)


def _just_trashed(site: Site, caller: Caller, upload_id: str | None) -> Shown | None:
    """The drop that a page without script has just deleted, so that it can offer to undo."""
    if not upload_id:
        return None
    try:
        found = uploads.get_upload(site, caller, upload_id)
    except NotFound:
        return None
    return shown(site, found) if found.trashed_at else None
