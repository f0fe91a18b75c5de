"""Signing in and out."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import User
from bulletdrop.core.people import accounts, sessions
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, NotSignedIn, TooMany
from bulletdrop.web.api.schemas import LoginIn, MeOut, RefreshIn, TokensOut, me_out, tokens_out
from bulletdrop.web.auth import address_of, check_origin, clear_session_cookies, required_caller, set_session_cookies
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.cookies import REFRESH, read_cookie
from bulletdrop.web.guesses import guess
from bulletdrop.web.routes import ANYBODY, CALLER, PERSON, Route
from bulletdrop.web.threads import in_hash_thread, in_thread


async def login(request: Request) -> HTTPResponse:
    """Sign in with a username or an email address."""
    check_origin(request)
    wanted = json_of(request, LoginIn)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    async with guess(request, wanted.identifier):
        tokens = await in_hash_thread(request, sign_in, wanted.identifier, wanted.password, agent, address)
    return _signed_in(tokens)


def sign_in(site: Site, identifier: str, password: str, agent: str, address: str) -> Tokens:
    """Check a password and start a session. Slow on purpose: for the hashing threads."""
    user = accounts.authenticate(site, identifier=identifier, password=password)
    return sessions.open_session(site, user, user_agent=agent, address=address)


async def refresh(request: Request) -> HTTPResponse:
    """Swap the refresh token, from the body or the browser's cookie, for a new pair."""
    check_origin(request)
    wanted = json_of(request, RefreshIn)
    plain = wanted.refresh_token or read_cookie(request, REFRESH)
    if not plain:
        raise NotSignedIn("There is no session to go on with. Sign in.")
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    tokens = await in_thread(request, sessions.refresh, plain, user_agent=agent, address=address)
    return _signed_in(tokens)


async def logout(request: Request) -> HTTPResponse:
    """End this session, everywhere its tokens lie."""
    caller = await required_caller(request)
    await in_thread(request, sessions.close_session, str(caller.session_id))
    request.ctx.new_tokens = None
    response = nothing()
    clear_session_cookies(response)
    return response


async def me(request: Request) -> HTTPResponse:
    """Who the sent key, token or cookie speaks for."""
    caller = await required_caller(request)
    user = await in_thread(request, _user, caller.user_id)
    return json_answer(me_out(user, caller))


def _user(site: Site, user_id: str) -> User:
    user: User = User.get_by_id(user_id)
    return user


def _signed_in(tokens: Tokens) -> HTTPResponse:
    response = json_answer(tokens_out(tokens))
    set_session_cookies(response, tokens)
    return response


ROUTES = (
    Route(
        method="POST",
        path="/auth/login",
        handler=login,
        summary="Sign in",
        who=ANYBODY,
        body=LoginIn,
        answers={200: TokensOut},
        noun="auth",
        errors=(NotSignedIn, Forbidden, TooMany),
    ),
    Route(
        method="POST",
        path="/auth/refresh",
        handler=refresh,
        summary="Swap the refresh token for a new pair",
        who=ANYBODY,
        body=RefreshIn,
        answers={200: TokensOut},
        noun="auth",
        errors=(NotSignedIn,),
    ),
    Route(
        method="POST",
        path="/auth/logout",
        handler=logout,
        summary="End this session",
        who=PERSON,
        answers={204: None},
        noun="auth",
    ),
    Route(
        method="GET",
        path="/auth/me",
        handler=me,
        summary="Who is asking",
        who=CALLER,
        answers={200: MeOut},
        noun="auth",
    ),
)
