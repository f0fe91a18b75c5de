"""How often a drop was looked at, for those whose it is: a page, or JSON for programs."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, json

from bulletdrop.core.drops.found import find_by_id
from bulletdrop.errors import NotFound
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import App
from bulletdrop.web.pages.drops import look
from bulletdrop.web.problems import wants_page
from bulletdrop.web.public import plain
from bulletdrop.web.render import render
from bulletdrop.web.seeing import NOTHING, is_theirs
from bulletdrop.web.threads import in_thread


async def stats(request: Request, upload_id: str) -> HTTPResponse:
    """The views of a drop of theirs. Raises NotFound for anybody else's, in the words for what never was."""
    upload = await in_thread(request, find_by_id, plain(upload_id), place=request.ctx.place)
    if not await is_theirs(request, upload):
        raise NotFound(NOTHING)
    drop = (await in_thread(request, look, await caller_of(request), upload)).drop
    if wants_page(request):
        response = render(request, "stats.html", drop=drop)
    else:
        # Without a limit the views of a drop are not counted at its row: null is "not known", 0 would be a number.
        response = json(
            {
                "id": drop.id,
                "url": drop.page_url,
                "views": drop.views if drop.max_views is not None else None,
                "max_views": drop.max_views,
                "last_viewed_at": drop.last_viewed_at.isoformat() if drop.last_viewed_at else None,
                "created_at": drop.created_at.isoformat(),
            }
        )
    response.headers.update({"cache-control": "no-store", "x-robots-tag": "noindex", "vary": "accept, cookie"})
    return response


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(stats, "/stats/<upload_id:str>", methods=["GET"], name="page_stats")
