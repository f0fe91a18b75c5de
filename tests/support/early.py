"""A request over `http.client` whose answer may come before all of it is sent: that answer counts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse


def exchange(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HTTPResponse:
    """Send a request and return its answer, of which the head is read.

    A server that refuses a head may close before the body comes. `http.client` then says nothing but that the
    connection broke, while the refusal lies there to be read (RFC 9112, 9.3 and 9.5).

    Raises: OSError or `http.client.HTTPException` where there is no answer either.
    """
    if connection.sock is None:
        connection.connect()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, path, body, dict(headers or {}))
    return connection.getresponse()
