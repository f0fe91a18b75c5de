"""Everything there is to say about a drop: a page, or JSON for programs."""

from __future__ import annotations

from typing import Any

from sanic import Request
from sanic.response import HTTPResponse, json

from bulletdrop.core.drops import uploads
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import App
from bulletdrop.web.files import NOTHING
from bulletdrop.web.pages.drops import Looked, look
from bulletdrop.web.pages.shown import Shown
from bulletdrop.web.problems import wants_page
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


async def info(request: Request, upload_id: str) -> HTTPResponse:
    """The details of a drop that the asker may see."""
    caller = await caller_of(request)
    found = await in_thread(request, _find, caller, upload_id)
    if wants_page(request):
        return render(request, "info.html", drop=found.drop, team=found.team, is_owner=found.may_change)
    return json(_facts(found.drop), headers={"cache-control": "no-store"})


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(info, "/info/<upload_id:str>", methods=["GET"], name="page_info")


def _find(site: Site, caller: Caller | None, upload_id: str) -> Looked:
    upload = uploads.find_by_id(site, upload_id)
    if not uploads.may_see(site, caller, upload):
        raise NotFound(NOTHING)
    return look(site, caller, upload)


def _facts(drop: Shown) -> dict[str, Any]:
    """What anybody who may see a drop may know of it: not whose it is, nor where it came from."""
    return {
        "id": drop.id,
        "slug": drop.slug,
        "url": drop.page_url,
        "direct_url": drop.direct_url,
        "original_filename": drop.filename,
        "mime_type": drop.mime,
        "size": drop.size,
        "sha256": drop.sha256,
        "width": drop.width,
        "height": drop.height,
        "frames": drop.frames,
        "withdrawn": drop.withdrawn,
        "is_public": drop.is_public,
        "created_at": drop.created_at.isoformat(),
        "expires_at": drop.expires_at.isoformat() if drop.expires_at else None,
    }
