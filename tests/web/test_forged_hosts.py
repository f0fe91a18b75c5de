"""A forged Host, X-Forwarded-Host or Forwarded comes back in no body, header or mail, by whatever route and proxy.

The routes come from the tables of authorization, which have a row for every route and every page of the server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bulletdrop.web.routes import PREFIX
from tests.support.proxies import MAIN, SHARE, Proxy, caddy, nginx
from tests.support.server import PASSWORD, Server
from tests.support.smtp import Sink, mail_server, text_of
from tests.web.browser import kept
from tests.web.kit import png
from tests.web.test_authorization import ROUTES, Asked
from tests.web.test_authorization import TABLE as API
from tests.web.test_authorization_pages import TABLE as PAGES
from tests.web.test_authorization_pages import AskedDrop

pytestmark = pytest.mark.xdist_group("forged hosts")
CANARY = "canary-7c1f.example"
FORGED = {
    "X-Forwarded-Host": CANARY,
    "X-Forwarded-Server": CANARY,
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": f"/{CANARY}",
    "Forwarded": f'for=1.2.3.4;host="{CANARY}";proto=gopher',
    "X-Host": CANARY,
    "X-Original-Host": CANARY,
    "X-Original-URL": f"/{CANARY}",
    "X-Rewrite-URL": f"https://{CANARY}/",
    "X-HTTP-Host-Override": CANARY,
    "Via": f"1.1 {CANARY}",
}
Send = Callable[..., httpx.Response | None]


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module", params=["direct", "caddy", "nginx"])
def way(request: pytest.FixtureRequest) -> str:
    """How requests come to the server, which is a fresh one each time."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(way: str, sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_PUBLIC_URL": f"http://{MAIN}",
        "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1",
        "BULLETDROP_REGISTRATION": "open",
        # Rows of the tables send wrong passwords on purpose.
        "BULLETDROP_GUESSES_PER_PAIR": "1000",
        "BULLETDROP_GUESSES_PER_ADDRESS": "1000",
        "BULLETDROP_GUESSES_PER_NAME": "1000",
        "BULLETDROP_SMTP_HOST": "127.0.0.1",
        "BULLETDROP_SMTP_PORT": str(sink.port),
        "BULLETDROP_SMTP_SECURITY": "none",
    }
    started = Server(tmp_path_factory.mktemp("forged") / "data", environ=environ)
    started.start()
    try:
        for name in ("alice", "bob", "charlie"):
            started.key_of(name)
        made = started.alice.post("/api/v1/admin/domains", json={"name": SHARE}).json()
        assert started.alice.post(f"/api/v1/domains/{made['id']}/claim", json={}).status_code == 200
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def send(way: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Send]:
    """Sends a request for a name by one way; None where it got no answer, as nginx gives none to strange names."""
    if way == "direct":
        with server.client(None) as client:

            def direct(host: str, method: str, path: str, **options: Any) -> httpx.Response | None:
                headers = {"Host": host, **options.pop("headers", {})}
                return client.request(method, path, headers=headers, **options)

            yield direct
        return
    with {"caddy": caddy, "nginx": nginx}[way](tmp_path_factory.mktemp("way") / "own", server.port) as proxy:
        yield by_proxy(proxy)


def by_proxy(proxy: Proxy) -> Send:
    """A way through a proxy. Its TLS is always asked for our own name: a strange one is refused before any request."""

    def forwarded(host: str, method: str, path: str, **options: Any) -> httpx.Response | None:
        headers = {**options.pop("headers", {}), "Host": host}
        try:
            return proxy.request(MAIN, method, path, headers=headers, **options)
        except httpx.RemoteProtocolError:
            return None

    return forwarded


def said_in(answer: httpx.Response | None) -> list[str]:
    """Where an answer says the canary."""
    if answer is None:
        return []
    places = [name for name, value in answer.headers.multi_items() if CANARY in f"{name}: {value}".lower()]
    return places + (["body"] if CANARY.encode() in answer.content.lower() else [])


def cookies(server: Server) -> dict[str, str]:
    """alice's browser, as headers."""
    browser = kept(server, "alice")
    jar = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
    return {"Cookie": jar, "X-CSRF-Token": browser.headers["X-CSRF-Token"], "Accept": "text/html,*/*;q=0.8"}


def test_the_canary_would_be_found(send: Send) -> None:
    assert said_in(send(MAIN, "GET", f"/signin?next=/{CANARY}", headers={"Accept": "text/html"})) == ["body"]
    assert said_in(send(SHARE, "GET", f"/signin?next=/{CANARY}")) == ["location"]


def test_no_route_of_the_api_says_a_forged_host(
    server: Server, send: Send, record_property: Callable[[str, object], None]
) -> None:
    key = {"Authorization": f"Bearer {server.key_of('alice')}"}
    found: dict[str, list[str]] = {}
    answered = 0
    for route in ROUTES:
        row = API.get(route.name)
        if row is None:  # said in `test_authorization`, where each has to have one
            continue
        asked = Asked(server, row.params)
        options: dict[str, Any] = {"json": row.body} if route.body is not None else {}
        if row.content is not None:
            options = {"content": row.content}
        for host, headers in (
            (CANARY, {**FORGED, **key}),
            (MAIN, {**FORGED, **(cookies(server) if row.statuses["alice"] == 403 else key)}),
            (MAIN, FORGED),
        ):
            path = asked.path(PREFIX + route.path)
            answer = send(host, route.method, path, headers=headers, **options)
            if answer is not None:
                answered += 1
                assert host == MAIN or answer.status_code == 421 or path.endswith("/ask"), (path, answer.status_code)
                asked.after(route.method, answer)
            if places := said_in(answer):
                found[f"{route.method} {path}"] = places
    assert not found
    record_property("answers of the API with a forged host", answered)


def test_no_page_says_a_forged_host(server: Server, send: Send, record_property: Callable[[str, object], None]) -> None:
    found: dict[str, list[str]] = {}
    answered = 0
    for address, row in PAGES.items():
        method, _, written = address.partition(" ")
        asked = AskedDrop(server, address)
        form: dict[str, Any] = {"data": row.form} if row.form is not None else {}
        for host, headers in (
            (CANARY, {**FORGED, "Accept": "text/html"}),
            (MAIN, {**FORGED, **cookies(server)}),
            (MAIN, {**FORGED, "Accept": "text/html"}),
            (SHARE, {**FORGED, "Accept": "text/html"}),
        ):
            path = asked.path(written).replace("<name:path>", "nothing.js")
            answer = send(host, method, path, headers=headers, **form)
            if answer is not None:
                answered += 1
                if answer.status_code != 302:
                    asked.after(method, answer)
            if places := said_in(answer):
                found[f"{address} at {host}"] = places
    assert not found
    record_property("answers of pages with a forged host", answered)


def test_no_link_of_what_is_sent_begins_with_a_forged_host(server: Server, send: Send) -> None:
    """Uploads succeed here, and every address in their answers is one of ours."""
    key = {"Authorization": f"Bearer {server.key_of('alice')}", **FORGED}
    for domain, host in (("", MAIN), (SHARE, SHARE)):
        answer = send(MAIN, "PUT", f"/api/v1/uploads/a.png?domain={domain}", headers=key, content=png())
        assert answer is not None
        assert answer.status_code == 201
        drop = answer.json()
        links = [value for name, value in drop.items() if name.endswith("url") and value]
        assert len(links) >= 4
        assert {httpx.URL(link).host for link in links} <= {MAIN, host}
        page = send(host, "GET", httpx.URL(drop["url"]).path, headers={**FORGED, "Accept": "text/html"})
        assert page is not None
        assert page.status_code == 200
        said = set(re.findall(r'(?:property|name)="(?:og|twitter):[a-z:]+" content="(https?://[^"/]+)', page.text))
        assert said == {f"http://{host}"}
        for path in (f"/oembed?url={drop['url']}", f"/embed/{drop['id']}", f"/info/{drop['id']}"):
            assert said_in(send(MAIN, "GET", path, headers={**FORGED, **cookies(server)})) == []


def test_no_mail_says_a_forged_host(server: Server, sink: Sink, send: Send) -> None:
    name = f"d{png(1, 1)[45:49].hex()}"
    before = len(sink.mails)
    key = {**FORGED, "Authorization": f"Bearer {server.key_of('alice')}"}
    users = server.alice.get("/api/v1/admin/users", params={"q": "bob"}).json()["items"]
    team = kept(server, "alice").post("/api/v1/teams", json={"name": name}).json()
    address = f"{name}@example.org"
    for method, path, headers, body in (
        ("POST", "/api/v1/auth/register", FORGED, {"username": name, "email": address, "password": PASSWORD}),
        ("POST", "/api/v1/auth/resend", FORGED, {"identifier": name}),
        ("POST", "/api/v1/auth/forgot", FORGED, {"identifier": "bob"}),
        ("POST", f"/api/v1/admin/users/{users[0]['id']}/reset", key, None),
        ("POST", "/api/v1/admin/invites", key, {"email": f"x{address}"}),
        ("POST", f"/api/v1/teams/{team['id']}/invites", {**FORGED, **cookies(server)}, {"whom": f"z{address}"}),
        ("POST", "/api/v1/admin/mail/test", key, None),
        ("POST", "/api/v1/account/email", {**FORGED, **cookies(server)},
         {"email": f"y{address}", "password": PASSWORD}),
    ):  # fmt: skip
        answer = send(MAIN, method, path, headers=headers, **({"json": body} if body is not None else {}))
        assert answer is not None
        assert answer.status_code < 300, (path, answer.text)
    sink.to(address)
    sink.to(f"x{address}")
    sink.to(f"y{address}")
    mails = sink.mails[before:]
    assert len({str(mail["Subject"]) for mail in mails}) >= 5
    for mail in mails:
        whole = mail.as_string() + text_of(mail) + text_of(mail, "html")
        assert CANARY not in whole.lower()
        links = re.findall(r"https?://[^\s\"'<>]+", text_of(mail) + text_of(mail, "html"))
        assert all(link.startswith(f"http://{MAIN}") for link in links), links
