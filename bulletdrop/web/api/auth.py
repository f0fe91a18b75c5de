"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import User
from bulletdrop.core.people import accounts, sessions, signing_in
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, Forbidden, NotSignedIn, TooMany
from bulletdrop.web.api.schemas import LoginIn, MeOut, RefreshIn, TokensOut, me_out, tokens_out
from bulletdrop.web.auth import address_of, check_origin, clear_session_cookies, required_caller, set_session_cookies
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.cookies import HALF, REFRESH, read_cookie, set_half_cookie
from bulletdrop.web.guesses import guess
from bulletdrop.web.pages.entrance import finish
from bulletdrop.web.routes import ANYBODY, CALLER, PERSON, Route
from bulletdrop.web.threads import in_hash_thread, in_thread


class SecondCodeIn(Struct, forbid_unknown_fields=True):
    """A code for a half-finished sign-in; without a ticket, the browser's cookie counts."""

    code: Annotated[str, msgspec.Meta(max_length=100)]
    ticket: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class SecondFactorOut(Struct):
    """What is due: the ticket, what may be used with it, and the seconds until it is over."""

    ticket: str
    methods: list[str]
    expires_in: int


class HalfOut(Struct):
    """The password was right, and a second factor is due."""

    second_factor: SecondFactorOut


async def login(request: Request) -> HTTPResponse:
    """Sign in with a username or an email address."""
    check_origin(request)
    wanted = json_of(request, LoginIn)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    async with guess(request, wanted.identifier):
        entered = await in_hash_thread(request, sign_in, wanted.identifier, wanted.password, agent, address)
    return answer_to(entered)


def sign_in(site: Site, identifier: str, password: str, agent: str, address: str) -> Tokens | Half:
    """Check a password and let its owner in. Slow on purpose: for the hashing threads."""
    user = accounts.authenticate(site, identifier=identifier, password=password)
    return signing_in.enter(site, user, method="password", user_agent=agent, address=address)


async def finish_by_code(request: Request) -> HTTPResponse:
    """Finish a half sign-in with a code of the authenticator app."""
    return await _finish(request, "totp")


async def finish_by_recovery(request: Request) -> HTTPResponse:
    """Finish a half sign-in with a recovery code, which is used up by it."""
    return await _finish(request, "recovery")


async def _finish(request: Request, kind: str) -> HTTPResponse:
    check_origin(request)
    wanted = json_of(request, SecondCodeIn)
    return answer_to(await finish(request, ticket_of(request, wanted.ticket), wanted.code, kind=kind))


def ticket_of(request: Request, sent: str | None) -> str:
    """The ticket of a half sign-in: from the body, or the browser's cookie. Raises NotSignedIn."""
    ticket = sent or read_cookie(request, HALF)
    if not ticket:
        raise NotSignedIn("There is no sign-in to finish. Sign in.")
    return ticket


async def refresh(request: Request) -> HTTPResponse:
    """Swap the refresh token, from the body or the browser's cookie, for a new pair."""
    check_origin(request)
    wanted = json_of(request, RefreshIn)
    plain = wanted.refresh_token or read_cookie(request, REFRESH)
    if not plain:
        raise NotSignedIn("There is no session to go on with. Sign in.")
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    tokens = await in_thread(request, sessions.refresh, plain, user_agent=agent, address=address)
    return answer_to(tokens)


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


def answer_to(entered: Tokens | Half) -> HTTPResponse:
    """The answer to whoever has come in, or half-way."""
    if isinstance(entered, Half):
        out = SecondFactorOut(entered.ticket, list(entered.methods), entered.expires_in)
        response = json_answer(HalfOut(out), status=202)
        set_half_cookie(response, entered)
    else:
        response = json_answer(tokens_out(entered))
        set_session_cookies(response, entered)
    return response


ROUTES = (
    Route(
        method="POST",
        path="/auth/login",
        handler=login,
        summary="Sign in",
        who=ANYBODY,
        body=LoginIn,
        answers={200: TokensOut, 202: HalfOut},
        noun="auth",
        errors=(NotSignedIn, Forbidden, TooMany),
    ),
    *(
        Route(
            method="POST",
            path=path,
            handler=handler,
            summary=summary,
            who=ANYBODY,
            body=SecondCodeIn,
            answers={200: TokensOut},
            noun="auth",
            errors=(NotSignedIn, BadTicket, Forbidden, TooMany),
        )
        for path, handler, summary in (
            ("/auth/totp", finish_by_code, "Finish a sign-in with a code"),
            ("/auth/recovery", finish_by_recovery, "Finish a sign-in with a recovery code"),
        )
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
