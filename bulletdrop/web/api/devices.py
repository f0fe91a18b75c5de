"""Devices: the tray on the server's own machine needs no pairing; one elsewhere is paired in the shape of RFC 8628."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.config import Config
from bulletdrop.core.certificate import fingerprint
from bulletdrop.core.models import Pairing
from bulletdrop.core.names.urls import public_base
from bulletdrop.core.people import devices, pairing
from bulletdrop.errors import Denied, ExpiredCode, Forbidden, Invalid, NotFound, NotSetUp, Pending, SlowDown, TooMany
from bulletdrop.web.api.schemas import DeviceIn, DeviceOut, milliseconds, user_out
from bulletdrop.web.auth import address_of, check_origin, required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.context import web_of
from bulletdrop.web.guesses import guess
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.routes import ANYBODY, PERSON, Route
from bulletdrop.web.threads import in_thread

_Scopes = Annotated[list[Annotated[str, msgspec.Meta(max_length=50)]], msgspec.Meta(max_length=20)]
_Code = Annotated[str, msgspec.Meta(max_length=100)]
# How many codes one address may ask for, and how often it may try one, in ten minutes.
MOST_BEGUN, MOST_TRIED, WINDOW = 30, 60, 600.0


class CodeIn(Struct, forbid_unknown_fields=True):
    """A device that asks to be paired. Without scopes it asks for what a tray needs."""

    device_name: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    scopes: _Scopes = []


class CodeOut(Struct):
    """What the device shows and asks with (RFC 8628, section 3.2). The code in the second address is behind the `#`."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DeviceTokenIn(Struct, forbid_unknown_fields=True):
    """The device's question. `grant_type` and `client_id` may come along, as the RFC has them, and say nothing."""

    device_code: Annotated[str, msgspec.Meta(max_length=200)]
    grant_type: Annotated[str, msgspec.Meta(max_length=200)] = ""
    client_id: Annotated[str, msgspec.Meta(max_length=200)] = ""


class LookIn(Struct, forbid_unknown_fields=True):
    """The code that a device shows."""

    user_code: _Code


class AnswerIn(Struct, forbid_unknown_fields=True):
    """Yes or no to a device; without scopes it gets what it asks for, and never more."""

    user_code: _Code
    approve: bool = True
    scopes: _Scopes | None = None


class OfferOut(Struct):
    """A code for a device to use, once, and when it ends.

    `link` is what the QR code holds: this server's address, the code and, where the server speaks https by its own
    certificate, that certificate's fingerprint.
    """

    code: str
    link: str
    expires_at: datetime


class RedeemIn(Struct, forbid_unknown_fields=True):
    """A device that has a code from its owner."""

    code: _Code
    device_name: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class PairingOut(Struct):
    """A device that waits."""

    device_name: str
    scopes: list[str]
    address: str
    user_agent: str
    created_at: datetime
    expires_at: datetime


async def pair_local(request: Request) -> HTTPResponse:
    """Give a tray that can read `run/server.json` a key of the first admin's."""
    check_origin(request)
    wanted = json_of(request, DeviceIn)
    async with guess(request):
        agent = request.headers.get("user-agent", "")
        _, plain, user = await in_thread(
            request, devices.pair_local, secret=wanted.secret, device_name=wanted.device_name, user_agent=agent
        )
    return json_answer(DeviceOut(plain, user_out(user)), status=201)


async def code(request: Request) -> HTTPResponse:
    """Ask to be paired: a code for the device to show, and one to ask with."""
    check_origin(request)
    wanted = json_of(request, CodeIn)
    await limit_by_address(request, "pair", most=MOST_BEGUN, window=WINDOW)
    begun = await in_thread(
        request,
        pairing.begin,
        device_name=wanted.device_name,
        scopes=wanted.scopes,
        address=address_of(request),
        user_agent=request.headers.get("user-agent", ""),
    )
    page = f"{public_base(web_of(request).config)}/pair"
    complete = f"{page}#code={begun.user_code}"
    return json_answer(
        CodeOut(begun.device_code, begun.user_code, page, complete, begun.expires_in, begun.interval), status=201
    )


async def token(request: Request) -> HTTPResponse:
    """Ask whether the owner said yes; the answer to one such question holds the key, once."""
    check_origin(request)
    wanted = json_of(request, DeviceTokenIn)
    _, plain, user = await in_thread(request, pairing.poll, wanted.device_code)
    return json_answer(DeviceOut(plain, user_out(user)))


async def look(request: Request) -> HTTPResponse:
    """The device that shows a code, for its owner to look at before saying yes."""
    wanted = json_of(request, LookIn)
    await limit_by_address(request, "pair-look", most=MOST_TRIED, window=WINDOW)
    return json_answer(pairing_out(await in_thread(request, pairing.look, wanted.user_code)))


async def approve(request: Request) -> HTTPResponse:
    """Say yes or no to a device."""
    caller = await required_caller(request)
    wanted = json_of(request, AnswerIn)
    await limit_by_address(request, "pair-look", most=MOST_TRIED, window=WINDOW)
    if wanted.approve:
        await in_thread(request, pairing.approve, caller, wanted.user_code, scopes=wanted.scopes)
    else:
        await in_thread(request, pairing.deny, caller, wanted.user_code)
    return nothing()


async def offer(request: Request) -> HTTPResponse:
    """Make a code that one device may use within ten minutes; the one before is good no more."""
    caller = await required_caller(request)
    await limit_by_address(request, "pair-offer", most=MOST_BEGUN, window=WINDOW)
    made = await in_thread(request, pairing.offer, caller)
    link = pairing_link(web_of(request).config, made.code)
    return json_answer(OfferOut(made.code, link, milliseconds(made.expires_at)), status=201)


async def redeem(request: Request) -> HTTPResponse:
    """Use a code that the owner made: the answer holds the key, once."""
    check_origin(request)
    wanted = json_of(request, RedeemIn)
    # Right ones count too: nobody has more than a few devices to pair.
    await limit_by_address(request, "pair-redeem", most=MOST_BEGUN, window=WINDOW)
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    _, plain, user = await in_thread(
        request, pairing.redeem, wanted.code, device_name=wanted.device_name, address=address, user_agent=agent
    )
    return json_answer(DeviceOut(plain, user_out(user)), status=201)


def pairing_link(config: Config, code: str) -> str:
    """What a device needs to be paired, in one line for a QR code.

    The fingerprint stands in it for a certificate of our own making alone: another one is renewed, and vouched for.
    """
    values = {"url": public_base(config), "code": code}
    if config.tls == "own":
        values["fp"] = fingerprint(config)
    return f"bulletdrop://pair?{urlencode(values)}"


def pairing_out(waiting: Pairing) -> PairingOut:
    """A waiting device as its owner sees it."""
    return PairingOut(
        waiting.device_name,
        list(waiting.scopes),
        waiting.address,
        waiting.user_agent,
        milliseconds(waiting.created_at),
        milliseconds(waiting.expires_at),
    )


ROUTES = (
    Route(
        method="POST",
        path="/devices/local",
        handler=pair_local,
        summary="Pair a tray on the server's own machine",
        who=ANYBODY,
        body=DeviceIn,
        answers={201: DeviceOut},
        noun="devices",
        errors=(Forbidden, NotSetUp, TooMany),
    ),
    Route(
        method="POST",
        path="/devices/code",
        handler=code,
        summary="Ask to be paired",
        who=ANYBODY,
        body=CodeIn,
        answers={201: CodeOut},
        noun="devices",
        errors=(Invalid, TooMany),
    ),
    Route(
        method="POST",
        path="/devices/token",
        handler=token,
        summary="Ask whether the owner said yes",
        who=ANYBODY,
        body=DeviceTokenIn,
        answers={200: DeviceOut},
        noun="devices",
        errors=(Pending, SlowDown, Denied, ExpiredCode),
    ),
    Route(
        method="POST",
        path="/devices/offer",
        handler=offer,
        summary="Make a code for a device",
        who=PERSON,
        answers={201: OfferOut},
        noun="devices",
        errors=(TooMany,),
    ),
    Route(
        method="POST",
        path="/devices/redeem",
        handler=redeem,
        summary="Use a code that the owner made",
        who=ANYBODY,
        body=RedeemIn,
        answers={201: DeviceOut},
        noun="devices",
        errors=(Denied, ExpiredCode, TooMany),
    ),
    Route(
        method="POST",
        path="/devices/lookup",
        handler=look,
        summary="Look at the device that shows a code",
        who=PERSON,
        body=LookIn,
        answers={200: PairingOut},
        noun="devices",
        errors=(NotFound, TooMany),
    ),
    Route(
        method="POST",
        path="/devices/approve",
        handler=approve,
        summary="Say yes or no to a device",
        who=PERSON,
        body=AnswerIn,
        answers={204: None},
        noun="devices",
        errors=(NotFound, Invalid, TooMany),
    ),
)
