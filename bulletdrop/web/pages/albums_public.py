"""The public addresses of albums: `/a/{slug}`, its files below it, and its zip."""

from __future__ import annotations

from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import albums
from bulletdrop.core.models import Album
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.admission import Admitted, Look, admit
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import App
from bulletdrop.web.pages.album_shown import album_bytes, album_page, album_zip, is_open_to_all
from bulletdrop.web.public import plain
from bulletdrop.web.render import protected_page
from bulletdrop.web.sending import bare_head
from bulletdrop.web.threads import in_thread

_NOTHING = "There is nothing at this address. The link may be mistyped, expired or taken back."


async def show(request: Request, slug: str) -> HTTPResponse:
    """The album's page. Robots are told no more of a guarded one than that it is."""
    # To read on in a long album is no view of its own: it is a part of what was opened.
    is_first = not request.args.get("start")
    album, admitted = await _entered(request, slug, Look.PAGE if is_first else Look.PART, counts=is_first)
    if admitted.preview_only:
        return protected_page(request)
    if admitted.head:
        return bare_head(request)
    return await album_page(request, album, base=f"/a/{quote(album.slug)}", open_to_all=is_open_to_all(album))


async def item(request: Request, slug: str, upload_id: str) -> HTTPResponse:
    """The bytes of one of its drops, or with `size` a thumbnail."""
    album, admitted = await _entered(request, slug, Look.PART)
    return bare_head(request) if admitted.head else await album_bytes(request, album, plain(upload_id))


async def zipped(request: Request, slug: str) -> HTTPResponse | None:
    """All of it as one zip."""
    album, admitted = await _entered(request, slug, Look.PART)
    return bare_head(request) if admitted.head else await album_zip(request, album)


async def _entered(request: Request, slug: str, look: Look, *, counts: bool = False) -> tuple[Album, Admitted]:
    """The album, for somebody who may look at it now. Raises NotFound, TooMany, and what `admit` raises."""
    caller = await caller_of(request)
    album, theirs = await in_thread(request, _find, plain(slug), caller)
    # What belongs to a page that was counted is not counted again: a browser without cookies has no pass to show.
    return album, await admit(request, album, theirs=theirs, look=look, counts=counts)


def _find(site: Site, slug: str, caller: Caller | None) -> tuple[Album, bool]:
    album = albums.find_album(site, slug)
    theirs = albums.is_theirs(site, caller, album)
    if not album.is_public and not theirs:
        raise NotFound(_NOTHING)
    # Before a view is counted: what cannot be shown now must not use one up.
    albums.check_not_silent(site, caller, album)
    return album, theirs


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, "/a/<slug:str>", methods=["GET"], name="page_album_shown")
    app.add_route(zipped, "/a/<slug:str>/zip", methods=["GET"], name="bytes_album_zip")
    app.add_route(item, "/a/<slug:str>/i/<upload_id:str>", methods=["GET"], name="bytes_album_item")
