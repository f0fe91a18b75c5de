"""A drop alone, for a frame in somebody's page: no cookie is read for it, and open drops alone are shown.

Its policy differs from our other pages' in who may frame it, and in that it runs no script and has no form. Where the
owner minds hotlinks, the pages that may show their pictures are the ones that may frame it.
"""

from __future__ import annotations

import re

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops.found import find_by_id
from bulletdrop.core.models import Upload
from bulletdrop.core.names.places import Place
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.context import App, web_of
from bulletdrop.web.hosts import content_origin
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.previews import Preview, preview_of
from bulletdrop.web.public import plain
from bulletdrop.web.render import render_for_anybody
from bulletdrop.web.seeing import NOTHING
from bulletdrop.web.threads import in_thread

_HOST = re.compile(r"[a-z0-9.-]+")


async def embed(request: Request, upload_id: str) -> HTTPResponse:
    """The widget. Raises NotFound for whatever is no open drop, in the same words."""
    drop, preview, upload = await in_thread(request, _find, plain(upload_id), request.ctx.place)
    response = render_for_anybody("embed.html", drop=drop, preview=preview)
    bytes_from = f"'self' {content_origin(web_of(request).config)}".strip()
    response.headers["content-security-policy"] = (
        f"default-src 'none'; style-src 'self'; img-src {bytes_from}; media-src {bytes_from}; form-action 'none'; "
        f"base-uri 'none'; frame-ancestors {framed_by(upload)}"
    )
    response.headers["cross-origin-resource-policy"] = "cross-origin"
    # The frame belongs to a page elsewhere; ours opens in a window of its own.
    response.headers["cross-origin-opener-policy"] = "unsafe-none"
    response.headers["x-robots-tag"] = "noindex"
    return response


def framed_by(upload: Upload) -> str:
    """Whose pages may frame a drop, as the policy's `frame-ancestors` has it (CSP 3, 6.4.2)."""
    if upload.owner.hotlink == "off":
        return "*"
    listed = [str(one).lower() for one in upload.owner.hotlink_hosts] if upload.owner.hotlink == "list" else []
    names = [one for one in listed if _HOST.fullmatch(one)]
    return " ".join(["'self'", *names, *(f"*.{one}" for one in names)])


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(embed, "/embed/<upload_id:str>", methods=["GET"], name="page_embed")


def _find(site: Site, upload_id: str, place: Place) -> tuple[Shown, Preview, Upload]:
    upload = find_by_id(site, upload_id, place=place)
    preview = preview_of(site, upload)
    if preview is None:
        raise NotFound(NOTHING)
    return shown(site, upload), preview, upload
