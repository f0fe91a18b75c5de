"""What the web tests share: small pictures, raw sockets, forms by hand, and a look at what a server has kept."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image

from tests.support.server import Server

BOUNDARY = "----bulletdrop-test-boundary"


def png(width: int = 32, height: int = 24, *, seed: bytes | None = None) -> bytes:
    """A picture that cannot be compressed: about `3 * width * height` bytes, other ones at each call."""
    noise = os.urandom(3 * width * height) if seed is None else (seed * (3 * width * height))[: 3 * width * height]
    buffer = io.BytesIO()
    Image.frombytes("RGB", (width, height), noise).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def form(
    data: bytes, *, filename: str = "a.png", fields: dict[str, str] | None = None, boundary: str = BOUNDARY
) -> bytes:
    """A multipart body, written by hand so that tests can break it."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (fields or {}).items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    parts += [head.encode() + b"Content-Type: image/png\r\n\r\n", data, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts)


FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def post_form(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    """Send a hand-made form."""
    return client.post("/api/v1/uploads", content=body, headers={"Content-Type": FORM_TYPE, **headers})


def upload(client: httpx.Client, data: bytes | None = None, *, named: str = "a.png", **fields: str) -> dict[str, Any]:
    """Upload a picture as a form; the answer's JSON."""
    answer = client.post("/api/v1/uploads", files={"file": (named, data or png(), "image/png")}, data=fields)
    assert answer.status_code == 201, answer.text
    result: dict[str, Any] = answer.json()
    return result


def path_of(url: str) -> str:
    """The path and query of a link."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True)
class Kept:
    """What a server holds: rows, stored files, unfinished files."""

    uploads: int
    blobs: int
    files: int
    unfinished: int


def kept(server: Server) -> Kept:
    """Count what the server holds now. (Its own probes in tmp are not counted.)"""
    with contextlib.closing(sqlite3.connect(f"file:{server.data}/bulletdrop.db?mode=ro", uri=True)) as database:
        uploads = database.execute("SELECT COUNT(*) FROM upload").fetchone()[0]
        blobs = database.execute("SELECT COUNT(*) FROM blob").fetchone()[0]
    return Kept(uploads, blobs, _files(server.data / "uploads"), _files(server.data / "tmp"))


def settled(server: Server, *, seconds: float = 40) -> Kept:
    """As `kept`, once no unfinished file is left; removal happens right after the answer."""
    deadline = time.monotonic() + seconds
    while (now := kept(server)).unfinished and time.monotonic() < deadline:
        time.sleep(0.02)
    return now


def until_unfinished(server: Server, count: int = 1, *, seconds: float = 40) -> None:
    """Wait until so many files are being received."""
    deadline = time.monotonic() + seconds
    while _files(server.data / "tmp") != count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*")) if folder.is_dir() else 0


def problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The error in an answer, after checking its one shape."""
    assert answer.status_code == status, (answer.status_code, answer.text[:300])
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"code", "message", "field", "request_id"}
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    if code is not None:
        assert error["code"] == code, error
    return error


@dataclass
class Raw:
    """A connection on which a test writes the bytes itself."""

    sock: socket.socket
    rest: bytes = field(default=b"")

    def send(self, data: bytes) -> None:
        """Send bytes; a peer that has closed already is fine."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(data)

    def head(self) -> tuple[int, dict[str, str]]:
        """Read one response head: status and headers in lower case."""
        while b"\r\n\r\n" not in self.rest:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(self.rest)
            self.rest += more
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        return int(lines[0].split(" ")[1]), headers

    def body(self, length: int) -> bytes:
        """Read `length` bytes of a body."""
        while len(self.rest) < length:
            more = self.sock.recv(65536)
            if not more:
                break
            self.rest += more
        body, self.rest = self.rest[:length], self.rest[length:]
        return body

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Read one whole response with a Content-Length."""
        status, headers = self.head()
        return status, headers, self.body(int(headers.get("content-length", "0")))

    def is_closed(self) -> bool:
        """True when the server has closed; waits for the socket's time limit."""
        try:
            return self.sock.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True


@contextlib.contextmanager
def raw(server: Server, *, seconds: float = 30, receive_buffer: int | None = None) -> Iterator[Raw]:
    """Open a plain connection."""
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(seconds)
    with sock:
        sock.connect(("127.0.0.1", server.port))
        yield Raw(sock)


def head_of(server: Server, method: str, path: str, **headers: str) -> bytes:
    """A request head of alice's."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {server.key_of('alice')}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
