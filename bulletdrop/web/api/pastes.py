"""Pastes: a text becomes a drop."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import intake, pastes, uploads
from bulletdrop.core.drops.intake import Kept
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import (
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
)
from bulletdrop.web.api.queries import repeatable
from bulletdrop.web.api.schemas import UploadOut, upload_out
from bulletdrop.web.auth import address_of, required_caller
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.context import web_of
from bulletdrop.web.partials import check_free_disk
from bulletdrop.web.paste_bodies import PasteIn, received_paste, wishes_of_paste
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


async def create_paste(request: Request) -> HTTPResponse:
    """Send a text; 201 when it is safe."""
    caller = await required_caller(request)
    with web_of(request).gate.entered(address_of(request)):
        sent = await received_paste(request)
    made, answer = await keep_paste(request, caller, sent.wanted)
    response = json_answer(answer, status=201)
    response.headers["location"] = answer.url
    if not made:
        response.headers["idempotency-replayed"] = "true"
    return response


async def keep_paste(request: Request, caller: Caller, wanted: PasteIn) -> tuple[bool, UploadOut]:
    """Keep a text. Returns whether this request made the drop, and the answer."""
    web = web_of(request)
    check_free_disk(web.site.temporary, web.config.min_free_disk, len(wanted.content))
    wishes, team = await wishes_of_paste(request, caller, wanted)
    if wishes.idempotency_key is not None:
        known = await in_thread(request, _earlier, caller, wishes.idempotency_key)
        if known is not None:
            return False, known
    kept: Kept = await in_thread(
        request,
        pastes.create_paste,
        caller,
        wanted.content,
        wishes=wishes,
        language=wanted.language,
        filename=wanted.filename,
    )
    if not kept.made:
        return False, await in_thread(request, _out, caller, kept.upload.id)
    kept.upload.team = team
    return True, upload_out(web.site, kept.upload, caller, made=True)


def _earlier(site: Site, caller: Caller, key: str) -> UploadOut | None:
    found = intake.earlier(site, caller, key)
    return None if found is None else _out(site, caller, found.id)


def _out(site: Site, caller: Caller, upload_id: str) -> UploadOut:
    return upload_out(site, uploads.get_upload(site, caller, upload_id), caller)


ROUTES = (
    Route(
        method="POST",
        path="/pastes",
        handler=create_paste,
        summary="Send a text",
        who="uploads:write",
        body=PasteIn,
        parameters=(repeatable("the first drop"),),
        answers={201: UploadOut},
        noun="pastes",
        errors=(
            Invalid,
            Forbidden,
            NotFound,
            NameTaken,
            TooBig,
            TooSlow,
            TooMany,
            Unavailable,
            QuotaFull,
            DiskFull,
        ),
        stream=True,
    ),
)
