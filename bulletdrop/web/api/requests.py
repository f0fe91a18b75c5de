"""Requests for files: links at which guests add files to an album of yours."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import UploadRequest
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import requests
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, BulletDropError, Conflict, Forbidden, Invalid, NotFound
from bulletdrop.web.api.albums import terms_of
from bulletdrop.web.api.queries import PAGES, cursor_of, limit_of
from bulletdrop.web.api.schemas import Moment, milliseconds, milliseconds_or_none
from bulletdrop.web.auth import Handler, required_caller
from bulletdrop.web.bodies import given, json_answer, json_of, nothing
from bulletdrop.web.routes import Parameter, Route
from bulletdrop.web.threads import in_thread

_TERMS = ("password", "expires_at")
_NUMBERS = ("max_files", "max_bytes", "max_file_size")
_Line = Annotated[str, msgspec.Meta(max_length=1000)]
_Text = Annotated[str, msgspec.Meta(max_length=10_000)]
_Password = Annotated[str, msgspec.Meta(max_length=4096)]
_Id = Annotated[str, msgspec.Meta(max_length=50)]


class UploadRequestIn(Struct, forbid_unknown_fields=True):
    """A new request: into which album, what the guest reads, and how much may come. Sizes in bytes; null: no limit."""

    album_id: _Id
    title: _Line
    message: _Text = ""
    max_files: int | None = None
    max_bytes: int | None = None
    max_file_size: int | None = None
    password: _Password | None = None
    expires_at: Moment | None = None


class UploadRequestPatch(Struct, forbid_unknown_fields=True):
    """Changes to a request: fields that are left out stay as they are. `revoked` closes it and opens it again."""

    title: _Line | UnsetType = UNSET
    message: _Text | UnsetType = UNSET
    max_files: int | UnsetType | None = UNSET
    max_bytes: int | UnsetType | None = UNSET
    max_file_size: int | UnsetType | None = UNSET
    password: _Password | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    revoked: bool | UnsetType = UNSET


class UploadRequestOut(Struct):
    """A request as its owner sees it: `url` is the link for guests, `files` and `bytes` what has come by it."""

    id: str
    url: str
    album_id: str
    album_title: str
    title: str
    message: str
    has_password: bool
    max_files: int | None
    max_bytes: int | None
    max_file_size: int | None
    files: int
    bytes: int
    is_open: bool
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime


class UploadRequestsOut(Struct):
    """A part of a list of requests; `next` is the cursor of the following part."""

    items: list[UploadRequestOut]
    next: str | None = None


async def list_requests(request: Request) -> HTTPResponse:
    """Your requests for files, newest first; with `album` those into one album."""
    caller = await required_caller(request)
    album, cursor = request.args.get("album") or None, cursor_of(request)
    return json_answer(await in_thread(request, _list, caller, album, cursor, limit_of(request)))


def _list(site: Site, caller: Caller, album: str | None, cursor: str | None, limit: int) -> UploadRequestsOut:
    page = requests.list_requests(site, caller, album_id=album, cursor=cursor, limit=limit)
    return UploadRequestsOut([request_out(site, one) for one in page.items], page.next)


async def create_request(request: Request) -> HTTPResponse:
    """Ask guests for files."""
    caller = await required_caller(request)
    wanted = msgspec.structs.asdict(json_of(request, UploadRequestIn))
    terms = await terms_of(request, {name: wanted.pop(name) for name in _TERMS})
    numbers = {name: wanted.pop(name) for name in _NUMBERS}
    made = await in_thread(request, _create, caller, wanted, numbers, terms)
    response = json_answer(made, status=201)
    response.headers["location"] = made.url
    return response


def _create(
    site: Site, caller: Caller, wanted: dict[str, Any], numbers: dict[str, int | None], terms: dict[str, Any]
) -> UploadRequestOut:
    return request_out(site, requests.create_request(site, caller, **wanted, numbers=numbers, terms=terms))


async def get_request(request: Request, request_id: str) -> HTTPResponse:
    """One of your requests for files."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _get, caller, request_id))


def _get(site: Site, caller: Caller, request_id: str) -> UploadRequestOut:
    return request_out(site, requests.get_request(site, caller, request_id))


async def change_request(request: Request, request_id: str) -> HTTPResponse:
    """Change a request for files, close it or open it again."""
    caller = await required_caller(request)
    changes = given(json_of(request, UploadRequestPatch))
    terms = await terms_of(request, {name: changes.pop(name) for name in _TERMS if name in changes})
    return json_answer(await in_thread(request, _change, caller, request_id, changes, terms))


def _change(
    site: Site, caller: Caller, request_id: str, changes: dict[str, Any], terms: dict[str, Any]
) -> UploadRequestOut:
    return request_out(site, requests.change_request(site, caller, request_id, changes, terms=terms))


async def delete_request(request: Request, request_id: str) -> HTTPResponse:
    """Delete a request for files: its link stops at once. What came by it stays."""
    caller = await required_caller(request)
    await in_thread(request, requests.delete_request, caller, request_id)
    return nothing()


def request_out(site: Site, wanted: UploadRequest) -> UploadRequestOut:
    """A request of the caller's own."""
    return UploadRequestOut(
        id=wanted.id,
        url=urls.request_url(site, wanted),
        album_id=wanted.album_id,
        album_title=wanted.album.title,
        title=wanted.title,
        message=wanted.message,
        has_password=wanted.password_hash is not None,
        max_files=wanted.max_files,
        max_bytes=wanted.max_bytes,
        max_file_size=wanted.max_file_size,
        files=wanted.files,
        bytes=wanted.bytes,
        is_open=requests.is_open(site, wanted),
        last_used_at=milliseconds_or_none(wanted.last_used_at),
        expires_at=milliseconds_or_none(wanted.expires_at),
        revoked_at=milliseconds_or_none(wanted.revoked_at),
        created_at=milliseconds(wanted.created_at),
    )


_TEXT: dict[str, Any] = {"type": "string"}
_LIST = (
    Parameter(name="album", about="The id of an album of yours.", schema=_TEXT),
    *PAGES,
)
_ALL, _ONE = "/upload-requests", "/upload-requests/<request_id>"


def _row(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *errors: type[BulletDropError],
    answers: dict[int, Any],
    body: Any = None,
    parameters: tuple[Parameter, ...] = (),
) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        who="links:read" if method == "GET" else "links:write",
        body=body,
        answers=answers,
        noun="upload-requests",
        parameters=parameters,
        errors=errors,
    )


_OUT = {200: UploadRequestOut}
ROUTES = (
    _row(
        "GET", _ALL, list_requests, "Your requests for files", Invalid, NotFound,
        answers={200: UploadRequestsOut}, parameters=_LIST,
    ),
    _row(
        "POST", _ALL, create_request, "Ask guests for files", Invalid, BadName, Forbidden, NotFound, Conflict,
        answers={201: UploadRequestOut}, body=UploadRequestIn,
    ),
    _row("GET", _ONE, get_request, "One of your requests for files", NotFound, answers=_OUT),
    _row(
        "PATCH", _ONE, change_request, "Change a request for files", Invalid, BadName, NotFound,
        answers=_OUT, body=UploadRequestPatch,
    ),
    _row("DELETE", _ONE, delete_request, "Delete a request for files", NotFound, answers={204: None}),
)  # fmt: skip
