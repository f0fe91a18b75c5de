"""Clients: ready files for other people's screenshot tools, each with a key of its own."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import User
from bulletdrop.core.people import clients
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.clients import ClientFile, Kind
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, NotFound
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, json_of
from bulletdrop.web.disposition import content_disposition
from bulletdrop.web.routes import CALLER, PERSON, Route
from bulletdrop.web.threads import in_thread

_BYTES = "application/octet-stream"


class ClientIn(Struct, forbid_unknown_fields=True):
    """A file to be made: for which client, and the device where it will be used, for its key's name."""

    kind: Annotated[str, msgspec.Meta(max_length=100)]
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ClientOut(Struct):
    """A client that there are files for: what its key may do, and what to do with the file."""

    kind: str
    title: str
    about: str
    filename: str
    scopes: list[str]
    steps: list[str]


class ClientsOut(Struct):
    """All clients that there are files for."""

    items: list[ClientOut]
    next: str | None = None


async def list_clients(request: Request) -> HTTPResponse:
    """The clients that there are files for."""
    await required_caller(request)
    return json_answer(ClientsOut([_out(kind) for kind in clients.KINDS.values()]))


async def get_client(request: Request, kind: str) -> HTTPResponse:
    """A client's file to look at, with words where its key will be: looking makes no key. `sharex.sxcu` and the like
    are `sharex`."""
    await required_caller(request)
    return as_download(await in_thread(request, clients.preview, kind))


async def create_client(request: Request) -> HTTPResponse:
    """Make a client's file with a new key in it, named after client and device, and with the rights that it needs.

    The key is listed with the others and can be revoked there. Only a signed-in person makes one: a key that made
    others would outlive its own end.
    """
    caller = await required_caller(request)
    wanted = json_of(request, ClientIn)
    return as_download(await in_thread(request, make_file, caller, wanted.kind, wanted.name), status=201)


def make_file(site: Site, caller: Caller, kind: str, device: str) -> ClientFile:
    """A file with a new key of the caller's. Raises as `clients.make_client`; Forbidden for a key."""
    caller.needs_person()
    user: User = User.get_by_id(caller.user_id)
    return clients.make_client(site, user, kind, device=device, session_id=caller.session_id)[1]


def as_download(file: ClientFile, *, status: int = 200) -> HTTPResponse:
    """A file as an answer that is saved and never shown: it may hold a key."""
    headers = {"content-disposition": content_disposition(file.filename, attachment=True)}
    return HTTPResponse(file.text.encode(), status=status, content_type=_BYTES, headers=headers)


def _out(kind: Kind) -> ClientOut:
    return ClientOut(kind.name, kind.title, kind.about, kind.filename, list(kind.scopes), list(kind.steps))


ROUTES = (
    Route(
        method="GET",
        path="/clients",
        handler=list_clients,
        summary="List the clients that there are files for",
        who=CALLER,
        answers={200: ClientsOut},
        noun="clients",
    ),
    Route(
        method="GET",
        path="/clients/<kind>",
        handler=get_client,
        summary="Look at a client's file, without a key",
        who=CALLER,
        answers={200: _BYTES},
        noun="clients",
        errors=(NotFound,),
    ),
    Route(
        method="POST",
        path="/clients",
        handler=create_client,
        summary="Make a client's file with a key of its own",
        who=PERSON,
        body=ClientIn,
        answers={201: _BYTES},
        noun="clients",
        errors=(Invalid, Forbidden, NotFound),
    ),
)
