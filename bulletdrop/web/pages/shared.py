"""What a share link shows: the page of its drop or album at `/l/{token}`, and their bytes below that address."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import albums
from bulletdrop.core.drops.found import check_not_silent
from bulletdrop.core.drops.uploads import same_ending
from bulletdrop.core.models import ShareLink, Upload
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import links, veils
from bulletdrop.core.sharing.limits import is_guarded
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.admission import Admitted, Look, admit
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import App, web_of
from bulletdrop.web.files import serve_upload
from bulletdrop.web.pages.album_shown import album_page, album_zip
from bulletdrop.web.pages.drops import drop_page
from bulletdrop.web.previews import Preview, preview_of
from bulletdrop.web.public import plain, wants_download
from bulletdrop.web.render import protected_page
from bulletdrop.web.sending import bare_head
from bulletdrop.web.threads import in_thread

_NO_FILE = "There is no such file at this link."


async def show(request: Request, token: str) -> HTTPResponse:
    """The page of what the link leads to, to whoever is let in."""
    link, admitted = await _enter(request, token, Look.PAGE)
    if admitted.preview_only:
        return protected_page(request)
    if admitted.head:
        return bare_head(request)
    response = await _page(request, link)
    response.headers["cache-control"] = "private, no-store"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["x-robots-tag"] = "noindex"
    return response


async def file(request: Request, token: str, name: str) -> HTTPResponse:
    """The bytes of the link's drop at `file.png` or, with `size`, one of its thumbnails."""
    link, admitted = await _enter(request, token, Look.PART)
    stem, _, ending = plain(name).rpartition(".")
    if link.upload is None or stem != "file" or not same_ending(ending, link.upload.blob.ext):
        raise NotFound(_NO_FILE)
    return await _bytes(request, link.upload, admitted)


async def item(request: Request, token: str, name: str) -> HTTPResponse:
    """The bytes or a thumbnail of a drop that the link shows, by its name there."""
    link, admitted = await _enter(request, token, Look.PART)
    return await _bytes(request, await in_thread(request, _one, link, await caller_of(request), plain(name)), admitted)


async def zipped(request: Request, token: str) -> HTTPResponse | None:
    """All of the link's album as one zip."""
    link, admitted = await _enter(request, token, Look.PART)
    if link.album is None:
        raise NotFound(_NO_FILE)
    return bare_head(request) if admitted.head else await album_zip(request, link.album)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, "/l/<token:str>", methods=["GET"], name="page_shared")
    app.add_route(zipped, "/l/<token:str>/zip", methods=["GET"], name="shared_zip")
    app.add_route(file, "/l/<token:str>/<name:str>", methods=["GET"], name="shared_file")
    app.add_route(item, "/l/<token:str>/i/<name:str>", methods=["GET"], name="shared_item")


async def _page(request: Request, link: ShareLink) -> HTTPResponse:
    site, base, upload = web_of(request).site, f"/l/{quote(link.token)}", link.upload
    if upload is None:
        assert link.album is not None
        return await album_page(request, link.album, base=base, named=partial(veils.veiled, site, link))
    page_url, preview = urls.link_url(site, link), _preview(site, link, upload)
    # For this page the row stands for the drop at this link: its own addresses are nobody's business here.
    upload.id, upload.slug, upload.custom_name = veils.veiled(site, link, upload.id), "file", None
    return await drop_page(request, upload, base=base, page_url=page_url, preview=preview)


def _preview(site: Site, link: ShareLink, upload: Upload) -> Preview | None:
    """What robots are told of a link that whoever has it may open at any time, with no other address than its own.

    Only of a drop of which something is told without the link, too: what robots were told of a private one they would
    keep after the link was revoked.
    """
    told = preview_of(site, upload)
    if told is None or is_guarded(link):
        return None
    page_url = urls.link_url(site, link)
    file = f"{page_url}/file.{upload.blob.ext}"
    picture = told.picture
    if picture is not None:
        exact = picture.url == urls.direct_url(site, upload)
        picture = replace(picture, url=file if exact else f"{file}?size=large")
    film = replace(told.film, url=file) if told.film is not None else None
    return replace(told, page_url=page_url, embed_url="", oembed_url="", picture=picture, film=film)


async def _enter(request: Request, token: str, look: Look) -> tuple[ShareLink, Admitted]:
    """Let somebody in by a link, and count it where it counts: see `core/sharing/limits`."""
    caller = await caller_of(request)
    link, theirs = await in_thread(request, _find, caller, plain(token))
    if link.album is not None and request.args.get("start"):
        # To read on in a long album is no view of its own: it is a part of what was opened.
        look = Look.PART
    return link, await admit(request, link, theirs=theirs, look=look, counts=True)


def _find(site: Site, caller: Caller | None, token: str) -> tuple[ShareLink, bool]:
    link = links.find_link(site, token)
    # Before a view is counted: what cannot be shown now must not use one up.
    if link.upload is not None:
        check_not_silent(site, caller, link.upload)
    elif link.album is not None:
        albums.check_not_silent(site, caller, link.album)
        # What stands for the title of an album that has none, and what keeps it from others, is no visitor's business.
        link.album.slug, link.album.is_public = "Album", True
    return link, links.is_theirs(site, caller, link)


def _one(site: Site, link: ShareLink, caller: Caller | None, name: str) -> Upload:
    upload_id = veils.unveiled(site, link, name)
    if link.album is not None:
        return albums.contains(site, link.album, upload_id, caller)
    if link.upload is None or link.upload_id != upload_id:
        raise NotFound(_NO_FILE)
    return link.upload


async def _bytes(request: Request, upload: Upload, admitted: Admitted) -> HTTPResponse:
    if admitted.head:
        return bare_head(request)
    size = request.args.get("size")
    return await serve_upload(request, upload, size=size, download=wants_download(request), granted=True)
