"""What a proxy in front of us might read otherwise is refused once, and nothing after it on the line is answered."""

from __future__ import annotations

import json
import select
import time

import pytest

from tests.support.server import Server
from tests.web.kit import Raw, head_of, png, raw

# A request that would be answered if the server read on, on which it must never get to.
HIDDEN = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
END = b"\r\n\r\n"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"

BAD_HEADS: dict[str, bytes] = {
    "a space before the colon of the length": POST + b"Content-Length : 30" + END + b"{}",
    "a tabulator before the colon of the length": POST + b"Content-Length\t: 30" + END + b"{}",
    "a space before the colon of the encoding": POST + b"Transfer-Encoding : chunked" + END + CHUNKS,
    "a line folded with a space": GET + b"X-A: b\r\n c" + END,
    "a line folded with a tabulator": GET + b"X-A: b\r\n\tc" + END,
    "a folded first line": b"GET /health HTTP/1.1\r\n Host: localhost" + END,
    "a folded encoding": POST + b"Transfer-Encoding:\r\n chunked" + END + CHUNKS,
    "a header without a name": GET + b": b" + END,
    "a header without a colon": GET + b"X-A" + END,
    "brackets in a name": GET + b"X(A): b" + END,
    "a space in a name": GET + b"X A: b" + END,
    "a name that is no ASCII": GET + "X-Ä: b".encode() + END,
    "a Kelvin sign in a name": GET + "\u212aeep: b".encode() + END,
    "NUL in a name": GET + b"X\0A: b" + END,
    "NUL in a value": GET + b"X-A: b\0c" + END,
    "NUL in the address": b"GET /hea\0lth HTTP/1.1\r\nHost: localhost" + END,
    "a lone CR in a value": GET + b"X-A: b\rContent-Length: 5" + END,
    "a lone CR at a line's end": GET + b"X-A: b\r\r\nX-B: c" + END,
    "a lone CR in the first line": b"GET /health HTTP/1.1\rX-A: b\r\nHost: localhost" + END,
    "a lone LF in a value": GET + b"X-A: b\nContent-Length: 5" + END,
    "a lone LF after the first line": b"GET /health HTTP/1.1\nHost: localhost" + END,
    "lone LFs only": (GET + END).replace(b"\r\n", b"\n"),
    "a form feed in a value": GET + b"X-A: b\x0cc" + END,
    "a vertical tabulator before chunked": POST + b"Transfer-Encoding: \x0bchunked" + END + CHUNKS,
    "a no-break space before chunked": POST + b"Transfer-Encoding: \xc2\xa0chunked" + END + CHUNKS,
    "chunked in capitals": POST + b"Transfer-Encoding: CHUNKED" + END + CHUNKS,
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked" + END + CHUNKS,
    "chunked on two lines": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + END + CHUNKS,
    "another encoding": POST + b"Transfer-Encoding: gzip, chunked" + END + CHUNKS,
    "no encoding": POST + b"Transfer-Encoding: identity" + END + CHUNKS,
    "an empty encoding": POST + b"Transfer-Encoding:" + END + CHUNKS,
    "chunked and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2" + END + CHUNKS,
    "a length and an unread encoding": POST + b"Content-Length: 2\r\nTransfer-Encoding: x" + END + CHUNKS,
    "chunked in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked" + END + CHUNKS,
    "chunked in HTTP/1.0 that stays": POST.replace(b"1.1", b"1.0")
    + b"Connection: keep-alive\r\ntransfer-encoding: chunked"
    + END
    + CHUNKS,
    "a length with a sign": POST + b"Content-Length: +2" + END + b"{}",
    "a negative length": POST + b"Content-Length: -2" + END + b"{}",
    "a length with an underscore": POST + b"Content-Length: 1_0" + END + b"{}        ",
    "a length in hex": POST + b"Content-Length: 0x2" + END + b"{}",
    "a length in Arabic digits": POST + "Content-Length: ٢".encode() + END + b"{}",
    "an empty length": POST + b"Content-Length:" + END + b"{}",
    "a list of lengths": POST + b"Content-Length: 2, 2" + END + b"{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 2" + END + b"{}",
    "a length after a no-break space": POST + b"Content-Length: \xc2\xa02" + END + b"{}",
    "two spaces in the first line": b"GET  /health HTTP/1.1\r\nHost: localhost" + END,
    "a method that is no token": b"G(T /health HTTP/1.1\r\nHost: localhost" + END,
    "another version": b"GET /health HTTP/1.2\r\nHost: localhost" + END,
}

BAD_CHUNKS: dict[str, bytes] = {
    "a size with 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a size with a sign": b"+2\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a space before a size": b" 2\r\n{}\r\n0\r\n\r\n",
    "a space after a size": b"2 \r\n{}\r\n0\r\n\r\n",
    "an underscore in a size": b"0_2\r\n{}\r\n0\r\n\r\n",
    "17 digits": b"0" * 16 + b"2\r\n{}\r\n0\r\n\r\n",
    "a size in Arabic digits": "٢\r\n{}\r\n0\r\n\r\n".encode(),
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "only an extension": b";a=b\r\n{}\r\n0\r\n\r\n",
    "a lone LF in an extension": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    "a lone CR in an extension": b"2;a\rb\r\n{}\r\n0\r\n\r\n",
    "NUL in an extension": b"2;a\0b\r\n{}\r\n0\r\n\r\n",
    "an endless extension": b"2;" + b"a" * 2000 + b"\r\n{}\r\n0\r\n\r\n",
    "a lone LF after a size": b"2\n{}\r\n0\r\n\r\n",
    "other bytes after a chunk": b"2\r\n{}XX0\r\n\r\n",
    "an LF and a byte after a chunk": b"2\r\n{}\n00\r\n\r\n",
    "a chunk longer than it says": b"2\r\n{} \r\n0\r\n\r\n",
    "nothing after a chunk": b"2\r\n{}0\r\n\r\n",
    "a bad size at the end": b"2\r\n{}\r\n0x0\r\n\r\n",
    "a trailer": b"2\r\n{}\r\n0\r\nX-A: b\r\n\r\n",
}


def refused_once(line: Raw) -> None:
    """Read one 400 in the error shape, then the end."""
    status, headers, body = line.response()
    assert status == 400, (status, body)
    assert set(json.loads(body)["error"]) == {"code", "message", "field", "request_id"}
    assert headers["connection"] == "close"
    assert line.rest == b""
    assert line.is_closed()


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_head_that_could_be_read_in_two_ways_is_refused(shared: Server, name: str) -> None:
    with raw(shared) as line:
        line.send(BAD_HEADS[name] + HIDDEN)
        refused_once(line)


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/uploads/a.png"])
@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_chunk_that_could_be_read_in_two_ways_is_refused(shared: Server, name: str, path: str) -> None:
    method = "PUT" if path.endswith(".png") else "POST"
    head = head_of(shared, method, path, Content_Type="application/json", Transfer_Encoding="chunked")
    with raw(shared) as line:
        line.send(head + BAD_CHUNKS[name] + HIDDEN)
        refused_once(line)


def test_wrong_bytes_after_a_chunk_are_refused_without_waiting_for_a_line(shared: Server) -> None:
    with raw(shared) as line:
        line.send(head_of(shared, "POST", "/api/v1/auth/login", Transfer_Encoding="chunked") + b"2\r\n{}X")
        refused_once(line)


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_after_an_answer_that_needed_no_body_bad_chunks_end_the_connection(shared: Server, name: str) -> None:
    with raw(shared) as line:
        head = b"PUT /api/v1/uploads/a.png HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked"
        line.send(head + END + BAD_CHUNKS[name] + HIDDEN)
        assert line.response()[0] == 401
        assert line.rest == b""
        assert line.is_closed()


def _chunked(data: bytes) -> bytes:
    first, second = data[:100], data[100:]
    sizes = b"%016X;sha=%b;b\r\n" % (len(first), b"0" * 64), b'%x;name="a b \xe4"\r\n' % len(second)
    return sizes[0] + first + b"\r\n" + sizes[1] + second + b"\r\n000;last\r\n\r\n"


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_chunks_with_extensions_are_taken_however_they_arrive(shared: Server, step: int) -> None:
    data = png(12, 10)
    whole = head_of(shared, "PUT", "/api/v1/uploads/a.png", Transfer_Encoding="chunked") + _chunked(data) + HIDDEN
    with raw(shared) as line:
        for start in range(0, len(whole), step):
            line.send(whole[start : start + step])
        status, _, body = line.response()
        assert (status, json.loads(body)["size"]) == (201, len(data))
        assert line.response()[0] == 200


def test_a_client_that_waits_for_100_before_its_chunks_is_told_to_go_on(shared: Server) -> None:
    head = head_of(shared, "PUT", "/api/v1/uploads/a.png", Transfer_Encoding="chunked", Expect="100-continue")
    with raw(shared) as line:
        line.send(head)
        assert line.head()[0] == 100
        line.send(_chunked(png(12, 10)))
        assert line.response()[0] == 201


UNREADABLE = {
    "no colon": GET + b"X-A b" + END,
    "too long": GET + b"X-A: " + b"v" * 40_000 + END,
    "a chunk's size with 0x": POST + b"Transfer-Encoding: chunked" + END + b"0x2\r\n",
}


@pytest.mark.parametrize("head", UNREADABLE.values(), ids=UNREADABLE)
def test_who_still_sends_when_the_refusal_comes_can_send_all_and_then_read_it(shared: Server, head: bytes) -> None:
    with raw(shared) as line:
        line.sock.sendall(head)
        select.select([line.sock], [], [], 10)
        # A socket closed over unread bytes answers each with a reset, and the second of these would fail.
        for _ in range(5):
            line.sock.sendall(b"v" * 50_000)
            time.sleep(0.01)
        assert line.response()[0] in (400, 401, 413, 431)
        assert line.sock.recv(1) == b""


GOOD_HEADS: dict[str, bytes] = {
    "HTTP/1.0": b"GET /health HTTP/1.0\r\n\r\n",
    "HTTP/1.0 that stays": b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "an empty value": GET + b"X-A:" + END,
    "no space after the colon": GET + b"X-A:b" + END,
    "spaces and tabulators around a value": GET + b"X-A: \t b \t " + END,
    "a tabulator in a value": GET + b"X-A: b\tc" + END,
    "letters above ASCII in a value": GET + "X-A: ä\u20ac".encode() + END,
    "colons and quotes in a value": GET + b'X-A: ::"\\\x7e"(;,)' + END,
    "every letter of a token in a name": GET + b"!#$%&'*+-.^_`|~09aZ: b" + END,
    "names like those of the length": GET + b"X-Content-Length: x\r\nContent-Lengths: x\r\nTransfer-Encodings: x" + END,
    "a length of nothing": GET + b"cOnTeNt-LeNgTh:\t000 " + END,
    "many headers": GET + b"\r\n".join(b"X-%d: %b" % (number, b"v" * 40) for number in range(150)) + END,
    "a query with odd signs": b'GET /health?a=[b]|{c}^`"<> HTTP/1.1\r\nHost: localhost' + END,
}


@pytest.mark.parametrize("name", GOOD_HEADS)
def test_odd_but_legal_heads_are_answered(shared: Server, name: str) -> None:
    with raw(shared) as line:
        line.send(GOOD_HEADS[name])
        assert line.response()[0] == 200


def test_a_long_head_may_come_in_single_bytes(shared: Server) -> None:
    with raw(shared) as line:
        for byte in GET + b"X-A: " + b"v" * 3000 + END + HIDDEN:
            line.send(bytes([byte]))
        assert line.response()[0] == 200
        assert line.response()[0] == 200


def test_a_head_that_is_too_long_is_still_called_too_long(shared: Server) -> None:
    with raw(shared) as line:
        line.send(GET + b"X-A: " + b"v" * 20_000 + END)
        assert line.head()[0] in (413, 431)
