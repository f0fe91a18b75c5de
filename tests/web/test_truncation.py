"""Bodies that end too early, at any byte and in any way: never acknowledged, never kept."""

from __future__ import annotations

import json
import random
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.server import Server
from tests.web.kit import FORM_TYPE, Kept, form, head_of, kept, png, raw, settled


@pytest.fixture
def nothing_new(shared: Server) -> Iterator[None]:
    before = kept(shared)
    yield
    assert settled(shared) == Kept(before.uploads, before.blobs, before.files, 0)


def cut(server: Server, head: bytes, body: bytes, how: str) -> bytes:
    """Send a head and part of its body, then end: by FIN, by reset, or by shutting the sending side. What came back."""
    with raw(server, seconds=10) as connection:
        connection.send(head + body)
        if how == "reset":
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return b""
        if how == "half":
            connection.sock.shutdown(socket.SHUT_WR)
            status, _, answer = connection.response()
            return str(status).encode() + b" " + answer
        return b""


@pytest.mark.parametrize("how", ["fin", "reset", "half"])
def test_a_form_cut_at_every_byte_is_never_kept(shared: Server, nothing_new: None, how: str) -> None:
    body = form(png(8, 8))
    head = head_of(shared, "POST", "/api/v1/uploads", Content_Length=str(len(body)), Content_Type=FORM_TYPE)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda end: cut(shared, head, body[:end], how), range(len(body))))
    if how == "half":
        assert all(answer.startswith(b"400 ") for answer in answers)
        assert {json.loads(answer[4:])["error"]["code"] for answer in answers} <= {"truncated", "bad_body"}


@pytest.mark.parametrize("how", ["fin", "reset", "half"])
def test_a_large_file_cut_anywhere_is_never_kept(shared: Server, nothing_new: None, how: str) -> None:
    data = png(800, 600)
    head = head_of(shared, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data)))
    chance = random.Random(7)
    ends = [chance.randrange(len(data)) for _ in range(60)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda end: cut(shared, head, data[:end], how), ends))
    if how == "half":
        assert all(answer.startswith(b"400 ") for answer in answers)


def test_a_chunked_body_cut_before_its_last_chunk_is_never_kept(shared: Server, nothing_new: None) -> None:
    data = png()
    head = head_of(shared, "PUT", "/api/v1/uploads/a.png", Transfer_Encoding="chunked")
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)
    for end in [0, 1, 3, 10, len(body) // 2, len(body) - 5, len(body) - 4, len(body) - 2, len(body) - 1]:
        assert cut(shared, head, body[:end], "half").startswith(b"400 ")
        cut(shared, head, body[:end], "fin")
        cut(shared, head, body[:end], "reset")


@pytest.mark.parametrize("more", [-1, 1])
def test_a_content_length_that_lies_is_never_kept(shared: Server, nothing_new: None, more: int) -> None:
    body = form(png())
    head = head_of(shared, "POST", "/api/v1/uploads", Content_Length=str(len(body) - 2 + more), Content_Type=FORM_TYPE)
    answer = cut(shared, head, body[:-2], "half")
    if more < 0:
        # One byte of the closing boundary is missing.
        assert answer.startswith(b"400 ")
    else:
        assert answer.startswith(b"400 ")


BROKEN_CHUNKS = [
    b"zz\r\nabc\r\n",
    b"-5\r\nabc\r\n",
    b"5\r\nabcdefgh\r\n0\r\n\r\n",
    b"x" * 100,
    b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
]


@pytest.mark.parametrize("body", BROKEN_CHUNKS)
def test_broken_chunks_are_refused(shared: Server, nothing_new: None, body: bytes) -> None:
    head = head_of(shared, "PUT", "/api/v1/uploads/a.png", Transfer_Encoding="chunked")
    with raw(shared) as connection:
        connection.send(head + body)
        status, _, answer = connection.response()
        assert status == 400
        assert json.loads(answer)["error"]["code"] in ("bad_body", "truncated")
        assert connection.is_closed()


BAD_HEADS = {
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "another protocol": b"GET / HTTP/9.9\r\n\r\n",
    "a header without colon": b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    "two lengths": b"PUT /api/v1/uploads/a HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "length and chunks": b"PUT /api/v1/uploads/a HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a negative length": b"PUT /api/v1/uploads/a HTTP/1.1\r\nContent-Length: -5\r\n\r\nabcde",
    "a length in words": b"PUT /api/v1/uploads/a HTTP/1.1\r\nContent-Length: five\r\n\r\nabcde",
    "a path that is no ASCII": "GET /ü HTTP/1.1\r\n\r\n".encode(),
    "headers of 100 KB": b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_malformed_request_is_answered_in_the_one_shape(shared: Server, nothing_new: None, name: str) -> None:
    with raw(shared) as connection:
        connection.send(BAD_HEADS[name])
        status, headers, body = connection.response()
        assert 400 <= status < 500
        assert headers["connection"] == "close"
        assert set(json.loads(body)["error"]) == {"code", "message", "field", "request_id"}
        assert "sanic" not in (str(headers) + body.decode()).lower()


def test_a_whole_request_is_answered_after_the_client_shut_its_side(shared: Server) -> None:
    data = png()
    head = head_of(shared, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data)))
    assert cut(shared, head, data, "half").startswith(b"201 ")
    assert cut(shared, head_of(shared, "GET", "/health"), b"", "half").startswith(b"200 ")


def test_two_requests_in_one_packet_get_two_answers(shared: Server) -> None:
    data = png()
    one = head_of(shared, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data))) + data
    with raw(shared) as connection:
        connection.send(one + head_of(shared, "GET", "/health"))
        assert connection.response()[0] == 201
        assert connection.response()[0] == 200
