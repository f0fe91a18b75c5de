"""Registration: making an account, confirming an address, a forgotten password."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import invites, registration
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, Blocked, Forbidden, Invalid, NameTaken, TooMany
from bulletdrop.log import get_logger
from bulletdrop.web.auth import address_of, check_origin
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.context import web_of
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.routes import ANYBODY, Route
from bulletdrop.web.threads import in_hash_thread, in_thread

log = get_logger("registration")

# In an hour and from one address: a household registers some people, a script many.
MOST_REGISTERED, MOST_ASKED, HOUR = 20, 20, 3600.0
_Name = Annotated[str, msgspec.Meta(max_length=300)]
_Password = Annotated[str, msgspec.Meta(max_length=4096)]
_Token = Annotated[str, msgspec.Meta(max_length=200)]


class RegistrationOut(Struct):
    """Who may make an account now: nobody, who has an invite, or whoever confirms an address."""

    mode: Literal["closed", "invite", "open"]


class RegisterIn(Struct, forbid_unknown_fields=True):
    """A new account."""

    username: _Name
    email: _Name
    password: _Password
    invite: _Name = ""


class RegisteredOut(Struct):
    """What comes next: signing in, or first the link in the mail. The same whether the address was known or not."""

    must_verify: bool


class MailedTokenIn(Struct, forbid_unknown_fields=True):
    """What stands behind the `#` of a mailed link."""

    token: _Token


class IdentifierIn(Struct, forbid_unknown_fields=True):
    """A username or an email address."""

    identifier: Annotated[str, msgspec.Meta(max_length=1000)]


class ResetIn(Struct, forbid_unknown_fields=True):
    """A new password, by a mailed link."""

    token: _Token
    password: _Password


class InviteCodeIn(Struct, forbid_unknown_fields=True):
    """An invite's code."""

    code: _Name


class InviteForOut(Struct):
    """What an invite is good for. `email` is the one address it is for, or empty."""

    email: str


async def mode(request: Request) -> HTTPResponse:
    """Who may make an account here now."""
    return json_answer(RegistrationOut(web_of(request).config.registration))  # type: ignore[arg-type]


async def register(request: Request) -> HTTPResponse:
    """Make an account. 201; whether it can sign in at once says `must_verify`."""
    check_origin(request)
    wanted = json_of(request, RegisterIn)
    return json_answer(RegisteredOut(await make_account(request, wanted)), status=201)


async def make_account(request: Request, wanted: RegisterIn) -> bool:
    """Register somebody. Returns whether the address has to be confirmed first. For the page and the API."""
    await limit_by_address(request, "register", most=MOST_REGISTERED, window=HOUR)
    made = await in_hash_thread(
        request,
        registration.register,
        username=wanted.username,
        email=wanted.email,
        password=wanted.password,
        invite_code=wanted.invite,
        address=address_of(request),
        user_agent=request.headers.get("user-agent", ""),
    )
    return made.must_verify


async def verify(request: Request) -> HTTPResponse:
    """Confirm an email address."""
    check_origin(request)
    wanted = json_of(request, MailedTokenIn)
    await limit_by_address(request, "verify", most=MOST_ASKED * 5, window=HOUR)
    await in_thread(request, registration.verify_email, wanted.token)
    return nothing()


async def resend(request: Request) -> HTTPResponse:
    """Send the confirmation again. Always 202: it says nothing of whether there is such an account."""
    check_origin(request)
    wanted = json_of(request, IdentifierIn)
    await ask_again(request, wanted.identifier)
    return HTTPResponse(status=202)


async def ask_again(request: Request, identifier: str) -> None:
    """Send a confirmation again, after the answer. For the page and the API."""
    await limit_by_address(request, "resend", most=MOST_ASKED, window=HOUR)
    _afterwards(request, registration.resend, identifier)


async def forgot(request: Request) -> HTTPResponse:
    """Mail a link for a new password. Always 202: it says nothing of whether there is such an account."""
    check_origin(request)
    wanted = json_of(request, IdentifierIn)
    await send_link(request, wanted.identifier)
    return HTTPResponse(status=202)


async def send_link(request: Request, identifier: str) -> None:
    """Mail a link for a new password, after the answer. For the page and the API."""
    await limit_by_address(request, "forgot", most=MOST_ASKED, window=HOUR)
    _afterwards(request, registration.forgot, identifier, address=address_of(request))


async def reset(request: Request) -> HTTPResponse:
    """Set a new password by a mailed link. All sessions, keys and devices end; nobody is signed in by it."""
    check_origin(request)
    wanted = json_of(request, ResetIn)
    await set_password(request, wanted.token, wanted.password)
    return nothing()


async def set_password(request: Request, token: str, password: str) -> None:
    """Set a new password by a mailed link. For the page and the API."""
    await limit_by_address(request, "reset", most=MOST_ASKED * 5, window=HOUR)
    await in_hash_thread(request, registration.reset, token, password, address=address_of(request))


async def look_at_invite(request: Request) -> HTTPResponse:
    """Whether an invite still counts, and for which address."""
    check_origin(request)
    wanted = json_of(request, InviteCodeIn)
    await limit_by_address(request, "invite", most=MOST_ASKED * 5, window=HOUR)
    return json_answer(InviteForOut(await in_thread(request, _email_of, wanted.code)))


def _email_of(site: Site, code: str) -> str:
    return invites.look(site, code).email


def _afterwards(request: Request, use_case: Callable[..., None], *args: object, **kwargs: object) -> None:
    """Do it once the answer is on its way: how long it takes would tell whether there is such an account."""
    background = web_of(request).background
    task = asyncio.ensure_future(in_thread(request, use_case, *args, **kwargs))
    background.add(task)
    task.add_done_callback(partial(_ended, background))


def _ended(background: set[asyncio.Future[None]], task: asyncio.Future[None]) -> None:
    background.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("work after an answer failed", exc_info=error)


ROUTES = (
    Route(
        method="GET",
        path="/auth/registration",
        handler=mode,
        summary="Who may make an account",
        who=ANYBODY,
        answers={200: RegistrationOut},
        noun="auth",
    ),
    Route(
        method="POST",
        path="/auth/register",
        handler=register,
        summary="Make an account",
        who=ANYBODY,
        body=RegisterIn,
        answers={201: RegisteredOut},
        noun="auth",
        errors=(Invalid, Forbidden, NameTaken, TooMany),
    ),
    Route(
        method="POST",
        path="/auth/verify-email",
        handler=verify,
        summary="Confirm an email address",
        who=ANYBODY,
        body=MailedTokenIn,
        answers={204: None},
        noun="auth",
        errors=(BadTicket, TooMany),
    ),
    Route(
        method="POST",
        path="/auth/resend",
        handler=resend,
        summary="Send the confirmation again",
        who=ANYBODY,
        body=IdentifierIn,
        answers={202: None},
        noun="auth",
        errors=(TooMany,),
    ),
    Route(
        method="POST",
        path="/auth/forgot",
        handler=forgot,
        summary="Mail a link for a new password",
        who=ANYBODY,
        body=IdentifierIn,
        answers={202: None},
        noun="auth",
        errors=(TooMany,),
    ),
    Route(
        method="POST",
        path="/auth/reset",
        handler=reset,
        summary="Set a new password by a mailed link",
        who=ANYBODY,
        body=ResetIn,
        answers={204: None},
        noun="auth",
        errors=(BadTicket, Invalid, Blocked, TooMany),
    ),
    Route(
        method="POST",
        path="/auth/invite",
        handler=look_at_invite,
        summary="Whether an invite still counts",
        who=ANYBODY,
        body=InviteCodeIn,
        answers={200: InviteForOut},
        noun="auth",
        errors=(Forbidden, TooMany),
    ),
)
