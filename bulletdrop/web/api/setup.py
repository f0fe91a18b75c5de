"""The first admin."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import accounts, sessions
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid, TooMany
from bulletdrop.web.api.schemas import SetupIn, TokensOut, tokens_out
from bulletdrop.web.auth import address_of, check_origin, set_session_cookies
from bulletdrop.web.bodies import json_answer, json_of
from bulletdrop.web.guesses import guess
from bulletdrop.web.routes import ANYBODY, Route
from bulletdrop.web.threads import in_hash_thread


async def set_up(request: Request) -> HTTPResponse:
    """Make the first admin, with the code from the server's log, and sign them in."""
    check_origin(request)
    wanted = json_of(request, SetupIn)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    async with guess(request):
        tokens = await in_hash_thread(request, _set_up, wanted, agent, address)
    response = json_answer(tokens_out(tokens), status=201)
    set_session_cookies(response, tokens)
    return response


def _set_up(site: Site, wanted: SetupIn, agent: str, address: str) -> Tokens:
    user = accounts.set_up(
        site, code=wanted.code, username=wanted.username, email=wanted.email, password=wanted.password
    )
    return sessions.open_session(site, user, user_agent=agent, address=address)


ROUTES = (
    Route(
        method="POST",
        path="/setup",
        handler=set_up,
        summary="Make the first admin",
        who=ANYBODY,
        body=SetupIn,
        answers={201: TokensOut},
        noun="setup",
        errors=(Invalid, Forbidden, Conflict, TooMany),
    ),
)
