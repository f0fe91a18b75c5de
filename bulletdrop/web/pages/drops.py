"""A drop's own page, and what its owner can do there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.drops import albums, found, uploads
from bulletdrop.core.models import Album, Upload
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.teams import TeamOf
from bulletdrop.core.site import Site
from bulletdrop.web import negotiating
from bulletdrop.web.admission import Look
from bulletdrop.web.auth import caller_of, form_of, required_caller, safe_next, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.pages.text import text_of
from bulletdrop.web.previews import Preview, preview_of
from bulletdrop.web.render import protected_page, render
from bulletdrop.web.seeing import let_in
from bulletdrop.web.sending import bare_head
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Looked:
    """A drop as one asker sees it: the drop, its team if the asker is in it, and whether they may change it."""

    drop: Shown
    team: TeamOf | None
    may_change: bool
    # Where they may move it: slug ("" is their own gallery) and name.
    targets: tuple[tuple[str, str], ...] = ()
    # What others are told of it; None for what nobody is.
    preview: Preview | None = None
    # Theirs: their own or their team's, whose terms and views they see.
    theirs: bool = False
    # Theirs: the albums that show it too.
    albums: tuple[Album, ...] = ()


def look(site: Site, caller: Caller | None, upload: Upload, *, base: str = "") -> Looked:
    """What a page shows of a drop that the asker may see.

    Args:
        base: as in `shown`; somebody who came by something else sees what any visitor does, also its owner.
    """
    if base:
        return Looked(shown(site, upload, base=base), None, False)
    team = teams.team_of(site, caller, upload)
    mine = caller is not None and teams.changes(team.role if team else None, caller, upload)
    theirs = found.is_one_of_theirs(site, caller, upload)
    return Looked(
        shown(site, upload),
        team,
        mine,
        _targets(site, caller, upload) if caller and mine else (),
        preview_of(site, upload),
        theirs,
        tuple(albums.albums_showing(site, caller, upload)) if caller and theirs else (),
    )


def _targets(site: Site, caller: Caller, upload: Upload) -> tuple[tuple[str, str], ...]:
    open_ones = [one.team for one in teams.teams_of(site, caller.user_id) if one.may("upload")]
    others = [one for one in open_ones if one.delete_scheduled_for is None and one.id != upload.team_id]
    home = [("", "Your own drops")] if upload.team_id is not None else []
    return tuple(home + [(one.slug, one.name) for one in others])


async def drop_page(
    request: Request, upload: Upload, *, base: str = "", page_url: str = "", preview: Preview | None = None
) -> HTTPResponse:
    """The page of a drop.

    Args:
        upload: found alive, with owner, team and blob joined.
        base: where its bytes are for a visitor who was let in by something else before, such as `/l/{token}`: nobody
            is asked again. Left out, the drop's own terms hold.
        page_url: the link that such a visitor has, for copying.
        preview: what robots are told of it there; nothing when left out.
    Raises: NotFound for whoever may not see it; what `let_in` raises.
    """
    if not base:
        admitted = await let_in(request, upload, Look.PAGE)
        if admitted.preview_only:
            return protected_page(request)
        if admitted.head:
            return bare_head(request)
    caller = await caller_of(request)
    seen = await in_thread(request, look, caller, upload, base=base)
    response = render(
        request,
        "drop.html",
        drop=seen.drop,
        team=seen.team,
        is_owner=seen.may_change,
        theirs=seen.theirs,
        albums=seen.albums,
        targets=seen.targets,
        preview=preview if base else seen.preview,
        text=None if seen.drop.withdrawn else await text_of(request, upload),
        page_url=page_url or seen.drop.page_url,
        is_link=bool(base),
    )
    response.headers["vary"] = f"cookie, {negotiating.DECIDED_BY}"
    if seen.preview is None or web_of(request).config.search_engines != "on":
        response.headers["x-robots-tag"] = "noindex"
    if not seen.drop.is_public or base:
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
