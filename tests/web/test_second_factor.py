"""Signing in with a second factor over HTTP: 202 and a half ticket, which opens nothing but the second step."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx
import pyotp
import pytest

from bulletdrop.web.api import ROUTES
from bulletdrop.web.routes import PREFIX
from tests.support.server import PASSWORD, Server, certificates
from tests.web.browser import browser, cookies_of, sign_in, signed_in
from tests.web.kit import problem

TOTP, RECOVERY = "/api/v1/auth/totp", "/api/v1/auth/recovery"


@dataclass
class Person:
    """Somebody with an app and recovery codes."""

    server: Server
    app: pyotp.TOTP
    codes: list[str]

    def code(self) -> str:
        """A recovery code that was not used yet: the app has one in half a minute, which is slow for tests."""
        return self.codes.pop()


def with_app(server: Server, name: str) -> Person:
    """Set an app up for somebody."""
    with signed_in(server, name) as client:
        made = client.post("/api/v1/account/totp", json={"password": PASSWORD})
        assert made.status_code == 201, made.text
        app = pyotp.TOTP(made.json()["secret"])
        done = client.post("/api/v1/account/totp/confirm", json={"code": app.now()})
        assert done.status_code == 200, done.text
        assert client.get("/api/v1/account/totp").json()["recovery_codes_left"] == 10
    return Person(server, app, done.json()["recovery_codes"])


def next_code(app: pyotp.TOTP, step: int) -> tuple[str, int]:
    """A code of a step after `step`, and that step; waits for it if need be (one step ahead counts)."""
    while (now := int(time.time()) // 30) + 1 <= step:
        time.sleep(0.2)
    found = max(now, step + 1)
    return app.generate_otp(found), found


@pytest.fixture(scope="module")
def bob(shared: Server) -> Person:
    return with_app(shared, "bob")


def half(client: httpx.Client, name: str = "bob") -> str:
    """Do the first step. Returns the half ticket."""
    answer = sign_in(client, name)
    assert answer.status_code == 202, answer.text
    ticket: str = answer.json()["second_factor"]["ticket"]
    return ticket


def test_a_right_password_is_answered_with_202_and_a_cookie_no_script_reads(shared: Server, bob: Person) -> None:
    with browser(shared) as client:
        answer = sign_in(client, "bob")
    assert answer.status_code == 202
    second = answer.json()["second_factor"]
    assert set(answer.json()) == {"second_factor"}
    assert second["methods"] == ["totp", "recovery"]
    assert second["expires_in"] == 600
    cookies = cookies_of(answer)
    assert cookies["bd_half"] == {
        "value": second["ticket"], "path": "/", "max-age": "600", "httponly": "", "samesite": "Lax",
    }  # fmt: skip
    assert all(cookies[name]["max-age"] == "0" for name in ("bd_access", "bd_refresh", "bd_csrf"))
    assert answer.headers["cache-control"] == "no-store"


def test_on_https_the_half_cookie_is_bound_to_the_host(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_PUBLIC_URL="https://drop.example.org")
    server.key_of("alice")
    headers = {"Host": "drop.example.org"}
    with httpx.Client(base_url=server.url, trust_env=False, headers=headers, timeout=30) as client:
        token = sign_in(client, "alice").json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        made = client.post("/api/v1/account/totp", json={"password": PASSWORD}, headers=bearer).json()
        code = {"code": pyotp.TOTP(made["secret"]).now()}
        assert client.post("/api/v1/account/totp/confirm", json=code, headers=bearer).status_code == 200
        cookie = cookies_of(sign_in(client, "alice"))["__Host-bd_half"]
    assert cookie["value"]
    assert {"secure", "httponly"} <= set(cookie)
    assert (cookie["samesite"], cookie["path"]) == ("Lax", "/")
    assert "domain" not in cookie


@pytest.mark.parametrize("by", ["cookie", "body"])
def test_a_code_finishes_the_sign_in(shared: Server, bob: Person, by: str) -> None:
    with browser(shared) as client:
        ticket = half(client)
        sent = {"code": bob.code()}
        if by == "body":
            client.cookies.clear()
            sent["ticket"] = ticket
        answer = client.post(RECOVERY, json=sent)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) >= {"access_token", "refresh_token", "user"}
        assert client.get("/api/v1/auth/me").json()["username"] == "bob"
        if by == "cookie":
            assert cookies_of(answer)["bd_half"]["max-age"] == "0"
        problem(client.post(RECOVERY, json={"code": bob.code(), "ticket": ticket}), 401, "bad_ticket")


def test_a_code_of_the_app_finishes_the_sign_in(shared: Server, bob: Person) -> None:
    with browser(shared) as client:
        half(client)
        code, step = next_code(bob.app, int(time.time()) // 30)
        assert client.post(TOTP, json={"code": code}).status_code == 200
        client.cookies.clear()
        half(client)
        assert problem(client.post(TOTP, json={"code": code}), 401, "not_signed_in")["field"] == "code"
        assert step


def test_the_half_ticket_opens_nothing_else(shared: Server, bob: Person) -> None:
    with browser(shared) as client:
        ticket = half(client)
    ways: list[dict[str, dict[str, str]]] = [
        {"headers": {"Authorization": f"Bearer {ticket}"}},
        {"headers": {"X-API-Key": ticket}},
        {"cookies": {"bd_access": ticket}},
        {"cookies": {"bd_refresh": ticket}},
        {"cookies": {"bd_half": ticket}},
        {"cookies": {"bd_access": ticket, "bd_refresh": ticket, "bd_half": ticket, "bd_csrf": ticket}},
    ]
    accepted, asked = [], 0
    for way in ways:
        with httpx.Client(base_url=shared.url, trust_env=False, timeout=30, verify=certificates(), **way) as client:  # type: ignore[arg-type]
            for route in ROUTES:
                if route.path.startswith(("/auth/totp", "/auth/recovery", "/auth/passkeys", "/auth/login", "/setup")):
                    continue
                path = PREFIX + re.sub(r"<\w+>", "x", route.path)
                answer = client.request(route.method, path, json={} if route.body is not None else None)
                asked += 1
                anybody = httpx.request(
                    route.method, shared.url + path, json={}, trust_env=False, timeout=30, verify=certificates()
                )
                # As nobody, or refused: never more than a stranger gets.
                if answer.status_code != 401 and answer.status_code != anybody.status_code:
                    accepted.append((route.name, way, answer.status_code))
            for path in ("/", "/trash", "/account/security"):
                answer = client.get(path)
                asked += 1
                if answer.status_code == 200:
                    accepted.append((path, way, 200))
    assert accepted == []
    assert asked > 200


def test_wrong_codes_end_the_ticket_and_then_the_address(make_server: Callable[..., Server]) -> None:
    server = make_server()
    person = with_app(server, "bob")
    with browser(server) as client:
        half(client)
        codes = [client.post(TOTP, json={"code": "000000"}).json()["error"]["code"] for _ in range(6)]
        assert codes == ["not_signed_in"] * 5 + ["bad_ticket"]
        # The right password makes no wrong code forgotten.
        statuses = []
        for _ in range(3):
            half(client)
            statuses += [client.post(TOTP, json={"code": "000000"}).status_code for _ in range(5)]
        assert statuses.count(401) == 5
        assert statuses.count(429) == 10
        assert client.post(RECOVERY, json={"code": person.code()}).status_code == 429


def test_a_code_works_once_also_over_processes(make_server: Callable[..., Server]) -> None:
    server = make_server("--workers", "2")
    person = with_app(server, "bob")
    code, _ = next_code(person.app, int(time.time()) // 30)
    tickets = []
    for _ in range(9):
        with browser(server) as client:
            tickets.append(half(client))

    def finish(ticket: str) -> int:
        sent = {"code": code, "ticket": ticket}
        return httpx.post(server.url + TOTP, json=sent, trust_env=False, timeout=30, verify=certificates()).status_code

    with ThreadPoolExecutor(9) as threads:
        statuses = list(threads.map(finish, tickets))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 429}


def test_switching_off_asks_for_the_password(make_server: Callable[..., Server]) -> None:
    server = make_server()
    person = with_app(server, "bob")
    with browser(server) as client:
        half(client)
        client.post(RECOVERY, json={"code": person.code()})
        client.headers["X-CSRF-Token"] = client.cookies["bd_csrf"]
        for sent in ({}, {"password": "wrong one"}, {"code": person.code()}):
            refused = problem(client.request("DELETE", "/api/v1/account/totp", json=sent), 403, "forbidden")
            assert refused["field"] == "password"
        problem(client.post("/api/v1/account/recovery-codes", json={}), 403)
        fresh = client.post("/api/v1/account/recovery-codes", json={"password": PASSWORD}).json()["recovery_codes"]
        assert len(fresh) == 10
        assert not set(fresh) & set(person.codes)
        done = client.request("DELETE", "/api/v1/account/totp", json={"password": PASSWORD})
        assert done.status_code == 204
        client.cookies.clear()
        assert sign_in(client, "bob").status_code == 200


def test_the_form_without_script_leads_over_the_second_step(shared: Server, bob: Person) -> None:
    with browser(shared) as client:
        first = client.post("/signin", data={"identifier": "bob", "password": PASSWORD, "next": "/trash?a=b"})
        assert (first.status_code, first.headers["location"]) == (303, "/signin/second?next=%2Ftrash%3Fa%3Db")
        page = client.get(first.headers["location"])
        assert 'autocomplete="one-time-code"' in page.text
        assert 'inputmode="numeric"' in page.text
        recovery = client.get("/signin/second?with=recovery&next=%2Ftrash%3Fa%3Db")
        assert "Recovery code" in recovery.text
        wrong = client.post("/signin/second?with=recovery", data={"code": "AAAAA-AAAAA", "next": "/trash?a=b"})
        assert wrong.status_code == 401
        assert "This code is wrong" in wrong.text
        done = client.post("/signin/second?with=recovery", data={"code": bob.code(), "next": "/trash?a=b"})
        assert (done.status_code, done.headers["location"]) == (303, "/trash?a=b")
        assert client.get("/trash").status_code == 200
        assert client.get("/signin/second").headers["location"] == "/"


def test_without_the_first_step_there_is_no_second(shared: Server, bob: Person) -> None:
    with browser(shared) as client:
        assert client.get("/signin/second").headers["location"] == "/signin"
        client.cookies["bd_half"] = "made up"
        answer = client.get("/signin/second")
        assert answer.headers["location"] == "/signin"
        assert cookies_of(answer)["bd_half"]["max-age"] == "0"
        problem(client.post(TOTP, json={"code": "123456"}), 401, "bad_ticket")


FROM_ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_another_sites_page_finishes_no_sign_in(shared: Server, bob: Person, headers: dict[str, str]) -> None:
    code = bob.code()
    with browser(shared) as client:
        half(client)
        cookies = dict(client.cookies)
    with httpx.Client(base_url=shared.url, cookies=cookies, headers=headers, trust_env=False, timeout=30) as elsewhere:
        problem(elsewhere.post(RECOVERY, json={"code": code}), 403, "bad_csrf")
        problem(elsewhere.post("/api/v1/auth/passkeys/options", json={}), 403, "bad_csrf")
        problem(elsewhere.post("/api/v1/auth/passkeys", json={"credential": {}}), 403, "bad_csrf")
        assert elsewhere.post("/signin/second?with=recovery", data={"code": code}).status_code == 403
        assert elsewhere.post("/signin", data={"identifier": "bob", "password": PASSWORD}).status_code == 403
    with browser(shared) as client:
        half(client)
        assert client.post(RECOVERY, json={"code": code}).status_code == 200


def test_a_session_planted_before_the_sign_in_is_not_gone_on_with(shared: Server, bob: Person) -> None:
    with signed_in(shared, "charlie") as attacker:
        planted = dict(attacker.cookies)
    with browser(shared) as client:
        for name, value in planted.items():
            client.cookies.set(name, value, domain="127.0.0.1", path="/")
        answer = sign_in(client, "alice")
        assert answer.status_code == 200
        for name in ("bd_access", "bd_refresh", "bd_csrf"):
            assert cookies_of(answer)[name]["value"] != planted[name]
        me = httpx.get(f"{shared.url}/api/v1/auth/me", cookies=planted, trust_env=False, timeout=30).json()
        assert me["username"] == "charlie"


@pytest.mark.parametrize("stale", ["nonsense", "swapped"])
def test_a_form_that_signs_in_wins_over_the_cookies_that_came_with_it(shared: Server, stale: str) -> None:
    cookies = {"bd_refresh": "nonsense"}
    if stale == "swapped":
        with signed_in(shared, "charlie") as other:
            cookies = {"bd_refresh": other.cookies["bd_refresh"]}
    shared.key_of("alice")
    with browser(shared) as client:
        for name, value in cookies.items():
            client.cookies.set(name, value, domain="127.0.0.1", path="/")
        # With the session of another person a form needs that session's token; without the refresh it has none.
        answer = client.post("/signin", data={"identifier": "alice", "password": PASSWORD})
        if stale == "nonsense":
            assert answer.status_code == 303
            sent = [line for line in answer.headers.get_list("set-cookie") if line.startswith("bd_access=")]
            assert len(sent) == 1
            assert client.get("/api/v1/auth/me").json()["username"] == "alice"
        else:
            assert answer.status_code == 403


# Each is sent as `next`, plain and encoded, to every address that goes on after a sign-in.
ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\t/evil.example", "/%09/evil.example", "/\n/evil.example", "/%0a/evil.example", "/\r\n/evil.example",
    "/%0d%0aLocation:%20https://evil.example", "/\r\nLocation: https://evil.example", "/\x00/evil.example",
    "https:evil.example", "https://evil.example", "http:/evil.example", "HTTPS://evil.example", "//evil.example/..",
    "https:///evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", " //evil.example",
    "\t//evil.example", "/\u3000/evil.example", "//\u0435vil.example", "/.//evil.example", "/..//evil.example",
    "/%2f/evil.example", "%2f%2fevil.example", "/%5cevil.example", "evil.example", "@evil.example", "/@evil.example",
    "//127.0.0.1@evil.example", "https://127.0.0.1@evil.example", "?//evil.example", "#//evil.example",
    "/;@evil.example",
    "/\ufeff/evil.example", "/\u2028/evil.example", "/\x85/evil.example", "/\x0b/evil.example", "/\x7f/evil.example",
]  # fmt: skip


def where_it_leads(base: str, location: str) -> str:
    """The host that a browser goes to: it drops tabs and line ends, and takes a backslash for a slash (WHATWG URL)."""
    seen = re.sub(r"[\t\r\n]", "", location).strip("\x00 \x0b\x0c\x1f").replace("\\", "/")
    return urlsplit(urljoin(base, seen)).netloc


def test_next_leads_to_no_other_site(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_GUESSES_PER_ADDRESS="100000")
    server.key_of("alice")
    own = urlsplit(server.url).netloc
    left, asked = [], 0
    with signed_in(server, "alice") as owner, browser(server) as nobody:
        for wanted in ELSEWHERE:
            answers = [
                owner.get("/signin", params={"next": wanted}),
                owner.get("/signin/second", params={"next": wanted}),
            ]
            nobody.cookies.clear()
            data = {"identifier": "alice", "password": PASSWORD, "next": wanted}
            answers.append(nobody.post("/signin", data=data))
            for answer in answers:
                asked += 1
                assert answer.status_code in (302, 303)
                if where_it_leads(server.url, answer.headers["location"]) != own:
                    left.append((wanted, answer.headers["location"]))
            nobody.cookies.clear()
            page = nobody.get("/signin", params={"next": wanted}).text
            offered = re.findall(r'data-(?:next|second)="([^"]*)"|name="next" value="([^"]*)"', page)
            asked += len(offered)
            left += [(wanted, each) for pair in offered for each in pair if where_it_leads(server.url, each) != own]
    assert left == []
    assert asked > 200
