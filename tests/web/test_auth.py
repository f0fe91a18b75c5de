"""Signing in, staying in, going out; cookies, tokens, CSRF, and who a forwarded header is believed."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from tests.support.server import PASSWORD, Server
from tests.web.browser import browser, cookies_of, sign_in, signed_in
from tests.web.kit import form, png, post_form, problem, settled, upload


def test_a_sign_in_gives_tokens_and_cookies(shared: Server) -> None:
    with browser(shared) as client:
        answer = sign_in(client, "alice")
        body = answer.json()
        assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "user"}
        assert body["token_type"] == "Bearer"
        assert body["expires_in"] == 900
        assert body["user"]["username"] == "alice"
        cookies = cookies_of(answer)
        assert set(cookies) == {"bd_access", "bd_refresh", "bd_csrf"}
        for name, cookie in cookies.items():
            assert cookie["samesite"].lower() == "lax"
            assert cookie["path"] == "/"
            assert "domain" not in cookie
            assert ("httponly" in cookie) == (name != "bd_csrf")
            assert "secure" not in cookie
        headers = {"Authorization": f"Bearer {body['access_token']}"}
        assert shared.anonymous.get("/api/v1/auth/me", headers=headers).json()["username"] == "alice"
        assert client.get("/api/v1/auth/me").json()["scopes"] is None


def test_over_https_the_cookies_belong_to_this_host_alone(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_PUBLIC_URL="https://drop.example.org")
    server.key_of("alice")
    with browser(server, Origin="https://drop.example.org") as client:
        cookies = cookies_of(sign_in(client, "alice"))
        assert set(cookies) == {"__Host-bd_access", "__Host-bd_refresh", "__Host-bd_csrf"}
        assert all("secure" in cookie for cookie in cookies.values())


def test_an_email_address_signs_in_too(shared: Server) -> None:
    with browser(shared) as client:
        assert sign_in(client, "ALICE@example.org").status_code == 200


def test_a_wrong_password_and_an_unknown_name_sound_the_same(shared: Server) -> None:
    with browser(shared) as client:
        wrong, unknown = sign_in(client, "alice", "not the password"), sign_in(client, "nobody", "not the password")
        assert problem(wrong, 401)["message"] == problem(unknown, 401)["message"]
        assert "www-authenticate" in wrong.headers


BAD_BODIES = [
    (b"", "invalid"),
    (b"{", "bad_body"),
    (b"[]", "invalid"),
    (b'{"identifier": 5, "password": "x"}', "invalid"),
    (b'{"identifier": "x"}', "invalid"),
    (b'{"identifier": "x", "password": "y", "admin": true}', "invalid"),
    (b"\xff\xfe", "bad_body"),
    (b"[" * 100_000, "bad_body"),
]


@pytest.mark.parametrize(("body", "code"), BAD_BODIES)
def test_a_body_that_does_not_fit_is_refused(shared: Server, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = shared.anonymous.post("/api/v1/auth/login", content=body, headers=headers)
    assert problem(answer, 400)["code"] in (code, "invalid")


def test_a_form_of_another_site_is_no_json(shared: Server) -> None:
    headers = {"Content-Type": "text/plain"}
    body = b'{"identifier": "alice", "password": "x"}'
    problem(shared.anonymous.post("/api/v1/auth/login", content=body, headers=headers), 400, "bad_body")


def test_guessing_is_braked_and_others_may_still_sign_in(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    server.key_of("alice")
    attacker, victim = {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "203.0.113.10"}
    with browser(server) as client:
        client.headers.update(attacker)
        statuses = [sign_in(client, "alice", "wrong one").status_code for _ in range(14)]
        assert statuses.count(401) == 10
        assert statuses[-1] == 429
        assert sign_in(client, "alice").status_code == 429
        client.headers.update(victim)
        assert sign_in(client, "alice").status_code == 200


def test_a_forwarded_address_is_not_believed_without_a_configured_proxy(make_server: Callable[..., Server]) -> None:
    server = make_server()
    server.key_of("alice")
    with browser(server) as client:
        for number in range(10):
            headers = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
            client.headers.update(headers)
            sign_in(client, "alice", "wrong one")
        assert sign_in(client, "alice").status_code == 429


def test_signing_out_ends_the_session_everywhere(shared: Server) -> None:
    with signed_in(shared, "alice") as client:
        access = client.cookies["bd_access"]
        refresh = client.cookies["bd_refresh"]
        answer = client.post("/api/v1/auth/logout")
        assert answer.status_code == 204
        assert all(cookie["max-age"] == "0" for cookie in cookies_of(answer).values())
        assert client.get("/api/v1/auth/me").status_code == 401
    problem(shared.anonymous.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {access}"}), 401)
    problem(shared.anonymous.post("/api/v1/auth/refresh", json={"refresh_token": refresh}), 401)


def test_a_refresh_swaps_the_token(shared: Server) -> None:
    with browser(shared) as client:
        first = sign_in(client, "alice").json()["refresh_token"]
        client.cookies.clear()
        second = client.post("/api/v1/auth/refresh", json={"refresh_token": first}).json()
        assert second["refresh_token"] not in (None, first)
        problem(client.post("/api/v1/auth/refresh", json={"refresh_token": "made up"}), 401)
        client.cookies.clear()
        problem(client.post("/api/v1/auth/refresh", json={}), 401)


def test_a_page_stays_open_when_only_the_refresh_cookie_is_left(shared: Server) -> None:
    with signed_in(shared, "alice") as client:
        old = client.cookies["bd_refresh"]
        del client.cookies["bd_access"]
        answer = client.get("/api/v1/auth/me")
        assert answer.status_code == 200
        cookies = cookies_of(answer)
        assert cookies["bd_access"]["value"]
        assert cookies["bd_refresh"]["value"] != old
        assert client.get("/api/v1/auth/me").status_code == 200


def test_many_requests_that_wake_together_share_one_refresh(shared: Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with signed_in(shared, "alice") as client:
        refresh = client.cookies["bd_refresh"]

    def ask(_: int) -> httpx.Response:
        return httpx.get(f"{shared.url}/api/v1/auth/me", cookies={"bd_refresh": refresh}, trust_env=False, timeout=30)

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(ask, range(24)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({cookies_of(answer)["bd_refresh"]["value"] for answer in answers}) == 1


CHANGES = {
    "sign out": (),
    "block": ("user", "disable", "bob"),
    "password": ("user", "passwd", "bob", "--password-stdin"),
    "role": ("user", "promote", "bob"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_refresh_cookie_swapped_a_moment_ago_ends_with_its_session(server_on: Server, change: str) -> None:
    def ask(cookie: str) -> httpx.Response:
        return httpx.get(f"{server_on.url}/api/v1/auth/me", cookies={"bd_refresh": cookie}, trust_env=False, timeout=30)

    with signed_in(server_on, "bob") as client:
        old = client.cookies["bd_refresh"]
        answer = ask(old)
        assert answer.status_code == 200
        new = cookies_of(answer)["bd_refresh"]["value"]
        if change == "sign out":
            assert client.post("/api/v1/auth/logout").status_code == 204
        else:
            server_on.command(*CHANGES[change], stdin="another good one 42\n")
        changed_at = time.monotonic()
        for cookie in (old, new, old):
            refused = ask(cookie)
            problem(refused, 401)
            assert cookies_of(refused)["bd_refresh"]["value"] in ("", '""')
        assert time.monotonic() - changed_at < 5


def test_a_refresh_on_the_way_to_a_private_picture_reaches_the_browser(shared: Server) -> None:
    made = upload(shared.alice, is_public="false")
    with signed_in(shared, "alice") as client:
        del client.cookies["bd_access"]
        answer = client.get(f"/i/{made['id']}")
        assert answer.status_code == 200
        assert set(cookies_of(answer)) == {"bd_access", "bd_refresh", "bd_csrf"}
        assert client.get(f"/i/{made['id']}").status_code == 200


def test_cookies_that_count_no_longer_are_taken_away(shared: Server) -> None:
    cookies = {"bd_access": "nonsense", "bd_refresh": "nonsense"}
    answer = httpx.get(f"{shared.url}/api/v1/auth/me", cookies=cookies, trust_env=False, timeout=30)
    problem(answer, 401)
    assert cookies_of(answer)["bd_refresh"]["max-age"] == "0"


def test_without_the_csrf_token_a_cookie_changes_nothing(shared: Server) -> None:
    made = upload(shared.alice)
    before = settled(shared)
    with signed_in(shared, "alice") as client, signed_in(shared, "bob") as other:
        for token in (None, "", "nonsense", other.cookies["bd_csrf"]):
            client.headers.pop("X-CSRF-Token", None)
            if token is not None:
                client.headers["X-CSRF-Token"] = token
            problem(client.delete(f"/api/v1/uploads/{made['id']}"), 403, "bad_csrf")
            problem(client.patch(f"/api/v1/uploads/{made['id']}", json={"title": "x"}), 403, "bad_csrf")
            problem(client.put("/api/v1/uploads/a.png", content=png()), 403, "bad_csrf")
            problem(post_form(client, form(png())), 403, "bad_csrf")
            problem(client.post("/api/v1/api-keys", json={"name": "x", "scopes": ["uploads:read"]}), 403, "bad_csrf")
            problem(client.post("/api/v1/auth/logout"), 403, "bad_csrf")
    assert settled(shared) == before
    assert shared.alice.get(f"/api/v1/uploads/{made['id']}").json()["trashed_at"] is None


def test_a_form_without_script_brings_the_token_as_a_field(shared: Server) -> None:
    with signed_in(shared, "alice") as client:
        token = client.headers.pop("X-CSRF-Token")
        assert post_form(client, form(png(), fields={"csrf": token})).status_code == 201
        problem(post_form(client, form(png(), fields={"csrf": "nonsense"})), 403, "bad_csrf")


OTHER_SITES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "", "Origin": "null"},
]


@pytest.mark.parametrize("headers", OTHER_SITES)
def test_another_sites_page_cannot_use_the_cookies_or_sign_anybody_in(shared: Server, headers: dict[str, str]) -> None:
    with signed_in(shared, "alice") as client:
        for name, value in headers.items():
            client.headers[name] = value
        if not headers.get("Sec-Fetch-Site"):
            del client.headers["Sec-Fetch-Site"]
        problem(sign_in(client, "alice"), 403, "bad_csrf")
        if headers.get("Origin") != "null":
            problem(client.put("/api/v1/uploads/a.png", content=png()), 403, "bad_csrf")


def test_a_key_needs_no_csrf_token(shared: Server) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert shared.alice.put("/api/v1/uploads/a.png", content=png(), headers=headers).status_code == 201


def test_a_revoked_key_stops_at_once(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with signed_in(server, "alice") as client:
        made = client.post("/api/v1/api-keys", json={"name": "phone", "scopes": ["uploads:write"]}).json()
        headers = {"X-API-Key": made["key"]}
        assert server.anonymous.put("/api/v1/uploads/a.png", content=png(), headers=headers).status_code == 201
        assert client.delete(f"/api/v1/api-keys/{made['id']}").status_code == 204
        problem(server.anonymous.put("/api/v1/uploads/a.png", content=png(), headers=headers), 401, "revoked_key")


def test_the_uses_of_a_key_are_counted_also_at_a_stop(make_server: Callable[..., Server]) -> None:
    server = make_server()
    for _ in range(7):
        assert server.alice.get("/api/v1/uploads").status_code == 200
    server.stop()
    server.start()
    with signed_in(server, "alice") as client:
        (key,) = client.get("/api/v1/api-keys").json()["items"]
    assert key["request_count"] == 7
    assert key["last_used_at"] is not None
    assert key["last_address"] == "127.0.0.1"
    assert "key" not in key


def test_an_expired_key_says_so(shared: Server) -> None:
    with signed_in(shared, "alice") as client:
        soon = int(time.time()) + 5
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))
        wanted = {"name": "short", "scopes": ["uploads:read"], "expires_at": end}
        key = client.post("/api/v1/api-keys", json=wanted).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert shared.anonymous.get("/api/v1/uploads", headers=headers).status_code == 200
    time.sleep(max(0.0, soon + 0.1 - time.time()))
    problem(shared.anonymous.get("/api/v1/uploads", headers=headers), 401, "expired_key")


def test_a_new_password_and_a_block_end_what_was_given_before(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with signed_in(server, "bob") as client:
        access = {"Authorization": f"Bearer {client.cookies['bd_access']}"}
        server.command("user", "passwd", "bob", "--password-stdin", stdin="another good one 42\n")
        assert client.get("/api/v1/auth/me").status_code == 401
        problem(server.anonymous.get("/api/v1/auth/me", headers=access), 401)
    server.command("user", "disable", "bob")
    answer = server.bob.get("/api/v1/auth/me")
    assert answer.status_code in (401, 403)


def test_secrets_stay_out_of_the_log(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_LOG_LEVEL="debug")
    with signed_in(server, "alice") as client:
        made = client.post("/api/v1/api-keys", json={"name": "x", "scopes": ["uploads:read"]}).json()
        secrets = [
            PASSWORD,
            made["key"],
            client.cookies["bd_access"],
            client.cookies["bd_refresh"],
            server.key_of("alice"),
        ]
        server.anonymous.get(f"/nope?token={made['key']}")
    server.stop()
    text = server.log.read_text()
    assert not [secret for secret in secrets if secret in text]
