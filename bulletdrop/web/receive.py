"""A request's body becomes temporary files, hashed, with every limit held while reading."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

from sanic import Request

from bulletdrop.errors import Invalid
from bulletdrop.web.body import MB, SERVERS, Body, declared_length, too_big
from bulletdrop.web.context import web_of
from bulletdrop.web.digests import announced_content_digest, announced_sha256, check_digest
from bulletdrop.web.partials import check_free_disk
from bulletdrop.web.parts import Limits, MultipartSink, RawSink, Received, Sink, boundary_of
from bulletdrop.web.room import ANY_ROOM, Room

T = TypeVar("T")

# What a form may have beside its files: headers of parts, text fields, boundaries.
_FORM_OVERHEAD = MB
_NO_LEAST = -(2**63)


@contextlib.asynccontextmanager
async def received(
    request: Request, *, filename: str | None = None, hash_only: bool = False, room: Room = ANY_ROOM
) -> AsyncIterator[Received]:
    """Take in the body of a request, of a route with `stream=True`.

    Inside the block its files lie in DATA/tmp. After it they are removed, unless somebody called `take()`.

    Args:
        request: the request.
        filename: the name of the one file that the body is (PUT); None for a multipart form.
        hash_only: only check the body and what it hashes to; there are no files then.
        room: what the account that pays for it has room for; it grows with a body that does not say its length.

    Raises: TooBig at once when the announced length is beyond the limit, else when the limit is crossed; QuotaFull
        when there is no more room; DiskFull, TooSlow, Truncated, BadBody, BadName, EmptyFile, WrongDigest, Invalid.
        Nothing is kept then.
    """
    web = web_of(request)
    digest = _announced(request)
    limits = Limits(
        folder=web.site.temporary,
        file_size=min(web.config.max_file_size, room.largest),
        files=web.config.max_files_per_request,
        # What is not written needs no room.
        min_free_disk=_NO_LEAST if hash_only else web.config.min_free_disk,
        hash_only=hash_only,
        whose=room.whose if room.largest < web.config.max_file_size else SERVERS,
    )
    most = limits.file_size + (_FORM_OVERHEAD if filename is None else 0)
    declared = declared_length(request)
    if declared is not None:
        if declared > most:
            raise too_big(limits.file_size, declared, whose=limits.whose)
        check_free_disk(limits.folder, limits.min_free_disk, declared)
    sink = _make_sink(request, limits, filename)
    whole: Received | None = None
    try:
        whole = await _fill(Body(request, limit=most, whose=limits.whose), sink, web.pools.receiving, room)
        _check(whole, digest, is_form=filename is None)
        yield whole
    finally:
        # Also when the client left, which raises CancelledError.
        if whole is None or not whole.taken:
            _in_background(web.pools.receiving, sink.abort)


def _make_sink(request: Request, limits: Limits, filename: str | None) -> Sink:
    if filename is not None:
        return RawSink(limits, filename)
    boundary = boundary_of(request.headers.get("content-type", ""))
    return MultipartSink(limits, boundary, hash_body="content-digest" in request.headers)


async def _fill(body: Body, sink: Sink, pool: Executor, room: Room) -> Received:
    async for pieces in body.batches():
        await room.hold(body.received)
        if body.ended:
            return await _call(pool, _feed_and_finish, sink, pieces)
        await _call(pool, sink.feed, pieces)
    return await _call(pool, sink.finish)


def _feed_and_finish(sink: Sink, pieces: list[bytes]) -> Received:
    sink.feed(pieces)
    return sink.finish()


async def _call(pool: Executor, function: Callable[..., T], *args: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, function, *args)


def _in_background(pool: Executor, clean_up: Callable[[], None]) -> None:
    """Remove files without holding up the loop: unlinking a gigabyte takes its time."""
    try:
        pool.submit(clean_up)
    except RuntimeError:  # The pool is closed: the server stops.
        clean_up()


def announces_digest(request: Request) -> bool:
    """Whether the client says what its bytes hash to."""
    return "x-sha256" in request.headers or "content-digest" in request.headers


def _announced(request: Request) -> tuple[str | None, str | None]:
    of_file = {announced_sha256(value) for value in request.headers.getall("x-sha256", [])}
    if len(of_file) > 1:
        raise Invalid("There are several X-SHA256, and they contradict each other.", field="X-SHA256")
    return (
        of_file.pop() if of_file else None,
        announced_content_digest(request.headers.get("content-digest")),
    )


def _check(whole: Received, announced: tuple[str | None, str | None], *, is_form: bool) -> None:
    """Compare with what the client announced. X-SHA256 is of the one file; Content-Digest of the body (RFC 9530),
    which for a form some clients compute over the file: either proves that every byte arrived."""
    of_file, of_body = announced
    if (of_file is not None) and len(whole.files) != 1:
        raise Invalid("X-SHA256 goes with one file; this form has several.", field="X-SHA256")
    check_digest(of_file, whole.files[0].sha256)
    digests = [whole.body_sha256 or ""]
    if is_form and len(whole.files) == 1:
        digests.append(whole.files[0].sha256)
    check_digest(of_body, *digests)
