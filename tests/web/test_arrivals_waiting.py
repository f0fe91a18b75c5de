"""Waiting for what is on its way: how long and in how many processes, what strangers are told, who is let go."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bulletdrop.web.robots import names_robot
from tests.conftest import both_databases
from tests.support.processes import all_answer, needs_proc, until
from tests.support.server import Server, certificates
from tests.web.arrival_kit import ENDED, HTML, LATE, ROBOT, WAITING, Later, asking, held, listening, look, put, reserve
from tests.web.kit import png, problem, raw

CLIENTS = Path(__file__).with_name("clients")
# As the module says: what one address may hold.
MOST_PER_ADDRESS = 200
# So long a server that stops lets uploads and downloads go on.
FINISH_SECONDS = 8


def rows_of(server: Server) -> sqlite3.Connection:
    return sqlite3.connect(server.data / "bulletdrop.db", timeout=10)


@pytest.mark.alone
@needs_proc
@both_databases
def test_who_waits_in_another_process_is_told_within_a_second(
    make_server: Callable[..., Server], database_url: str
) -> None:
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    server = make_server(BULLETDROP_WORKERS="4", BULLETDROP_MIN_FREE_DISK="0", **environ)
    all_answer(server)
    slug, other = held(server.alice), held(server.alice)
    streams = [listening(server, slug) for _ in range(16)]
    asked = [asking(server, f"/{slug}.png") for _ in range(8)] + [asking(server, f"/{slug}", **ROBOT) for _ in range(4)]
    beside = listening(server, other)
    # For the questions about bytes; each stream has begun.
    time.sleep(1)
    assert put(server.alice, slug).status_code == 201
    filled_at = time.monotonic()
    assert {stream.outcome().rpartition("event: ")[2] for stream in streams} == {"arrived\ndata:\n\n"}
    assert {one.outcome().status_code for one in asked} == {200}
    # Each process looks twice a second.
    assert max(one.ended_at for one in streams) - filled_at < 2
    assert not beside.is_over
    assert server.alice.delete(f"/api/v1/reservations/{other}").status_code == 204
    assert beside.outcome().endswith("event: ended\ndata:\n\n")


def test_what_does_not_come_is_a_404_that_says_when_to_ask_again(shared: Server) -> None:
    slug = held(shared.alice)
    waiting = {
        "bytes": asking(shared, f"/{slug}.png", Accept="*/*"),
        "a browser's picture": asking(shared, f"/{slug}", Accept="image/avif,image/webp,*/*"),
        "another ending": asking(shared, f"/{slug}.mp4", Accept="*/*"),
        "a browser's tab": asking(shared, f"/{slug}.png", **HTML),
        "robot": asking(shared, f"/{slug}", **ROBOT),
    }
    for method, path, status in (("HEAD", f"/{slug}", 200), ("HEAD", f"/{slug}.png", 404), ("GET", f"/{slug}", 200)):
        answer = httpx.request(
            method, shared.url + path, headers=HTML, trust_env=False, verify=certificates(), timeout=30
        )
        assert answer.status_code == status
    # None of these waits for the time that the others wait.
    assert not any(one.is_over for one in waiting.values())
    outcomes = {name: one.outcome() for name, one in waiting.items()}
    assert all(24.5 < one.seconds < 38 for one in waiting.values()), {n: one.seconds for n, one in waiting.items()}
    for name in ("bytes", "a browser's picture", "another ending"):
        problem(outcomes[name], 404, "still_arriving")
        assert outcomes[name].headers["retry-after"] == "5"
        assert outcomes[name].headers["cache-control"] == "no-store"
    tab = outcomes["a browser's tab"]
    assert (tab.status_code, tab.headers["retry-after"]) == (404, "5")
    assert "Still on its way" in tab.text
    robot = outcomes["robot"]
    assert robot.status_code == 200
    assert '<meta property="og:title" content="On its way">' in robot.text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(one["headers"], id=f"{path.stem} {number}")
        for path in sorted(CLIENTS.glob("*.json"))
        for number, one in enumerate(json.loads(path.read_text(encoding="utf-8"))["requests"])
        if names_robot(one["headers"].get("User-Agent", "")) and one["asks"] == "link"
    ],
)
def test_a_chats_robot_waits_and_gets_the_real_preview(shared: Server, headers: dict[str, str]) -> None:
    slug = held(shared.alice)
    robot = asking(shared, f"/{slug}", **headers)
    time.sleep(0.4)
    assert not robot.is_over
    put(shared.alice, slug, title="Quarterly numbers")
    answer = robot.outcome()
    assert answer.status_code == 200
    is_picture = answer.headers["content-type"].startswith("image/")
    assert is_picture or f'content="{shared.url}/{slug}.png"' in answer.text
    assert robot.seconds < 20  # it would have waited for 25


def neutral(answer: httpx.Response, slug: str) -> tuple[int, str]:
    """An answer without what is different each time."""
    text = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()) + "\n" + answer.text
    text = text.replace(slug, "SLUG")
    return answer.status_code, re.sub(r"(date|x-request-id): .*|\"request_id\":\"\w+\"", "", text)


def test_strangers_cannot_tell_a_private_drop_that_has_arrived_from_one_that_has_not(shared: Server) -> None:
    full, empty = held(shared.alice), held(shared.alice)
    stream = listening(shared, full)
    bytes_ = asking(shared, f"/{full}.png")
    time.sleep(0.4)
    made = put(shared.alice, full, is_public="false").json()
    assert made["slug"] == full
    sides: dict[str, list[Later]] = {"full": [], "empty": []}
    kinds: list[tuple[str, dict[str, str], str]] = [
        ("/{}.png", {"Accept": "*/*"}, "GET"),
        ("/{}.jpg", {"Accept": "*/*"}, "GET"),
        ("/{}", ROBOT, "GET"),
        ("/{}.png", HTML, "GET"),
        ("/{}", {"Accept": "image/*"}, "GET"),
        ("/{}", HTML, "GET"),
        ("/{}", HTML, "HEAD"),
        ("/{}.png", {}, "HEAD"),
        ("/{}/arrival", {}, "HEAD"),
        ("/{}", {**HTML, "Authorization": f"Bearer {shared.key_of('charlie')}"}, "GET"),
        ("/{}.png", {**HTML, "Authorization": f"Bearer {shared.key_of('bob')}"}, "HEAD"),
    ]
    for path, headers, method in kinds:
        for side, slug in (("full", full), ("empty", empty)):
            url = shared.url + path.format(slug)

            def ask(method: str = method, url: str = url, headers: dict[str, str] = headers) -> httpx.Response:
                return httpx.request(method, url, headers=headers, trust_env=False, verify=certificates(), timeout=60)

            sides[side].append(Later(ask))
    for number, (path, headers, method) in enumerate(kinds):
        one, other = sides["full"][number], sides["empty"][number]
        assert neutral(one.outcome(), full) == neutral(other.outcome(), empty), (method, path, headers)
        # All ask at once, and a waiting one waits for 25 seconds: so much is no threads' turn on a busy machine.
        assert abs(one.seconds - other.seconds) < 5, (method, path, one.seconds, other.seconds)
    problem(bytes_.outcome(), 404, "still_arriving")
    assert not stream.is_over
    # Its owner sees it all the while, and everybody once it is theirs to see.
    assert shared.alice.get(f"/{full}.png").status_code == 200
    assert f'src="/{full}.png"' in shared.alice.get(f"/{full}", headers=HTML).text
    shared.alice.patch(f"/api/v1/uploads/{made['id']}", json={"is_public": True}).raise_for_status()
    assert stream.outcome().endswith("event: arrived\ndata:\n\n")
    assert look(shared, f"/{full}.png").status_code == 200
    shared.alice.delete(f"/api/v1/reservations/{empty}")


def test_the_owners_own_page_turns_while_strangers_wait_on(shared: Server) -> None:
    slug = held(shared.alice)
    headers = {"Authorization": f"Bearer {shared.key_of('alice')}"}
    owner = listening(
        shared,
        slug,
        httpx.Client(base_url=shared.url, headers=headers, trust_env=False, verify=certificates(), timeout=20),
    )
    hers = asking(shared, f"/{slug}.png", **headers)
    stranger = listening(shared, slug)
    time.sleep(0.4)
    made = put(shared.alice, slug, is_public="false").json()
    assert owner.outcome().endswith("event: arrived\ndata:\n\n")
    assert hers.outcome().status_code == 200
    time.sleep(0.7)
    assert not stranger.is_over
    # Taken back in the same breath: strangers are told what an unsent one would tell them.
    assert shared.alice.delete(f"/api/v1/uploads/{made['id']}").status_code == 200
    assert stranger.outcome().endswith("event: ended\ndata:\n\n")
    assert (look(shared, f"/{slug}").status_code, ENDED in look(shared, f"/{slug}").text) == (410, True)


def test_a_drop_with_terms_of_its_own_arrives_with_them(shared: Server) -> None:
    slug, limited = held(shared.alice), held(shared.alice)
    stream, robot = listening(shared, slug), asking(shared, f"/{slug}", **ROBOT)
    time.sleep(0.4)
    data = {"slug": slug, "password": "open sesame"}
    shared.alice.post("/api/v1/uploads", files={"file": ("a.png", png(), "image/png")}, data=data).raise_for_status()
    assert "arrived" in stream.outcome()
    assert "There is no preview" in robot.outcome().text
    assert look(shared, f"/{slug}").status_code == 401
    bytes_ = asking(shared, f"/{limited}.png")
    time.sleep(0.4)
    assert put(shared.alice, limited, max_views="1").status_code == 201
    assert bytes_.outcome().status_code == 200
    assert look(shared, f"/{limited}").status_code == 410


def test_a_link_whose_time_passes_while_somebody_waits_says_that_it_did_not_arrive(server: Server) -> None:
    slug = held(server.alice)
    stream, bytes_ = listening(server, slug), asking(server, f"/{slug}.png")
    time.sleep(0.4)
    with contextlib.closing(rows_of(server)) as rows, rows:
        rows.execute("UPDATE reservation SET expires_at = 1 WHERE slug = ?", (slug,))
    assert stream.outcome().endswith("event: ended\ndata:\n\n")
    problem(bytes_.outcome(), 404, "not_found")
    page = look(server, f"/{slug}")
    assert page.status_code == 404
    assert LATE in page.text
    # And comes all the same.
    assert put(server.alice, slug).status_code == 201
    assert look(server, f"/{slug}").status_code == 200


def test_the_stream_of_what_is_there_says_so_at_once_and_of_nothing_it_is_a_404(shared: Server) -> None:
    slug = held(shared.alice)
    put(shared.alice, slug)
    assert listening(shared, slug).outcome() == "event: arrived\ndata:\n\n"
    for name in ("nothing", "no%00thing", "%ff"):
        assert httpx.get(f"{shared.url}/{name}/arrival", trust_env=False, timeout=20).status_code == 404
    asked = httpx.head(f"{shared.url}/{held(shared.alice)}/arrival", trust_env=False, timeout=20)
    assert (asked.status_code, asked.headers["content-type"]) == (200, "text/event-stream")


def test_nothing_else_speaks_of_what_is_on_its_way(shared: Server) -> None:
    slug = held(shared.alice)
    for path in (f"/info/{slug}", f"/embed/{slug}", f"/i/{slug}", f"/oembed?url={shared.url}/{slug}", f"/{slug}+"):
        answer = look(shared, path)
        assert answer.status_code == 404, path
        assert WAITING not in answer.text
    assert httpx.post(f"{shared.url}/{slug}", trust_env=False, timeout=20).status_code == 405


@contextlib.contextmanager
def streams(server: Server, slug: str, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that listen, each of which has begun."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            sock.sendall(f"GET /{slug}/arrival HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            found.append(sock)
        for sock in found:
            assert sock.recv(12) == b"HTTP/1.1 200"
        yield found


def stream_status(server: Server, slug: str) -> int:
    """How one who wants to listen is answered now. They leave at once."""
    with httpx.stream("GET", f"{server.url}/{slug}/arrival", trust_env=False, timeout=20) as answer:
        return answer.status_code


def test_one_address_holds_so_many_places_and_is_served_all_the_same(server: Server) -> None:
    slug = held(server.alice)
    with streams(server, slug, MOST_PER_ADDRESS) as open_ones:
        refused = httpx.get(f"{server.url}/{slug}/arrival", trust_env=False, timeout=20)
        problem(refused, 429, "too_many")
        # The page looks again by itself, and nobody else's request waits.
        began = time.monotonic()
        assert WAITING in look(server, f"/{slug}").text
        problem(httpx.get(f"{server.url}/{slug}.png", trust_env=False, timeout=20), 404, "still_arriving")
        assert WAITING in look(server, f"/{slug}", **ROBOT).text
        assert server.anonymous.get("/health").status_code == 200
        assert time.monotonic() - began < 20  # not even the 25 seconds of one who waits
        # Who leaves makes room at once.
        for sock in open_ones[:20]:
            sock.close()
        for sock in open_ones[20:40]:
            sock.shutdown(socket.SHUT_WR)
        until(lambda: stream_status(server, slug) == 200)
        with streams(server, slug, 40):
            problem(httpx.get(f"{server.url}/{slug}/arrival", trust_env=False, timeout=20), 429)
        put(server.alice, slug)
        for sock in open_ones[40:]:
            told = b""
            while b"event: arrived" not in told:
                more = sock.recv(65536)
                assert more
                told += more


def test_who_has_left_holds_no_place_when_asking_for_bytes(server: Server) -> None:
    slug = held(server.alice)
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            asked = []
            for _ in range(MOST_PER_ADDRESS + 5):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
                sock.sendall(f"GET /{slug}.png HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                asked.append(sock)
            # Those for whom there is no place are answered, and the others wait.
            until(lambda asked=asked: len(select.select(asked, [], [], 0)[0]) == 5)  # type: ignore[misc]
            problem(httpx.get(f"{server.url}/{slug}.png", trust_env=False, timeout=20), 404, "still_arriving")
        until(lambda: stream_status(server, slug) == 200)
    late = asking(server, f"/{slug}.png")
    time.sleep(0.4)
    assert not late.is_over
    put(server.alice, slug)
    assert late.outcome().status_code == 200


def test_a_client_that_only_shuts_its_sending_side_is_answered(server: Server) -> None:
    slug = held(server.alice)
    # Before the 25 seconds of one who waits are over.
    with raw(server, seconds=20) as connection:
        connection.send(f"GET /{slug}.png HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        connection.sock.shutdown(socket.SHUT_WR)
        assert connection.response()[0] == 404


def test_a_server_that_stops_ends_all_waiting(server: Server) -> None:
    slug = held(server.alice)
    with raw(server, seconds=40) as bytes_, raw(server, seconds=40) as robot, streams(server, slug, 50) as open_ones:
        bytes_.send(f"GET /{slug}.png HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        robot.send(f"GET /{slug} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {ROBOT['User-Agent']}\r\n\r\n".encode())
        time.sleep(1)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < FINISH_SECONDS  # nobody was waited for
        for sock in open_ones:
            told = b""
            while more := sock.recv(65536):
                told += more
            assert told.endswith(b"0\r\n\r\n")
            assert b"event:" not in told
        assert bytes_.response()[0] == 404
        assert WAITING.encode() in robot.response()[2]
    assert [line for line in server.log_lines() if line.get("level") in ("error", "warning")] == []


def test_a_link_counts_on_the_domain_that_it_was_made_with(make_server: Callable[..., Server]) -> None:
    server = make_server(
        BULLETDROP_PUBLIC_URL="https://drop.example.org",
        BULLETDROP_CONTENT_URL="https://files.example.net",
        BULLETDROP_MIN_FREE_DISK="0",
    )
    plain = reserve(server.alice)[0]
    assert plain["url"] == f"https://drop.example.org/{plain['slug']}"
    made = server.alice.post("/api/v1/admin/domains", json={"name": "pics.example"}).json()
    server.alice.post(f"/api/v1/domains/{made['id']}/claim", json={}).raise_for_status()
    server.alice.put(f"/api/v1/domains/{made['id']}/primary", json={}).raise_for_status()
    time.sleep(1.1)
    row = reserve(server.alice)[0]
    assert row["url"] == row["direct_base"] == f"https://pics.example/{row['slug']}"

    def at(host: str, path: str, **headers: str) -> httpx.Response:
        return look(server, path, Host=host, **headers)

    there = at("pics.example", f"/{row['slug']}")
    assert WAITING in there.text
    assert f'href="https://drop.example.org/{row["slug"]}"' in there.text
    assert WAITING in at("drop.example.org", f"/{row['slug']}").text
    assert at("pics.example", f"/{plain['slug']}").status_code == 404
    assert at("pics.example", f"/{plain['slug']}/arrival").status_code == 404
    assert at("files.example.net", f"/{plain['slug']}").status_code == 404
    assert at("files.example.net", f"/{plain['slug']}/arrival").status_code == 404
    stream = Later(lambda: at("pics.example", f"/{row['slug']}/arrival").text)
    bytes_ = [
        asking(server, f"/{row['slug']}.png", Host="pics.example"),
        asking(server, f"/{plain['slug']}.png", Host="files.example.net"),
        asking(server, f"/{plain['slug']}.png", Host="drop.example.org"),
    ]
    time.sleep(0.5)
    done = put(server.alice, row["slug"]).json()
    assert (done["url"], done["domain"]) == (row["url"], "pics.example")
    assert put(server.alice, plain["slug"]).json()["url"] == plain["url"]
    assert "arrived" in stream.outcome()
    on_domain, on_files, on_main = (one.outcome() for one in bytes_)
    assert (on_domain.status_code, on_files.status_code, on_main.status_code) == (200, 200, 302)
    assert on_main.headers["location"] == f"https://files.example.net/{plain['slug']}.png"
    assert at("pics.example", f"/{row['slug']}.png").status_code == 200
