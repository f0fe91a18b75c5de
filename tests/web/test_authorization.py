"""Every route of the API against everybody who could ask. A route without a row fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bulletdrop.web.api import ROUTES as API_ROUTES
from bulletdrop.web.openapi import ROUTES as DOCUMENT_ROUTES
from bulletdrop.web.routes import PREFIX, Route
from tests.support.server import PASSWORD, Server
from tests.web.browser import signed_in
from tests.web.kit import png, upload

ROUTES = API_ROUTES + DOCUMENT_ROUTES

# Who asks, in the order of the columns: nobody; alice, who owns what is asked for; bob and charlie, who do not; an
# admin who does not either; alice with a key that only reads, with a revoked key, with a forged token, by cookie.
WHO = ("anonymous", "alice", "bob", "charlie", "admin", "reader", "revoked", "forged", "cookie")

NO = 401


def row(otherwise: int, **statuses: int) -> dict[str, int]:
    """A row: the status for everybody, and for those who differ. Nobody, revoked and forged are refused by default."""
    refused = {"anonymous": NO, "revoked": NO, "forged": NO}
    return {**dict.fromkeys(WHO, otherwise), **refused, **statuses}


def open_to_all(status: int) -> dict[str, int]:
    return dict.fromkeys(WHO, status)


# Statuses by route; 400 and the like mean "let in, and then the empty request is refused".
TABLE: dict[str, dict[str, int]] = {
    "post_setup": open_to_all(400),
    "post_auth_login": open_to_all(400),
    "post_auth_refresh": {**open_to_all(401), "cookie": 200},
    "post_auth_logout": row(403, cookie=204),
    "get_auth_me": row(200),
    "get_api_keys": row(403, cookie=200),
    "post_api_keys": row(403, cookie=400),
    "delete_api_keys_key_id": row(403, cookie=204),
    "post_devices_local": open_to_all(400),
    "post_uploads": row(400, reader=403),
    "put_uploads_upload_id": row(201, reader=403),
    "get_uploads": row(200),
    "get_uploads_upload_id": row(404, alice=200, reader=200, cookie=200),
    "patch_uploads_upload_id": row(404, alice=200, reader=403, cookie=200),
    "delete_uploads_upload_id": row(404, alice=200, reader=403, cookie=200),
    "post_uploads_upload_id_restore": row(404, alice=200, reader=403, cookie=200),
    "get_openapi_json": open_to_all(200),
}


@pytest.fixture(scope="module")
def people(shared: Server) -> dict[str, Callable[[], httpx.Client]]:
    """Clients by column; each call gives a fresh one, so that signing out ends one session alone."""
    shared.command(
        "user", "add", "root2", "--email", "r@example.org", "--password-stdin", "--admin", stdin=PASSWORD
    )
    scopes = ["--scope", "uploads:read uploads:write uploads:delete account:read admin"]
    admin = shared.command("key", "add", "root2", "--name", "k", *scopes).stdout.strip()
    reader = shared.command("key", "add", "alice", "--name", "r", "--scope", "uploads:read").stdout.strip()
    with signed_in(shared, "alice") as browser:
        wanted = {"name": "gone", "scopes": ["uploads:read", "uploads:write", "uploads:delete"]}
        made = browser.post("/api/v1/api-keys", json=wanted).json()
        browser.delete(f"/api/v1/api-keys/{made['id']}")

    def with_key(key: str) -> Callable[[], httpx.Client]:
        headers = {"Authorization": f"Bearer {key}"}
        return lambda: httpx.Client(base_url=shared.url, headers=headers, trust_env=False)

    def by_cookie() -> httpx.Client:
        with signed_in(shared, "alice") as browser:
            headers = {"X-CSRF-Token": browser.cookies["bd_csrf"]}
            return httpx.Client(base_url=shared.url, headers=headers, cookies=browser.cookies, trust_env=False)

    forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."
    return {
        "anonymous": lambda: httpx.Client(base_url=shared.url, trust_env=False),
        "alice": with_key(shared.key_of("alice")),
        "bob": with_key(shared.key_of("bob")),
        "charlie": with_key(shared.key_of("charlie")),
        "admin": with_key(admin),
        "reader": with_key(reader),
        "revoked": with_key(made["key"]),
        "forged": with_key(forged),
        "cookie": by_cookie,
    }


def send(server: Server, client: httpx.Client, route: Route) -> httpx.Response:
    """Call a route about one of alice's drops or keys, with an empty or a minimal body."""
    path = PREFIX + route.path
    if "<upload_id>" in path:
        made = upload(server.alice)
        path = path.replace("<upload_id>", made["id"] if route.method != "PUT" else "a.png")
    if "<key_id>" in path:
        with signed_in(server, "alice") as browser:
            key = browser.post("/api/v1/api-keys", json={"name": "k", "scopes": ["uploads:read"]}).json()
        path = path.replace("<key_id>", key["id"])
    options: dict[str, Any] = {"json": {}} if route.body is not None else {}
    if route.method == "PUT":
        options = {"content": png()}
    return client.request(route.method, path, **options)


def test_every_route_has_a_row() -> None:
    assert {route.name for route in ROUTES} <= set(TABLE)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_route_lets_in_whom_it_should(
    shared: Server, people: dict[str, Callable[[], httpx.Client]], route: Route, who: str
) -> None:
    with people[who]() as client:
        answer = send(shared, client, route)
    assert answer.status_code == TABLE[route.name][who], answer.text
    if answer.status_code >= 400:
        assert set(answer.json()["error"]) == {"code", "message", "field", "request_id"}


def test_what_is_somebody_elses_looks_like_what_never_was(shared: Server) -> None:
    made = upload(shared.alice)
    for method in ("GET", "DELETE"):
        others = shared.bob.request(method, f"/api/v1/uploads/{made['id']}").json()["error"]
        nothing = shared.bob.request(method, "/api/v1/uploads/doesnotexist").json()["error"]
        assert (others["code"], others["message"]) == (nothing["code"], nothing["message"])
