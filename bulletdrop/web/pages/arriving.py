"""The page of a link whose bytes are still on their way. It says nothing of them: not even we know what will come."""

from __future__ import annotations

from urllib.parse import urlsplit

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops.reservations import DEVICE_GONE, TAKEN_BACK, Arrival
from bulletdrop.core.names.urls import public_base
from bulletdrop.web import negotiating
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import web_of
from bulletdrop.web.render import render

_STATUS = {"waiting": 200, "late": 404, "ended": 410}
# Why nothing will come, for everybody: no word that would tell what it was.
_TAKEN_BACK = "Whoever sent this link has taken it back."
_DEVICE_GONE = "This did not arrive: the device that was to send it is no longer connected."
_REFUSED = "The server did not take the file that somebody sent to this link."


async def arriving_page(request: Request, arrival: Arrival) -> HTTPResponse:
    """The page that says how things stand, and turns into the drop by itself: with scripts at once, else by reloading.

    Its owner is told why nothing will come, others only that.
    """
    caller = await caller_of(request)
    theirs = caller is not None and caller.user_id == arrival.owner_id and caller.may("uploads:read")
    response = render(
        request,
        "arriving.html",
        status=_STATUS[arrival.state],
        state=arrival.state,
        slug=arrival.slug,
        name=arrival.name,
        why={TAKEN_BACK: _TAKEN_BACK, DEVICE_GONE: _DEVICE_GONE}.get(arrival.code, _REFUSED),
        problem=arrival.problem if theirs else "",
        site=web_of(request).config.site_name,
        yours=_at_main(request, arrival.slug),
    )
    response.headers["vary"] = f"cookie, user-agent, {negotiating.DECIDED_BY}"
    response.headers["x-robots-tag"] = "noindex"
    response.headers["referrer-policy"] = "no-referrer"
    return response


def _at_main(request: Request, slug: str) -> tuple[str, str] | None:
    """On a domain, where nobody is signed in: the same page where its owner may see more, and that address's host."""
    if request.ctx.place.kind != "domain":
        return None
    base = public_base(web_of(request).config)
    return f"{base}/{slug}", urlsplit(base).netloc
