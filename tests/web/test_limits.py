"""Size, speed, number, disk: each limit is held while the body is read, and a client can read the refusal."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.server import Server
from tests.web.kit import FORM_TYPE, Kept, form, head_of, kept, png, problem, raw, settled, until_unfinished

LIMIT = 200_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes up to 200,000 bytes."""
    environ = {"BULLETDROP_MAX_FILE_SIZE": str(LIMIT), "BULLETDROP_MIN_FREE_DISK": "0"}
    server = Server(tmp_path_factory.mktemp("small") / "data", environ=environ)
    server.start()
    try:
        server.key_of("alice")
        yield server
    finally:
        server.close()


@pytest.fixture
def nothing_new(small: Server) -> Iterator[None]:
    before = kept(small)
    yield
    assert settled(small) == Kept(before.uploads, before.blobs, before.files, 0)


def test_a_file_of_exactly_the_limit_passes_the_size_check(small: Server) -> None:
    data = b"x" * LIMIT
    problem(small.alice.put("/api/v1/uploads/a.png", content=data), 415, "unknown_type")
    headers = {"Content-Type": FORM_TYPE}
    problem(small.alice.post("/api/v1/uploads", content=form(data), headers=headers), 415, "unknown_type")


def test_a_declared_size_beyond_the_limit_is_refused_at_once(small: Server, nothing_new: None) -> None:
    with raw(small) as connection:
        started = time.monotonic()
        connection.send(head_of(small, "PUT", "/api/v1/uploads/a.png", Content_Length="50000000"))
        status, _, body = connection.response()
        assert status == 413
        assert time.monotonic() - started < 5  # long before a body that never comes is given up
        message = json.loads(body)["error"]["message"]
        assert "195 KB" in message
        assert "48 MB" in message


def test_a_declared_form_beyond_the_limit_is_refused_at_once(small: Server, nothing_new: None) -> None:
    with raw(small) as connection:
        head = head_of(small, "POST", "/api/v1/uploads", Content_Length="50000000", Content_Type=FORM_TYPE)
        connection.send(head)
        assert connection.response()[0] == 413


def test_a_file_in_a_form_one_byte_too_large_is_refused(small: Server, nothing_new: None) -> None:
    headers = {"Content-Type": FORM_TYPE}
    answer = small.alice.post("/api/v1/uploads", content=form(b"x" * (LIMIT + 1)), headers=headers)
    problem(answer, 413, "too_big")


def pieces(size: int) -> Iterator[bytes]:
    for start in range(0, size, 50_000):
        yield b"x" * min(50_000, size - start)


def test_an_undeclared_size_beyond_the_limit_is_refused_when_it_is_crossed(small: Server, nothing_new: None) -> None:
    problem(small.alice.put("/api/v1/uploads/a.png", content=pieces(LIMIT + 1)), 413, "too_big")
    problem(small.alice.put("/api/v1/uploads/a.png", content=pieces(20_000_000)), 413, "too_big")


def test_a_chunked_form_that_is_whole_is_taken(small: Server) -> None:
    body = form(png())
    chunks = (body[start : start + 7] for start in range(0, len(body), 7))
    answer = small.alice.post("/api/v1/uploads", content=chunks, headers={"Content-Type": FORM_TYPE})
    assert answer.status_code == 201


def test_a_client_that_reads_only_after_sending_sees_the_refusal(small: Server, nothing_new: None) -> None:
    with raw(small, seconds=20) as connection:
        connection.send(head_of(small, "PUT", "/api/v1/uploads/a.png", Content_Length="30000000"))
        for piece in pieces(30_000_000):
            connection.send(piece)
        assert connection.response()[0] == 413
        # And the connection is still good: the whole body was read away.
        connection.send(head_of(small, "GET", "/api/v1/auth/me"))
        assert connection.response()[0] == 200


def test_expect_100_is_answered_before_the_body(small: Server) -> None:
    data = png()
    with raw(small) as connection:
        headers = {"Content_Length": str(len(data)), "Expect": "100-continue"}
        connection.send(head_of(small, "PUT", "/api/v1/uploads/a.png", **headers))
        assert connection.head()[0] == 100
        connection.send(data)
        assert connection.response()[0] == 201


def test_a_client_that_waits_for_100_never_has_to_send_a_refused_body(small: Server, nothing_new: None) -> None:
    with raw(small) as connection:
        headers = {"Content_Length": "50000000", "Expect": "100-continue"}
        connection.send(head_of(small, "PUT", "/api/v1/uploads/a.png", **headers))
        status, answered, _ = connection.response()
        assert status == 413
        assert answered["connection"] == "close"
        assert connection.is_closed()


def test_another_expectation_is_refused(small: Server, nothing_new: None) -> None:
    with raw(small) as connection:
        headers = {"Content_Length": "5", "Expect": "a-miracle"}
        connection.send(head_of(small, "PUT", "/api/v1/uploads/a.png", **headers))
        status, _, body = connection.response()
        assert status == 400
        assert json.loads(body)["error"]["code"] == "bad_request"


def test_other_bodies_have_a_small_limit(small: Server) -> None:
    big = {"identifier": "x" * 2_000_000, "password": "y"}
    problem(small.anonymous.post("/api/v1/auth/login", json=big), 413, "too_big")


def test_too_little_free_disk_is_507_and_nothing_is_kept(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_MIN_FREE_DISK=str(1 << 60))
    answer = server.alice.put("/api/v1/uploads/a.png", content=png())
    problem(answer, 507, "disk_full")
    assert int(answer.headers["retry-after"]) > 0
    chunked = server.alice.post("/api/v1/uploads", content=iter([form(png())]), headers={"Content-Type": FORM_TYPE})
    problem(chunked, 507, "disk_full")
    assert settled(server) == Kept(0, 0, 0, 0)
    assert server.anonymous.get("/health").status_code == 200
    problem_free = server.anonymous.get("/ready")
    assert problem_free.status_code == 503
    assert problem_free.json()["checks"]["disk"] != "ok"


@pytest.mark.parametrize("pause", [0.5, 3.0])
def test_a_slow_upload_is_cut_off(make_server: Callable[..., Server], pause: float) -> None:
    server = make_server(BULLETDROP_MIN_UPLOAD_RATE="4096")
    server.key_of("alice")
    with raw(server, seconds=30) as connection:
        connection.send(head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length="1000000"))
        started = time.monotonic()
        done = threading.Event()

        def drip() -> None:
            while not done.wait(pause):
                connection.send(b"x" * 10)

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            status, _, body = connection.response()
        finally:
            done.set()
            dripping.join()
        assert status == 408
        assert json.loads(body)["error"]["code"] == "too_slow"
        assert time.monotonic() - started < 20
    assert settled(server) == Kept(0, 0, 0, 0)


SLOW = {
    "a head": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"x"),
    "a small body": (
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n{",
        b" ",
    ),
}


@pytest.mark.parametrize("what", SLOW)
def test_a_byte_now_and_then_does_not_keep_a_connection(small: Server, what: str) -> None:
    start, drop = SLOW[what]
    with raw(small, seconds=1) as connection:
        connection.send(start)
        began = time.monotonic()
        while time.monotonic() - began < 45:
            connection.send(drop)
            try:
                status, headers, _ = connection.response()
            except TimeoutError:
                continue
            assert status == 408
            assert headers["connection"] == "close"
            return
    raise AssertionError(f"{what} may take for ever")


def test_an_honest_slow_upload_goes_through(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_MIN_UPLOAD_RATE="4096")
    server.key_of("alice")
    data = png(200, 150)
    with raw(server, seconds=30) as connection:
        connection.send(head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data))))
        for start in range(0, len(data), 8192):
            connection.send(data[start : start + 8192])
            time.sleep(0.25)
        assert connection.response()[0] == 201


def test_open_uploads_are_capped_in_total_and_by_address(make_server: Callable[..., Server]) -> None:
    for setting in ("BULLETDROP_MAX_OPEN_UPLOADS", "BULLETDROP_MAX_OPEN_UPLOADS_PER_ADDRESS"):
        server = make_server(**{setting: "2"})
        data = png()
        head = head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data)))
        with raw(server) as first, raw(server) as second:
            for connection in (first, second):
                connection.send(head + data[:100])
            until_unfinished(server, 2)
            refused = server.alice.put("/api/v1/uploads/a.png", content=data)
            problem(refused, 429, "too_many")
            assert "retry-after" in refused.headers
            first.send(data[100:])
            assert first.response()[0] == 201
            assert server.alice.put("/api/v1/uploads/a.png", content=png()).status_code == 201
        assert settled(server).unfinished == 0


def test_a_client_that_leaves_leaves_nothing(make_server: Callable[..., Server]) -> None:
    server = make_server()
    head = head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length="1000000")
    for _ in range(5):
        with raw(server) as connection:
            connection.send(head + b"x" * 1000)
            until_unfinished(server, 1)
        assert settled(server) == Kept(0, 0, 0, 0)


def test_what_a_crash_left_is_swept_at_the_start(make_server: Callable[..., Server]) -> None:
    server = make_server()
    head = head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length="1000000")
    with raw(server) as connection:
        connection.send(head + b"x" * 1000)
        until_unfinished(server, 1)
        server.kill()
    assert kept(server).unfinished == 1
    server.start()
    assert kept(server) == Kept(0, 0, 0, 0)
