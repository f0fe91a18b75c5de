"""Requests with bytes changed, dropped and doubled at random: no 5xx, no hang, nothing half kept."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from tests.support.server import Server
from tests.web.kit import BOUNDARY, FORM_TYPE, form, head_of, png, raw, settled

ROUNDS = 1200


def whole_requests(server: Server) -> list[bytes]:
    """Well-formed requests of several kinds."""
    data = png(6, 4)
    body = form(data, fields={"tags": "a", "expires_at": "1d"})
    length = str(len(body))
    chunked = b"5\r\n" + data[:5] + b"\r\n%x\r\n" % (len(data) - 5) + data[5:] + b"\r\n0\r\n\r\n"
    login = b'{"identifier": "alice", "password": "wrong password"}'
    return [
        head_of(server, "POST", "/api/v1/uploads", Content_Length=length, Content_Type=FORM_TYPE) + body,
        head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data)), X_SHA256="0" * 64) + data,
        head_of(server, "PUT", "/api/v1/uploads/a.png?is_public=no", Transfer_Encoding="chunked") + chunked,
        head_of(server, "GET", "/api/v1/uploads?limit=5&cursor=abc", Range="bytes=0-5", If_None_Match='"x"'),
        head_of(server, "GET", "/i/abc?size=thumb&download=true", Cookie="bd_access=x; bd_refresh=y"),
        head_of(server, "POST", "/api/v1/uploads/abc/restore", Content_Length="0"),
        head_of(server, "PATCH", "/api/v1/uploads/abc", Content_Type="application/json", Content_Length=str(len(login)))
        + login,
    ]


def mutated(request: bytes, chance: random.Random) -> bytes:
    """The request with one to four changes, more of them where a parser has to decide something."""
    data = bytearray(request)
    spots = [index for index, byte in enumerate(data) if byte in b'\r\n:;="-/ ']
    for _ in range(chance.randint(1, 4)):
        where = chance.choice(spots) if chance.random() < 0.6 else chance.randrange(len(data))
        where = min(where, len(data) - 1)
        what = chance.randrange(5)
        if what == 0:
            data[where] = chance.randrange(256)
        elif what == 1:
            del data[where : where + chance.randint(1, 3)]
        elif what == 2:
            data[where:where] = bytes([data[where]]) * chance.randint(1, 5)
        elif what == 3:
            data[where:where] = chance.choice([b"\r\n", b"\0", b"\xff", b"--", BOUNDARY.encode(), b"%00", b"../"])
        else:
            del data[where:]
        if not data:
            return b"\r\n"
    return bytes(data)


def outcome(server: Server, request: bytes) -> int:
    """Send it, shut the sending side; the first status, or 0 when the server just closed."""
    with raw(server, seconds=40) as connection:
        connection.send(request)
        try:
            connection.sock.shutdown(1)
            status, _, _ = connection.response()
        except TimeoutError as error:
            raise AssertionError(f"no answer to {request!r}") from error
        except (EOFError, OSError):
            return 0
        return status


def test_no_mutation_of_a_request_brings_the_server_into_trouble(shared: Server) -> None:
    chance = random.Random(2026)
    requests = [mutated(chance.choice(whole_requests(shared)), chance) for _ in range(ROUNDS)]
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda request: outcome(shared, request), requests))
    bad = [(status, request[:400]) for status, request in zip(statuses, requests, strict=True) if status >= 500]
    assert not bad, bad[:3]
    assert statuses.count(0) < ROUNDS / 10
    now = settled(shared)
    assert now.unfinished == 0
    assert now.files == now.blobs
    faults = [line for line in shared.log_lines() if line["level"] == "error"]
    assert not faults, faults[:2]
    assert shared.anonymous.get("/health").status_code == 200
