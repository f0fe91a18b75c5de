"""A drop's own page, and what its owner can do there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.drops import uploads
from bulletdrop.core.models import Upload
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.teams import TeamOf
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.auth import caller_of, form_of, required_caller, safe_next, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.render import render
from bulletdrop.web.seeing import sees
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Looked:
    """A drop as one asker sees it: the drop, its team if the asker is in it, and whether they may change it."""

    drop: Shown
    team: TeamOf | None
    may_change: bool
    # Where they may move it: slug ("" is their own gallery) and name.
    targets: tuple[tuple[str, str], ...] = ()


def look(site: Site, caller: Caller | None, upload: Upload) -> Looked:
    """What a page shows of a drop that the asker may see."""
    team = teams.team_of(site, caller, upload)
    mine = caller is not None and teams.changes(team.role if team else None, caller, upload)
    return Looked(shown(site, upload), team, mine, _targets(site, caller, upload) if caller and mine else ())


def _targets(site: Site, caller: Caller, upload: Upload) -> tuple[tuple[str, str], ...]:
    open_ones = [one.team for one in teams.teams_of(site, caller.user_id) if one.may("upload")]
    found = [(one.slug, one.name) for one in open_ones if one.delete_scheduled_for is None and one.id != upload.team_id]
    return tuple(([("", "Your own drops")] if upload.team_id is not None else []) + found)


async def drop_page(request: Request, upload: Upload) -> HTTPResponse:
    """The page of a drop that was found by its slug. Raises NotFound for whoever may not see it."""
    caller = await caller_of(request)
    if not await sees(request, upload):
        raise NotFound("There is nothing at this address. The link may be mistyped, expired or taken back.")
    found = await in_thread(request, look, caller, upload)
    response = render(
        request, "drop.html", drop=found.drop, team=found.team, is_owner=found.may_change, targets=found.targets
    )
    if not found.drop.is_public:
        response.headers["referrer-policy"] = "no-referrer"
    return response


@signed_in
async def to_trash(request: Request, upload_id: str) -> HTTPResponse:
    """Put a drop into the trash, and offer to undo it on the gallery."""
    caller = await required_caller(request)
    caller.needs("uploads:delete")
    await form_of(request)
    upload = await in_thread(request, uploads.trash_upload, caller, upload_id)
    home = f"/teams/{quote(upload.team.slug)}" if upload.team is not None else "/"
    return redirect(f"{home}?trashed={upload_id}", status=303)


@signed_in
async def restore(request: Request, upload_id: str) -> HTTPResponse:
    """Take a drop out of the trash."""
    caller = await required_caller(request)
    caller.needs("uploads:delete")
    form = await form_of(request)
    await in_thread(request, uploads.restore_upload, caller, upload_id)
    if request.headers.get("hx-request"):
        said = json.dumps({"bd:said": {"text": "Restored. Its links work again."}})
        return HTTPResponse("", content_type="text/html; charset=utf-8", headers={"hx-trigger": said})
    return redirect(safe_next(form.get("next")), status=303)


@signed_in
async def show_to(request: Request, upload_id: str) -> HTTPResponse:
    """Make a drop public or private."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    form = await form_of(request)
    changes = {"is_public": form.get("is_public") == "yes"}
    upload = await in_thread(request, uploads.change_upload, caller, upload_id, changes)
    return redirect(f"/{upload.slug}", status=303)


@signed_in
async def move(request: Request, upload_id: str) -> HTTPResponse:
    """Move a drop into a team's gallery, or into one's own."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    form = await form_of(request)
    changes = {"team": form.get("team") or None}
    upload = await in_thread(request, uploads.change_upload, caller, upload_id, changes)
    return redirect(f"/{upload.slug}", status=303)


def attach(app: App) -> None:
    """Add the addresses of the owner's acts."""
    app.add_route(to_trash, "/drops/<upload_id:str>/trash", methods=["POST"], name="page_drop_trash")
    app.add_route(restore, "/drops/<upload_id:str>/restore", methods=["POST"], name="page_drop_restore")
    app.add_route(show_to, "/drops/<upload_id:str>/show", methods=["POST"], name="page_drop_show")
    app.add_route(move, "/drops/<upload_id:str>/move", methods=["POST"], name="page_drop_move")
