"""Addresses in the shape of Imgur's and Chevereto's APIs, for tools that know only those. Off until the admin says so.

Behind them is the same intake as everywhere; the key is one of BulletDrop's. Answers and errors have the shapes that
such tools read: `api.imgur.com` 3 and Chevereto's API 1, as their documentation describes them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops.intake import Kept, Wishes
from bulletdrop.core.people.callers import Caller
from bulletdrop.errors import BadBody, BulletDropError, Invalid, NotFound, NotSignedIn
from bulletdrop.log import get_logger
from bulletdrop.web.auth import address_of, caller_by_key
from bulletdrop.web.body import MB, Body, declared_length, too_big
from bulletdrop.web.context import Web, web_of
from bulletdrop.web.foreign_bodies import ForeignBytes, ForeignForm, Taken, sniffed
from bulletdrop.web.partials import check_free_disk
from bulletdrop.web.parts import Limits, Received, boundary_of
from bulletdrop.web.problems import Broken, WrongMethod, status_of, translate
from bulletdrop.web.room import Room, room_of_owner
from bulletdrop.web.storing import stored

log = get_logger("foreign")

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What comes beside a file, and what base64 in a form may take more than its file.
_OVERHEAD = MB
_BASE64_TAKES = 2
_BESIDE = 4096


@dataclass(frozen=True)
class Shape:
    """What differs between the two.

    Args:
        files: the fields that the file may come in.
        known: the text fields that count.
        key_field: the field that may hold the key; empty for none.
        schemes: the kinds of Authorization that bring it, in lower case.
        problem: an error in their shape.
    """

    files: frozenset[str]
    known: frozenset[str]
    key_field: str
    schemes: frozenset[str]
    problem: Callable[[Request, int, BulletDropError], HTTPResponse]


@dataclass(frozen=True)
class Sent:
    """One upload of theirs: the drop that it became, and the fields that came with it."""

    kept: Kept
    caller: Caller
    fields: dict[str, list[str]]

    def last(self, name: str) -> str:
        """A field's last value; empty for none."""
        return (self.fields.get(name) or [""])[-1].strip()


Handler = Callable[..., Coroutine[Any, Any, HTTPResponse]]


def speaking(shape: Shape, *methods: str) -> Callable[[Handler], Handler]:
    """Answer in a shape, errors too. While the setting is off there is nothing at the address, whatever is asked."""

    def decorate(handler: Handler) -> Handler:
        async def wrapped(request: Request, *args: Any, **kwargs: Any) -> HTTPResponse:
            if web_of(request).config.foreign_clients != "on":
                raise NotFound("There is nothing at this address.")
            try:
                if request.method not in methods:
                    raise WrongMethod("This address does not take this method.")
                return await handler(request, *args, **kwargs)
            except Exception as exception:
                return _answered(request, shape, exception)

        return wrapped

    return decorate


def _answered(request: Request, shape: Shape, exception: Exception) -> HTTPResponse:
    error = translate(exception)
    if isinstance(error, Broken):
        log.error("unexpected error", exc_info=exception, extra={"path": request.path, "method": request.method})
    status = status_of(error)
    response = shape.problem(request, status, error)
    if error.retry_after is not None:
        response.headers["retry-after"] = str(max(1, round(error.retry_after)))
    if status == 401:
        response.headers["www-authenticate"] = 'Bearer realm="BulletDrop"'
    return response


async def take(request: Request, shape: Shape, wishes_of: Callable[[dict[str, list[str]]], Wishes]) -> Sent:
    """Take in one file, from whoever the key speaks for, as `POST /api/v1/uploads` would.

    The key is asked for before the body, or where it comes in a field, after the first batch of it: so much and no
    more is ever taken from somebody who has none.

    Args:
        wishes_of: what is asked for beside the bytes, from the fields.

    Raises: NotSignedIn, MissingScope; what receiving and storing raise.
    """
    caller = await _by_header(request, shape)
    if caller is None and not shape.key_field:
        raise NotSignedIn("Send an API key of this server.")
    with web_of(request).gate.entered(address_of(request)):
        async with _received(request, shape, caller) as (whole, sender, room):
            wishes = await room.settle(sender, whole.files, wishes_of(whole.fields))
            kept = await stored(request, sender, whole.take(), wishes)
    return Sent(kept[0], sender, whole.fields)


async def sender_of(request: Request, shape: Shape, scope: str) -> Caller:
    """Who asks, by the key in the headers. Raises NotSignedIn, MissingScope."""
    caller = await _by_header(request, shape)
    if caller is None:
        raise NotSignedIn("Send an API key of this server.")
    caller.needs(scope)
    return caller


async def _by_header(request: Request, shape: Shape) -> Caller | None:
    if any(name in request.args for name in (shape.key_field, "access_token", "client_id") if name):
        # Addresses are written down by every proxy on the way.
        raise NotSignedIn("A key has no place in an address. Send it in the header X-API-Key, or as a field.")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    key = value.strip() if scheme.lower() in shape.schemes else request.headers.get("x-api-key", "").strip()
    return await caller_by_key(request, key) if key else None


@contextlib.asynccontextmanager
async def _received(
    request: Request, shape: Shape, caller: Caller | None
) -> AsyncIterator[tuple[Received, Caller, Room]]:
    """The body, its sender and their room. What nobody took is removed after the block."""
    web = web_of(request)
    limits = Limits(web.site.temporary, web.config.max_file_size, 1, web.config.min_free_disk)
    declared = declared_length(request)
    if declared is not None and declared > _BASE64_TAKES * limits.file_size + _OVERHEAD:
        raise too_big(limits.file_size, declared)
    check_free_disk(limits.folder, limits.min_free_disk, declared or 0)
    body = Body(request, limit=_BASE64_TAKES * limits.file_size + _OVERHEAD)
    loop, pool = asyncio.get_running_loop(), web.pools.receiving
    whole: Received | None = None
    sink: Taken | None = None
    async with contextlib.AsyncExitStack() as stack:
        room = await _admitted(request, stack, caller) if caller else None
        limits = _within(limits, room) if room else limits
        try:
            async for pieces in body.batches():
                sink = sink or _sink(request, shape, limits, pieces[0])
                await loop.run_in_executor(pool, sink.feed, pieces)
                if caller is None or room is None:
                    caller = await _by_field(request, shape, sink)
                    room = await _admitted(request, stack, caller)
                    sink.narrow(_within(limits, room))
                await room.hold(body.received)
            if sink is None or caller is None or room is None:
                raise Invalid("There is no file in this request.", field="image")
            whole = await loop.run_in_executor(pool, sink.finish)
            yield whole, caller, room
        finally:
            # Also when the client left, which raises CancelledError.
            if sink is not None and (whole is None or not whole.taken):
                _discard(web, sink)


async def _admitted(request: Request, stack: contextlib.AsyncExitStack, caller: Caller) -> Room:
    """The sender's room, held until the stack ends: for base64 three quarters of its length. Raises MissingScope."""
    caller.needs("uploads:write")
    declared = declared_length(request)
    least = 0 if declared is None else max(0, declared * 3 // 4 - _BESIDE)
    return await stack.enter_async_context(room_of_owner(request, caller.user_id, None, least=least))


async def _by_field(request: Request, shape: Shape, sink: Taken) -> Caller:
    given = sink.fields.get(shape.key_field, [])
    if not given:
        name = shape.key_field
        raise NotSignedIn(f"Send an API key of this server in the field “{name}”, before the file, or as X-API-Key.")
    return await caller_by_key(request, given[-1].strip())


def _within(limits: Limits, room: Room) -> Limits:
    if room.largest >= limits.file_size:
        return limits
    return replace(limits, file_size=room.largest, whose=room.whose)


def _sink(request: Request, shape: Shape, limits: Limits, first: bytes) -> Taken:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        boundary = boundary_of(request.headers.get("content-type", ""))
        return ForeignForm(limits, boundary, files=shape.files, known=shape.known)
    if kind == "application/x-www-form-urlencoded":
        return sniffed(limits, first, files=shape.files, known=shape.known)
    if kind == "application/json":
        raise BadBody("Send the file as a form, not as JSON.")
    return ForeignBytes(limits)


def _discard(web: Web, sink: Taken) -> None:
    try:
        web.pools.receiving.submit(sink.abort)
    except RuntimeError:  # The pool is closed: the server stops.
        sink.abort()
