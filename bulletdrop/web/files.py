"""Bytes out: a drop's own, or one of its thumbnails, to whoever may see them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import pictures
from bulletdrop.core.drops.found import is_silent, payer_of
from bulletdrop.core.models import Upload
from bulletdrop.core.people.usage import is_metered
from bulletdrop.core.sharing.limits import is_guarded
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound, Withdrawn
from bulletdrop.web import hotlinks
from bulletdrop.web.admission import Look
from bulletdrop.web.cache import key_of
from bulletdrop.web.context import web_of
from bulletdrop.web.hosts import content_redirect
from bulletdrop.web.prepared import Prepared, prepare, shared_file
from bulletdrop.web.seeing import check_not_silent, let_in
from bulletdrop.web.sending import Ready, bare_head, ready
from bulletdrop.web.threads import in_picture_thread, in_thread

# Files up to this size are kept in memory while they are asked for often.
SMALL = 64 * 1024
# The longest that somebody waits for a picture's one decode, in seconds.
_WAIT = 25.0
# Only these addresses are kept ready: a query of somebody's own making would fill the cache with the same bytes.
_KNOWN_QUERIES = frozenset({"", *(f"size={size}" for size in pictures.SIZES)})


@dataclass(frozen=True)
class Asked:
    """Which bytes of a drop, and how.

    lasting: as in `prepare`.
    open: whether they are given to anybody who asks; what was let in by terms of its own is kept by nobody.
    vary: as in `prepare`.
    """

    size: str | None
    download: bool
    lasting: bool
    open: bool = True
    vary: str = ""


def from_cache(request: Request) -> Ready | None:
    """The answer when it lies ready. For the first line of a handler: costs no thread."""
    prepared = web_of(request).cache.get(key_of(request))
    return None if prepared is None else ready(request, prepared)


async def serve_found(
    request: Request,
    find: Callable[..., Upload],
    *args: Any,
    size: str | None = None,
    download: bool = False,
    **where: Any,
) -> HTTPResponse:
    """Find a drop and answer with its bytes.

    Args:
        find: a use case that gives the drop or raises NotFound.
        args, where: its arguments after the site.
        size: a thumbnail's size; None for the drop's own bytes.
        download: to be saved rather than shown.

    Raises: NotFound, also where it is not the caller's to see; Invalid for an unknown size; Withdrawn for a broken
        picture; what `let_in` raises.
    """
    _check_size(size)
    web = web_of(request)
    generation = web.cache.generation
    upload, prepared = await in_thread(request, _find_and_open, find, args, where, size, download)
    if prepared is None or (prepared.public and content_redirect(request, upload) is not None):
        return await serve_upload(request, upload, size=size, download=download)
    if request.query_string in _KNOWN_QUERIES:
        web.cache.put(key_of(request), prepared, generation=generation)
    return ready(request, prepared)


async def serve_upload(
    request: Request,
    upload: Upload,
    *,
    size: str | None = None,
    download: bool = False,
    granted: bool = False,
    vary: str = "",
) -> HTTPResponse:
    """Answer with the bytes of a drop that was found already. See `serve_found`.

    Args:
        granted: the asker was let in by something that shows this drop, such as an album or a link; no cache keeps it.
        vary: the headers by which it was decided to answer with the bytes.
    """
    _check_size(size)
    if not granted and (elsewhere := content_redirect(request, upload)) is not None:
        return elsewhere
    # Of a private drop not even this is told: it is no page's elsewhere anyway.
    if (upload.is_public or granted) and hotlinks.is_hotlink(request, upload):
        return hotlinks.placeholder()
    if granted:
        await check_not_silent(request, upload)
    else:
        is_part = size is not None or download or _is_for_our_page(request)
        admitted = await let_in(request, upload, Look.PART if is_part else Look.BYTES)
        if admitted.head:
            return bare_head(request)
    if hotlinks.minds(upload):
        vary = f"{vary}, {hotlinks.DECIDED_BY}" if vary else hotlinks.DECIDED_BY
    is_open = not granted and upload.is_public and not is_guarded(upload)
    lasting = upload.slug in request.path or upload.id in request.path
    asked = Asked(size, download, lasting=lasting, open=is_open, vary=vary)
    prepared = await in_thread(request, _open, upload, asked)
    if prepared is None:
        upload.blob = await in_picture_thread(request, _decode, upload)
        prepared = await in_thread(request, _open, upload, asked)
    if prepared is None:
        raise NotFound("There is no preview of this file.")
    return ready(request, prepared)


def _is_for_our_page(request: Request) -> bool:
    """True where a page of ours loads or links to the bytes: they belong to what was opened there.

    On plain http in a LAN browsers send no Fetch Metadata, but the address of the page.
    """
    site_kind = request.headers.get("sec-fetch-site")
    if site_kind is not None:
        return bool(site_kind == "same-origin")
    page, here = hotlinks.host_of(request.headers.get("referer", "")), request.headers.get("host", "")
    return page != "" and page == hotlinks.host_of(f"//{here}")


def _check_size(size: str | None) -> None:
    if size is not None and size not in pictures.SIZES:
        raise Invalid(f"There is no size “{size[:40]}”. There are: {', '.join(pictures.SIZES)}.", field="size")


def _find_and_open(
    site: Site,
    find: Callable[..., Upload],
    args: tuple[Any, ...],
    where: dict[str, Any],
    size: str | None,
    download: bool,
) -> tuple[Upload, Prepared | None]:
    """What everybody may have is opened in the same breath when it is ready; else the caller is asked, or a child."""
    upload = find(site, *args, **where)
    asked = Asked(size, download, lasting=upload.slug in args or upload.id in args)
    has_terms = is_guarded(upload) or hotlinks.minds(upload)
    is_everybodys = upload.is_public and not has_terms and not is_silent(site, upload)
    return upload, (_open(site, upload, asked) if is_everybodys else None)


def _decode(site: Site, upload: Upload) -> Any:
    if upload.blob.state == "new":
        return pictures.ensure_decoded(site, upload.blob, wait_seconds=_WAIT)
    return pictures.make_thumbnails(site, upload.blob.id, urgent=True, wait_seconds=_WAIT)


def _open(site: Site, upload: Upload, asked: Asked) -> Prepared | None:
    """The answer, or None while it has to be made first. Raises Withdrawn, NotFound, MissingObject."""
    blob, size = upload.blob, asked.size
    if blob.state == "broken":
        raise Withdrawn(f"This picture is broken and was withdrawn: {blob.problem}.")
    if size is not None and not pictures.has_thumbnails(blob):
        raise NotFound("There is no preview of this file.")
    if blob.state == "new":
        return None
    if size is None:
        return _prepare(site, upload, blob.key, blob.mime, upload.filename, asked, sha256=blob.sha256)
    name = f"{PurePosixPath(upload.filename).stem}.{size}.webp"
    try:
        return _prepare(site, upload, pictures.thumbnail_key(blob, size), "image/webp", name, asked)
    except NotFound:
        return None


def _prepare(
    site: Site, upload: Upload, key: str, mime: str, name: str, asked: Asked, *, sha256: str | None = None
) -> Prepared:
    path = site.storage.local_path(key)
    with site.storage.open(key) as reader:
        length = upload.blob.size if sha256 is not None else site.storage.size(key)
        body = reader.read() if length <= SMALL or path is None else None
        if body is not None and sha256 is not None and len(body) != length:
            raise NotFound("These bytes are damaged.", paths=[key])
        if sha256 is None:
            sha256 = hashlib.sha256(body).hexdigest() if body is not None else _digest(reader)
    return prepare(
        sha256=sha256,
        mime=mime,
        filename=name,
        size=length,
        modified=upload.created_at,
        public=asked.open and upload.is_public and not is_silent(site, upload),
        download=asked.download,
        lasting=asked.lasting,
        vary=asked.vary,
        indexed=asked.open and site.config.search_engines == "on",
        seconds_left=_seconds_left(upload.expires_at, site.clock.now()),
        body=body,
        file=None if body is not None or path is None else shared_file(path),
        meter=_meter(site, upload),
    )


def _meter(site: Site, upload: Upload) -> str:
    """The account that the bytes count for, where there is a limit to them."""
    payer = payer_of(upload)
    return payer.id if is_metered(site, payer) else ""


def _digest(reader: Any) -> str:
    # Thumbnails only, at most a few hundred kilobytes: cheaper to hash again than to keep a table of hashes true.
    return hashlib.file_digest(reader, "sha256").hexdigest()


def _seconds_left(expires_at: datetime | None, now: datetime) -> float | None:
    return None if expires_at is None else (expires_at - now).total_seconds()
