"""Signing in by a provider over HTTP: cookies, redirects, linking, and pages that stay calm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from tests.support.oidc_provider import OidcProvider, oidc_provider, query_of
from tests.support.server import PASSWORD, Server
from tests.support.sign_on import browser_at, out, server_with, there_and_back
from tests.web.browser import signed_in

# Where somebody would like a signed-in person to end up, who trusts our address.
ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "http:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "/%0d%0aLocation:https://evil.example\r\nx",
    "https://127.0.0.1@evil.example",
    "/\u2028/evil.example",
    "\ufeff//evil.example",
    "/" + "a" * 5000 + "\r\n",
    "",
]
HOSTS = ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "127.0.0.1"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    with oidc_provider(tmp_path_factory.mktemp("provider") / "provider.log") as started:
        yield started


@pytest.fixture(scope="module")
def server(running: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_with(running, tmp_path_factory.mktemp("server") / "data") as started:
        started.key_of("alice")
        yield started


@pytest.fixture
def provider(running: OidcProvider, server: Server) -> OidcProvider:
    running.tell(allow=[f"{server.url}/api/v1/auth/oidc/callback"])
    return running


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    with browser_at(server) as opened:
        yield opened


def me(browser: httpx.Client) -> str | None:
    """Whom this browser is signed in as."""
    answer = browser.get("/api/v1/auth/me")
    return str(answer.json()["username"]) if answer.status_code == 200 else None


def names(server: Server) -> set[str]:
    """Who has an account."""
    return {str(row["username"]) for row in server.alice.get("/api/v1/admin/users").json()["items"]}


def linked(browser: httpx.Client) -> list[str]:
    return [str(row["email"]) for row in browser.get("/api/v1/account/identities").json()["items"]]


def begin_link(browser: httpx.Client, **fields: str) -> httpx.Response:
    """Send the form of the page of linked logins."""
    page = browser.get("/account/logins").text
    token = re.search(r'name="csrf" value="(\w+)"', page)
    assert token is not None, page
    return browser.post("/account/logins", data={"csrf": token[1], "link": "oidc", "password": PASSWORD, **fields})


def way_out(answer: httpx.Response) -> str:
    """Where the page that goes on by itself goes on to."""
    assert answer.status_code == 200, answer.text
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)
    assert found is not None, answer.text
    return found[1].replace("&amp;", "&")


def test_the_button_leads_there_and_back(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    page = browser.get("/signin", params={"next": "/trash"})
    assert "Sign in with Hall" in page.text
    assert 'href="/api/v1/auth/oidc?next=/trash"' in page.text
    answer = there_and_back(browser, provider, "mia", next="/trash")
    assert (answer.status_code, answer.headers["location"]) == (303, "/trash")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert me(browser) == "mia"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: httpx.Client) -> None:
    answer = browser.get("/api/v1/auth/oidc")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("bd_sign_on=")
    assert {"httponly", "samesite=lax", "path=/", "max-age=600"} <= {part.strip().lower() for part in cookie.split(";")}
    # What the browser keeps is not what travels through the provider.
    assert browser.cookies["bd_sign_on"] not in answer.headers["location"]


def test_behind_https_the_cookie_is_secure_and_nobody_elses(running: OidcProvider, tmp_path: Path) -> None:
    with (
        server_with(running, tmp_path / "data", BULLETDROP_PUBLIC_URL="https://drop.example") as server,
        browser_at(server) as browser,
    ):
        answer = browser.get("/api/v1/auth/oidc", headers={"host": "drop.example"})
        assert query_of(answer.headers["location"])["redirect_uri"].startswith("https://drop.example/")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-bd_sign_on=")
        assert "secure" in cookie.lower()


@pytest.mark.parametrize("path", ELSEWHERE)
def test_nobody_is_led_elsewhere_after_signing_in(
    server: Server, provider: OidcProvider, browser: httpx.Client, path: str
) -> None:
    answer = there_and_back(browser, provider, "mia", next=path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("host", HOSTS)
def test_the_way_back_comes_from_the_settings_whatever_the_request_says(
    server: Server, browser: httpx.Client, host: str
) -> None:
    forged = {"host": host, "x-forwarded-host": host, "forwarded": f"host={host}", "origin": f"http://{host}"}
    for path in (
        "/api/v1/auth/oidc",
        "/api/v1/auth/oidc?here=1",
        "/api/v1/auth/oidc?redirect_uri=https://evil.example",
    ):
        answer = browser.get(path, headers=forged)
        if host != "127.0.0.1":
            assert answer.status_code == 421
            assert "evil.example" not in answer.text
            answer = browser.get(path, headers={**forged, "host": urlsplit(server.url).netloc})
        assert answer.status_code == 302
        place = urlsplit(answer.headers["location"])
        assert "evil.example" not in answer.headers["location"]
        if place.netloc == urlsplit(server.url).netloc:
            # Asked once to begin at the address that the way back leads to.
            assert place.query.endswith("here=1")
        else:
            assert query_of(answer.headers["location"])["redirect_uri"] == f"{server.url}/api/v1/auth/oidc/callback"


def test_an_answer_in_another_browser_is_refused(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    """Mallory's answer, sent to mia as a link, does not sign her in as mallory."""
    with browser_at(server) as mallory:
        answer = provider.sign_in(out(mallory), "mallory")
    for _ in range(2):
        refused = browser.get(answer)
        assert refused.status_code == 401
        assert "begun in another browser" in refused.text
        assert me(browser) is None
        out(browser)  # the second time it has a cookie, of a sign-in of its own
    assert "mallory" not in names(server)


def test_an_answer_is_good_once(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    answer = provider.sign_in(out(browser), "mia")
    assert browser.get(answer).status_code == 303
    assert browser.get(answer).status_code == 401


@pytest.mark.parametrize(
    "query", ["", "state=", "state=x&code=y", "code=y", "state=a&state=b&code=c", "error=access_denied"]
)
def test_an_answer_that_was_never_asked_for_is_refused(server: Server, browser: httpx.Client, query: str) -> None:
    out(browser)
    for headers in ({"accept": "text/html"}, {"accept": "application/json"}):
        answer = browser.get(f"/api/v1/auth/oidc/callback?{query}", headers=headers)
        assert answer.status_code in (400, 401), answer.text
        assert "set-cookie" not in answer.headers


def test_refusals_show_nothing_that_was_sent(server: Server, browser: httpx.Client) -> None:
    canary = "<script>canary</script>"
    sent = {"state": canary, "code": canary, "error": canary, "error_description": canary, "iss": canary}
    answer = browser.get("/api/v1/auth/oidc/callback", params=sent)
    assert answer.status_code == 401
    assert "canary" not in answer.text


@pytest.mark.parametrize("mode", ["other nonce", "other key", "none", "other audience", "expired"])
def test_an_untrue_answer_is_a_calm_page(
    server: Server, provider: OidcProvider, browser: httpx.Client, mode: str
) -> None:
    before = names(server)
    provider.tell(mode=mode)
    answer = there_and_back(browser, provider, "nora")
    assert answer.status_code == 401
    assert "Start again" in answer.text
    assert 'href="/signin"' in answer.text
    assert me(browser) is None
    assert names(server) == before


def test_a_provider_that_is_down_is_a_calm_page(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    address = provider.sign_in(out(browser), "mia")
    provider.tell(mode="down")
    answer = browser.get(address)
    assert answer.status_code == 503
    assert "Hall does not answer as it should" in answer.text
    assert answer.headers["retry-after"] == "60"
    assert me(browser) is None


def test_a_provider_that_was_never_there_is_a_calm_page(running: OidcProvider, tmp_path: Path) -> None:
    gone = "http://127.0.0.1:1"
    with (
        server_with(running, tmp_path / "data", BULLETDROP_OIDC_ISSUER=gone) as lonely,
        browser_at(lonely) as browser,
    ):
        lonely.key_of("alice")
        assert "Sign in with Hall" in browser.get("/signin").text
        answer = browser.get("/api/v1/auth/oidc")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.text
        told = browser.get("/api/v1/auth/oidc", headers={"accept": "application/json"})
        assert told.json()["error"]["code"] == "unavailable"


def test_an_owner_links_a_login_and_signs_in_with_it(
    server: Server, provider: OidcProvider, browser: httpx.Client
) -> None:
    server.key_of("bob")
    with signed_in(server, "bob") as bob:
        answer = bob.get(provider.sign_in(way_out(begin_link(bob)), "bob-at-work"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/logins?said=linked-oidc")
        assert "Hall is linked" in bob.get(answer.headers["location"]).text
        assert linked(bob) == ["bob-at-work@example.org"]
    there_and_back(browser, provider, "bob-at-work")
    assert me(browser) == "bob"
    (row,) = browser.get("/api/v1/account/identities").json()["items"]
    token = browser.cookies["bd_csrf"]
    gone = browser.delete(f"/api/v1/account/identities/{row['id']}", headers={"x-csrf-token": token})
    assert gone.status_code == 204
    assert linked(browser) == []


def test_linking_needs_the_password_and_the_pages_own_form(server: Server, provider: OidcProvider) -> None:
    with signed_in(server, "alice") as alice:
        del alice.headers["x-csrf-token"]
        assert "This is not your password" in begin_link(alice, password="wrong").text
        assert alice.post("/account/logins", data={"link": "oidc", "password": PASSWORD}).status_code == 403
        assert begin_link(alice, csrf="0" * 64).status_code == 403
        alice.headers["sec-fetch-site"] = "cross-site"
        assert begin_link(alice).status_code == 403
        alice.headers["sec-fetch-site"] = "same-origin"
        bare = alice.post("/api/v1/auth/oidc", json={"password": PASSWORD}, headers={"x-csrf-token": ""})
        assert bare.status_code == 403
        assert linked(alice) == []


def test_signing_in_while_signed_in_links_nothing(server: Server, provider: OidcProvider) -> None:
    """A link that somebody else's page makes alice follow begins a sign-in, never a link."""
    with signed_in(server, "alice") as alice:
        alice.headers.update({"accept": "text/html"})
        there_and_back(alice, provider, "ned")
        assert me(alice) == "ned"
    with signed_in(server, "alice") as alice:
        assert linked(alice) == []


def test_somebody_elses_login_is_not_linked(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    there_and_back(browser, provider, "mia")
    with signed_in(server, "alice") as alice:
        alice.headers.update({"accept": "text/html"})
        answer = alice.get(provider.sign_in(way_out(begin_link(alice)), "mia"))
        assert answer.status_code == 409
        assert "belongs to another account" in answer.text
        assert 'href="/account/logins"' in answer.text
        assert linked(alice) == []


def test_the_last_way_in_stays(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    there_and_back(browser, provider, "lena")
    (row,) = browser.get("/api/v1/account/identities").json()["items"]
    token = browser.cookies["bd_csrf"]
    for answer in (
        browser.delete(f"/api/v1/account/identities/{row['id']}", headers={"x-csrf-token": token}),
        browser.post("/account/logins", data={"csrf": token, "unlink": row["id"]}),
    ):
        assert answer.status_code == 409
        assert "last way into your account" in answer.text
    assert linked(browser) == ["lena@example.org"]


def test_a_key_links_nothing(server: Server) -> None:
    assert server.alice.post("/api/v1/auth/oidc", json={"password": PASSWORD}).status_code == 403
    assert server.alice.get("/api/v1/account/identities").status_code == 403


def test_a_second_factor_is_asked_for_after_it(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    there_and_back(browser, provider, "tina")
    token = {"x-csrf-token": browser.cookies["bd_csrf"]}
    secret = browser.post("/api/v1/account/totp", json={}, headers=token).json()["secret"]
    confirmed = browser.post("/api/v1/account/totp/confirm", json={"code": pyotp.TOTP(secret).now()}, headers=token)
    assert confirmed.status_code in (200, 204), confirmed.text
    with browser_at(server) as another:
        answer = there_and_back(another, provider, "tina", next="/trash")
        assert answer.headers["location"] == "/signin/second?next=%2Ftrash"
        assert "bd_half" in another.cookies
        assert me(another) is None


def test_a_form_of_ours_may_begin_it_with_an_invite(
    server: Server, provider: OidcProvider, browser: httpx.Client
) -> None:
    answer = browser.post("/auth/oidc/start", data={"next": "/trash", "invite": "abc"})
    back = browser.get(provider.sign_in(way_out(answer), "mia"))
    assert (back.status_code, back.headers["location"]) == (303, "/trash")
    foreign = browser.post("/auth/oidc/start", data={}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403


def test_a_provider_that_is_not_offered_is_not_found(server: Server, browser: httpx.Client) -> None:
    for name in ("google", "github", "nobody", "..", "%00", "x" * 500):
        assert browser.get(f"/api/v1/auth/{name}/callback").status_code == 404
        assert browser.get(f"/api/v1/auth/{name}").status_code in (404, 401)


def test_nothing_secret_is_in_the_log(server: Server, provider: OidcProvider, browser: httpx.Client) -> None:
    address = out(browser)
    answer = provider.sign_in(address, "mia")
    secrets = [query_of(address)["state"], query_of(address)["nonce"], query_of(answer)["code"]]
    secrets.append(browser.cookies["bd_sign_on"])
    browser.get(answer)
    browser.get(answer)
    provider.tell(mode="other key")
    there_and_back(browser, provider, "mia")
    text = server.log.read_text()
    assert "no key of the issuer signed it" in text
    for secret in [*secrets, "of 32 characters"]:
        assert secret not in text
