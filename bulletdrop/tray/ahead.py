"""Hears an answer that comes while the request is still going out, in the clear and under TLS; and for so long only."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

# What a socket raises when the other side hung up while we were writing.
HUNG_UP = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Ahead:
    """A socket that can be asked whether the other side has spoken.

    Under TLS a readable socket may hold a mere session ticket, and nothing can be peeked at: so one byte is really
    read, and handed out first when the answer is.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._early = b""
        self._silence: float | None = None
        self._until: float | None = None

    def spoken(self) -> bool:
        """Whether an answer, or the end, is there to be read. Never waits."""
        if self._early:
            return True
        secure = isinstance(self._sock, ssl.SSLSocket)
        if not (secure and self._sock.pending()) and not _readable(self._sock):  # type: ignore[attr-defined]
            return False
        if not secure:
            return True
        limit = self._sock.gettimeout()
        self._sock.settimeout(0.0)
        try:
            self._early = self._sock.recv(1)
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        except OSError:
            return True
        finally:
            self._sock.settimeout(limit)
        return True

    def listen(self, *, silence: float, whole: float) -> None:
        """The answer is read now: no pause in it may be longer than `silence` seconds, nor all of it than `whole`."""
        self._silence, self._until = silence, time.monotonic() + whole

    def _hold_on(self) -> None:
        """Called before each read: one byte at a time would otherwise be an answer without an end."""
        if self._until is not None and self._silence is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer does not end")
            self._sock.settimeout(min(self._silence, left))

    def makefile(self, mode: str = "rb", *args: Any) -> io.BufferedReader:
        """For http.client: the bytes to read, the early one first."""
        early, self._early = self._early, b""
        return io.BufferedReader(_Chained(early, self._sock.makefile("rb", buffering=0), self._hold_on))


class _Chained(io.RawIOBase):
    """Some bytes, then a stream; `before` is called ahead of each read of it."""

    def __init__(self, early: bytes, rest: io.RawIOBase | socket.SocketIO, before: Callable[[], None]) -> None:
        self._early = early
        self._rest = rest
        self._before = before

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._early:
            count = min(len(buffer), len(self._early))
            buffer[:count], self._early = self._early[:count], self._early[count:]
            return count
        self._before()
        return self._rest.readinto(buffer)

    def close(self) -> None:
        self._rest.close()
        super().close()


def prepare(connection: http.client.HTTPConnection) -> Ahead:
    """Make an open connection read its answers through an `Ahead`, and return that."""
    ahead = Ahead(connection.sock)

    def response(sock: socket.socket, *args: Any, **options: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(ahead, *args, **options)  # type: ignore[arg-type]

    connection.response_class = response  # type: ignore[assignment]
    return ahead


def send(connection: http.client.HTTPConnection, ahead: Ahead, pieces: Iterable[bytes], *, chunked: bool) -> bool:
    """Send a body; False when the server answered before its end (413, 401, 507…), so that the answer is read."""
    sock = connection.sock
    try:
        for piece in pieces:
            if ahead.spoken():
                return False
            sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            sock.sendall(b"0\r\n\r\n")
    except HUNG_UP:
        # If it said why before it hung up, the answer still lies in the receive buffer.
        if not ahead.spoken():
            raise
        return False
    return True


def _readable(sock: socket.socket) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])
