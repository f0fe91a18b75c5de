"""What is under way while something is taken away: whoever hammers with what they have keeps nothing of it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from bulletdrop.core.models import new_id
from tests.support.processes import all_answer, until
from tests.support.server import PASSWORD, Server, certificates
from tests.web.browser import browser, kept, sign_in
from tests.web.cast import Headers, bearer, cookies
from tests.web.stale_kit import NEW_PASSWORD, Try, ask


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Four processes, so that requests are really at once."""
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1",
        "BULLETDROP_WORKERS": "4",
    }
    server = Server(tmp_path_factory.mktemp("races") / "data", environ=environ)
    server.start()
    try:
        all_answer(server)
        server.key_of("alice")
        yield server
    finally:
        server.close()


def somebody(server: Server) -> str:
    """A fresh account's name."""
    name = f"p{new_id()[:12]}"
    wanted = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    kept(server, "alice").post("/api/v1/admin/users", json=wanted).raise_for_status()
    return name


@contextlib.contextmanager
def hammering(act: Callable[[], object], *, threads: int = 8) -> Iterator[None]:
    """Do something again and again, in several threads, until the block ends and a little longer."""
    over = threading.Event()

    def go() -> None:
        while not over.is_set():
            act()

    running = [threading.Thread(target=go) for _ in range(threads)]
    for each in running:
        each.start()
    try:
        yield
        over.wait(0.1)
    finally:
        over.set()
        for each in running:
            each.join()


def count(server: Server, query: str, *values: str) -> int:
    """One number from the database."""
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows:
        return int(rows.execute(query, values).fetchone()[0])


def change_password(server: Server, headers: Headers) -> httpx.Response:
    """As its owner does in the browser."""
    values = {"new_password": NEW_PASSWORD, "password": PASSWORD}
    return httpx.post(
        f"{server.url}/api/v1/account/password", json=values, headers=headers, verify=certificates(), timeout=30
    )


KEYS = "SELECT COUNT(*) FROM api_key JOIN user ON user.id = api_key.user_id WHERE username = ? AND revoked_at IS NULL"
MADE = "SELECT COUNT(*) FROM api_key JOIN user ON user.id = api_key.user_id WHERE username = ?"


@pytest.mark.parametrize("attempt", range(3))
def test_no_key_is_made_by_a_session_that_a_new_password_has_ended(four: Server, attempt: int) -> None:
    name = somebody(four)
    with browser(four) as client:
        sign_in(client, name).raise_for_status()
        owner = cookies(dict(client.cookies))
    with browser(four) as client:
        thief = bearer(sign_in(client, name).json()["access_token"])
    wanted = json.dumps({"name": "mine", "scopes": ["uploads:read"]}).encode()
    with hammering(lambda: ask(four, Try("", "POST", "/api/v1/api-keys", thief, wanted))):
        until(lambda: count(four, MADE, name) > 10)
        assert change_password(four, owner).status_code == 200
    assert count(four, KEYS, name) == 0


@pytest.mark.parametrize("attempt", range(3))
def test_an_old_password_opens_no_session_that_outlives_it(four: Server, attempt: int) -> None:
    name = somebody(four)
    with browser(four) as client:
        sign_in(client, name).raise_for_status()
        owner = cookies(dict(client.cookies))
    old = json.dumps({"identifier": name, "password": PASSWORD}).encode()
    got: list[str] = []

    def come_in() -> None:
        status, text = ask(four, Try("", "POST", "/api/v1/auth/login", {}, old))
        if status == 200:
            got.append(json.loads(text)["access_token"])

    with hammering(come_in):
        until(lambda: len(got) > 3)
        assert change_password(four, owner).status_code == 200
    stale = [ask(four, Try("", "GET", "/api/v1/auth/me", bearer(token)))[0] for token in got]
    assert set(stale) == {401}
