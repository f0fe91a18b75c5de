"""Drops: sending them, listing, changing, taking back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import intake, reservations, uploads
from bulletdrop.core.drops.intake import Kept
from bulletdrop.core.models import Team
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    BadName,
    BadPicture,
    BulletDropError,
    Conflict,
    DiskFull,
    EmptyFile,
    Forbidden,
    Invalid,
    NameTaken,
    NotFound,
    NotReserved,
    QuotaFull,
    TooBig,
    TooMany,
    TooSlow,
    Unavailable,
    UnknownType,
)
from bulletdrop.web.api.schemas import UploadOut, UploadPatch, UploadsOut, upload_out
from bulletdrop.web.api.upload_parameters import FORM, HEADERS, LIST, PASSWORD, TEAM, WISHES
from bulletdrop.web.auth import address_of, check_csrf, required_caller
from bulletdrop.web.bodies import json_answer, json_of
from bulletdrop.web.body import Body
from bulletdrop.web.context import web_of
from bulletdrop.web.receive import announces_digest, received
from bulletdrop.web.room import room_for
from bulletdrop.web.routes import Route
from bulletdrop.web.storing import stored
from bulletdrop.web.threads import in_thread
from bulletdrop.web.wishes import (
    hashed_terms,
    idempotency_key,
    in_team,
    moment_of,
    wishes_of,
    with_terms,
)


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
        if request.args.get("slug"):
            # Before the bytes, where it can be known.
            try:
                await in_thread(request, reservations.check_held, caller, request.args.get("slug"))
            except NotReserved:
                # The same request came twice, and the other one has filled it since we asked for its key.
                if key is None or (known := await in_thread(request, _earlier, caller, key)) is None:
                    raise
                await _drop_body(request, filename)
                return _created([known], repeated=True)
        slug = _Slug(request, caller)
        async with (
            slug,
            room_for(request, caller, is_form=filename is None) as room,
            received(request, filename=filename, room=room) as body,
        ):
            if request.ctx.by_cookie and "x-csrf-token" not in request.headers:
                check_csrf(request, caller, body.fields.get("csrf", [""])[-1])
            wishes, team = await in_team(request, caller, wishes_of(request, caller, body.fields))
            slug.name = wishes.slug
            wishes = await with_terms(request, wishes, body.fields)
            wishes = await room.settle(caller, body.files, wishes)
            kept = await stored(request, caller, body.take(), wishes)
    return _created([await _answer(request, caller, one, team) for one in kept])


class _Slug:
    """The reserved slug that an upload names: whoever waits for it hears of the end of the upload, good or bad."""

    def __init__(self, request: Request, caller: Caller) -> None:
        self._request = request
        self._caller = caller
        # A form names it only when its fields have come.
        self.name: str | None = request.args.get("slug")

    async def __aenter__(self) -> None:
        """The upload begins."""

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self.name is None:
            return
        if isinstance(error, _NEVER):
            assert isinstance(error, BulletDropError)
            why = {"code": error.code, "message": error.message}
            await in_thread(self._request, reservations.refuse, self._caller, self.name, **why)
        if error is None or isinstance(error, _NEVER):
            web_of(self._request).arrivals.tell(self.name)


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
    if "keep_old_name" in changes:
        changes["keep_old_name"] = moment_of(request, changes["keep_old_name"], "keep_old_name")
    terms: dict[str, Any] = {name: changes.pop(name) for name in ("password", "max_views") if name in changes}
    if terms:
        changes |= await hashed_terms(request, terms)
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


# However often it is sent, this file is not taken. All else may have gone wrong on the way, or can be mended.
_NEVER = (TooBig, UnknownType, BadPicture, EmptyFile)
_REFUSALS = (
    Invalid,
    Forbidden,
    NotFound,
    NameTaken,
    NotReserved,
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
        media=FORM,
        parameters=(*HEADERS, TEAM),
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
        parameters=(*HEADERS, PASSWORD, *WISHES),
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
        parameters=LIST,
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
        errors=(Invalid, Forbidden, NotFound, NameTaken, QuotaFull, TooBig, TooMany),
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
