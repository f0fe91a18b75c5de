"""Reservations: links that a device gives away before their bytes have left."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import reservations
from bulletdrop.core.drops.reservations import LONGEST_CODE, LONGEST_MESSAGE, LONGEST_STORE, MOST_AT_ONCE
from bulletdrop.core.models import Reservation
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, NotFound, TooMany
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.context import web_of
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class ReservationsIn(Struct, forbid_unknown_fields=True):
    """How many links to hand out; fewer come when the device holds nearly as many as it may.

    `store` is a mark of where the device keeps them, of its own making: each store has room for itself, so that one
    that was lost takes none from the next.
    """

    count: Annotated[int, msgspec.Meta(ge=1, le=MOST_AT_ONCE)] = 1
    store: Annotated[str, msgspec.Meta(max_length=LONGEST_STORE)] = ""


class ReservationEnd(Struct, forbid_unknown_fields=True):
    """Why nothing will come: a word, and a sentence for the owner. Strangers are told neither."""

    code: Annotated[str, msgspec.Meta(max_length=LONGEST_CODE)] = ""
    message: Annotated[str, msgspec.Meta(max_length=LONGEST_MESSAGE)] = ""


class ReservationOut(Struct):
    """A link to be filled. `url` is its page; `direct_base` with a dot and the file's ending is its bytes.

    `link_ending` says which of the two its owner wants to be copied: true for the bytes.
    """

    slug: str
    url: str
    direct_base: str
    link_ending: bool
    expires_at: datetime
    store: str


class ReservationsOut(Struct):
    """Links that the device holds."""

    items: list[ReservationOut]


async def create_reservations(request: Request) -> HTTPResponse:
    """Hand out links whose bytes come later, for this key or session alone."""
    caller = await required_caller(request)
    wanted = json_of(request, ReservationsIn)
    return json_answer(await in_thread(request, _reserve, caller, wanted), status=201)


async def list_reservations(request: Request) -> HTTPResponse:
    """The links that this key or session holds and has not filled yet."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _list, caller))


async def end_reservation(request: Request, slug: str) -> HTTPResponse:
    """Say that nothing will come: the link's page says so too. As often as you like."""
    caller = await required_caller(request)
    why = json_of(request, ReservationEnd)
    await in_thread(request, reservations.end, caller, slug, code=why.code, message=why.message)
    web_of(request).arrivals.tell(slug)
    return nothing()


def _reserve(site: Site, caller: Caller, wanted: ReservationsIn) -> ReservationsOut:
    return _out(site, reservations.reserve(site, caller, wanted.count, store=wanted.store))


def _list(site: Site, caller: Caller) -> ReservationsOut:
    return _out(site, reservations.list_reservations(site, caller))


def _out(site: Site, rows: list[Reservation]) -> ReservationsOut:
    found = []
    for row in rows:
        url = reservations.page_url(site, row)
        # Not at the files' own address: whether the drop will be everybody's, nobody knows yet. This one leads there.
        ends = milliseconds(row.expires_at)
        found.append(ReservationOut(row.slug, url, url, row.owner.link_ending, ends, row.store))
    return ReservationsOut(found)


ROUTES = (
    Route(
        method="POST",
        path="/reservations",
        handler=create_reservations,
        summary="Get links before their bytes",
        who="uploads:write",
        body=ReservationsIn,
        answers={201: ReservationsOut},
        noun="reservations",
        errors=(Invalid, Forbidden, NotFound, TooMany),
    ),
    Route(
        method="GET",
        path="/reservations",
        handler=list_reservations,
        summary="Links that are not filled yet",
        who="uploads:write",
        answers={200: ReservationsOut},
        noun="reservations",
        errors=(Forbidden,),
    ),
    Route(
        method="DELETE",
        path="/reservations/<slug>",
        handler=end_reservation,
        summary="Say that nothing will come",
        who="uploads:write",
        body=ReservationEnd,
        answers={204: None},
        noun="reservations",
        errors=(Invalid, Forbidden, NotFound),
    ),
)
