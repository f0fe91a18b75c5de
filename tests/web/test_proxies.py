"""Behind a real Caddy and a real nginx, set up as the examples say: two domains, a wildcard, the files' own address."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.proxies import FILES, MAIN, SHARE, WILD, Proxy, caddy, nginx
from tests.support.server import PASSWORD, Server
from tests.web.arrival_kit import Later, held, put
from tests.web.browser import cookies_of
from tests.web.kit import path_of, png, problem, upload

pytestmark = pytest.mark.xdist_group("proxies")
OWN = f"alice.{WILD}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server set up as the examples say, with both domains; alice has both, the wildcard with her own host."""
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_PUBLIC_URL": f"https://{MAIN}",
        "BULLETDROP_CONTENT_URL": f"https://{FILES}",
        "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1",
    }
    started = Server(tmp_path_factory.mktemp("proxied") / "data", environ=environ)
    started.start()
    try:
        for name in (SHARE, WILD):
            made = started.alice.post("/api/v1/admin/domains", json={"name": name, "is_wildcard": name == WILD}).json()
            claim = {"own_host": name == WILD}
            assert started.alice.post(f"/api/v1/domains/{made['id']}/claim", json=claim).status_code == 200
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module", params=[caddy, nginx], ids=["caddy", "nginx"])
def proxy(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with request.param(tmp_path_factory.mktemp("proxy") / "own", server.port) as running:
        yield running


def policy(answer: httpx.Response) -> dict[str, str]:
    """The directives of an answer's policy."""
    parts = [part.partition(" ") for part in answer.headers["content-security-policy"].split("; ")]
    return {name: values for name, _, values in parts}


def drops(server: Server) -> dict[str, dict[str, Any]]:
    """A drop of alice's under each address, by the host that its page has."""
    return {
        MAIN: upload(server.alice, domain=""),
        SHARE: upload(server.alice, domain=SHARE),
        OWN: upload(server.alice, domain=WILD),
    }


def test_every_name_of_ours_has_a_certificate_and_no_other(proxy: Proxy) -> None:
    for host in (MAIN, FILES, SHARE, WILD, OWN):
        with httpx.Client(verify=proxy.trusted, trust_env=False, timeout=30) as fresh:
            answer = fresh.get(
                f"https://127.0.0.1:{proxy.https}/health", headers={"Host": host}, extensions={"sni_hostname": host}
            )
            assert answer.status_code == 200, host
    for host in ("evil.example", "charlie.evil.example"):
        with (
            httpx.Client(verify=proxy.trusted, trust_env=False, timeout=30) as fresh,
            pytest.raises((httpx.ConnectError, ssl.SSLError)),
        ):
            fresh.get(f"https://127.0.0.1:{proxy.https}/", extensions={"sni_hostname": host})


def test_caddy_fetches_no_certificate_for_an_own_host_that_nobody_has(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with caddy(tmp_path_factory.mktemp("asking") / "own", server.port) as proxy:
        for host, is_ours in ((OWN, True), (f"charlie.{WILD}", False), (f"a.b.{WILD}", False)):
            with httpx.Client(verify=proxy.trusted, trust_env=False, timeout=30) as fresh:
                asked = f"https://127.0.0.1:{proxy.https}/health"
                if is_ours:
                    answer = fresh.get(asked, headers={"Host": host}, extensions={"sni_hostname": host})
                    assert answer.status_code == 200
                else:
                    with pytest.raises(httpx.ConnectError):
                        fresh.get(asked, extensions={"sni_hostname": host})


def test_a_plain_address_leads_to_https_under_names_of_ours_alone(proxy: Proxy) -> None:
    for host in (MAIN, FILES, SHARE, WILD, OWN):
        answer = proxy.plain(host, "/a?b=c")
        assert answer.status_code in (301, 308)
        assert answer.headers["location"] == f"https://{host}/a?b=c"
    try:
        answer = proxy.plain("evil.example", "/a")
    except httpx.RemoteProtocolError:
        return
    assert answer.status_code == 404
    assert "evil" not in answer.text + str(answer.headers)


def test_links_of_every_address_lead_to_their_drops(server: Server, proxy: Proxy) -> None:
    for host, drop in drops(server).items():
        assert drop["url"] == f"https://{host}/{drop['slug']}"
        bytes_at = FILES if host == MAIN else host
        assert drop["direct_url"].startswith(f"https://{bytes_at}/{drop['slug']}.")
        page = proxy.get(host, path_of(drop["url"]), Accept="text/html")
        assert page.status_code == 200
        assert drop["direct_url"] in page.text
        picture = proxy.get(bytes_at, path_of(drop["direct_url"]), Accept="image/*")
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
        assert len(picture.content) == drop["size"]
        thumbnail = proxy.get(bytes_at, path_of(drop["thumbnail_url"]))
        assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")
        part = proxy.get(bytes_at, path_of(drop["direct_url"]), Range="bytes=3-9")
        assert (part.status_code, part.content) == (206, picture.content[3:10])


def test_an_upload_through_the_proxy_says_the_same_links(server: Server, proxy: Proxy) -> None:
    key = {"Authorization": f"Bearer {server.key_of('alice')}"}
    for path, host in (("/api/v1/uploads/a.png?domain=", MAIN), (f"/api/v1/uploads/a.png?domain={SHARE}", SHARE)):
        data = png(500, 400)
        answer = proxy.request(MAIN, "PUT", path, headers=key, content=data)
        assert answer.status_code == 201, answer.text
        assert answer.json()["url"].startswith(f"https://{host}/")
        assert answer.headers["location"] == answer.json()["url"]
    # Refused before its body is read, the connection ends: the next request must not come on it.
    last = {**key, "Connection": "close"}
    for host in (SHARE, WILD, OWN, FILES):
        assert proxy.request(host, "PUT", "/api/v1/uploads/a.png", headers=last, content=png()).status_code == 404


def test_redirects_lead_to_the_right_address(server: Server, proxy: Proxy) -> None:
    for host in (SHARE, WILD, OWN):
        for path in ("/", "/signin", "/account/keys?x=1"):
            answer = proxy.get(host, path, Accept="text/html")
            assert (answer.status_code, answer.headers["location"]) == (302, f"https://{MAIN}{path}")
    drop = drops(server)[MAIN]
    answer = proxy.get(MAIN, path_of(drop["direct_url"]))
    assert (answer.status_code, answer.headers["location"]) == (302, drop["direct_url"])
    answer = proxy.get(MAIN, "/", Accept="text/html")
    assert (answer.status_code, answer.headers["location"]) == (302, "/signin")
    for host in (FILES,):
        assert proxy.get(host, "/", Accept="text/html").status_code == 404


def test_cookies_are_the_main_addresss_alone(server: Server, proxy: Proxy) -> None:
    wanted = {"identifier": "alice", "password": PASSWORD}
    answer = proxy.request(MAIN, "POST", "/api/v1/auth/login", json=wanted)
    assert answer.status_code == 200, answer.text
    cookies = cookies_of(answer)
    assert {"__Host-bd_access", "__Host-bd_refresh", "__Host-bd_csrf"} <= set(cookies)
    for name, cookie in cookies.items():
        # Without a domain it goes back to this very host alone (RFC 6265, 5.3), which the name's beginning enforces.
        assert name.startswith("__Host-")
        assert "domain" not in cookie
        assert {"secure", "samesite"} <= set(cookie)
        assert cookie["path"] == "/"
    jar = "; ".join(f"{name}={cookie['value']}" for name, cookie in cookies.items())
    assert proxy.get(MAIN, "/account/domains", Accept="text/html", Cookie=jar).status_code == 200
    hidden = upload(server.alice, is_public="false", domain=SHARE)
    assert proxy.get(MAIN, path_of(hidden["url"]), Accept="text/html", Cookie=jar).status_code == 200
    for host in (SHARE, WILD, OWN, FILES):
        assert proxy.request(host, "POST", "/api/v1/auth/login", json=wanted).status_code == 404
        for path in (path_of(hidden["url"]), path_of(hidden["direct_url"]), "/", "/signin"):
            answer = proxy.get(host, path, Accept="text/html", Cookie=jar)
            assert answer.status_code in (302, 404)
            assert "set-cookie" not in answer.headers


def test_a_password_on_a_domain_is_remembered_on_that_domain(server: Server, proxy: Proxy) -> None:
    drop = upload(server.alice, domain=SHARE, password="open sesame")
    assert drop["url"].startswith(f"https://{SHARE}/")
    asked = proxy.get(SHARE, path_of(drop["url"]), Accept="text/html")
    assert asked.status_code == 401
    fields = dict(re.findall(r'name="(subject|next)" value="([^"]+)"', asked.text))
    for origin, status in ((f"https://{SHARE}", 303), (f"https://{WILD}", 403), ("https://evil.example", 403)):
        headers = {"Origin": origin, "Accept": "text/html"}
        form = {**fields, "password": "open sesame"}
        answer = proxy.request(SHARE, "POST", "/unlock", headers=headers, data=form)
        assert answer.status_code == status, answer.text[:300]
        if status != 303:
            continue
        assert answer.headers["location"] == path_of(drop["url"])
        cookies = cookies_of(answer)
        assert cookies
        assert all(name.startswith("__Host-") and "domain" not in cookie for name, cookie in cookies.items())
        jar = "; ".join(f"{name}={cookie['value']}" for name, cookie in cookies.items())
        assert proxy.get(SHARE, path_of(drop["url"]), Accept="text/html", Cookie=jar).status_code == 200
    assert proxy.get(FILES, path_of(drop["direct_url"])).status_code == 404


def test_policies_hold_on_every_address(server: Server, proxy: Proxy) -> None:
    for host, drop in drops(server).items():
        page = proxy.get(host, path_of(drop["url"]), Accept="text/html")
        said = policy(page)
        assert (said["default-src"], said["script-src"], said["frame-ancestors"]) == ("'none'", "'self'", "'none'")
        assert said["img-src"].split() == ["'self'", f"https://{FILES}", "blob:", "data:"]
        picture = proxy.get(FILES if host == MAIN else host, path_of(drop["direct_url"]))
        assert policy(picture) == {"sandbox": "", "default-src": "'none'"}
        for answer in (page, picture):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "set-cookie" not in answer.headers


def test_a_page_that_waits_is_told_at_once_and_bytes_wait_too(server: Server, proxy: Proxy) -> None:
    drop = held(server.alice)
    bytes_ = Later(lambda: proxy.get(FILES, f"/{drop}.png"))
    address, named = f"https://127.0.0.1:{proxy.https}/{drop}/arrival", {"sni_hostname": MAIN}
    with (
        httpx.Client(verify=proxy.trusted, trust_env=False, timeout=30) as client,
        client.stream("GET", address, headers={"Host": MAIN}, extensions=named) as stream,
    ):
        lines = stream.iter_lines()
        # The first line comes by itself: nobody keeps it back until there is more.
        assert next(lines) == "retry: 2000"
        put(server.alice, drop, domain="")
        began = time.monotonic()
        assert "event: arrived" in lines
        assert (
            time.monotonic() - began < 12
        )  # before the stream's next sign of life, which would flush what is kept back
    assert bytes_.outcome().status_code == 200


def test_an_address_in_the_log_is_the_clients_whatever_it_claims(server: Server, proxy: Proxy) -> None:
    wanted = {"identifier": "alice", "password": "wrong wrong wrong"}
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
    answer = proxy.request(MAIN, "POST", "/api/v1/auth/login", json=wanted, headers=forged)
    problem(answer, 401)
    time.sleep(0.2)
    rows = server.alice.get("/api/v1/admin/audit", params={"limit": 20}).json()["items"]
    assert not [row for row in rows if "203.0.113.9" in str(row)]
