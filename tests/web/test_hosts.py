"""Names that requests ask for: ours are answered, each as what it stands for, and no other ever is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.server import Server
from tests.web.browser import sign_in
from tests.web.kit import path_of, png, problem, raw, upload

MAIN, FILES = "drop.example.org", "files.example.net"
BOOKS, WILD = "xn--bcher-kva.example", "wild.example"
API = "/api/v1/domains"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a main address, one for files, a domain with letters beyond ASCII, and a wildcard."""
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_PUBLIC_URL": f"https://{MAIN}",
        "BULLETDROP_HOSTS": "nas.example.org",
        # Even a proxy that is trusted says nothing about the name.
        "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1",
    }
    started = Server(tmp_path_factory.mktemp("hosts") / "data", environ=environ)
    started.start()
    try:
        for name in ("bücher.example", WILD):
            wanted = {"name": name, "is_wildcard": name == WILD}
            assert started.alice.post("/api/v1/admin/domains", json=wanted).status_code == 201
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def with_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with an address for files alone."""
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_PUBLIC_URL": f"https://{MAIN}",
        "BULLETDROP_CONTENT_URL": f"https://{FILES}",
    }
    started = Server(tmp_path_factory.mktemp("files") / "data", environ=environ)
    started.start()
    try:
        yield started
    finally:
        started.close()


def at(server: Server, host: str, path: str = "/signin", **headers: str) -> httpx.Response:
    return server.anonymous.get(path, headers={"Host": host, "Accept": "text/html", **headers})


def domain_id(server: Server, name: str) -> str:
    found = server.alice.get("/api/v1/admin/domains").json()["items"]
    return str(next(one["id"] for one in found if one["name"] == name))


def claim(server: Server, client: httpx.Client, name: str, **how: object) -> str:
    found = domain_id(server, name)
    assert client.post(f"{API}/{found}/claim", json=how).status_code == 200
    return found


@pytest.mark.parametrize(
    "host",
    [
        MAIN, "DROP.example.org", f"{MAIN}:443", f"{MAIN}.", f"{MAIN}:", "127.0.0.1", "127.0.0.1:8484", "192.168.1.20",
        "[::1]", "[::1]:8484", "8.8.8.8", "localhost", "localhost:1", "bd.localhost", "nas.example.org",
    ],
)  # fmt: skip
def test_the_main_address_and_the_machines_own_are_answered(server: Server, host: str) -> None:
    assert at(server, host).status_code == 200
    assert at(server, host, "/api/v1/auth/me").status_code == 401


def test_the_machine_is_known_by_its_own_name(server: Server) -> None:
    import socket

    machine = socket.gethostname().lower()
    for host in (machine, f"{machine}.local", f"{machine}.lan", f"{machine}.fritz.box", f"{machine}.home.arpa"):
        assert at(server, host).status_code == 200, host
    assert at(server, f"{machine}.example.com").status_code == 421
    assert at(server, f"x{machine}.local").status_code == 421


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:80", f"{MAIN}.evil.example", f"evil.{MAIN}", "127.0.0.1.evil.example", "", " ",
        f"{MAIN}@evil.example", f"evil.example#{MAIN}", f"{MAIN}/x", "1.2.3.4.5", "0x7f000001", "nobody.wild.example",
        "a.b.wild.example", "xwild.example", f"{MAIN}..", f"{MAIN}:99999999", "[::1", "localhost.evil", ":80",
        "b\u00fccher.example",
    ],
)  # fmt: skip
def test_every_other_name_is_refused_on_every_kind_of_route(server: Server, host: str) -> None:
    drop = upload(server.alice)
    for path in ("/", "/signin", "/api/v1/auth/me", "/nope", f"/{drop['slug']}", path_of(drop["direct_url"])):
        with raw(server) as line:
            line.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n".encode())
            status, headers, body = line.response()
        assert status == 421, path
        assert "evil" not in f"{headers} {body!r}"


def test_a_refusal_says_what_to_do_in_a_page_and_in_the_error_shape(server: Server) -> None:
    page = at(server, "evil.example")
    assert page.headers["content-type"].startswith("text/html")
    assert "public_url" in page.text
    assert MAIN not in page.text
    problem(server.anonymous.get("/api/v1/uploads", headers={"Host": "evil.example"}), 421, "unknown_host")
    made = server.alice.put("/api/v1/uploads/a.png", content=png(), headers={"Host": "evil.example"})
    problem(made, 421, "unknown_host")
    for path in ("/health", "/ready"):
        assert at(server, "evil.example", path).status_code == 200
    looks = next(part for part in page.text.split('"') if part.startswith("/static/"))
    assert at(server, "evil.example", looks).status_code == 200


def test_two_names_in_one_request_are_refused_and_none_too(server: Server) -> None:
    for head in (f"Host: {MAIN}\r\nHost: evil.example\r\n", f"Host: evil.example\r\nHost: {MAIN}\r\n", ""):
        with raw(server) as line:
            line.send(f"GET /signin HTTP/1.1\r\n{head}\r\n".encode())
            assert line.response()[0] == 400
    with raw(server) as line:
        line.send(b"GET /signin HTTP/1.0\r\n\r\n")
        assert line.head()[0] == 200


def test_of_a_whole_address_its_own_name_counts(server: Server) -> None:
    for target, host, status in (
        (f"http://{MAIN}", "evil.example", 200),
        ("http://evil.example", MAIN, 421),
        (f"http://evil.example@{MAIN}", MAIN, 421),
    ):
        with raw(server) as line:
            line.send(f"GET {target}/signin HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert line.head()[0] == status, target


def test_forwarded_names_say_nothing(server: Server) -> None:
    for header, value in (
        ("X-Forwarded-Host", MAIN),
        ("Forwarded", f"host={MAIN}"),
        ("X-Host", MAIN),
        ("X-Original-Host", MAIN),
    ):
        assert at(server, "evil.example", **{header: value}).status_code == 421
    for header, value in (("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example;proto=gopher")):
        answer = at(server, MAIN, **{header: value})
        assert answer.status_code == 200
        assert "evil" not in answer.text + str(answer.headers)


@pytest.mark.parametrize("host", [BOOKS, WILD])
def test_a_domain_has_what_is_shared_and_leads_on_for_all_else(server: Server, host: str) -> None:
    for path in ("/", "/signin", "/admin/users?q=x", "/account/keys", "/s/x"):
        answer = at(server, host, path)
        assert (answer.status_code, answer.headers["location"]) == (302, f"https://{MAIN}{path}")
    assert (
        at(server, host, "//evil.example/x").headers.get("location", f"https://{MAIN}/").startswith(f"https://{MAIN}/")
    )
    for path in ("/api/v1/uploads", "/api/v1/auth/me", "/openapi.json"):
        assert at(server, host, path).status_code in (302, 404)
    assert server.alice.post("/api/v1/uploads", headers={"Host": host}).status_code == 404
    answer = server.anonymous.post("/signin", headers={"Host": host}, data={"username": "alice", "password": "x"})
    assert answer.status_code == 404
    assert at(server, host, "/robots.txt").status_code == 200


def test_a_domain_shows_its_own_drops_alone(server: Server) -> None:
    claim(server, server.alice, BOOKS)
    there = upload(server.alice, domain="bücher.example")
    here = upload(server.alice)
    assert there["url"] == f"https://{BOOKS}/{there['slug']}"
    assert there["direct_url"].startswith(f"https://{BOOKS}/{there['slug']}.")
    assert here["url"] == f"https://{MAIN}/{here['slug']}"
    for drop, host, status in ((there, BOOKS, 200), (there, MAIN, 200), (here, BOOKS, 404), (there, WILD, 404)):
        for path in (f"/{drop['slug']}", path_of(drop["direct_url"]), f"/i/{drop['id']}"):
            # Twice: the second answer may lie ready.
            for _ in range(2):
                assert at(server, host, path).status_code == status, (host, path)


def test_an_own_host_shows_one_persons_drops(server: Server) -> None:
    for client in (server.alice, server.bob):
        claim(server, client, WILD, own_host=True)
    hers, his = upload(server.alice, domain=WILD), upload(server.bob, domain=WILD)
    assert hers["url"] == f"https://alice.wild.example/{hers['slug']}"
    for drop, host, status in (
        (hers, "alice.wild.example", 200),
        (his, "alice.wild.example", 404),
        (his, "bob.wild.example", 200),
        (his, WILD, 200),
    ):
        assert at(server, host, path_of(drop["direct_url"])).status_code == status
    by_name = f"/u/bob/{his['filename']}"
    assert [at(server, f"{who}.wild.example", by_name).status_code for who in ("bob", "alice")] == [200, 404]
    assert at(server, "charlie.wild.example", f"/{hers['slug']}").status_code == 421
    claim(server, server.bob, WILD, own_host=False)
    again = server.bob.get(f"/api/v1/uploads/{his['id']}").json()
    assert again["url"] == f"https://{WILD}/{his['slug']}"
    assert at(server, "bob.wild.example", f"/{his['slug']}").status_code == 200


def test_nobody_is_signed_in_on_a_domain_even_with_the_cookies(server: Server) -> None:
    claim(server, server.alice, BOOKS)
    hidden = upload(server.alice, domain=BOOKS, is_public="false")
    assert hidden["url"].startswith(f"https://{MAIN}/")
    with httpx.Client(base_url=server.url, trust_env=False, headers={"Host": MAIN}, timeout=30) as browser:
        sign_in(browser, "alice")
        jar = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    assert "__Host-bd_access" in jar
    assert at(server, MAIN, f"/{hidden['slug']}", Cookie=jar).status_code == 200
    answer = at(server, BOOKS, f"/{hidden['slug']}", Cookie=jar)
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_on_a_domain_owners_are_led_to_where_they_are_signed_in(server: Server) -> None:
    claim(server, server.alice, BOOKS)
    hidden = upload(server.alice, domain=BOOKS, is_public="false", custom_name="kept-to-myself")
    assert hidden["link"] == f"https://{MAIN}/{hidden['slug']}", "nobody could open it on its domain"
    line = f'If it is yours, open it at <a href="https://{MAIN}/{hidden["slug"]}">{MAIN}</a>.'
    answer = at(server, BOOKS, f"/{hidden['slug']}?token=of-somebody")
    assert answer.status_code == 404
    assert line in answer.text
    assert "of-somebody" not in answer.text
    assert "If it is yours" not in at(server, MAIN, f"/{hidden['slug']}").text
    strange = at(server, BOOKS, "/nothing&quot;%22%3E%3Cb%3E").text
    assert f'href="https://{MAIN}/nothing' in strange
    assert "<b>" not in strange
    locked = upload(server.alice, domain=BOOKS, custom_name="locked-away", password="open sesame")
    answer = at(server, BOOKS, "/locked-away?token=of-somebody")
    assert answer.status_code == 401
    assert f'If it is yours, open it at <a href="https://{MAIN}/info/{locked["id"]}">{MAIN}</a>.' in answer.text
    key = {"Authorization": f"Bearer {server.key_of('alice')}"}
    assert at(server, MAIN, f"/info/{locked['id']}", **key).status_code == 200
    assert "If it is yours" not in at(server, MAIN, f"/{locked['slug']}").text


def test_a_private_drop_that_becomes_public_moves_to_its_domain(server: Server) -> None:
    claim(server, server.alice, BOOKS)
    drop = upload(server.alice, domain=BOOKS, is_public="false")
    shown = server.alice.patch(f"/api/v1/uploads/{drop['id']}", json={"is_public": True}).json()
    assert shown["url"] == f"https://{BOOKS}/{drop['slug']}"


def test_the_primary_domain_is_what_new_links_are_built_with(server: Server) -> None:
    found = claim(server, server.bob, BOOKS)
    assert server.bob.put(f"{API}/{found}/primary").status_code == 204
    try:
        assert upload(server.bob)["url"].startswith(f"https://{BOOKS}/")
        assert [one["is_primary"] for one in server.bob.get(API).json()["items"] if one["name"] == BOOKS] == [True]
    finally:
        assert server.bob.delete(f"{API}/{found}/primary").status_code == 204
    assert upload(server.bob)["url"].startswith(f"https://{MAIN}/")
    problem(server.charlie.post("/api/v1/uploads", files={"file": ("a.png", png())}, data={"domain": BOOKS}), 400)


def test_proxies_are_told_which_names_are_ours(server: Server) -> None:
    claim(server, server.alice, WILD)
    for name, status in (
        (MAIN, 200), (BOOKS, 200), (WILD, 200), ("alice.wild.example", 200), ("ALICE.wild.example.", 200),
        ("charlie.wild.example", 404), ("evil.example", 404), ("", 404), ("127.0.0.1", 404), ("localhost", 404),
        (f"{MAIN}@x", 404), ("x" * 5000, 404),
    ):  # fmt: skip
        answer = server.anonymous.get(f"{API}/ask", params={"domain": name}, headers={"Host": "evil.example"})
        assert answer.status_code == status, name

    def again(_: int) -> int:
        return server.anonymous.get(f"{API}/ask", params={"domain": MAIN}).status_code

    # Many at once: it is so many in a minute, in which a busy machine gets less done one after the other.
    with ThreadPoolExecutor(8) as threads:
        assert 429 in threads.map(again, range(400))


@pytest.mark.alone
def test_another_process_knows_a_change_within_a_second(make_server: Callable[..., Server]) -> None:
    server = make_server("--workers", "2", BULLETDROP_PUBLIC_URL=f"https://{MAIN}")
    made = server.alice.post("/api/v1/admin/domains", json={"name": "new.example"}).json()
    time.sleep(1.3)
    statuses = set()
    for _ in range(24):
        with server.client(None) as fresh:
            statuses.add(fresh.get("/", headers={"Host": "new.example"}).status_code)
    assert statuses == {302}
    assert server.alice.delete(f"/api/v1/admin/domains/{made['id']}").status_code == 204
    time.sleep(1.3)
    for _ in range(24):
        with server.client(None) as fresh:
            assert fresh.get("/", headers={"Host": "new.example"}).status_code == 421


def test_what_was_shared_on_a_domain_that_goes_is_at_the_main_address(server: Server) -> None:
    made = server.alice.post("/api/v1/admin/domains", json={"name": "gone.example"}).json()
    claim(server, server.bob, "gone.example")
    drop = upload(server.bob, domain="gone.example", custom_name="holiday")
    assert at(server, "gone.example", f"/holiday.{drop['direct_url'].rpartition('.')[2]}").status_code == 200
    assert server.alice.delete(f"/api/v1/admin/domains/{made['id']}").status_code == 204
    assert at(server, "gone.example", f"/{drop['slug']}").status_code == 421
    moved = server.bob.get(f"/api/v1/uploads/{drop['id']}").json()
    assert moved["direct_url"].startswith(f"https://{MAIN}/holiday.")
    assert at(server, MAIN, path_of(moved["direct_url"])).status_code == 200


def test_a_file_larger_than_its_domain_takes_is_refused_before_its_bytes(server: Server) -> None:
    wanted = {"name": "small.example", "max_file_size": 2000}
    made = server.alice.post("/api/v1/admin/domains", json=wanted).json()
    claim(server, server.bob, "small.example")
    big, key = png(64, 64), server.key_of("bob")
    assert len(big) > 2000
    form = {"files": {"file": ("a.png", big)}, "data": {"domain": "small.example"}}
    problem(server.bob.post("/api/v1/uploads", **form), 413)  # type: ignore[arg-type]
    assert upload(server.bob, png(10, 10), domain="small.example")["url"].startswith("https://small.example/")
    try:
        for domain, status in (("small.example", 413), ("", 100), ("nobody.example", 400)):
            with raw(server) as line:
                path = f"/api/v1/uploads/a.png?domain={domain}"
                line.send(f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n".encode())
                line.send(f"Content-Length: {len(big)}\r\nExpect: 100-continue\r\n\r\n".encode())
                assert line.head()[0] == status, domain
        with raw(server) as line:
            line.send(b"PUT /api/v1/uploads/a.png?domain=small.example HTTP/1.1\r\nHost: localhost\r\n")
            line.send(f"Authorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            line.send(b"%x\r\n%s\r\n" % (len(big), big))
            assert line.head()[0] == 413
    finally:
        server.alice.delete(f"/api/v1/admin/domains/{made['id']}")


def test_everybodys_bytes_are_at_the_files_own_address_and_nothing_else_is(with_files: Server) -> None:
    server = with_files
    drop, hidden = upload(server.alice), upload(server.alice, is_public="false")
    direct = path_of(drop["direct_url"])
    assert drop["url"].startswith(f"https://{MAIN}/")
    assert drop["direct_url"] == f"https://{FILES}{direct}"
    assert drop["thumbnail_url"].startswith(f"https://{FILES}/i/")
    assert hidden["direct_url"].startswith(f"https://{MAIN}/")
    # Not by the cache, which the second request would meet.
    for path in (direct, direct, f"/i/{drop['id']}", f"/i/{drop['id']}?size=thumb"):
        answer = at(server, MAIN, path)
        assert (answer.status_code, answer.headers["location"]) == (302, f"https://{FILES}{path}")
        assert server.anonymous.head(path, headers={"Host": MAIN}).status_code == 302
        assert at(server, FILES, path, Accept="image/*").status_code == 200
    key = {"Authorization": f"Bearer {server.key_of('alice')}"}
    for path in (f"/{drop['slug']}", "/", "/signin", "/api/v1/auth/me", "/static/app.css", f"/info/{drop['id']}",
                 path_of(hidden["direct_url"]), f"/i/{hidden['id']}", "/nope", "/no.pe"):  # fmt: skip
        answer = at(server, FILES, path, **key)
        assert answer.status_code == 404, path
        assert "set-cookie" not in answer.headers
        assert not answer.headers["content-type"].startswith("text/html")
    assert at(server, MAIN, path_of(hidden["direct_url"]), **key).status_code == 200
    assert at(server, "127.0.0.1", direct).status_code == 200
    page = at(server, MAIN, f"/{drop['slug']}")
    for directive in ("img-src", "media-src"):
        policy = next(
            part for part in page.headers["content-security-policy"].split("; ") if part.startswith(directive)
        )
        assert f"https://{FILES}" in policy
    assert f"https://{FILES}" not in next(
        part for part in page.headers["content-security-policy"].split("; ") if part.startswith("script-src")
    )
