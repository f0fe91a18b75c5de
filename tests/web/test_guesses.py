"""The brake on guessed passwords: it holds against many at once, many names, many addresses, and hits no bystander."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import httpx
import pytest

from tests.support.early import exchange
from tests.support.server import PASSWORD, Server, certificates
from tests.web.browser import browser
from tests.web.kit import problem


@pytest.fixture
def proxied(make_server: Callable[..., Server]) -> Server:
    """A server that believes us which address we come from; alice and bob are there."""
    server = make_server(BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    server.key_of("alice")
    server.key_of("bob")
    return server


def try_in(client: httpx.Client, address: str, name: str, password: str = "wrong one") -> int:
    headers = {"X-Forwarded-For": address}
    wanted = {"identifier": name, "password": password}
    return client.post("/api/v1/auth/login", json=wanted, headers=headers).status_code


def try_anew(server: Server, headers: dict[str, str]) -> int:
    """Guess alice's password on a connection of its own, so that any worker may get it."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        body = json.dumps({"identifier": "alice", "password": "wrong one"})
        said = {"Content-Type": "application/json", **headers}
        return exchange(connection, "POST", "/api/v1/auth/login", body, said).status


def test_guesses_that_are_sent_all_at_once_are_counted_before_they_are_checked(proxied: Server) -> None:
    with browser(proxied) as client, ThreadPoolExecutor(50) as threads:
        statuses = Counter(threads.map(lambda _: try_in(client, "203.0.113.9", "alice"), range(200)))
        assert statuses == {401: 10, 429: 190}
        assert try_in(client, "203.0.113.9", "alice", PASSWORD) == 429


def test_many_at_once_on_the_page_are_braked_as_on_the_api(proxied: Server) -> None:
    def post(client: httpx.Client) -> int:
        return client.post("/signin", data={"identifier": "alice", "password": "wrong one"}).status_code

    with browser(proxied) as client, ThreadPoolExecutor(40) as threads:
        assert Counter(threads.map(lambda _: post(client), range(80))) == {401: 10, 429: 70}


def test_ones_own_password_in_between_gives_no_more_guesses_at_somebody_else(proxied: Server) -> None:
    checked = 0
    with browser(proxied) as client:
        for number in range(60):
            if number % 8 == 7:
                assert try_in(client, "203.0.113.9", "bob", PASSWORD) == 200
            elif try_in(client, "203.0.113.9", "alice") == 401:
                checked += 1
        assert checked == 10


def test_one_address_gets_thirty_guesses_whatever_the_names(proxied: Server) -> None:
    with browser(proxied) as client:
        statuses = Counter(try_in(client, "203.0.113.9", f"person {number}") for number in range(40))
        assert statuses == {401: 30, 429: 10}
        assert try_in(client, "203.0.113.10", "alice", PASSWORD) == 200


def test_the_owner_signs_in_while_strangers_guess(proxied: Server) -> None:
    with browser(proxied) as client:
        assert try_in(client, "198.51.100.1", "alice", PASSWORD) == 200
        statuses = Counter(try_in(client, f"203.0.113.{host}", "alice") for host in range(1, 8) for _ in range(10))
        # From all addresses together fifty; where she has signed in before she is not kept out by them.
        assert statuses == {401: 50, 429: 20}
        assert try_in(client, "198.51.100.2", "alice", PASSWORD) == 429
        assert try_in(client, "198.51.100.1", "alice", PASSWORD) == 200


def test_a_household_of_ipv6_counts_as_one_address(proxied: Server) -> None:
    with browser(proxied) as client:
        statuses = Counter(try_in(client, f"2001:db8:1:2::{number:x}", "alice") for number in range(1, 21))
        assert statuses == {401: 10, 429: 10}
        assert try_in(client, "2001:db8:1:3::1", "alice", PASSWORD) == 200


def test_set_up_codes_and_local_secrets_are_braked_at_once_too(make_server: Callable[..., Server]) -> None:
    admin = {"username": "alice", "email": "alice@example.org", "password": PASSWORD, "code": "AAAA-AAAA-AAAA"}
    for path, wanted in (("setup", admin), ("devices/local", {"secret": "wrong", "device_name": "x"})):
        server = make_server()

        def post(_: int, server: Server = server, path: str = path, wanted: dict[str, str] = wanted) -> int:
            return httpx.post(
                f"{server.url}/api/v1/{path}", json=wanted, trust_env=False, verify=certificates(), timeout=30
            ).status_code

        with ThreadPoolExecutor(20) as threads:
            assert Counter(threads.map(post, range(40))) == {403: 10, 429: 30}


def test_an_answer_that_says_nothing_about_the_secret_costs_no_attempt(server: Server) -> None:
    code = (server.data / "setup-code").read_text().strip()
    weak = {"username": "alice", "email": "alice@example.org", "password": "short", "code": code}
    for _ in range(15):
        problem(server.anonymous.post("/api/v1/setup", json=weak), 400)
    assert server.anonymous.post("/api/v1/setup", json={**weak, "password": PASSWORD}).status_code == 201


def test_the_brake_holds_over_a_restart_and_over_a_killed_server(proxied: Server) -> None:
    with browser(proxied) as client:
        assert [try_in(client, "203.0.113.9", "alice") for _ in range(6)] == [401] * 6
    proxied.stop()
    proxied.start()
    with browser(proxied) as client:
        assert [try_in(client, "203.0.113.9", "alice") for _ in range(3)] == [401] * 3
    proxied.kill()
    proxied.start()
    with browser(proxied) as client:
        assert [try_in(client, "203.0.113.9", "alice") for _ in range(3)] == [401, 429, 429]


@pytest.mark.parametrize("workers", ["1", "4"])
def test_no_forwarded_header_gives_a_stranger_more_guesses(make_server: Callable[..., Server], workers: str) -> None:
    """With the default settings: of a thousand sign-ins, ten get their password checked, whatever they claim."""
    server = make_server(BULLETDROP_WORKERS=workers)
    server.key_of("alice")

    def claim(number: int) -> int:
        address = f"203.0.{number // 250}.{number % 250 + 1}"
        headers = [
            {"X-Forwarded-For": address},
            {"X-Real-IP": address},
            {"Forwarded": f"for={address}"},
            {"X-Forwarded-For": f"{address}, 127.0.0.1", "X-Real-IP": address, "Forwarded": f'for="{address}"'},
        ][number % 4]
        return try_anew(server, headers)

    with ThreadPoolExecutor(16) as threads:
        assert Counter(threads.map(claim, range(1000))) == {401: 10, 429: 990}


@pytest.mark.parametrize("workers", ["1", "4"])
def test_behind_a_configured_proxy_each_address_counts_by_itself(
    make_server: Callable[..., Server], workers: str
) -> None:
    server = make_server(BULLETDROP_WORKERS=workers, BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    server.key_of("alice")

    def guess(number: int) -> tuple[str, int]:
        address = f"203.0.113.{number % 4 + 1}"
        # What the client itself claims stands before what our proxy has added, and counts for nothing.
        headers = {"X-Forwarded-For": f"198.51.100.{number % 200}, {address}", "X-Real-IP": f"198.51.100.{number % 90}"}
        return address, try_anew(server, headers)

    with ThreadPoolExecutor(16) as threads:
        counted = Counter(threads.map(guess, range(200)))
    expected: dict[tuple[str, int], int] = {}
    for host in range(1, 5):
        expected |= {(f"203.0.113.{host}", 401): 10, (f"203.0.113.{host}", 429): 40}
    assert counted == expected
