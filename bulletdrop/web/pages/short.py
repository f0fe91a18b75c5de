"""Short links as visitors meet them: going where they lead, or being shown first where that is."""

from __future__ import annotations

from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import ShortLink
from bulletdrop.core.names import urls
from bulletdrop.core.sharing import shortener
from bulletdrop.core.sharing.limits import is_guarded
from bulletdrop.core.sharing.targets import taken_apart
from bulletdrop.web.admission import PASSWORD_HEADER, admit
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import web_of
from bulletdrop.web.render import render
from bulletdrop.web.robots import is_robot
from bulletdrop.web.threads import in_thread

_HEADERS = {"referrer-policy": "no-referrer", "cache-control": "no-store", "x-robots-tag": "noindex"}


async def short_page(request: Request, name: str) -> HTTPResponse:
    """Go where a short link leads; with a plus after its name, or where its owner wants it, show the address first.

    Raises: NotFound; NeedsPassword, UsedUp, TooMany.
    """
    asks = name.endswith("+")
    short = await in_thread(request, shortener.find_short, name.removesuffix("+"), place=request.ctx.place)
    caller = await caller_of(request)
    theirs = caller is not None and caller.user_id == short.owner_id and caller.may("links:read")
    if is_robot(request) or (asks and not theirs):
        # Not counted, so nothing is told of what has a password or may be opened only so often.
        return _target_page(request, short, told=not is_guarded(short))
    if asks:
        return _target_page(request, short)
    admitted = await admit(request, short, theirs=theirs, counts=True)
    if admitted.preview_only:
        return _target_page(request, short, told=False)
    # A browser follows no redirect to another site out of the form that asked for the password (CSP's `form-action`).
    by_form = short.password_hash is not None and PASSWORD_HEADER not in request.headers and not theirs
    if short.asks_first or by_form:
        return _target_page(request, short, goes_on=not short.asks_first, told=not admitted.head)
    if admitted.head:
        # The target is what the limit is about: it is not given away for a HEAD.
        return HTTPResponse(headers=_HEADERS)
    return HTTPResponse(status=302, headers={**_HEADERS, "location": short.url})


def _target_page(request: Request, short: ShortLink, *, told: bool = True, goes_on: bool = False) -> HTTPResponse:
    """The page that shows where a link leads.

    Args:
        told: False says only that there is a link, and what it asks for.
        goes_on: the browser is sent on at once, by the page itself.
    """
    response = render(
        request,
        "short-target.html",
        short=short,
        short_url=urls.short_url(web_of(request).site, short),
        path=f"/{quote(short.custom_name or short.slug)}",
        target=taken_apart(short.url) if told else None,
        goes_on=goes_on,
    )
    response.headers.update(_HEADERS)
    return response
