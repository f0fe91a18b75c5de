"""Fifty who register in one moment, over HTTP and on both databases: an invite's last use and a name are had once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from bulletdrop.web.api.registration import MOST_REGISTERED
from tests.support.server import PASSWORD, Server
from tests.web.browser import signed_in

MANY = 50


@pytest.fixture
def joining(make_server: Callable[..., Server], database_url: str) -> Callable[[str], Server]:
    """Makes a server that strangers may join, each of them from an address of their own."""

    def make(mode: str) -> Server:
        environ = {"BULLETDROP_REGISTRATION": mode, "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1"}
        if database_url:
            environ["BULLETDROP_DATABASE_URL"] = database_url
        server = make_server(**environ)
        server.key_of("alice")
        return server

    return make


def at_once(server: Server, wanted: Callable[[int], dict[str, str]]) -> list[httpx.Response]:
    """Everybody's answer; all send in the same moment."""
    barrier = threading.Barrier(MANY)
    answers: list[httpx.Response] = []

    def one(number: int) -> None:
        with server.client() as client:
            barrier.wait(30)
            body = {"password": PASSWORD, **wanted(number)}
            sent = {"X-Forwarded-For": f"198.51.100.{number}"}
            answers.append(client.post("/api/v1/auth/register", json=body, headers=sent))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def accounts_of(server: Server) -> set[str]:
    listed = server.command("user", "list").stdout.splitlines()
    return {line.split()[0] for line in listed} - {"alice"}


both = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@both
def test_of_fifty_with_an_invite_for_one_one_gets_an_account(joining: Callable[[str], Server]) -> None:
    server = joining("invite")
    with signed_in(server, "alice") as browser:
        code = browser.post("/api/v1/admin/invites", json={"uses": 1}).json()["link"].rpartition("=")[2]
    answers = at_once(
        server, lambda number: {"username": f"p{number:02}x", "email": f"p{number}@example.org", "invite": code}
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 403: MANY - 1}
    assert len(accounts_of(server)) == 1


@both
def test_of_fifty_who_want_one_name_one_gets_it(joining: Callable[[str], Server]) -> None:
    server = joining("open")
    answers = at_once(server, lambda number: {"username": "dora", "email": f"p{number}@example.org"})
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: MANY - 1}
    assert {answer.json()["error"]["field"] for answer in answers if answer.status_code == 409} == {"username"}
    assert accounts_of(server) == {"dora"}


def test_from_one_address_only_so_many_register_in_an_hour(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_REGISTRATION="open")
    server.key_of("alice")
    with server.client() as client:
        # Each is refused for its password: asking is what is counted, not getting.
        body = {"username": "dora", "email": "dora@example.org", "password": "x"}
        forged = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(MOST_REGISTERED + 3)]
        answers = [client.post("/api/v1/auth/register", json=body, headers=sent) for sent in forged]
    assert Counter(answer.status_code for answer in answers) == {400: MOST_REGISTERED, 429: 3}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 429)
