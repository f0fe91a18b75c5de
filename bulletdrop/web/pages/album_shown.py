"""An album as visitors see it: the page, its bytes and its zip, at `/a/{slug}` or behind a share link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import albums
from bulletdrop.core.models import Album, Upload
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.usage import is_metered
from bulletdrop.core.sharing.limits import is_guarded
from bulletdrop.core.site import Site
from bulletdrop.web import words
from bulletdrop.web.archives import send_archive
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import web_of
from bulletdrop.web.files import serve_upload
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

Named: TypeAlias = Callable[[str], str]
# Drops on one page of an album; more come as somebody reads on.
_PER_PAGE = 120
_MOST = 10_000


@dataclass(frozen=True)
class Piece:
    """One tile: a drop, or a locked one of which only the address of its own page is told."""

    drop: Shown | None
    path: str
    aspect: str


@dataclass(frozen=True)
class AlbumShown:
    """A part of an album for one visitor.

    Attributes:
        next: where the following part begins; None at the end.
        cover_url: a picture for previews; empty where none may be shown.
        edit_path: the page on which this visitor changes it; empty for those who may not.
    """

    title: str
    description: str
    url: str
    count: int
    start: int
    next: int | None
    pieces: list[Piece]
    cover_url: str
    edit_path: str
    is_public: bool


async def album_page(
    request: Request, album: Album, *, base: str, open_to_all: bool = False, named: Named = str
) -> HTTPResponse:
    """The page of an album, for somebody who was let in.

    Args:
        base: the path under which its bytes and its zip are, such as `/a/{slug}` or `/l/{token}`.
        open_to_all: everybody who has this address sees it at any time: it may be shown in previews and found.
        named: what a drop of this id is called below `base`, where that is not the id.
    """
    caller = await caller_of(request)
    await in_thread(request, albums.check_not_silent, caller, album)
    start = _start(request.args.get("start"))
    found = await in_thread(request, _look, caller, album, base, start, open_to_all, named)
    response = render(request, "album-shown.html", album=found, base=base, open_to_all=open_to_all)
    if not open_to_all:
        response.headers["referrer-policy"] = "no-referrer"
    return response


async def album_bytes(request: Request, album: Album, upload_id: str) -> HTTPResponse:
    """The bytes of one of an album's drops, or with `size` a thumbnail, for somebody who was let in."""
    caller = await caller_of(request)
    upload = await in_thread(request, albums.contains, album, upload_id, caller)
    size, download = request.args.get("size"), request.args.get("download", "") in ("true", "1")
    return await serve_upload(request, upload, size=size, download=download, granted=True)


async def album_zip(request: Request, album: Album) -> HTTPResponse | None:
    """All of an album that this visitor sees as one zip, for somebody who was let in."""
    caller = await caller_of(request)
    account = await in_thread(request, _pays, caller, album)
    pieces = albums.zip_of(web_of(request).site, album, caller)
    return await send_archive(request, pieces, name=albums.zip_name(album), account=account)


def is_open_to_all(album: Album) -> bool:
    """True for an album that whoever has its address sees at any time."""
    return album.is_public and not is_guarded(album)


def _pays(site: Site, caller: Caller | None, album: Album) -> str:
    albums.check_not_silent(site, caller, album)
    payer = albums.payer_of(album)
    return payer.id if is_metered(site, payer) else ""


def _look(
    site: Site, caller: Caller | None, album: Album, base: str, start: int, open_to_all: bool, named: Named
) -> AlbumShown:
    theirs = albums.is_theirs(site, caller, album)
    found = albums.items(site, album, caller, start=start, limit=_PER_PAGE + 1)
    cover = albums.cover_of(site, album, None) if open_to_all else None
    mine = caller is not None and theirs and albums.may_change(site, caller, album)
    return AlbumShown(
        title=words.name(album.title) or album.slug,
        description=album.description,
        url=urls.album_url(site, album),
        count=albums.count_items(site, album, caller),
        start=start,
        next=start + _PER_PAGE if len(found) > _PER_PAGE else None,
        pieces=[_piece(site, upload, base, named, theirs=theirs) for upload in found[:_PER_PAGE]],
        cover_url=f"{urls.album_url(site, album)}/i/{cover.id}?size=large" if cover is not None else "",
        edit_path=f"/albums/{album.id}" if mine else "",
        is_public=album.is_public,
    )


def _piece(site: Site, upload: Upload, base: str, named: Named, *, theirs: bool) -> Piece:
    if albums.is_locked(upload) and not theirs:
        # Not its name, not its size, not its shape: nothing of it is shown before its own page has let somebody in.
        return Piece(None, f"/{upload.slug}", "a61")
    upload.id = named(upload.id)
    drop = shown(site, upload, base=base)
    return Piece(drop, f"{base}/i/{upload.id}", drop.aspect)


def _start(text: str | None) -> int:
    """Where the part begins that is asked for; nonsense is the beginning."""
    return min(int(text), _MOST) if text and text.isascii() and text.isdigit() and len(text) < 7 else 0
