"""Drops: sending them, listing, changing, taking back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import intake, uploads
from bulletdrop.core.drops.intake import Kept
from bulletdrop.core.models import Team
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    BadName,
    BadPicture,
    Conflict,
    DiskFull,
    Forbidden,
    Invalid,
    NameTaken,
    NotFound,
    QuotaFull,
    TooBig,
    TooMany,
    TooSlow,
    Unavailable,
    UnknownType,
)
from bulletdrop.web.api.schemas import UploadOut, UploadPatch, UploadsOut, upload_out
from bulletdrop.web.auth import address_of, check_csrf, required_caller
from bulletdrop.web.bodies import json_answer, json_of
from bulletdrop.web.body import Body
from bulletdrop.web.context import web_of
from bulletdrop.web.receive import announces_digest, received
from bulletdrop.web.room import room_for
from bulletdrop.web.routes import Parameter, Route
from bulletdrop.web.storing import stored
from bulletdrop.web.threads import in_thread
from bulletdrop.web.wishes import idempotency_key, in_team, wishes_of


async def create_uploads(request: Request) -> HTTPResponse:
    """Send one or several files as a form; 201 when they are safe."""
    return await _take_in(request, filename=None)


async def put_upload(request: Request, upload_id: str) -> HTTPResponse:
    """Send one file as the body itself; the last part of the path is its name."""
    return await _take_in(request, filename=_sent_name(upload_id))


def _sent_name(part: str) -> str:
    """The name that a PUT gives its file in the path. Raises BadName for what is no text."""
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise BadName("The file's name is no UTF-8.", field="file") from error


async def _take_in(request: Request, *, filename: str | None) -> HTTPResponse:
    caller = await required_caller(request)
    key = idempotency_key(request)
    with web_of(request).gate.entered(address_of(request)):
        if key is not None and (known := await in_thread(request, _earlier, caller, key)) is not None:
            await _drop_body(request, filename)
            return _created([known], repeated=True)
        async with (
            room_for(request, caller, is_form=filename is None) as room,
            received(request, filename=filename, room=room) as body,
        ):
            if request.ctx.by_cookie and "x-csrf-token" not in request.headers:
                check_csrf(request, caller, body.fields.get("csrf", [""])[-1])
            wishes, team = await in_team(request, caller, wishes_of(request, caller, body.fields))
            wishes = await room.settle(caller, body.files, wishes)
            kept = await stored(request, caller, body.take(), wishes)
    return _created([await _answer(request, caller, one, team) for one in kept])


async def _answer(request: Request, caller: Caller, kept: Kept, team: Team | None) -> UploadOut:
    if not kept.made:
        # Another request's drop: where it lies now, and whether the caller may still see it there, is to be asked.
        return await in_thread(request, _do, uploads.get_upload, caller, kept.upload.id, ())
    kept.upload.team = team
    return upload_out(web_of(request).site, kept.upload, caller, made=True)


def _earlier(site: Site, caller: Caller, key: str) -> UploadOut | None:
    found = intake.earlier(site, caller, key)
    return None if found is None else _do(site, uploads.get_upload, caller, found.id, ())


async def _drop_body(request: Request, filename: str | None) -> None:
    """The answer is known: read the body away, or, while the client still waits to be asked for it, do not ask.

    Other bytes than the first request's are accepted, for the key alone says what is a repeat; but a digest that the
    client announces is held against the bytes that came with it.
    """
    stream: Any = request.stream
    if stream.expecting_continue:
        stream.expecting_continue = False
        stream.request_body = None
        stream.keep_alive = False
        return
    if announces_digest(request):
        async with received(request, filename=filename, hash_only=True):
            return
    limit = web_of(request).config.max_file_size * 2
    await Body(request, limit=limit).drain()


def _created(made: Sequence[UploadOut], *, repeated: bool = False) -> HTTPResponse:
    response = json_answer(made[0] if len(made) == 1 else UploadsOut(list(made)), status=201)
    response.headers["location"] = made[0].url
    if repeated:
        response.headers["idempotency-replayed"] = "true"
    return response


async def list_uploads(request: Request) -> HTTPResponse:
    """Your drops, or with `team` those of a team that you are in, newest first; or those in the trash."""
    caller = await required_caller(request)
    trash = request.args.get("trash", "false").lower() in ("true", "1")
    team, cursor = request.args.get("team") or None, request.args.get("cursor") or None
    return json_answer(await in_thread(request, _list, caller, team, trash, cursor, _limit(request.args.get("limit"))))


def _list(site: Site, caller: Caller, team: str | None, trash: bool, cursor: str | None, limit: int) -> UploadsOut:
    page = uploads.list_uploads(site, caller, team=team, trash=trash, cursor=cursor, limit=limit)
    return UploadsOut([upload_out(site, upload, caller) for upload in page.items], page.next)


async def get_upload(request: Request, upload_id: str) -> HTTPResponse:
    """One of your drops."""
    return await _one(request, uploads.get_upload, upload_id)


async def change_upload(request: Request, upload_id: str) -> HTTPResponse:
    """Change a drop; fields that are left out stay as they are."""
    wanted = json_of(request, UploadPatch)
    changes = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
    return await _one(request, uploads.change_upload, upload_id, changes)


async def trash_upload(request: Request, upload_id: str) -> HTTPResponse:
    """Put a drop into the trash: its links stop at once, and it can be restored for a while."""
    return await _one(request, uploads.trash_upload, upload_id)


async def restore_upload(request: Request, upload_id: str) -> HTTPResponse:
    """Take a drop out of the trash."""
    return await _one(request, uploads.restore_upload, upload_id)


async def _one(request: Request, use_case: Any, upload_id: str, *args: Any) -> HTTPResponse:
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _do, use_case, caller, upload_id, args))


def _do(site: Site, use_case: Any, caller: Caller, upload_id: str, args: tuple[Any, ...]) -> UploadOut:
    return upload_out(site, use_case(site, caller, upload_id, *args), caller)


def _limit(text: str | None) -> int:
    if text is None:
        return 60
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Invalid(f"limit is 1 to {uploads.MOST_PER_PAGE}.", field="limit")
    return int(text)


_TEXT: dict[str, Any] = {"type": "string"}
_FORM = {
    "multipart/form-data": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"description": "One file, or several parts of this name.", "type": "string", "format": "binary"},
            "custom_name": {"type": "string", "maxLength": 100},
            "expires_at": {"type": "string", "description": "RFC 3339, a date, or a span such as 12h or 7d."},
            "is_public": {"type": "boolean", "default": True},
            "tags": {"type": "string", "description": "Separated by commas; may come several times."},
            "team": {"type": "string", "description": "The slug or id of the team whose gallery it is for."},
        },
    }
}
_HEADERS = (
    Parameter(
        name="Idempotency-Key",
        where="header",
        about="A repeat with the same key is answered with the first result, whatever bytes it carries.",
        schema={"type": "string", "minLength": 1, "maxLength": 200},
    ),
    Parameter(
        name="X-SHA256",
        where="header",
        about="The file's SHA-256 in hex; other bytes are refused.",
        schema={"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
    ),
    Parameter(
        name="Content-Digest",
        where="header",
        about="RFC 9530: the SHA-256 of the body, or, for a form with one file, of the file.",
        schema=_TEXT,
    ),
    Parameter(
        name="X-BulletDrop-Source",
        where="header",
        about="What sent it.",
        schema={"type": "string", "enum": ["web", "tray", "cli", "api"]},
    ),
)
_TEAM = Parameter(name="team", about="The slug or id of a team that you are in: for its gallery.", schema=_TEXT)
_WISHES = (
    Parameter(
        name="custom_name", about="A name of your own for the link.", schema={"type": "string", "maxLength": 100}
    ),
    Parameter(name="expires_at", about="RFC 3339, a date, or a span such as 12h or 7d.", schema=_TEXT),
    Parameter(name="is_public", about="Whether everybody with the link may see it.", schema={"type": "boolean"}),
    Parameter(name="tags", about="Separated by commas.", schema=_TEXT),
    _TEAM,
)
_LIST = (
    _TEAM,
    Parameter(name="trash", about="Those in the trash instead.", schema={"type": "boolean", "default": False}),
    Parameter(name="cursor", about="`next` of the part before.", schema=_TEXT),
    Parameter(
        name="limit",
        about="How many at most.",
        schema={"type": "integer", "minimum": 1, "maximum": uploads.MOST_PER_PAGE, "default": 60},
    ),
)
_REFUSALS = (
    Invalid,
    Forbidden,
    NotFound,
    NameTaken,
    TooBig,
    TooSlow,
    UnknownType,
    BadPicture,
    TooMany,
    Unavailable,
    QuotaFull,
    DiskFull,
)

ROUTES = (
    Route(
        method="POST",
        path="/uploads",
        handler=create_uploads,
        summary="Send files as a form",
        who="uploads:write",
        media=_FORM,
        parameters=(*_HEADERS, _TEAM),
        answers={201: UploadOut | UploadsOut},
        noun="uploads",
        errors=_REFUSALS,
        stream=True,
        csrf_in_body=True,
    ),
    Route(
        method="PUT",
        path="/uploads/<upload_id>",
        handler=put_upload,
        summary="Send one file as the body; the last part of the path is its name",
        who="uploads:write",
        media={"application/octet-stream": {"type": "string", "format": "binary"}},
        parameters=_HEADERS + _WISHES,
        answers={201: UploadOut},
        noun="uploads",
        errors=_REFUSALS,
        stream=True,
    ),
    Route(
        method="GET",
        path="/uploads",
        handler=list_uploads,
        summary="List your drops",
        who="uploads:read",
        parameters=_LIST,
        answers={200: UploadsOut},
        noun="uploads",
        errors=(Invalid, Forbidden, NotFound, Conflict),
    ),
    Route(
        method="GET",
        path="/uploads/<upload_id>",
        handler=get_upload,
        summary="One of your drops",
        who="uploads:read",
        answers={200: UploadOut},
        noun="uploads",
        errors=(NotFound,),
    ),
    Route(
        method="PATCH",
        path="/uploads/<upload_id>",
        handler=change_upload,
        summary="Change a drop",
        who="uploads:write",
        body=UploadPatch,
        answers={200: UploadOut},
        noun="uploads",
        errors=(Invalid, Forbidden, NotFound, NameTaken, QuotaFull, TooMany),
    ),
    Route(
        method="DELETE",
        path="/uploads/<upload_id>",
        handler=trash_upload,
        summary="Put a drop into the trash",
        who="uploads:delete",
        answers={200: UploadOut},
        noun="uploads",
        errors=(Forbidden, NotFound),
    ),
    Route(
        method="POST",
        path="/uploads/<upload_id>/restore",
        handler=restore_upload,
        summary="Take a drop out of the trash",
        who="uploads:delete",
        answers={200: UploadOut},
        noun="uploads",
        errors=(Forbidden, NotFound),
    ),
)
