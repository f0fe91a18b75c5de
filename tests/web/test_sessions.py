"""Sessions: seen by their owner, ended one by one or all at once, and refused at once."""

from __future__ import annotations

import pytest

from tests.support.server import PASSWORD, Server
from tests.web.browser import browser, sign_in, signed_in
from tests.web.kit import problem


def test_somebody_sees_where_they_are_signed_in_and_nobody_elses(server_on: Server) -> None:
    with signed_in(server_on, "alice") as here, signed_in(server_on, "alice") as there, signed_in(server_on, "bob"):
        there.headers["User-Agent"] = "elsewhere"
        items = here.get("/api/v1/account/sessions").json()["items"]
        assert len(items) == 2
        assert [item["is_current"] for item in items].count(True) == 1
        assert {item["address"] for item in items} == {"127.0.0.1"}
        assert {item["method"] for item in items} == {"password"}
        assert "refresh" not in str(items)


def test_a_session_that_is_ended_elsewhere_is_refused_at_once(server: Server) -> None:
    with signed_in(server, "alice") as here, signed_in(server, "alice") as there:
        items = here.get("/api/v1/account/sessions").json()["items"]
        other = next(item["id"] for item in items if not item["is_current"])
        assert here.delete(f"/api/v1/account/sessions/{other}").status_code == 204
        problem(there.get("/api/v1/auth/me"), 401)
        problem(there.post("/api/v1/auth/refresh", json={}), 401)
        assert here.get("/api/v1/auth/me").status_code == 200
        problem(here.delete(f"/api/v1/account/sessions/{other}"), 404)


@pytest.mark.parametrize("also_here", [False, True])
def test_signing_out_everywhere_ends_the_others_and_if_asked_this_one_too(server: Server, also_here: bool) -> None:
    with signed_in(server, "alice") as here, signed_in(server, "alice") as there, signed_in(server, "bob") as bob:
        query = {"all": "true"} if also_here else {}
        assert here.delete("/api/v1/account/sessions", params=query).status_code == 204
        problem(there.get("/api/v1/auth/me"), 401)
        assert here.get("/api/v1/auth/me").status_code == (401 if also_here else 200)
        assert bob.get("/api/v1/auth/me").status_code == 200


def test_the_session_of_somebody_else_is_not_found(server: Server) -> None:
    with signed_in(server, "alice") as alice, signed_in(server, "charlie") as charlie:
        mine = alice.get("/api/v1/account/sessions").json()["items"][0]["id"]
        problem(charlie.delete(f"/api/v1/account/sessions/{mine}"), 404)
        assert alice.get("/api/v1/auth/me").status_code == 200


def test_ending_a_session_needs_the_token_of_the_page(server: Server) -> None:
    server.key_of("alice")
    with browser(server) as client:
        assert sign_in(client, "alice").status_code == 200
        problem(client.delete("/api/v1/account/sessions"), 403, "bad_csrf")


def test_a_key_with_an_admins_power_asks_for_the_password_again(server: Server) -> None:
    with signed_in(server, "alice") as alice:
        wanted = {"name": "k", "scopes": ["admin"]}
        assert problem(alice.post("/api/v1/api-keys", json=wanted), 403)["field"] == "password"
        problem(alice.post("/api/v1/api-keys", json={**wanted, "password": "not this one"}), 403)
        assert alice.post("/api/v1/api-keys", json={**wanted, "password": PASSWORD}).status_code == 201
        assert alice.post("/api/v1/api-keys", json={"name": "k", "scopes": ["uploads:read"]}).status_code == 201
