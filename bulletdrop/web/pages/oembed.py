"""oEmbed (oembed.com, 1.0): what other sites ask to show one of our links as more than a link. Open drops alone.

The address that is asked about is taken apart and never fetched: a host of ours, then a path that a drop has.
"""

from __future__ import annotations

import html
import inspect
from typing import Any
from urllib.parse import unquote, urlsplit

from sanic import Request
from sanic.response import HTTPResponse, json

from bulletdrop.core.drops.found import find_by_id, find_page, find_public
from bulletdrop.core.models import Upload
from bulletdrop.core.names.places import Place
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound
from bulletdrop.web.context import App
from bulletdrop.web.hosts import asked_host
from bulletdrop.web.previews import Preview, fitting, preview_of
from bulletdrop.web.problems import json_problem
from bulletdrop.web.seeing import NOTHING
from bulletdrop.web.threads import in_thread

# How long an answer may be kept, in seconds: a drop that is taken back should not live on in previews for long.
_CACHE_AGE = 300
# The least width and height that may be asked for, so that a frame can still be used.
_LEAST, _MOST = 1, 10_000
_LONGEST_URL = 2000
# What is no character of XML 1.0 (2.2), beside the control characters that a name has lost already.
_NO_XML = dict.fromkeys((0xFFFE, 0xFFFF))


async def oembed(request: Request) -> HTTPResponse:
    """What is told of the drop behind `url`, as JSON or XML. Nobody's cookies are read.

    Raises: Invalid for parameters that cannot be read; NotFound for what is no open drop of ours, in the same words
        whatever else it is.
    """
    asked = request.args.get("format", "json")
    if asked not in ("json", "xml"):
        # oembed.com 2.3.2: a format that is not there is 501.
        return json_problem(request, 501, Invalid("There are the formats json and xml.", field="format"))
    width, height = _limit(request, "maxwidth"), _limit(request, "maxheight")
    url = request.args.get("url", "")
    if not url or len(url) > _LONGEST_URL:
        raise Invalid("Say in url which link is asked about.", field="url")
    place = await _place_of(request, url)
    if place is None:
        raise NotFound(NOTHING)
    told = await in_thread(request, _tell, place, url, width, height)
    # Public facts for scripts of any page: nothing of the asker is in them.
    headers = {
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        "x-robots-tag": "noindex",
    }
    if asked == "xml":
        return HTTPResponse(_xml(told), content_type="text/xml; charset=utf-8", headers=headers)
    return json(told, headers=headers)


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(oembed, "/oembed", methods=["GET"], name="page_oembed")


async def _place_of(request: Request, url: str) -> Place | None:
    """What the host of an address stands for; None for what is not ours.

    Every address in numbers might be this machine's, so of those only the one counts at which we are asked ourselves.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    found = request.app.ctx.hosts.find(request, host)
    place: Place | None = await found if inspect.isawaitable(found) else found
    return None if place is not None and place.kind == "own" and host != asked_host(request) else place


def _limit(request: Request, name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= _LEAST):
        raise Invalid(f"{name} is a number of pixels.", field=name)
    return min(int(text), _MOST)


def _tell(site: Site, place: Place, url: str, width: int | None, height: int | None) -> dict[str, Any]:
    upload = _find(site, place, url)
    preview = preview_of(site, upload)
    if preview is None:
        raise NotFound(NOTHING)
    told: dict[str, Any] = {
        "version": "1.0",
        "type": preview.kind,
        "title": preview.title,
        "provider_name": preview.site_name,
        "provider_url": preview.site_url,
        "cache_age": _CACHE_AGE,
    }
    if preview.kind == "photo":
        shown = fitting(site, upload, width=width, height=height)
        told |= {"url": shown.url, "width": shown.width, "height": shown.height}
    elif preview.film is not None:
        told |= _player(preview, width, height)
    if preview.picture is not None:
        small = fitting(site, upload, width=width or 640, height=height or 640)
        told |= {"thumbnail_url": small.url, "thumbnail_width": small.width, "thumbnail_height": small.height}
    return told


def _find(site: Site, place: Place, url: str) -> Upload:
    """The drop at an address of ours: its page, its bytes, or its frame. Raises NotFound."""
    try:
        parts = [unquote(part, errors="strict") for part in urlsplit(url).path.split("/")[1:]]
    except (UnicodeDecodeError, ValueError) as error:
        raise NotFound(NOTHING) from error
    if any("\0" in part for part in parts):
        raise NotFound(NOTHING)
    if len(parts) == 2 and parts[0] in ("i", "embed"):
        return find_by_id(site, parts[1], place=place)
    if len(parts) != 1 or not parts[0]:
        raise NotFound(NOTHING)
    stem, dot, ending = parts[0].rpartition(".")
    if dot:
        try:
            return find_public(site, stem, ending, place=place)
        except NotFound:
            pass
    return find_page(site, parts[0], place=place)


def _player(preview: Preview, width: int | None, height: int | None) -> dict[str, Any]:
    """The frame with a film, scaled to what fits."""
    film = preview.film
    assert film is not None
    wide, high = film.width or 1, film.height or 1
    factor = min(1.0, (width or wide) / wide, (height or high) / high)
    wide, high = max(1, round(wide * factor)), max(1, round(high * factor))
    frame = (
        f'<iframe src="{html.escape(preview.embed_url)}" width="{wide}" height="{high}" '
        f'title="{html.escape(preview.title)}" frameborder="0" allowfullscreen></iframe>'
    )
    return {"html": frame, "width": wide, "height": high}


def _xml(told: dict[str, Any]) -> str:
    fields = "".join(
        f"<{name}>{html.escape(str(value).translate(_NO_XML))}</{name}>"
        for name, value in told.items()
        if value is not None
    )
    return f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>{fields}</oembed>\n'
