"""Requests over kept-open connections, one per thread: sends from disk, and hears an answer that comes early."""

from __future__ import annotations

import contextlib
import hmac
import http.client
import io
import ipaddress
import json
import os
import secrets
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urlsplit

from bulletdrop import trust
from bulletdrop.errors import Invalid
from bulletdrop.tray import ahead
from bulletdrop.tray.answers import Answer, CertificateChanged, Unreachable, Untrusted
from bulletdrop.tray.unreachable import explain_unreachable

Progress = Callable[[int, int | None], None]

PIECE = 256 * 1024
MAX_ANSWER = 4 * 1024 * 1024
# A kept connection that rested longer may be dead without a sign (the machine slept, a router forgot it): open anew.
IDLE_SECONDS = 45.0
# Answers are small. One that is not whole after so many times the longest silence is none.
WHOLE = 2.0

# What the pairing page calls this computer.
_SYSTEMS = {"linux": "Linux", "win32": "Windows", "darwin": "macOS"}

# What http.client and the socket below it raise when the other side is not there or goes away.
NETWORK_ERRORS = (http.client.HTTPException, OSError)
# What OpenSSL, by its version, makes of an answer that is plain HTTP.
NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")


class FileCut(Exception):
    """The file became shorter than announced, or unreadable, while it was being sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: the server, or the proxy that stands before it."""

    url: SplitResult
    host: str
    port: int
    proxy: SplitResult | None
    trust: ssl.SSLContext | None = None
    fingerprint: str = ""

    @classmethod
    def parse(
        cls, server_url: str, environ: Mapping[str, str], trust: ssl.SSLContext | None = None, fingerprint: str = ""
    ) -> Target:
        """Read `http(s)://host[:port][/path]`. Raises Invalid with a sentence for the person.

        `fingerprint`: the one certificate that counts, whoever vouches for it; a server without one is not spoken to.
        """
        try:
            url = urlsplit(server_url.rstrip("/"))
            known = url.scheme in ("http", "https") and bool(url.hostname)
            port = url.port
        except ValueError:
            known = False
        if not known or not str(url.hostname).isprintable() or " " in str(url.hostname):
            message = f"“{server_url}” is no server address. It looks like https://drop.example.org."
            raise Invalid(message, field="server")
        assert url.hostname
        if fingerprint and url.scheme != "https":
            raise CertificateChanged(f"{server_url} was paired by its certificate, and http has none. Use https.")
        proxy = None if is_loopback(url.hostname) else _proxy_for(url, environ)
        return cls(url, url.hostname, port or (443 if url.scheme == "https" else 80), proxy, trust, fingerprint)

    def connection(self, seconds: float) -> http.client.HTTPConnection:
        """A connection that is not open yet."""
        secure = self.url.scheme == "https"
        host, port = self.host, self.port
        if self.proxy:
            host, port = self.proxy.hostname or "", self.proxy.port or 8080
        if not secure:
            return http.client.HTTPConnection(host, port, timeout=seconds)
        connection: http.client.HTTPSConnection
        if self.fingerprint:
            connection = _Pinned(host, port, timeout=seconds, fingerprint=self.fingerprint)
        else:
            connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=self.trust or trust.context())
        if self.proxy:
            connection.set_tunnel(self.host, self.port)
        return connection

    def request_target(self, path: str) -> str:
        """What stands in the request line: the path, or the whole address for a plain-http proxy."""
        path = self.url.path + path
        if self.proxy and self.url.scheme == "http":
            return f"http://{self.url.netloc}{path}"
        return path


class _Pinned(http.client.HTTPSConnection):
    """A connection to the one server that shows a certificate which is known already."""

    def __init__(self, host: str, port: int, *, timeout: float, fingerprint: str) -> None:
        super().__init__(host, port, timeout=timeout, context=trust.pinned_context())
        self._fingerprint = fingerprint

    def connect(self) -> None:
        """Connect, and look at the certificate before anything is said. Raises CertificateChanged; OSError."""
        super().connect()
        seen = certificate_of(self.sock)
        if not hmac.compare_digest(seen, self._fingerprint):
            self.close()
            raise CertificateChanged(
                f"The server at {self.host} shows another certificate than when it was paired, so nothing was sent. If"
                " it was set up anew, pair again; if not, somebody else answers in its place."
                f" Its fingerprint now: {trust.shown(seen)}"
            )


def certificate_of(sock: socket.socket) -> str:
    """The fingerprint of the certificate that the other side has shown."""
    assert isinstance(sock, ssl.SSLSocket)
    return trust.fingerprint(sock.getpeercert(binary_form=True) or b"")


def is_loopback(host: str) -> bool:
    """Whether the name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxy_for(url: SplitResult, environ: Mapping[str, str]) -> SplitResult | None:
    """The proxy that `http_proxy`, `https_proxy` and `no_proxy` (curl's meaning: names and their subdomains) say."""
    lower = {name.lower(): value.strip() for name, value in environ.items()}
    address = lower.get(f"{url.scheme}_proxy")
    host = (url.hostname or "").lower()
    skipped = [name.strip().lower().lstrip(".") for name in lower.get("no_proxy", "").split(",") if name.strip()]
    if not address or any(name == "*" or host == name or host.endswith(f".{name}") for name in skipped):
        return None
    return urlsplit(address if "//" in address else f"//{address}")


@dataclass(slots=True)
class Body:
    """The bytes of one request, read as they go out."""

    file: BinaryIO
    size: int | None
    progress: Progress | None
    before: bytes = b""
    after: bytes = b""
    start: int | None = None

    @classmethod
    @contextlib.contextmanager
    def open(cls, source: Path | BinaryIO, size: int | None, progress: Progress | None) -> Iterator[Body]:
        """The body of a file on disk, or of an open file, which stays open."""
        if isinstance(source, Path):
            with source.open("rb") as file:
                yield cls(file, os.fstat(file.fileno()).st_size if size is None else size, progress, start=0)
        else:
            yield cls(source, size, progress, start=source.tell() if source.seekable() else None)

    def wrap_as_form(self, name: str, wishes: Mapping[str, str]) -> str:
        """Make it a multipart form with these fields before the file (RFC 7578); returns the content type."""
        boundary = secrets.token_hex(16)
        quoted = name.replace("\\", "_").replace('"', "%22")
        disposition = "Content-Disposition: form-data; name="
        parts = [f'--{boundary}\r\n{disposition}"{key}"\r\n\r\n{value}\r\n' for key, value in wishes.items()]
        parts.append(f'--{boundary}\r\n{disposition}"file"; filename="{quoted}"\r\n')
        parts.append("Content-Type: application/octet-stream\r\n\r\n")
        self.before = "".join(parts).encode()
        self.after = f"\r\n--{boundary}--\r\n".encode()
        return f"multipart/form-data; boundary={boundary}"

    @property
    def length(self) -> int | None:
        """Content-Length, or None for chunked."""
        return None if self.size is None else len(self.before) + self.size + len(self.after)

    @property
    def can_repeat(self) -> bool:
        return self.start is not None

    def pieces(self) -> Iterator[bytes]:
        """The bytes from the start. Raises FileCut when the file ends before `size`."""
        if self.start is not None:
            self.file.seek(self.start)
        if self.before:
            yield self.before
        sent = 0
        while self.size is None or sent < self.size:
            try:
                piece = self.file.read(PIECE if self.size is None else min(PIECE, self.size - sent))
            except OSError as error:
                # Not to be taken for a fault of the network.
                raise FileCut(str(error)) from error
            if not piece:
                break
            yield piece
            sent += len(piece)
            if self.progress:
                self.progress(sent, self.size)
        if self.size is not None and sent < self.size:
            raise FileCut
        if self.after:
            yield self.after


class Wire:
    """Keeps one connection per thread to a target and exchanges requests for answers over it."""

    def __init__(
        self, target: Target, *, connect_seconds: float, answer_seconds: float, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._target = target
        self._idle_seconds = idle_seconds
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._all: set[http.client.HTTPConnection] = set()
        self._closed = False

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: Body | None) -> Answer:
        """Send one request, return the whole answer, which has an end in time: see WHOLE.

        A kept connection that the server closed meanwhile is replaced once, without a word. Raises Unreachable.
        """
        while True:
            connection, kept = self._connection()
            try:
                answer = self._try(connection, method, path, headers, body)
            except FileCut:
                self._drop(connection)
                raise
            except NETWORK_ERRORS as error:
                self._drop(connection)
                again = kept and not self._closed and not isinstance(error, TimeoutError)
                if again and (body is None or body.can_repeat):
                    continue
                raise self._unreachable(error) from error
            return answer

    def exchange_json(self, method: str, path: str, value: Mapping[str, Any]) -> Answer:
        """Send a JSON object, from nobody yet: for pairing, where the person sees what asks, and on which system."""
        data = json.dumps(value).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": _agent()}
        return self.exchange(method, path, headers, Body(io.BytesIO(data), len(data), None, start=0))

    def close(self) -> None:
        """Close every thread's connection; what is under way fails with Unreachable, and nothing new begins."""
        with self._lock:
            self._closed = True
            connections, self._all = self._all, set()
        for connection in connections:
            sock = connection.sock
            if sock is not None:
                # shutdown wakes a thread that is blocked in this socket; close alone would not.
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """This thread's connection, and whether it was used before."""
        kept: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        rested = time.monotonic() - getattr(self._mine, "used_at", 0.0)
        usable = kept is not None and kept.sock is not None and rested < self._idle_seconds
        if kept is not None and usable and not self._mine.ahead.spoken():
            return kept, True
        if kept is not None:
            self._drop(kept)
        if self._closed:
            raise Unreachable("This client was closed.")
        try:
            connection = self._target.connection(self._connect_seconds)
        except NETWORK_ERRORS as error:
            # A host's name, or a proxy's, that http.client does not take.
            raise self._unreachable(error) from error
        try:
            connection.connect()
        except NETWORK_ERRORS as error:
            connection.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise Untrusted(self._unreachable(error).message) from error
            raise self._unreachable(error) from error
        if not self._noted(connection):
            connection.close()
            raise Unreachable("This client was closed.")
        self._mine.connection, self._mine.ahead = connection, ahead.prepare(connection)
        return connection, False

    def _noted(self, connection: http.client.HTTPConnection) -> bool:
        """Note it for `close`. False where that was called while it connected: it would send after all."""
        with self._lock:
            if not self._closed:
                self._all.add(connection)
            return not self._closed

    def _unreachable(self, error: Exception) -> Unreachable:
        if isinstance(error, ssl.SSLError) and error.reason in NO_TLS:
            plain = self._target.url._replace(scheme="http").geturl()
            return Unreachable(f"The server at {self._target.url.geturl()} does not speak https. Use {plain}")
        told = f"The server at {self._target.url.geturl()} cannot be reached: {_why(error)}."
        more = explain_unreachable(error, self._target.host)
        return Unreachable(f"{told} {more}" if more else told)

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        self._mine.connection = None
        with self._lock:
            self._all.discard(connection)

    def _try(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Body | None,
    ) -> Answer:
        connection.sock.settimeout(self._answer_seconds)
        connection.putrequest(method, self._target.request_target(path), skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        finished = True
        if body is None:
            connection.endheaders()
        else:
            chunked = body.length is None
            framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(body.length))
            connection.putheader(*framing)
            connection.endheaders()
            finished = ahead.send(connection, self._mine.ahead, body.pieces(), chunked=chunked)
        self._mine.ahead.listen(silence=self._answer_seconds, whole=WHOLE * self._answer_seconds)
        response = connection.getresponse()
        data = response.read(MAX_ANSWER)
        answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, data)
        self._mine.used_at = time.monotonic()
        if not finished or response.will_close or not response.isclosed():
            self._drop(connection)
        return answer


def _agent() -> str:
    system = _SYSTEMS.get(sys.platform, "")
    return f"BulletDrop ({system})" if system else "BulletDrop"


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, http.client.HTTPException | ConnectionError):
        return "the connection broke"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
