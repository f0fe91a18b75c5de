"""Everything there is to say about a drop: a page, or JSON for programs."""

from __future__ import annotations

from typing import Any

from sanic import Request
from sanic.response import HTTPResponse, json

from bulletdrop.core.drops.found import find_by_id
from bulletdrop.web.admission import Look
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import App
from bulletdrop.web.pages.drops import look
from bulletdrop.web.pages.shown import Shown
from bulletdrop.web.problems import wants_page
from bulletdrop.web.public import plain
from bulletdrop.web.render import render
from bulletdrop.web.seeing import let_in
from bulletdrop.web.sending import bare_head
from bulletdrop.web.threads import in_thread


async def info(request: Request, upload_id: str) -> HTTPResponse:
    """The details of a drop that the asker may see. Of a limited one they belong to what was opened before."""
    caller = await caller_of(request)
    upload = await in_thread(request, find_by_id, plain(upload_id), place=request.ctx.place)
    if (await let_in(request, upload, Look.PART)).head:
        return bare_head(request)
    seen = await in_thread(request, look, caller, upload)
    if wants_page(request):
        response = render(request, "info.html", drop=seen.drop, team=seen.team, is_owner=seen.may_change)
    else:
        response = json(_facts(seen.drop))
    response.headers.update({"cache-control": "no-store", "x-robots-tag": "noindex"})
    response.headers["vary"] = "accept, cookie"
    return response


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(info, "/info/<upload_id:str>", methods=["GET"], name="page_info")


def _facts(drop: Shown) -> dict[str, Any]:
    """What anybody who may see a drop may know of it: not whose it is, nor where it came from."""
    return {
        "id": drop.id,
        "slug": drop.slug,
        "url": drop.page_url,
        "direct_url": drop.direct_url,
        "title": drop.name,
        "description": drop.description,
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
