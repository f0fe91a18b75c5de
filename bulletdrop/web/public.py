"""The short addresses: `/{slug}`, `/{slug}.{ext}`, `/i/{id}`, `/u/{username}/{filename}`."""

from __future__ import annotations

from urllib.parse import unquote

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops.uploads import find_by_id, find_by_user_and_filename, find_page, find_public
from bulletdrop.errors import NotFound
from bulletdrop.web.context import App
from bulletdrop.web.files import NOTHING, from_cache, serve_found, serve_upload
from bulletdrop.web.seeing import check_not_silent, sees
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
    return await serve_found(request, find_by_id, plain(upload_id), size=size, download=wants_download(request))


async def by_user(request: Request, username: str, filename: str) -> HTTPResponse:
    """The newest drop of this name of this person."""
    # Not from the cache: a new drop of the same name takes this address over at once.
    upload = await in_thread(request, find_by_user_and_filename, plain(username), plain(filename))
    return await serve_upload(request, upload, download=wants_download(request))


async def by_name(request: Request, name: str) -> HTTPResponse:
    """With an ending: the bytes. Without: the page that shows them."""
    lying_ready = from_cache(request)
    if lying_ready is not None:
        return lying_ready
    name = plain(name)
    stem, dot, ending = name.rpartition(".")
    if dot:
        try:
            return await serve_found(request, find_public, stem, ending, download=wants_download(request))
        except NotFound:
            # A custom name may hold a dot of its own: `/release-1.2` is a page.
            if not ending or not stem:
                raise
    # Here, because the pages use the modules around this one.
    from bulletdrop.web.pages import drops

    upload = await in_thread(request, find_page, name)
    if not await sees(request, upload):
        raise NotFound(NOTHING)
    # With its picture missing, the page would only look broken.
    await check_not_silent(request, upload)
    page: HTTPResponse = await drops.drop_page(request, upload)
    return page


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
