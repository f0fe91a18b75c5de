"""Every route of the API against everybody who could ask. A route without a row in `tests/web/rows` fails."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bulletdrop.web.api import ROUTES as API_ROUTES
from bulletdrop.web.openapi import ROUTES as DOCUMENT_ROUTES
from bulletdrop.web.routes import PREFIX, Route
from tests.support.server import PASSWORD, Server
from tests.web import rows
from tests.web.browser import signed_in
from tests.web.kit import upload
from tests.web.rows.row import WHO, Row

ROUTES = API_ROUTES + DOCUMENT_ROUTES


def gathered() -> dict[str, Row]:
    """The rows of all nouns."""
    table: dict[str, Row] = {}
    for found in pkgutil.iter_modules(rows.__path__):
        for name, row in getattr(importlib.import_module(f"tests.web.rows.{found.name}"), "ROWS", {}).items():
            assert name not in table, f"{name} has two rows"
            table[name] = row
    return table


TABLE = gathered()


@pytest.fixture(scope="module")
def people(shared: Server) -> dict[str, Callable[[], httpx.Client]]:
    """Clients by column; each call gives a fresh one, so that signing out ends one session alone."""
    shared.command("user", "add", "root2", "--email", "r@example.org", "--password-stdin", "--admin", stdin=PASSWORD)
    shared.known("root2")
    reader = shared.command("key", "add", "alice", "--name", "r", "--scope", "uploads:read").stdout.strip()
    with signed_in(shared, "alice") as browser:
        wanted = {"name": "gone", "scopes": ["uploads:read", "uploads:write", "uploads:delete"]}
        made = browser.post("/api/v1/api-keys", json=wanted).json()
        browser.delete(f"/api/v1/api-keys/{made['id']}")

    def with_key(key: str) -> Callable[[], httpx.Client]:
        headers = {"Authorization": f"Bearer {key}"}
        return lambda: httpx.Client(base_url=shared.url, headers=headers, trust_env=False)

    def by_cookie(name: str) -> Callable[[], httpx.Client]:
        def made() -> httpx.Client:
            with signed_in(shared, name) as browser:
                headers = {"X-CSRF-Token": browser.cookies["bd_csrf"]}
                return httpx.Client(base_url=shared.url, headers=headers, cookies=browser.cookies, trust_env=False)

        return made

    forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."
    return {
        "nobody": lambda: httpx.Client(base_url=shared.url, trust_env=False),
        "alice": with_key(shared.key_of("alice")),
        "cookie": by_cookie("alice"),
        "bob": with_key(shared.key_of("bob")),
        "charlie": with_key(shared.key_of("charlie")),
        "admin": by_cookie("root2"),
        "reader": with_key(reader),
        "revoked": with_key(made["key"]),
        "forged": with_key(forged),
    }


def send(server: Server, client: httpx.Client, route: Route, row: Row) -> httpx.Response:
    """Call a route about something of alice's, with the row's body."""
    path = PREFIX + route.path
    for name, value in (row.params(server) if row.params else {}).items():
        path = path.replace(f"<{name}>", value)
    assert "<" not in path, f"the row of {route.name} does not say what {path} is asked for"
    options: dict[str, Any] = {"json": row.body} if route.body is not None else {}
    if row.content is not None:
        options = {"content": row.content}
    return client.request(route.method, path, **options)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {route.name for route in ROUTES} == set(TABLE)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_route_lets_in_whom_it_should(
    shared: Server, people: dict[str, Callable[[], httpx.Client]], route: Route, who: str
) -> None:
    row = TABLE[route.name]
    with people[who]() as client:
        answer = send(shared, client, route, row)
    assert answer.status_code == row.statuses[who], answer.text
    if answer.status_code >= 400:
        assert set(answer.json()["error"]) == {"code", "message", "field", "request_id"}


def test_what_is_somebody_elses_looks_like_what_never_was(shared: Server) -> None:
    made = upload(shared.alice)
    for method in ("GET", "DELETE"):
        others = shared.bob.request(method, f"/api/v1/uploads/{made['id']}").json()["error"]
        nothing = shared.bob.request(method, "/api/v1/uploads/doesnotexist").json()["error"]
        assert (others["code"], others["message"]) == (nothing["code"], nothing["message"])
