"""The page for a sign-in at a provider that came to nothing: what happened, and the ways on."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.errors import BulletDropError, NotSignedIn
from bulletdrop.web.auth import caller_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render


async def failed_page(request: Request, error: BulletDropError) -> HTTPResponse:
    """The page. Somebody who is signed in goes back to the linked logins, everybody else to the sign-in form."""
    try:
        here = await caller_of(request) is not None
    except NotSignedIn:
        here = False
    response = render(request, "sign-on-failed.html", status=status_of(error), error=error, here=here)
    if error.retry_after is not None:
        response.headers["retry-after"] = str(max(1, round(error.retry_after)))
    return response
