"""The codes of an authenticator app, and the recovery codes that stand in for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Totp, User
from bulletdrop.core.people import recovery, second_factor, totp
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid, TooMany
from bulletdrop.web.api.proofs import OwnerProofIn, prove
from bulletdrop.web.auth import address_of, required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.routes import PERSON, Route
from bulletdrop.web.threads import in_thread


class TotpOut(Struct):
    """Whether codes are asked for at sign-in, since when, and how many recovery codes are left."""

    is_on: bool
    since: datetime | None
    recovery_codes_left: int


class TotpSetupOut(Struct):
    """What an app needs: the secret in base32, and the same as an `otpauth:` address for a QR code."""

    secret: str
    uri: str


class TotpConfirmIn(Struct, forbid_unknown_fields=True):
    """The first code."""

    code: Annotated[str, msgspec.Meta(max_length=100)]


class RecoveryCodesOut(Struct):
    """Recovery codes, shown this once. Empty when there were some already."""

    recovery_codes: list[str]


async def show(request: Request) -> HTTPResponse:
    """Whether codes from an app are asked for."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _state, caller.user_id))


def _state(site: Site, user_id: str) -> TotpOut:
    row = Totp.get_or_none((Totp.user == user_id) & Totp.confirmed_at.is_null(False))
    return TotpOut(row is not None, row.confirmed_at if row else None, recovery.left(site, user_id))


async def begin(request: Request) -> HTTPResponse:
    """Make a secret for an app. It counts once a first code has confirmed it."""
    caller = await required_caller(request)
    wanted = json_of(request, OwnerProofIn)
    user = await prove(request, caller, wanted.password, wanted.code)
    made = await in_thread(request, totp.begin, user)
    return json_answer(TotpSetupOut(made.secret, made.uri), status=201)


async def confirm(request: Request) -> HTTPResponse:
    """Switch the codes on with a first one. The answer holds recovery codes, and nothing ever does again."""
    caller = await required_caller(request)
    wanted = json_of(request, TotpConfirmIn)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    codes = await in_thread(
        request, second_factor.turn_on, caller.user_id, wanted.code, address=address, user_agent=agent
    )
    return json_answer(RecoveryCodesOut(codes))


async def turn_off(request: Request) -> HTTPResponse:
    """Switch the codes off."""
    caller = await required_caller(request)
    wanted = json_of(request, OwnerProofIn)
    user = await prove(request, caller, wanted.password, wanted.code)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    await in_thread(request, second_factor.turn_off, user, actor=user.id, address=address, user_agent=agent)
    return nothing()


async def new_codes(request: Request) -> HTTPResponse:
    """Make new recovery codes; the old ones are worthless from now on."""
    caller = await required_caller(request)
    wanted = json_of(request, OwnerProofIn)
    user: User = await prove(request, caller, wanted.password, wanted.code)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    codes = await in_thread(request, second_factor.new_codes, user, address=address, user_agent=agent)
    return json_answer(RecoveryCodesOut(codes), status=201)


ROUTES = (
    Route(
        method="GET",
        path="/account/totp",
        handler=show,
        summary="Whether codes from an app are asked for",
        who=PERSON,
        answers={200: TotpOut},
        noun="totp",
    ),
    Route(
        method="POST",
        path="/account/totp",
        handler=begin,
        summary="Begin to set up an app",
        who=PERSON,
        body=OwnerProofIn,
        answers={201: TotpSetupOut},
        noun="totp",
        errors=(Forbidden, Conflict, TooMany),
    ),
    Route(
        method="POST",
        path="/account/totp/confirm",
        handler=confirm,
        summary="Switch codes on with a first one",
        who=PERSON,
        body=TotpConfirmIn,
        answers={200: RecoveryCodesOut},
        noun="totp",
        errors=(Invalid, Conflict),
    ),
    Route(
        method="DELETE",
        path="/account/totp",
        handler=turn_off,
        summary="Switch codes off",
        who=PERSON,
        body=OwnerProofIn,
        answers={204: None},
        noun="totp",
        errors=(Forbidden, TooMany),
    ),
    Route(
        method="POST",
        path="/account/recovery-codes",
        handler=new_codes,
        summary="Make new recovery codes",
        who=PERSON,
        body=OwnerProofIn,
        answers={201: RecoveryCodesOut},
        noun="totp",
        errors=(Forbidden, Conflict, TooMany),
    ),
)
