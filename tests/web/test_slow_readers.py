"""Clients that read slowly get every byte, whatever the connection is to become afterwards."""

from __future__ import annotations

import hashlib
import time

import pytest

from tests.support.server import Server
from tests.web.kit import head_of, path_of, png, raw, upload


@pytest.fixture(scope="module")
def drop(shared: Server) -> dict[str, object]:
    """A picture of about 20 MB."""
    return upload(shared.alice, png(2900, 2300))


def read_slowly(server: Server, head: bytes, *, seconds: float, size: int) -> tuple[bytes, str]:
    """Read a response of `size` bytes evenly over about `seconds`. Its body, and the Connection header."""
    with raw(server, seconds=30, receive_buffer=65536) as connection:
        connection.send(head)
        status, headers = connection.head()
        assert status == 200
        step = max(1, int(size / (seconds * 50)))
        body = bytearray()
        while len(body) < size:
            piece = connection.body(min(step, size - len(body)))
            if not piece:
                break
            body += piece
            time.sleep(0.02)
        return bytes(body), headers["connection"]


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a_slow_client_gets_every_byte(shared: Server, drop: dict[str, object], connection: str) -> None:
    size = int(str(drop["size"]))
    head = head_of(shared, "GET", path_of(str(drop["direct_url"])), Connection=connection)
    # Sanic cuts what is left five seconds after it thinks it is done.
    body, kind = read_slowly(shared, head, seconds=7, size=size)
    assert kind == connection
    assert hashlib.sha256(body).hexdigest() == drop["sha256"]


def test_a_slow_client_of_the_old_protocol_gets_every_byte(shared: Server, drop: dict[str, object]) -> None:
    size = int(str(drop["size"]))
    head = head_of(shared, "GET", path_of(str(drop["direct_url"]))).replace(b"HTTP/1.1", b"HTTP/1.0")
    body, _ = read_slowly(shared, head, seconds=7, size=size)
    assert hashlib.sha256(body).hexdigest() == drop["sha256"]


def test_a_long_list_reaches_a_slow_client_whole(shared: Server) -> None:
    for _ in range(40):
        upload(shared.alice)
    head = head_of(shared, "GET", "/api/v1/uploads?limit=200", Connection="close")
    with raw(shared, seconds=30, receive_buffer=2048) as connection:
        connection.send(head)
        status, headers = connection.head()
        assert status == 200
        size = int(headers["content-length"])
        time.sleep(7)
        body = connection.body(size)
        assert len(body) == size
        assert connection.is_closed()


def test_a_client_that_leaves_in_the_middle_harms_nobody(shared: Server, drop: dict[str, object]) -> None:
    path = path_of(str(drop["direct_url"]))
    for _ in range(10):
        with raw(shared) as connection:
            connection.send(head_of(shared, "GET", path))
            connection.head()
    answer = shared.anonymous.get(path)
    assert hashlib.sha256(answer.content).hexdigest() == drop["sha256"]
    assert not [line for line in shared.log_lines() if line["level"] == "error"]


def test_many_readers_at_once_get_their_own_bytes(shared: Server) -> None:
    drops = [upload(shared.alice, png(500 + 10 * number, 400)) for number in range(6)]
    with raw(shared) as connection:
        # Pipelined on one connection: six answers must come in order, none mixed with another.
        connection.send(b"".join(head_of(shared, "GET", path_of(drop["direct_url"])) for drop in drops))
        for each in drops:
            status, _, body = connection.response()
            assert status == 200
            assert hashlib.sha256(body).hexdigest() == each["sha256"]
