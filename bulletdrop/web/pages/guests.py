"""The page at which a guest adds files that somebody asked for: `/r/{token}`. Nobody else's are seen there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.database import using
from bulletdrop.core.drops.intake import Incoming, Wishes
from bulletdrop.core.models import UploadRequest
from bulletdrop.core.sharing import requests
from bulletdrop.core.sharing.requests import Held
from bulletdrop.core.site import Site
from bulletdrop.core.text import size_in_words
from bulletdrop.errors import BulletDropError, Busy, NotFound, QuotaFull, Rejected, TooBig, TooMany
from bulletdrop.log import get_logger
from bulletdrop.web import words
from bulletdrop.web.admission import unlock
from bulletdrop.web.auth import address_of, check_origin
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.body import declared_length
from bulletdrop.web.context import App, web_of
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.problems import status_of
from bulletdrop.web.public import plain
from bulletdrop.web.receive import received
from bulletdrop.web.render import render
from bulletdrop.web.room import room_of_owner
from bulletdrop.web.storing import stored
from bulletdrop.web.threads import in_thread

log = get_logger("guests")

# With the script each file is a request of its own; a phone's whole roll is no abuse.
_SENT_AN_HOUR = 1200
# What a form has beside its files is mostly less than this: see `room`.
_FORM_PARTS = 4 * 1024
_NO_ROOM = "There is no room for this at the moment. Tell whoever sent you the link."


@dataclass(frozen=True)
class Receipt:
    """One file that has just arrived."""

    name: str
    size: int


async def show(request: Request, token: str) -> HTTPResponse:
    """What is asked for, and the form to send it with."""
    wanted = await _found(request, token)
    return _page(request, wanted)


async def send(request: Request, token: str) -> HTTPResponse:
    """Take in files. A program, or the page's script, is answered in JSON."""
    wants_json = "application/json" in request.headers.get("accept", "")
    # Nothing of the sender's own is used here, so what may be our own page counts as it.
    check_origin(request, null_counts=False)
    wanted = await _found(request, token)
    try:
        await limit_by_address(request, "request-send", most=_SENT_AN_HOUR, window=3600)
        with web_of(request).gate.entered(address_of(request)):
            sent = await _take_in(request, wanted)
    except (Rejected, Busy) as error:
        told = _told(error)
        if wants_json or isinstance(error, NotFound):
            raise told from error
        return _page(request, wanted, error=told)
    is_open = await in_thread(request, requests.takes_more, wanted)
    if wants_json:
        files = [{"name": one.name, "size": one.size} for one in sent]
        return json_answer({"files": files, "is_open": is_open}, status=201)
    return _page(request, wanted, sent=sent, is_open=is_open)


async def _found(request: Request, token: str) -> UploadRequest:
    """The request, for a guest who knows its password where it has one. Raises NotFound, NeedsPassword, TooMany."""
    wanted: UploadRequest = await in_thread(request, requests.find_request, plain(token))
    await unlock(request, wanted)
    return wanted


async def _take_in(request: Request, wanted: UploadRequest) -> list[Receipt]:
    """Room at the request and at its owner's account first, then the bytes, then exactly what they need."""
    owner, team_id = requests.sender_of(wanted), wanted.album.team_id
    wishes = Wishes(is_public=False, source="request", team_id=team_id)
    least = max(0, (declared_length(request) or 0) - _FORM_PARTS)
    async with (
        _room_at(request, wanted, least) as place,
        room_of_owner(request, owner.user_id, team_id) as room,
        received(request, room=room) as body,
    ):
        await place.settle([file.size for file in body.files])
        wishes = await room.settle(owner, body.files, wishes)
        receipt = [Receipt(words.name(file.filename), file.size) for file in body.files]
        # A guest who leaves now has sent everything: it is kept, and lies in the album.
        place.is_taken = True
        task = asyncio.ensure_future(_keep(request, wanted, body.take(), wishes, place))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_forget)
            raise
    return receipt


async def _keep(
    request: Request, wanted: UploadRequest, files: Sequence[Incoming], wishes: Wishes, place: _Place
) -> None:
    try:
        kept = await stored(request, requests.sender_of(wanted), files, wishes)
    except BaseException:
        place.give_back()
        raise
    ids = [one.upload.id for one in kept]
    await in_thread(request, requests.take_in, wanted, ids, address=address_of(request))


def _forget(task: asyncio.Future[None]) -> None:
    if not task.cancelled():
        task.exception()


class _Place:
    """A guest's room at a request, as long as their files are on the way."""

    def __init__(self, request: Request, held: Held) -> None:
        self._request = request
        self.held = held
        # The files are being kept: what was counted for them stays counted.
        self.is_taken = False

    async def settle(self, sizes: Sequence[int]) -> None:
        """The files have come. Raises UsedUp, TooBig, NotFound."""
        held, self.held = self.held, Held(self.held.request_id, 0, 0)
        task = asyncio.ensure_future(in_thread(self._request, requests.settle, held, sizes=sizes))
        try:
            self.held = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(partial(_give_back_late, self._request))
            raise

    def give_back(self) -> None:
        """Without waiting for it."""
        _give_back(self._request, self.held)


@asynccontextmanager
async def _room_at(request: Request, wanted: UploadRequest, least: int) -> AsyncIterator[_Place]:
    """Room for one file and so many bytes at a request; given back after the block unless the files are kept."""
    task = asyncio.ensure_future(in_thread(request, requests.reserve, wanted, files=1, size=least))
    try:
        place = _Place(request, await asyncio.shield(task))
    except asyncio.CancelledError:
        task.add_done_callback(partial(_give_back_late, request))
        raise
    try:
        yield place
    finally:
        if not place.is_taken:
            place.give_back()


def _give_back_late(request: Request, task: asyncio.Future[Held]) -> None:
    if not task.cancelled() and task.exception() is None:
        _give_back(request, task.result())


def _give_back(request: Request, held: Held) -> None:
    web = web_of(request)
    if held.files or held.size:
        try:
            web.pools.database.submit(_released, web.site, held)
        except RuntimeError:  # The pool is closed: the server stops.
            log.warning("room that a guest had taken stays taken")


def _released(site: Site, held: Held) -> None:
    try:
        with using(site.db):
            requests.give_back(site, held)
    except Exception:
        log.exception("room that a guest had taken cannot be given back")


def _told(error: BulletDropError) -> BulletDropError:
    """The error in words for a guest: how much its owner has and may have is nobody's business."""
    if isinstance(error, QuotaFull):
        return QuotaFull(_NO_ROOM, field="file")
    if isinstance(error, TooMany) and "your plan" in error.message:
        return TooMany(_NO_ROOM, retry_after=error.retry_after)
    if isinstance(error, TooBig) and "plan" in error.message:
        return TooBig("Too large for what is taken here.", field="file")
    return error


def _page(
    request: Request,
    wanted: UploadRequest,
    *,
    sent: Sequence[Receipt] = (),
    is_open: bool | None = None,
    error: BulletDropError | None = None,
) -> HTTPResponse:
    web = web_of(request)
    most = min(web.config.max_file_size, wanted.max_file_size or web.config.max_file_size)
    response = render(
        request,
        "guest.html",
        status=status_of(error) if error else 201 if sent else 200,
        wanted=wanted,
        owner=wanted.owner.username,
        path=f"/r/{wanted.token}",
        rules=_rules(wanted, most),
        most=most,
        is_open=requests.is_open(web.site, wanted) if is_open is None else is_open,
        sent=sent,
        error=error,
    )
    # What the page is called stands in nobody's log.
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["x-robots-tag"] = "noindex"
    return response


def _rules(wanted: UploadRequest, most: int) -> str:
    """What may come, in words. How much of it has come already is the owner's to know."""
    rules = [f"up to {size_in_words(most)} each"]
    if wanted.max_files is not None:
        rules.insert(0, "one file" if wanted.max_files == 1 else f"up to {wanted.max_files} files")
    if wanted.max_bytes is not None:
        rules.append(f"{size_in_words(wanted.max_bytes)} in all")
    said = ", ".join(rules)
    return f"{said[0].upper()}{said[1:]}."


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, "/r/<token:str>", methods=["GET"], name="page_guest")
    app.add_route(send, "/r/<token:str>", methods=["POST"], stream=True, name="page_guest_post")
