"""The little HTTP that the tray's control server speaks: a request read within limits, a reply written within them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from bulletdrop.errors import BadBody, BulletDropError, Invalid, TooBig

MAX_HEAD = 16 * 1024
# The largest that anybody sends is a custom uploader's text; files are named by their path, never sent.
MAX_BODY = 256 * 1024
MAX_FIELDS = 400

# Seconds for a whole request, however slowly its bytes trickle, and for a whole reply.
IDLE_SECONDS = 20.0
HEAD_SECONDS = 5.0
BODY_SECONDS = 10.0
WRITE_SECONDS = 15.0

# RFC 9110, 5.6.2 (token) and 9112, 3 (request line) and 5 (no space before the colon, no folded lines).
_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.([01])")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
# Twice, these would let two readers of one request understand two requests.
_ONCE = {"host", "content-length", "origin", "authorization"}


class BadRequest(Invalid):
    """What came is no request that this server answers."""

    code = "bad_local_request"
    title = "The request could not be read"


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request. Header names are lower case; `ends` are the asker's port and ours on this machine."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    ends: tuple[int, int] = (0, 0)
    keep_alive: bool = True

    def cookies(self, name: str) -> list[str]:
        """All values of a cookie: another program's page on this machine may have planted one of the same name."""
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return [value for found, _, value in pairs if found == name]

    def form(self) -> dict[str, list[str]]:
        """The fields of a plain form, each with all its values. Raises BadBody."""
        if self.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise BadBody("A form is sent as application/x-www-form-urlencoded.")
        try:
            pairs = parse_qsl(
                self.body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
            )
        except ValueError as error:
            raise BadBody("The form cannot be read.") from error
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            # As browsers send lines: CR LF (HTML, "form data set").
            found.setdefault(name, []).append(value.replace("\r\n", "\n"))
        return found

    def json(self) -> dict[str, Any]:
        """The JSON object in the body; {} for none. Raises BadBody."""
        if not self.body:
            return {}
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BadBody("The body is no JSON.") from error
        if not isinstance(value, dict):
            raise BadBody("The body is a JSON object.")
        return value


@dataclass(slots=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = 200) -> Reply:
    """A reply of JSON."""
    return Reply(status, json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), "application/json")


def refusal(error: BulletDropError, status: int) -> Reply:
    """An error as the server's API words it, so that one reader understands both."""
    told = {"code": error.code, "message": error.message, "field": error.field}
    return as_json({"error": told}, status)


def see_other(path: str) -> Reply:
    """Lead a browser on after a POST (RFC 9110, 15.4.4)."""
    return Reply(303, headers={"Location": path})


async def read_request(reader: asyncio.StreamReader, ends: tuple[int, int]) -> Request | None:
    """The next request of a connection, or None when the asker is gone or says nothing for IDLE_SECONDS.

    Raises: BadRequest, TooBig; TimeoutError when a request that was begun does not end in time.
    """
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            first = await reader.readexactly(1)
    except (TimeoutError, asyncio.IncompleteReadError):
        return None
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            head = first + await reader.readuntil(b"\r\n\r\n")
        method, path, query, headers, version = _read_head(head)
        length = _length(headers)
        async with asyncio.timeout(BODY_SECONDS):
            body = await reader.readexactly(length)
    except asyncio.LimitOverrunError as error:
        raise TooBig("The request's head is too long.") from error
    except asyncio.IncompleteReadError:
        return None
    keep = version == "1" and headers.get("connection", "").lower() != "close"
    return Request(method, path, query, headers, body, ends, keep)


def _read_head(head: bytes) -> tuple[str, str, Mapping[str, str], Mapping[str, str], str]:
    try:
        lines = head[:-4].decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise BadRequest("The request's head is no UTF-8.") from error
    line = _LINE.fullmatch(lines[0])
    if line is None:
        raise BadRequest("This is no HTTP/1.1 request.")
    headers: dict[str, str] = {}
    for text in lines[1:]:
        found = _FIELD.fullmatch(text)
        if found is None:
            raise BadRequest("A header cannot be read.")
        name = found[1].lower()
        if name in headers and name in _ONCE:
            raise BadRequest(f"There are two headers {name}.")
        joined = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{joined}{found[2]}" if name in headers else found[2]
    target, _, query = line[2].partition("?")
    try:
        pairs = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise BadRequest("The address cannot be read.") from error
    return line[1], unquote(target), pairs, headers, line[3]


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest("Bodies come with their length here.")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadRequest("The body's length cannot be read.")
    if int(text) > MAX_BODY:
        raise TooBig(f"A body has up to {MAX_BODY // 1024} KB here.")
    return int(text)


async def write_reply(writer: asyncio.StreamWriter, reply: Reply, *, keep_alive: bool, bare: bool = False) -> None:
    """Write a reply. `bare`: the head alone, as for HEAD. Raises TimeoutError, OSError when nobody takes it."""
    headers = {
        "Content-Type": reply.kind,
        "Content-Length": str(len(reply.body)),
        "Connection": "keep-alive" if keep_alive else "close",
        **reply.headers,
    }
    if reply.status in (204, 304):
        del headers["Content-Type"], headers["Content-Length"]
    phrase = HTTPStatus(reply.status).phrase
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + (b"" if bare else reply.body))
    async with asyncio.timeout(WRITE_SECONDS):
        await writer.drain()
