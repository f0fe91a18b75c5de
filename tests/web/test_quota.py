"""Quotas over HTTP: never exceeded, whatever comes at once, however it is sent, and whoever hangs up."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap
from typing import Any

import httpx
import pytest

from tests.conftest import both_databases
from tests.support.server import Server
from tests.web.kit import FORM_TYPE, form, head_of, problem, raw
from tests.web.quota_kit import WAYS, all_at_once, ask, bitmap, held, limit, send, soon, used

ROOM = {"BULLETDROP_MAX_OPEN_UPLOADS": "400", "BULLETDROP_MAX_OPEN_UPLOADS_PER_ADDRESS": "400"}
MB = 1024 * 1024


def outcomes(answers: list[httpx.Response]) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    for answer in answers:
        code = "" if answer.status_code == 201 else answer.json()["error"]["code"]
        found[answer.status_code, code] = found.get((answer.status_code, code), 0) + 1
    return found


def is_exact(server: Server) -> bool:
    return server.command("verify", check=False).returncode == 0


@pytest.mark.parametrize("workers", [1, 4])
@both_databases
def test_of_fifty_uploads_of_a_tenth_of_the_quota_ten_are_kept(
    make_server: Callable[..., Server], database_url: str, workers: int
) -> None:
    settings = ROOM | ({"BULLETDROP_DATABASE_URL": database_url} if database_url else {})
    server = make_server("--workers", str(workers), **settings)
    size = len(bitmap())
    for way in WAYS:
        before = used(server, "alice") if server.key_of("alice") else 0
        limit(server, "alice", storage=before + 10 * size)
        answers = all_at_once(server, "alice", way, [bitmap() for _ in range(50)])
        assert outcomes(answers) == {(201, ""): 10, (507, "quota_full"): 40}, way
        assert used(server, "alice") == before + 10 * size, f"{way}: overshoot"
        assert soon(lambda: held(server) == 0), f"{way}: {held(server)} bytes are still held"
    assert ask(server, "SELECT SUM(uploads) FROM usage") == [(40,)]
    assert is_exact(server)


@pytest.mark.parametrize("workers", [1, 4])
def test_the_day_s_uploads_are_exact_under_fifty_at_once(
    make_server: Callable[..., Server], database_url: str, workers: int
) -> None:
    server = make_server("--workers", str(workers), **ROOM)
    server.key_of("alice")
    limit(server, "alice", uploads_per_day=10)
    answers = all_at_once(server, "alice", "put", [bitmap(20, 20) for _ in range(50)])
    assert outcomes(answers) == {(201, ""): 10, (429, "too_many"): 40}
    waits = {int(answer.headers["retry-after"]) for answer in answers if answer.status_code == 429}
    assert all(0 < wait <= 86400 for wait in waits)
    assert ask(server, "SELECT uploads FROM usage") == [(10,)]
    refused = send(server.alice, "put", bitmap(20, 20))
    assert "today's 10 uploads" in problem(refused, 429, "too_many")["message"]


@pytest.fixture(scope="module")
def limited(shared: Server) -> Server:
    """The module's server, on which alice's largest file is 30,000 bytes."""
    limit(shared, "alice", max_file_size=30_000)
    return shared


@pytest.mark.parametrize("way", WAYS)
def test_a_byte_more_than_the_plan_s_largest_file_is_refused(limited: Server, way: str) -> None:
    before = used(limited, "alice")
    fits, too_large = bitmap(99, 100)[:30_000], bitmap(100, 100)[:30_001]
    # What is cut off is no whole picture: it is refused for that, after its size has passed.
    problem(send(limited.alice, way, fits), 400, "truncated")
    said = problem(send(limited.alice, way, too_large), 413, "too_big")["message"]
    assert "Your plan takes up to" in said
    assert used(limited, "alice") == before


def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(limited: Server) -> None:
    with raw(limited) as line:
        line.send(head_of(limited, "PUT", "/api/v1/uploads/a.bmp", Content_Length="30001"))
        assert line.head()[0] == 413
    with raw(limited) as line:
        line.send(head_of(limited, "POST", "/api/v1/uploads", Content_Length=str(2 * MB), Content_Type=FORM_TYPE))
        assert line.head()[0] == 413


def test_a_length_that_lies_gets_nothing_more_kept(limited: Server) -> None:
    """The body ends where its length says: what comes after that is no part of it."""
    before = used(limited, "alice")
    body = form(bitmap(100, 100), filename="a.bmp")
    lies = [
        head_of(limited, "PUT", "/api/v1/uploads/a.bmp", Content_Length="29999") + bitmap(100, 100),
        head_of(limited, "POST", "/api/v1/uploads", Content_Length="29999", Content_Type=FORM_TYPE) + body,
        head_of(limited, "PUT", "/api/v1/uploads/a.bmp", Content_Length="10", Transfer_Encoding="chunked")
        + b"7546\r\n" + bitmap(100, 100) + b"\r\n0\r\n\r\n",
    ]  # fmt: skip
    for lie in lies:
        with raw(limited) as line:
            line.send(lie)
            assert 400 <= line.head()[0] < 500
    assert used(limited, "alice") == before


@pytest.mark.parametrize("way", WAYS)
def test_a_byte_more_than_the_quota_is_refused_and_the_last_byte_fits(server_on: Server, way: str) -> None:
    server_on.key_of("alice")
    data = bitmap()
    limit(server_on, "alice", storage=len(data) - 1)
    said = problem(send(server_on.alice, way, data), 507, "quota_full")["message"]
    assert said.startswith("Your storage has no room for this: 0 bytes of 29 KB used, and this needs")
    assert (used(server_on, "alice"), soon(lambda: held(server_on) == 0)) == (0, True)
    limit(server_on, "alice", storage=len(data))
    assert send(server_on.alice, way, data).status_code == 201
    assert problem(send(server_on.alice, way, bitmap()), 507, "quota_full")["message"] == (
        "Your storage is full: 29 KB of 29 KB used. Delete something or ask the admin."
    )


def test_an_upload_for_which_there_is_no_room_is_refused_before_it_is_sent(server: Server) -> None:
    server.key_of("alice")
    limit(server, "alice", storage=1000)
    with raw(server) as line:
        line.send(head_of(server, "PUT", "/api/v1/uploads/a.bmp", Content_Length="5000", Expect="100-continue"))
        status, _, body = line.response()
    assert status == 507
    assert b"quota_full" in body


def half_an_upload(server: Server, line: Any, size: int) -> None:
    """Send half of a file, and wait until room is held for it."""
    line.send(head_of(server, "PUT", "/api/v1/uploads/a.bmp", Content_Length=str(size)))
    line.send(bytes(size // 2))
    assert soon(lambda: held(server) == size), held(server)


def test_who_hangs_up_holds_nothing_any_more(server_on: Server) -> None:
    server_on.key_of("alice")
    limit(server_on, "alice", storage=10 * MB)
    with raw(server_on) as line:
        half_an_upload(server_on, line, 3 * MB)
    assert soon(lambda: held(server_on) == 0)
    assert send(server_on.alice, "put", bitmap()).status_code == 201


def test_a_long_body_of_unknown_length_holds_what_has_come(server: Server) -> None:
    server.key_of("alice")
    limit(server, "alice", storage=60 * MB)
    piece = b"100000\r\n" + bytes(MB) + b"\r\n"
    with raw(server) as line:
        line.send(head_of(server, "PUT", "/api/v1/uploads/a.bmp", Transfer_Encoding="chunked"))
        for _ in range(34):
            line.send(piece)
        assert soon(lambda: held(server) >= 32 * MB), held(server)
        assert problem(send(server.alice, "put", bytes(40 * MB)), 507, "quota_full")
    assert soon(lambda: held(server) == 0)


def test_a_long_body_of_unknown_length_is_cut_off_where_the_room_ends(server: Server) -> None:
    server.key_of("alice")
    limit(server, "alice", storage=3 * MB)
    problem(send(server.alice, "chunked put", bytes(20 * MB)), 507, "quota_full")
    assert soon(lambda: held(server) == 0)


@pytest.mark.parametrize("workers", [1, 2])
@both_databases
def test_what_a_killed_server_held_is_free_after_its_next_start(
    make_server: Callable[..., Server], database_url: str, workers: int
) -> None:
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    server = make_server("--workers", str(workers), **environ)
    server.key_of("alice")
    limit(server, "alice", storage=4 * MB)
    with raw(server) as line:
        half_an_upload(server, line, 3 * MB)
        server.kill()
    assert held(server) == 3 * MB
    server.start()
    assert held(server) == 0
    assert send(server.alice, "put", bitmap()).status_code == 201
    assert is_exact(server)


def test_a_repeat_with_the_same_key_is_counted_once(server: Server) -> None:
    server.key_of("alice")
    data = bitmap()
    limit(server, "alice", storage=len(data), uploads_per_day=1)
    answers = [
        server.alice.put("/api/v1/uploads/a.bmp", content=data, headers={"Idempotency-Key": "k"}) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert ask(server, "SELECT uploads FROM usage") == [(1,)]


def test_somebody_s_full_quota_is_nobody_else_s_matter(server: Server) -> None:
    assert list(starmap(server.key_of, [("alice",), ("bob",)]))
    limit(server, "alice", storage=1)
    problem(send(server.alice, "form", bitmap()), 507, "quota_full")
    assert send(server.bob, "form", bitmap()).status_code == 201
