"""Bandwidth: what is counted, what is not, and what strangers get when a month is used up."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.conftest import both_databases
from tests.support.server import Server
from tests.web.browser import kept
from tests.web.kit import path_of, raw, upload
from tests.web.quota_kit import ask, bitmap, limit, send, soon

MONTH = 31 * 86400


def drop(server: Server, size: int = 100) -> dict[str, Any]:
    """A drop of alice's whose thumbnails are made."""
    answer = send(server.alice, "put", bitmap(size, size))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert server.anonymous.get(f"/i/{made['id']}?size=thumb").status_code == 200
    return made


def served(server: Server) -> int:
    return int(ask(server, "SELECT COALESCE(SUM(bytes_served), 0) FROM usage")[0][0])


@pytest.mark.parametrize("workers", [1, 4])
@both_databases
def test_when_the_month_is_used_up_strangers_are_told_so_and_the_owner_still_sees(
    make_server: Callable[..., Server], database_url: str, workers: int
) -> None:
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    server = make_server("--workers", str(workers), **environ)
    made, other = drop(server), send(server.bob, "put", bitmap()).json()
    limit(server, "alice", bandwidth_per_month=5 * made["size"])
    direct, page, thumb = path_of(made["direct_url"]), path_of(made["url"]), f"/i/{made['id']}?size=thumb"
    everything = (direct, page, thumb, f"/u/alice/{made['filename']}")
    seen_by_all()
    for _ in range(6):
        assert server.anonymous.get(direct).status_code == 200
    # Written down every five seconds, and an answer lies ready for one.
    assert soon(partial(told, server, direct))
    for path in everything:
        answer = soon(partial(told, server, path))
        assert answer.headers["retry-after"].isdigit()
        assert 0 < int(answer.headers["retry-after"]) <= MONTH
        assert "used up the month" in answer.text
        assert server.bob.get(path).status_code == 429
        assert server.alice.get(path).status_code == 200, path
    assert "no-store" in server.alice.get(direct).headers["cache-control"]
    browser = server.anonymous.get(direct, headers={"Accept": "text/html"})
    assert browser.status_code == 429
    assert "owner has used up the month" in browser.text
    assert server.anonymous.get(path_of(other["direct_url"])).status_code == 200
    limit(server, "alice", bandwidth_per_month=10**9)
    server.command("job", "end-silences")
    assert soon(lambda: all(server.anonymous.get(path).status_code == 200 for path in everything))


def told(server: Server, path: str) -> Any:
    answer = server.anonymous.get(path)
    return answer if answer.status_code == 429 else None


def test_whole_and_partial_answers_count_their_bytes_and_nothing_else_does(server_on: Server) -> None:
    made = drop(server_on)
    direct, size = path_of(made["direct_url"]), made["size"]
    limit(server_on, "alice", bandwidth_per_month=10**9)
    seen_by_all()
    etag = server_on.anonymous.head(direct).headers["etag"]
    for _ in range(3):
        assert len(server_on.anonymous.get(direct).content) == size
        assert server_on.anonymous.head(direct).status_code == 200
        assert server_on.anonymous.get(direct, headers={"If-None-Match": etag}).status_code == 304
        assert server_on.anonymous.get(direct, headers={"Range": "bytes=0-99"}).status_code == 206
        assert server_on.anonymous.get(direct, headers={"Range": f"bytes={size}-"}).status_code == 416
        assert server_on.anonymous.get(direct, headers={"If-Match": '"other"'}).status_code == 412
    # A clean stop loses none of them.
    assert server_on.stop() == 0
    assert served(server_on) == 3 * (size + 100)


def seen_by_all() -> None:
    """A second later no answer from before the limit lies ready any more, and no plan is remembered."""
    time.sleep(1.2)


def test_large_files_count_what_was_sent_also_when_the_client_leaves(server: Server) -> None:
    made = drop(server, 3000)
    size, direct = made["size"], path_of(made["direct_url"])
    assert size > 25_000_000
    limit(server, "alice", bandwidth_per_month=10**12)
    seen_by_all()
    with raw(server, receive_buffer=16 * 1024) as line:
        line.send(f"GET {direct} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        line.head()
        line.body(200_000)
    # Written down while the server runs; the rest of it, where the moment fell in between, with its end.
    assert soon(lambda: served(server))
    assert server.stop() == 0
    cut = served(server)
    assert 200_000 <= cut < size // 2, "what the client never came for is counted"
    server.start()
    assert len(server.anonymous.get(direct).content) == size
    assert server.stop() == 0
    assert served(server) - cut == size


def test_no_client_gets_the_beginning_of_a_large_file_uncounted_by_leaving_at_once(server: Server) -> None:
    # A thread sends it, and the client leaves before anybody has heard how much the thread has sent. Each takes from an
    # account of its own, so that what is counted too much for one cannot hide what is missing for another.
    owner, data, step = kept(server, "alice"), bitmap(900, 900), 64 * 1024
    paths: dict[str, str] = {}
    for number in range(16):
        team = owner.post("/api/v1/teams", json={"name": f"Team {number}"}).json()
        paths[team["id"]] = path_of(upload(server.alice, data, team=team["slug"])["direct_url"])
    ask(server, "UPDATE team SET limits = '{\"bandwidth_per_month\": 1000000000000}'")
    seen_by_all()
    for direct in paths.values():
        with raw(server) as line:
            line.send(f"GET {direct} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            line.head()
            assert len(line.body(step)) == step
    assert server.stop() == 0
    counted = dict(ask(server, "SELECT account, SUM(bytes_served) FROM usage GROUP BY account"))
    assert all(step <= counted[team] <= len(data) for team in paths), counted


def test_an_account_without_a_limit_is_not_counted(server: Server) -> None:
    made = drop(server)
    for _ in range(5):
        server.anonymous.get(path_of(made["direct_url"]))
    assert server.stop() == 0
    assert served(server) == 0


def test_requests_to_the_api_are_counted_and_none_is_lost_at_a_clean_stop(server_on: Server) -> None:
    server_on.key_of("alice")
    for _ in range(7):
        assert server_on.alice.get("/api/v1/uploads").status_code == 200
    server_on.alice.get("/")
    assert server_on.stop() == 0
    assert ask(server_on, "SELECT SUM(api_requests) FROM usage") == [(7,)]


@pytest.mark.alone
@pytest.mark.parametrize("change", ["is_active = false", "delete_scheduled_for = 4000000000000000"])
def test_of_an_owner_who_is_blocked_or_leaves_nothing_is_given_out_within_a_second(
    server_on: Server, change: str
) -> None:
    made = drop(server_on)
    paths = (
        path_of(made["direct_url"]),
        path_of(made["url"]),
        f"/i/{made['id']}?size=thumb",
        f"/info/{made['id']}",
        f"/u/alice/{made['filename']}",
    )
    assert {server_on.anonymous.get(path).status_code for path in paths} == {200}
    ask(server_on, f"UPDATE \"user\" SET {change} WHERE username = 'alice'")
    gone = soon(lambda: {server_on.anonymous.get(path).status_code for path in paths} == {404}, seconds=1.5)
    assert gone, [(path, server_on.anonymous.get(path).status_code) for path in paths]
