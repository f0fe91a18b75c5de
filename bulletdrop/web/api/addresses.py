"""The email address of an account: a change that the new address confirms and the old one can stop."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import addresses
from bulletdrop.errors import BadTicket, Forbidden, Invalid, NameTaken, TooMany
from bulletdrop.web.api.proofs import prove
from bulletdrop.web.api.registration import MailedTokenIn
from bulletdrop.web.auth import address_of, check_origin, required_caller
from bulletdrop.web.bodies import json_of, nothing
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.routes import ANYBODY, PERSON, Route
from bulletdrop.web.threads import in_thread

_MOST, _HOUR = 30, 3600.0


class EmailIn(Struct, forbid_unknown_fields=True):
    """A new address, and the proof that it is really you."""

    email: Annotated[str, msgspec.Meta(max_length=300)]
    password: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=100)] | None = None


async def request_change(request: Request) -> HTTPResponse:
    """Begin a change of your address. Both addresses get a mail; the new one has to confirm."""
    wanted = json_of(request, EmailIn)
    await begin(request, wanted)
    return HTTPResponse(status=202)


async def begin(request: Request, wanted: EmailIn) -> None:
    """Check the proof and begin the change. For the page and the API."""
    caller = await required_caller(request)
    await limit_by_address(request, "email", most=_MOST, window=_HOUR)
    user = await prove(request, caller, wanted.password, wanted.code)
    address, session_id = address_of(request), caller.session_id
    await in_thread(request, addresses.request_change, user.id, wanted.email, address=address, session_id=session_id)


async def confirm(request: Request) -> HTTPResponse:
    """Confirm a new address, by the link that was mailed to it."""
    check_origin(request)
    wanted = json_of(request, MailedTokenIn)
    await limit_by_address(request, "email", most=_MOST, window=_HOUR)
    await in_thread(request, addresses.confirm_change, wanted.token, address=address_of(request))
    return nothing()


async def undo(request: Request) -> HTTPResponse:
    """Stop a change of the address or take it back, by the link mailed to the old one. Ends sessions and keys."""
    check_origin(request)
    wanted = json_of(request, MailedTokenIn)
    await limit_by_address(request, "email", most=_MOST, window=_HOUR)
    await in_thread(request, addresses.undo_change, wanted.token, address=address_of(request))
    return nothing()


ROUTES = (
    Route(
        method="POST",
        path="/account/email",
        handler=request_change,
        summary="Change your email address",
        who=PERSON,
        body=EmailIn,
        answers={202: None},
        noun="account",
        errors=(Invalid, Forbidden, TooMany),
    ),
    Route(
        method="POST",
        path="/auth/email/confirm",
        handler=confirm,
        summary="Confirm a new email address",
        who=ANYBODY,
        body=MailedTokenIn,
        answers={204: None},
        noun="account",
        errors=(BadTicket, NameTaken, TooMany),
    ),
    Route(
        method="POST",
        path="/auth/email/undo",
        handler=undo,
        summary="Keep the old email address",
        who=ANYBODY,
        body=MailedTokenIn,
        answers={204: None},
        noun="account",
        errors=(BadTicket, NameTaken, TooMany),
    ),
)
