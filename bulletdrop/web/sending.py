"""Puts prepared bytes on the wire: from memory in one write, from a file without copying where the system can."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any

from sanic import Request
from sanic.exceptions import RequestCancelled
from sanic.http import Stage
from sanic.response import HTTPResponse

from bulletdrop.errors import TooMany
from bulletdrop.log import get_logger
from bulletdrop.web.context import web_of
from bulletdrop.web.patience import Patience, unsent
from bulletdrop.web.peers import client_address
from bulletdrop.web.prepared import OpenFile, Prepared
from bulletdrop.web.ranges import (
    Span,
    Unsatisfiable,
    is_precondition_failed,
    is_unchanged,
    parse_range,
    range_applies,
)

log = get_logger("files")

_CONDITIONS = ("range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range")
# One sendfile call takes at most this much; what is larger is sent from threads.
_STEP = 1024 * 1024
_PIECE = 256 * 1024
# How often a client that lets us wait is looked at, in seconds.
_LOOK = 5.0
_NO_BODY_HEADERS = (
    b"x-content-type-options: nosniff\r\ncontent-security-policy: sandbox; default-src 'none'\r\n"
    b"referrer-policy: no-referrer\r\ncache-control: no-store\r\n"
)


class Ready(HTTPResponse):  # type: ignore[misc,unused-ignore]
    """An answer whose head is made already. Sanic's own formatting costs more than sending 20 KB."""

    __slots__ = ("_file", "_head", "_meter", "_request", "_span")

    def __init__(
        self,
        request: Request,
        status: int,
        head: bytes,
        body: bytes | None = None,
        file: OpenFile | None = None,
        meter: str = "",
    ) -> None:
        # Not `super().__init__()`: its headers and cookies cost more than all of this, and are not looked at.
        self.stream = None
        self.status = status
        self.body = body
        self._request = request
        self._head = head
        self._file = file
        self._meter = meter
        self._span: Span | None = None

    def part(self, span: Span) -> Ready:
        """Send only these bytes of the file."""
        self._span = span
        return self

    def add_cookies(self, carrier: HTTPResponse) -> None:
        """Send the cookies of another response along."""
        for value in carrier.headers.getall("set-cookie", []):
            self._head += f"set-cookie: {value}\r\n".encode("ascii")

    def add_lines(self, headers: dict[str, str]) -> None:
        """Send further headers along."""
        for name, value in headers.items():
            self._head += f"{name}: {value}\r\n".encode("ascii")

    async def send(self, data: Any = None, end_stream: bool | None = None) -> None:
        """Send all of it. Sanic calls this once, at the end."""
        stream: Any = self.stream
        if self._file is None or stream.head_only:
            head = self._begin(stream)
            if stream.head_only or not self.body:
                await stream.protocol.send(head)
            else:
                # Before we wait for the client: one that leaves meanwhile ends this here.
                self._count(len(self.body))
                await stream.protocol.send(head + self.body)
        else:
            await self._send_file(stream, self._file)
        stream.response_func = None
        stream.stage = Stage.IDLE

    def _begin(self, stream: Any) -> bytes:
        """The head to send. From here on there is no other answer."""
        stream.stage = Stage.RESPONSE
        stream.expecting_continue = False
        return self._head + _last_lines(self._request, stream.keep_alive)

    async def _send_file(self, stream: Any, file: OpenFile) -> None:
        web = web_of(self._request)
        with contextlib.ExitStack() as place:
            try:
                place.enter_context(web.answers.entered(client_address(self._request, web.proxies)))
            except TooMany:
                # A connection kept for later would hold what there is too little of.
                stream.keep_alive = False
                raise
            span = self._span or Span(0, file.size)
            await send_file(stream.protocol, self._begin(stream), file, span, web.pools.sending, self._count)

    def _count(self, sent: int) -> None:
        """So many bytes of the body were sent. Of an answer that was cut off, what the system took or was just being
        given: it may hold some of that for a client that never comes to fetch it."""
        if self._meter:
            web_of(self._request).meter.served[self._meter] += sent


def ready(request: Request, prepared: Prepared) -> Ready:
    """The answer to this request: 200, 206, 304, 412 or 416, with a body or, for HEAD, without."""
    headers = request.headers
    if not any(name in headers for name in _CONDITIONS):
        return Ready(request, 200, prepared.whole, prepared.body, prepared.file, prepared.meter)
    etag, modified = prepared.etag, prepared.modified
    if is_precondition_failed(
        if_match=headers.get("if-match"),
        unmodified_since=headers.get("if-unmodified-since"),
        etag=etag,
        modified=modified,
    ):
        head = b"HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\n" + _NO_BODY_HEADERS
        return Ready(request, 412, head)
    none_match, since = headers.get("if-none-match"), headers.get("if-modified-since")
    if is_unchanged(none_match=none_match, modified_since=since, etag=etag, modified=modified):
        return Ready(request, 304, prepared.unchanged)
    wanted = headers.get("range") if request.method == "GET" else None
    if wanted is not None and range_applies(headers.get("if-range"), etag=etag, modified=modified):
        return _partial(request, prepared, wanted)
    return Ready(request, 200, prepared.whole, prepared.body, prepared.file, prepared.meter)


def bare_head(request: Request) -> Ready:
    """The answer to a HEAD that may know no more than that there is something: no type, length, date or ETag."""
    return Ready(request, 200, b"HTTP/1.1 200 OK\r\n" + _NO_BODY_HEADERS)


def _partial(request: Request, prepared: Prepared, wanted: str) -> Ready:
    try:
        span = parse_range(wanted, prepared.size)
    except Unsatisfiable:
        head = b"HTTP/1.1 416 Range Not Satisfiable\r\ncontent-range: bytes */%d\r\n" % prepared.size
        return Ready(request, 416, head + b"content-length: 0\r\n" + _NO_BODY_HEADERS)
    if span is None:
        return Ready(request, 200, prepared.whole, prepared.body, prepared.file, prepared.meter)
    position = b"content-range: bytes %d-%d/%d\r\n" % (span.start, span.end - 1, prepared.size)
    length = b"content-length: %d\r\n" % span.length
    head = b"HTTP/1.1 206 Partial Content\r\n" + prepared.fixed + prepared.described + position + length
    body = None if prepared.body is None else prepared.body[span.start : span.end]
    return Ready(request, 206, head, body, prepared.file, prepared.meter).part(span)


def _last_lines(request: Request, keep_alive: bool) -> bytes:
    """The headers that differ from answer to answer, and the empty line."""
    web = web_of(request)
    # An answer from the cache comes before anything has given the request an id.
    number: str = getattr(request.ctx, "request_id", None) or web.next_request_id()
    kind = b"keep-alive" if keep_alive else b"close"
    return b"%bx-request-id: %b\r\nconnection: %b\r\n\r\n" % (web.date_line(), number.encode("ascii"), kind)


async def send_file(
    protocol: Any, head: bytes, file: OpenFile, span: Span, pool: Any, count: Callable[[int], None]
) -> None:
    """Send a head and a span of a file until the system has taken the last byte.

    Args:
        count: told of the bytes of the span as the system takes them, of the last ones perhaps after the end when it
            was cut off.
    Raises: RequestCancelled when the client is gone.
    """
    out = protocol.raw_socket() if hasattr(os, "sendfile") else None
    if out is None:
        await _send_by_reading(protocol, head, file, span, pool, count)
        return
    flow = Flow(protocol, out, count)
    try:
        if protocol.transport.get_write_buffer_size():
            await protocol.drain()
        await _send_head(flow, head)
        await _send_span(flow, file, span, pool)
    except OSError as error:
        raise RequestCancelled from error
    finally:
        protocol.release_raw()


class Flow:
    """One answer's bytes on their way through a connection's second handle."""

    __slots__ = ("_count", "_patience", "out", "protocol", "sent")

    def __init__(self, protocol: Any, out: socket.socket, count: Callable[[int], None]) -> None:
        self.protocol = protocol
        self.out = out
        self._count = count
        self.sent = 0
        self._patience: Patience | None = None

    def number(self) -> int:
        """The handle's descriptor. Asked for each time: while we waited, the connection may have gone and it with it.

        Raises: RequestCancelled.
        """
        number = self.out.fileno()
        if number < 0:
            raise RequestCancelled
        return number

    def moved(self, count: int) -> None:
        """The system has taken this many bytes."""
        self.sent += count
        self.protocol._time = monotonic()

    def gave(self, count: int) -> None:
        """The system has taken this many bytes of the file."""
        self.moved(count)
        self._count(count)

    def landed(self, call: asyncio.Future[int]) -> None:
        """A thread's call is over, whether or not somebody still waits for it."""
        if not call.cancelled() and call.exception() is None and call.result() > 0:
            self.gave(call.result())

    async def writable(self) -> None:
        """Wait until the socket takes bytes again. Raises RequestCancelled for a client that takes too few."""
        patience = self._patience
        if patience is None:
            patience = self._patience = Patience(self.protocol.app.ctx.web.config.min_download_rate)
        taken = self.sent - unsent(self.number())
        patience.begins(taken, monotonic())
        is_writable = False
        while not is_writable:
            is_writable = await _writable(self.number(), min(_LOOK, max(0.1, patience.left)))
            now, before = monotonic(), taken
            taken = self.sent - unsent(self.number())
            if taken > before:
                self.protocol._time = now
            if not patience.lasts(taken, now):
                log.info("a client took its answer too slowly and was cut off")
                self.protocol.abort()
                raise RequestCancelled


async def _send_head(flow: Flow, head: bytes) -> None:
    # MSG_MORE lets the head travel with the first bytes of the file.
    flags = getattr(socket, "MSG_MORE", 0)
    while head:
        try:
            sent = flow.out.send(head, flags)
        except BlockingIOError:
            await flow.writable()
            continue
        head = head[sent:]
        flow.moved(sent)


async def _send_span(flow: Flow, file: OpenFile, span: Span, pool: Any) -> None:
    if span.length > _STEP:
        await _send_large_span(flow, file, span, pool)
        return
    offset = span.start
    while offset < span.end:
        try:
            sent = os.sendfile(flow.number(), file.descriptor, offset, span.end - offset)
        except BlockingIOError:
            await flow.writable()
            continue
        _check(flow, sent)
        flow.gave(sent)
        offset += sent


async def _send_large_span(flow: Flow, file: OpenFile, span: Span, pool: Any) -> None:
    """As `_send_span`, in threads: a large file may come from the disk, which must not hold up everybody else."""
    loop = asyncio.get_running_loop()
    offset = span.start
    while offset < span.end:
        count = min(span.end - offset, _STEP)
        # The connection keeps the handle open until the thread is done with it.
        call = loop.run_in_executor(pool, _sendfile, flow.number(), file, offset, count)
        # Counted when it is over and not when we hear of it: a client that leaves in between has the bytes.
        call.add_done_callback(flow.landed)
        flow.protocol.sending = call
        sent = await asyncio.shield(call)
        if sent < 0:
            await flow.writable()
            continue
        _check(flow, sent)
        offset += sent


def _sendfile(number: int, file: OpenFile, offset: int, count: int) -> int:
    """Bytes that the socket took, or -1 when it takes none now. (An exception would cost a trace each time.)"""
    try:
        return os.sendfile(number, file.descriptor, offset, count)
    except BlockingIOError:
        return -1


def _check(flow: Flow, sent: int) -> None:
    if sent == 0:
        log.error("a file is shorter than the database says; the answer was cut off")
        flow.protocol.abort()
        raise RequestCancelled


async def _writable(number: int, seconds: float) -> bool:
    """Wait until the socket takes bytes again; False when the time is over before that."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[bool] = loop.create_future()
    loop.add_writer(number, _wake, future, True)
    timer = loop.call_later(seconds, _wake, future, False)
    try:
        return await future
    finally:
        timer.cancel()
        loop.remove_writer(number)


def _wake(future: asyncio.Future[bool], result: bool) -> None:
    if not future.done():
        future.set_result(result)


async def _send_by_reading(
    protocol: Any, head: bytes, file: OpenFile, span: Span, pool: Any, count: Callable[[int], None]
) -> None:
    """The way without sendfile: TLS inside this process, and systems that have no such call."""
    loop = asyncio.get_running_loop()
    await protocol.send(head)
    offset = span.start
    while offset < span.end:
        piece = await loop.run_in_executor(pool, _read_at, file, offset, min(_PIECE, span.end - offset))
        if not piece:
            log.error("a file is shorter than the database says; the answer was cut off")
            protocol.abort()
            raise RequestCancelled
        count(len(piece))
        await protocol.send(piece)
        await protocol.drain()
        offset += len(piece)


def _read_at(file: OpenFile, offset: int, count: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file.descriptor, count, offset)
    # Windows has no pread; a descriptor of our own keeps the shared position out of it.
    with os.fdopen(os.dup(file.descriptor), "rb") as copy:
        copy.seek(offset)
        return copy.read(count)
