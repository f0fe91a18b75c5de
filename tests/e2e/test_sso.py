"""Signing in by a real OpenID Connect provider in a real browser, through the provider's own form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from tests.e2e.page_kit import Visits, log_in
from tests.e2e.test_pages_axe import _violations, looks
from tests.support.oidc_provider import OidcProvider, oidc_provider
from tests.support.server import PASSWORD, Server
from tests.support.sign_on import server_with

pytestmark = pytest.mark.browser

scripts = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    with oidc_provider(tmp_path_factory.mktemp("provider") / "provider.log") as started:
        yield started


@pytest.fixture(scope="module")
def server(provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    offered = {f"BULLETDROP_{name}_CLIENT_ID": "tests" for name in ("GITHUB", "DISCORD", "GOOGLE")}
    with server_with(provider, tmp_path_factory.mktemp("server") / "data", **offered) as started:
        started.key_of("alice")
        yield started


@pytest.fixture(autouse=True)
def well_behaved(server: Server, provider: OidcProvider) -> None:
    provider.tell(allow=[f"{server.url}/api/v1/auth/oidc/callback"])


def sign_in_there(page: Page, provider: OidcProvider, subject: str) -> None:
    """Fill in the provider's own form."""
    # Its page need not be complete: fonts and the like are its own affair.
    page.wait_for_url(f"{provider.url}/**", wait_until="commit")
    page.get_by_placeholder("Enter any login").fill(subject)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()


@scripts
def test_somebody_signs_in_through_the_providers_own_form(
    server: Server, provider: OidcProvider, visits: Visits, script: bool
) -> None:
    page = visits.open(script=script)
    page.goto(f"{server.url}/trash")
    page.get_by_role("link", name="Sign in with Hall").click()
    sign_in_there(page, provider, "mia")
    # Back where they wanted to go, and signed in.
    page.wait_for_url(f"{server.url}/trash")
    expect(page.locator(".person-name")).to_have_text("mia")
    # The way back leaves no code in the address, and going back in history signs nobody in again.
    assert "code=" not in page.url
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert cookies["bd_sign_on"]["httpOnly"]
    assert cookies["bd_sign_on"]["sameSite"] == "Lax"


@scripts
def test_an_owner_links_a_login_and_takes_it_away(
    server: Server, provider: OidcProvider, visits: Visits, script: bool
) -> None:
    name = "bob" if script else "charlie"
    server.key_of(name)
    page = visits.open(script=script)
    log_in(page, server, name)
    page.goto(f"{server.url}/account/logins")
    expect(page.get_by_text("No linked logins yet")).to_be_visible()
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Link Hall").click()
    expect(page.get_by_text("This is not your password")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Link Hall").click()
    sign_in_there(page, provider, f"{name}-at-work")
    expect(page.get_by_text("Hall is linked. You can sign in with it from now on.")).to_be_visible()
    expect(page.get_by_text(f"{name}-at-work@example.org")).to_be_visible()
    page.get_by_role("button", name="Unlink: Hall").click()
    expect(page.get_by_text("The login is no longer linked.")).to_be_visible()
    expect(page.get_by_text("No linked logins yet")).to_be_visible()


def test_somebody_without_a_password_is_told_why_the_last_login_stays(
    server: Server, provider: OidcProvider, visits: Visits
) -> None:
    page = visits.open()
    page.goto(f"{server.url}/signin")
    page.get_by_role("link", name="Sign in with Hall").click()
    sign_in_there(page, provider, "lena")
    page.wait_for_url(f"{server.url}/")
    page.goto(f"{server.url}/account/logins")
    page.get_by_role("button", name="Unlink: Hall").click()
    expect(page.get_by_role("alert").get_by_text("last way into your account")).to_be_visible()
    expect(page.get_by_text("lena@example.org")).to_be_visible()


def test_an_invite_comes_along_from_the_form_of_registration(
    provider: OidcProvider, visits: Visits, tmp_path: Path
) -> None:
    with server_with(provider, tmp_path / "data", BULLETDROP_REGISTRATION="invite") as closed:
        made = closed.alice.post("/api/v1/admin/invites", json={"note": "for nora"}).json()
        page = visits.open()
        page.goto(made["link"])
        page.get_by_role("button", name="Continue with Hall").click()
        sign_in_there(page, provider, "nora")
        page.wait_for_url(f"{closed.url}/")
        expect(page.locator(".person-name")).to_have_text("nora")
        # Without one there is no account, and words that say why.
        another = visits.open()
        another.goto(f"{closed.url}/signin")
        another.get_by_role("link", name="Sign in with Hall").click()
        sign_in_there(another, provider, "olaf")
        expect(another.get_by_text("An account here needs an invite.")).to_be_visible()
        assert [row["username"] for row in closed.alice.get("/api/v1/admin/users?q=olaf").json()["items"]] == []


@pytest.mark.parametrize("host", ["fonts.googleapis.com", "192.0.2.1"])
def test_the_browser_asks_nobody_but_this_machine_so_that_no_page_waits_for_the_network(
    visits: Visits, host: str
) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        visits.open().goto(f"http://{host}/css")


@looks
def test_its_pages_have_no_violation(server: Server, provider: OidcProvider, visits: Visits, phone: bool) -> None:
    page = visits.open(phone=phone)
    page.goto(f"{server.url}/signin")
    assert ("sign in", _violations(page)) == ("sign in", [])
    page.goto(f"{server.url}/api/v1/auth/oidc/callback?state=x&code=y")
    expect(page.get_by_role("heading")).to_have_text("This no longer works.")
    assert ("refused", _violations(page)) == ("refused", [])
    log_in(page, server, "alice")
    page.goto(f"{server.url}/account/logins")
    assert ("none linked", _violations(page)) == ("none linked", [])
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Link Hall").click()
    expect(page.get_by_text("This is not your password")).to_be_visible()
    assert ("wrong password", _violations(page)) == ("wrong password", [])
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Link Hall").click()
    sign_in_there(page, provider, "alice-at-work")
    expect(page.get_by_text("alice-at-work@example.org")).to_be_visible()
    assert ("linked", _violations(page)) == ("linked", [])
    page.get_by_role("button", name="Unlink: Hall").click()
    expect(page.get_by_text("No linked logins yet")).to_be_visible()
