"""The short addresses: `/{slug}`, `/{slug}.{ext}`, `/i/{id}`, `/u/{username}/{filename}`."""

from __future__ import annotations

from urllib.parse import unquote

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.drops.found import find_by_id, find_by_user_and_filename, find_page, find_public, leads_on
from bulletdrop.core.models import Upload
from bulletdrop.core.names import urls
from bulletdrop.errors import NotFound
from bulletdrop.web import arrivals, negotiating
from bulletdrop.web.arrivals import Find, OnItsWay, find_arrived, find_at_once
from bulletdrop.web.context import App, web_of
from bulletdrop.web.files import from_cache, serve_found, serve_upload
from bulletdrop.web.hosts import content_redirect
from bulletdrop.web.seeing import NOTHING, is_theirs
from bulletdrop.web.threads import in_thread


def attach(app: App) -> None:
    """Register the public addresses."""
    app.add_route(by_id, "/i/<upload_id>", methods=["GET"], name="bytes_by_id")
    app.add_route(by_user, "/u/<username>/<filename>", methods=["GET"], name="bytes_by_user")
    app.add_route(by_name, "/<name>", methods=["GET"], name="by_name")


async def by_id(request: Request, upload_id: str) -> HTTPResponse:
    """The bytes of a drop, or with `size` one of its thumbnails."""
    lying_ready = from_cache(request)
    if lying_ready is not None:
        return lying_ready
    size = request.args.get("size")
    download = wants_download(request)
    found = (find_by_id, plain(upload_id))
    return await serve_found(request, *found, size=size, download=download, place=request.ctx.place)


async def by_user(request: Request, username: str, filename: str) -> HTTPResponse:
    """The newest drop of this name of this person."""
    # Not from the cache: a new drop of the same name takes this address over at once.
    upload = await in_thread(request, find_by_user_and_filename, plain(username), plain(filename))
    place = request.ctx.place
    if place.kind == "domain" and not (
        upload.domain_id == place.domain_key and place.user_id in (None, upload.owner_id)
    ):
        raise NotFound(NOTHING)
    return await serve_upload(request, upload, download=wants_download(request))


async def by_name(request: Request, name: str) -> HTTPResponse:
    """With an ending: the bytes. Without: the page that shows them, or the bytes where a page could not be shown."""
    name = plain(name)
    try:
        return await _by_name(request, name)
    except OnItsWay as told:
        return await arrivals.instead(request, name, NotFound(NOTHING), lambda: _by_name(request, name), told.arrival)
    except NotFound as nothing:
        return await arrivals.instead(request, name, nothing, lambda: _by_name(request, name))


async def _by_name(request: Request, name: str) -> HTTPResponse:
    lying_ready = from_cache(request)
    if lying_ready is not None:
        return lying_ready
    try:
        return await _found(request, name, find_arrived)
    except OnItsWay as told:
        # Of what strangers may not see nothing is asked for them: it would take longer than what is not there yet.
        if not await arrivals.is_theirs(request, told.arrival.slug):
            raise
    return await _found(request, name, find_at_once)


async def _found(request: Request, name: str, find: Find) -> HTTPResponse:
    stem, dot, ending = name.rpartition(".")
    if dot:
        try:
            found = (find, stem, find_public, stem, ending)
            return await serve_found(request, *found, download=wants_download(request), place=request.ctx.place)
        except NotFound:
            # A custom name may hold a dot of its own: `/release-1.2` is a page.
            if not ending or not stem:
                raise
    if request.ctx.place.kind == "content":
        raise NotFound(NOTHING)
    # Here, because the pages use the modules around this one.
    from bulletdrop.web.pages import drops, short

    try:
        upload = await in_thread(request, find, name, find_page, name, place=request.ctx.place)
    except NotFound:
        return await short.short_page(request, name)
    if leads_on(upload, name, place=request.ctx.place) and (upload.is_public or await is_theirs(request, upload)):
        # Kept by nobody, as every answer without a word on it: the name may be another drop's one day.
        return redirect(urls.page_url(web_of(request).site, upload), status=301)
    if is_shown(upload) and negotiating.wants_bytes(request):
        if content_redirect(request, upload) is not None:
            # Not to the same path: where people's files are alone, there is no page that could share it.
            to = urls.direct_url(web_of(request).site, upload)
            return redirect(to, headers={"vary": negotiating.DECIDED_BY})
        return await serve_upload(request, upload, vary=negotiating.DECIDED_BY)
    page: HTTPResponse = await drops.drop_page(request, upload)
    return page


def is_shown(upload: Upload) -> bool:
    """True for what browsers draw or play."""
    return bool(upload.blob.mime.startswith(("image/", "video/")))


def wants_download(request: Request) -> bool:
    """True when the query asks to save the bytes."""
    return request.args.get("download", "") in ("true", "1")


def plain(part: str) -> str:
    """A part of the path without its percent signs. Raises NotFound for what is no UTF-8, or holds a NUL."""
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise NotFound(NOTHING) from error
    if "\0" in text:
        # Nothing is called so, and Postgres would not even be asked.
        raise NotFound(NOTHING)
    return text
