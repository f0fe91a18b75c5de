"""Devices: the tray on the server's own machine needs no pairing."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import devices
from bulletdrop.errors import Forbidden, NotSetUp, TooMany
from bulletdrop.web.api.schemas import DeviceIn, DeviceOut, user_out
from bulletdrop.web.auth import check_origin
from bulletdrop.web.bodies import json_answer, json_of
from bulletdrop.web.guesses import guess
from bulletdrop.web.routes import ANYBODY, Route
from bulletdrop.web.threads import in_thread


async def pair_local(request: Request) -> HTTPResponse:
    """Give a tray that can read `run/server.json` a key of the first admin's."""
    check_origin(request)
    wanted = json_of(request, DeviceIn)
    async with guess(request):
        _, plain, user = await in_thread(
            request, devices.pair_local, secret=wanted.secret, device_name=wanted.device_name
        )
    return json_answer(DeviceOut(plain, user_out(user)), status=201)


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
)
