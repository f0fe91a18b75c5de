"""The deletion link: a page that asks, and the POST behind it. Nothing is ever deleted by a GET."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import uploads
from bulletdrop.core.site import Site
from bulletdrop.web.auth import caller_of, check_origin
from bulletdrop.web.context import App
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


async def ask(request: Request, slug: str, token: str) -> HTTPResponse:
    """Ask whether to delete the drop."""
    drop = await in_thread(request, _find, slug, token)
    return await _page(request, drop, token)


async def delete(request: Request, slug: str, token: str) -> HTTPResponse:
    """Delete it. The token is the right to do so, hence no session is asked for."""
    # From our own page the origin is `null`, by its referrer policy; over plain http nothing else tells where from.
    check_origin(request, null_counts=False)
    drop = await in_thread(request, _delete, slug, token)
    return await _page(request, drop, token)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/delete/<slug:str>/<token:str>", methods=["GET"], name="page_delete_ask")
    app.add_route(delete, "/delete/<slug:str>/<token:str>", methods=["POST"], name="page_delete")


async def _page(request: Request, drop: Shown, token: str) -> HTTPResponse:
    caller = await caller_of(request)
    # Of a team's drop, too: the link works as long as whoever brought it may delete it.
    is_owner = caller is not None and caller.user_id == drop.owner_id
    response = render(request, "delete.html", drop=drop, token=token, is_owner=is_owner)
    # The address holds the token: it must not travel in a Referer.
    response.headers["referrer-policy"] = "no-referrer"
    return response


def _find(site: Site, slug: str, token: str) -> Shown:
    return shown(site, uploads.find_by_token(site, slug, token))


def _delete(site: Site, slug: str, token: str) -> Shown:
    return shown(site, uploads.delete_by_token(site, slug, token))
