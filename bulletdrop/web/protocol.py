"""Our corrections to Sanic's HTTP/1.1 connection, all in one place. They lean on Sanic's inside: `tests/web` hold them.

What differs:
- A response counts as sent when the system has taken its last byte, not when it lies in our buffer. Sanic marks the
  connection idle too early and then cuts slow clients off (measured: 36 of 80 MB with `Connection: close`).
- A client that shuts its sending side after a whole request still gets its answer; one that shuts it inside a body
  gets a 400 instead of silence.
- What lies ready in the cache is sent without looking for a route.
- After an early refusal the rest of the body is read and dropped for a while, so that clients which read only after
  sending see the answer instead of a reset connection.
- After a head that cannot be read we shut our side and drop what still comes, instead of closing over it: the system
  answers bytes for a closed socket with a reset, and that takes the refusal from the client's hands.
- Heads and chunks are checked to the byte before Sanic reads them: what a proxy might read otherwise is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic, perf_counter
from typing import Any

from sanic import Request
from sanic.exceptions import BadRequest, PayloadTooLarge, RequestCancelled, RequestTimeout, ServiceUnavailable
from sanic.http import Http, Stage
from sanic.http.http1 import HTTP_CONTINUE
from sanic.server.protocols.http_protocol import HttpProtocol

from bulletdrop.web.cache import key_of
from bulletdrop.web.context import Web
from bulletdrop.web.heads import has_lone_line_feed, is_strict_chunk_line, is_strict_head, may_become_chunk_line
from bulletdrop.web.patience import Patience, unsent
from bulletdrop.web.sending import ready

# Sanic's own timeouts watch for silence: a byte now and then outlives them. These count from the start, in seconds.
HEAD_SECONDS = 15.0
SMALL_BODY_SECONDS = 20.0
# A body that is no longer wanted is dropped for this long at most, in seconds.
LINGER_SECONDS = 10.0
# The same after a head or chunk that cannot be read: nobody knows where what follows it ends.
UNREADABLE_LINGER_SECONDS = 2.0
# Writes above this many bytes wait until the system has taken them. Below it, only those before a close do: on a
# connection that stays, this much leaves within the keep-alive time at the least rate that we ask of uploads.
_DRAINED_ABOVE = 80 * 1024
# The system takes this much of an answer at once, whatever the client does.
_FITS = 4 * 1024


class BodyCutOff(BadRequest):
    """The client shut its sending side inside a request."""

    quiet = True


class Connection(Http):  # type: ignore[misc,unused-ignore]
    """One request and its answer on a connection."""

    __slots__ = ("_is_readable", "_linger_until")

    async def http1(self) -> None:
        """Answer requests until the connection ends; see to it that the last answer can be read."""
        self._is_readable = True
        await super().http1()  # type: ignore[no-untyped-call]
        if not self._is_readable:
            await self._drop_the_rest()

    async def _drop_the_rest(self) -> None:
        """Shut our side, so that the client sees the answer's end, and read until it has sent what it was sending."""
        protocol: Protocol = self.protocol  # type: ignore[assignment]
        transport = protocol.transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNREADABLE_LINGER_SECONDS):
                while not protocol.input_ended:
                    self.recv_buffer.clear()
                    await self._receive_more()

    def init_for_request(self) -> None:
        """Reset what belongs to one request."""
        super().init_for_request()  # type: ignore[no-untyped-call]
        self._linger_until: float | None = None

    async def http1_request_header(self) -> None:
        """Read the head of a request, within a time that counts from its first byte and not from its last."""
        self._is_readable = False
        end = self.recv_buffer.find(b"\r\n\r\n")
        if end < 0:
            try:
                async with asyncio.timeout(HEAD_SECONDS):
                    end = await self._end_of_head()
            except TimeoutError:
                raise RequestTimeout("The request took too long to arrive.") from None
        # Sanic refuses what is too long.
        if 0 <= end < self.HEADER_MAX_SIZE and not is_strict_head(self.recv_buffer, end):
            raise BadRequest("The head of the request is malformed.")
        await super().http1_request_header()  # type: ignore[no-untyped-call]
        self._is_readable = True

    async def _end_of_head(self) -> int:
        """Wait for the empty line after the head; where it begins, or -1 when the head is too long."""
        buffer: bytearray = self.recv_buffer
        seen = 0
        while (end := buffer.find(b"\r\n\r\n", max(0, seen - 3))) < 0:
            if has_lone_line_feed(buffer, seen):
                raise BadRequest("The head of the request is malformed.")
            seen = len(buffer)
            if seen - 3 >= self.HEADER_MAX_SIZE:
                return -1
            await self._receive_more()
        return end

    def create_empty_request(self) -> None:
        """The request that stands in for one that cannot be read. Without its address, over which Sanic would fall."""
        self.url = None
        super().create_empty_request()

    async def read(self) -> bytes | None:
        """Some bytes of the body, or None at its end. After the answer was sent: read to be dropped, for a while."""
        if self.stage is not Stage.IDLE:
            # Uploads have a limit of their own, on their rate; everything else is small.
            is_small = self.request_max_size != float("inf")
            if is_small and self.perft0 is not None and perf_counter() - self.perft0 > SMALL_BODY_SECONDS:
                self.keep_alive, self.request_body = False, None
                raise RequestTimeout("The request took too long to arrive.")
            return await self._strictly_read()
        if self._linger_until is None:
            self._linger_until = monotonic() + LINGER_SECONDS
            self.request_max_size = float("inf")
        left = self._linger_until - monotonic()
        if left <= 0:
            raise PayloadTooLarge("The rest of the body is not wanted.")
        try:
            async with asyncio.timeout(left):
                return await self._strictly_read()
        except TimeoutError:
            raise PayloadTooLarge("The rest of the body is not wanted.") from None

    async def _strictly_read(self) -> bytes | None:
        """As Sanic reads, after a look at the line before a chunk: Sanic drops its first two bytes unseen."""
        # Sanic keeps here a word, True or None, whatever it declares.
        kind: object = self.request_body
        if kind == "chunked" and self.request_bytes_left == 0:
            if self.expecting_continue:
                self.expecting_continue = False
                await self._send(HTTP_CONTINUE)
            buffer = self.recv_buffer
            while (end := buffer.find(b"\r\n", 2)) < 0:
                if not may_become_chunk_line(buffer):
                    break
                await self._receive_more()
            if end < 0 or not is_strict_chunk_line(buffer, end + 2):
                self.keep_alive = self._is_readable = False
                raise BadRequest("The body is not chunked as it should be.")
        return await super().read()


async def _answer(handle: Callable[[Request], Awaitable[None]], web: Web, request: Request) -> None:
    """Answer from the cache where that is all there is to do, else go the long way."""
    prepared = web.cache.get(key_of(request))
    is_plain = prepared is not None and request.method in ("GET", "HEAD") and not web.proxies and web.stop_at is None
    if prepared is None or not is_plain or request.stream is None:
        await handle(request)
        return
    response = ready(request, prepared)
    request.stream.respond(response)
    await response.send()


def _close_after(raw: socket.socket, call: asyncio.Future[int]) -> None:
    if not call.cancelled():
        call.exception()
    raw.close()


class Protocol(HttpProtocol):  # type: ignore[misc,unused-ignore]
    """One connection."""

    HTTP_CLASS = Connection
    __slots__ = ("_input_ended", "_raw", "left", "sending")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._input_ended = False
        self._raw: socket.socket | None = None
        # Called when the client shuts its sending side, by whoever waits on its behalf.
        self.left: Callable[[], None] | None = None
        # What a thread writes to the second handle now.
        self.sending: asyncio.Future[int] | None = None

    def _setup(self) -> None:
        """Look into the cache before anything else: finding the route costs more than sending a thumbnail."""
        super()._setup()  # type: ignore[no-untyped-call]
        self.request_handler = partial(_answer, self.app.handle_request, self.app.ctx.web)

    def raw_socket(self) -> socket.socket | None:
        """A second handle on the connection's socket, for sendfile; None where bytes must pass through TLS.

        asyncio refuses to watch the descriptor that its transport owns, hence a duplicate, made once an answer.
        """
        transport = self.transport
        if self._raw is None and transport is not None and self.conn_info is not None and not self.conn_info.ssl:
            original = transport.get_extra_info("socket")
            if original is None or transport.is_closing():
                return None
            number = os.dup(original.fileno())
            self._raw = socket.socket(original.family, original.type, original.proto, fileno=number)
        return self._raw

    def release_raw(self) -> None:
        """Close the second handle, once no thread can use it any more: its number may then be another client's."""
        raw, call = self._raw, self.sending
        self._raw = self.sending = None
        if raw is None:
            return
        if call is not None and not call.done():
            call.add_done_callback(partial(_close_after, raw))
        else:
            raw.close()

    async def send(self, data: bytes) -> None:
        """Send bytes of a response; large ones until the system has taken the last of them."""
        if not self._can_write.is_set():
            await self._can_write.wait()
        transport = self.transport
        if transport is None or transport.is_closing():
            raise RequestCancelled
        transport.write(data)
        self._time = monotonic()
        http = self.http
        if len(data) > _DRAINED_ABOVE or (len(data) > _FITS and (http is None or not http.keep_alive)):
            await self.drain()

    async def drain(self) -> None:
        """Wait until the system has taken all that was written. A client that takes nothing is cut by the timeout."""
        transport = self.transport
        # The write itself happens at the end of the loop's round.
        await asyncio.sleep(0)
        before, pause = -1, 0.0005
        patience: Patience | None = None
        while transport is not None and (left := transport.get_write_buffer_size()):
            if transport.is_closing():
                raise RequestCancelled
            original = transport.get_extra_info("socket")
            left += unsent(original.fileno()) if original is not None else 0
            if left != before:
                before, self._time = left, monotonic()
            if patience is None:
                patience = Patience(self.app.ctx.web.config.min_download_rate)
                patience.begins(-left, monotonic())
            elif not patience.lasts(-left, monotonic()):
                transport.abort()
                raise RequestCancelled
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.05)

    @property
    def input_ended(self) -> bool:
        """True when the client sends no more."""
        return self._input_ended

    async def receive_more(self) -> None:
        """Wait for more bytes of the request."""
        if self._input_ended:
            if self.http is None or self.http.stage is Stage.IDLE:
                raise CancelledError
            raise BodyCutOff("The request ended before it was complete.")
        await super().receive_more()  # type: ignore[no-untyped-call]

    def close_if_unused(self) -> None:
        """Close when no request is under way; one of which only a part has come is answered with 503."""
        http = self.http
        if http is None or http.stage is Stage.IDLE:
            self.close()
        elif http.stage is Stage.REQUEST and http.exception is None and self._task is not None:
            http.exception = ServiceUnavailable("The server is stopping.")
            self._task.cancel()

    def eof_received(self) -> bool:
        """The client sends no more. True keeps the connection open for the answer to what it has sent."""
        self._input_ended = True
        if self.left is not None:
            self.left()
        http = self.http
        # Under TLS there is no half of a connection: asyncio closes it, whatever is said here.
        if self.conn_info is not None and self.conn_info.ssl:
            return False
        if http is None or (http.stage is Stage.IDLE and not self.recv_buffer):
            return False
        self._data_received.set()
        return True
