"""The link that a device shows, opened by somebody who is not signed in: its code is still there after every way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, set_up_code
from tests.e2e.passkey_kit import VirtualKey, local_server, offer_by_button_alone
from tests.e2e.test_second_factor import add_passkey, first_step, fresh_code, security, set_up_app
from tests.e2e.test_sso import sign_in_there
from tests.support.oidc_provider import oidc_provider
from tests.support.server import PASSWORD, Server
from tests.support.sign_on import server_with

pytestmark = pytest.mark.browser


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Server]:
    """A server at http://localhost, where browsers allow passkeys, without anybody in it."""
    server = local_server(tmp_path)
    try:
        yield server
    finally:
        server.close()


def ask(server: Server) -> tuple[str, str]:
    """A device asks to be paired. Returns the link that it shows, and the code in it."""
    url = f"{server.url}/api/v1/devices/code"
    told = httpx.post(url, json={"device_name": "Laptop"}, trust_env=False, timeout=30).json()
    return told["verification_uri_complete"], told["user_code"]


def come_in(page: Page, server: Server, way_in: Callable[[Page], None]) -> None:
    """Open a device's link, come in, find the code in its field; it stood in no address that was asked for."""
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    link, code = ask(server)
    page.goto(link)
    # It is in this tab now, and not in the address any more, which the person may copy.
    expect(page).not_to_have_url(f"{server.url}/pair")
    assert "code=" not in page.url
    way_in(page)
    expect(page.get_by_role("heading", name="Pair a device")).to_be_visible()
    assert page.url == f"{server.url}/pair"
    expect(page.get_by_label("Code")).to_have_value(code)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Is this your device?")).to_be_visible()
    letters = code.replace("-", "")
    assert not [url for url in asked_for if code in url.partition("#")[0] or letters in url.partition("#")[0]]
    assert not {code, letters} & set(server.log.read_text(errors="replace").replace('"', " ").split())
    # Taken once: the page itself does not keep it.
    page.goto(f"{server.url}/pair")
    expect(page.get_by_label("Code")).to_have_value("")


def type_password(page: Page, password: str = PASSWORD) -> None:
    """The form's first step."""
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_code_outlives_the_password_that_is_asked_first(local: Server, visits: Visits) -> None:
    local.key_of("alice")
    page = visits.open()

    def way_in(page: Page) -> None:
        type_password(page, "not this one")
        expect(page.locator(".form-wrong").first).to_be_visible()
        page.reload()
        type_password(page)

    come_in(page, local, way_in)


def test_a_code_outlives_the_second_step(local: Server, visits: Visits) -> None:
    local.key_of("alice")
    app, codes = set_up_app(security(visits.open(), local))

    def by_app(page: Page) -> None:
        type_password(page)
        page.get_by_label("Code").fill(fresh_code(app))
        page.get_by_role("button", name="Sign in").click()

    def by_recovery_code(page: Page) -> None:
        type_password(page)
        page.get_by_role("link", name="Sign in as somebody else").click()
        type_password(page)
        page.get_by_role("link", name="Use a recovery code").click()
        page.get_by_label("Recovery code").fill(codes[0])
        page.get_by_role("button", name="Sign in").click()

    come_in(visits.open(), local, by_app)
    come_in(visits.open(), local, by_recovery_code)


def test_a_code_outlives_a_passkey(local: Server, visits: Visits) -> None:
    local.key_of("alice")
    own = security(visits.open(), local)
    key = VirtualKey(own)
    add_passkey(own)
    expect(own.locator(".code-list li")).to_have_count(10)
    (credential,) = key.credentials()
    page = visits.open()
    offer_by_button_alone(page)

    def way_in(page: Page) -> None:
        VirtualKey(page).put(credential)
        page.get_by_role("button", name="Sign in with a passkey").click()

    come_in(page, local, way_in)


def test_a_code_outlives_another_providers_pages(visits: Visits, tmp_path: Path) -> None:
    with (
        oidc_provider(tmp_path / "provider.log") as provider,
        server_with(provider, tmp_path / "data") as server,
    ):
        server.key_of("alice")
        provider.tell(allow=[f"{server.url}/api/v1/auth/oidc/callback"])

        def way_in(page: Page) -> None:
            page.get_by_role("link", name="Sign in with Hall").click()
            sign_in_there(page, provider, "mia")

        come_in(visits.open(), server, way_in)


def test_a_code_outlives_the_making_of_the_first_account(local: Server, visits: Visits) -> None:
    def way_in(page: Page) -> None:
        # The page asks for another code than the one that was brought.
        expect(page.get_by_label("Set-up code")).to_have_value("")
        page.get_by_label("Set-up code").fill(set_up_code(local))
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Email").fill("alice@example.org")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Set up and sign in").click()

    come_in(visits.open(), local, way_in)


def test_what_waits_is_for_its_own_page_and_ends_with_the_code(local: Server, visits: Visits) -> None:
    local.key_of("alice")
    page = visits.open()
    first_step(page, local, "?next=%2Ftrash#code=BCDF-GHJK")
    expect(page).to_have_url(f"{local.url}/trash")
    page.goto(f"{local.url}/pair")
    expect(page.get_by_label("Code")).to_have_value("")
    late = visits.open()
    late.goto(ask(local)[0])
    late.clock.set_fixed_time(datetime.now(UTC) + timedelta(minutes=11))
    type_password(late)
    expect(late.get_by_role("heading", name="Pair a device")).to_be_visible()
    expect(late.get_by_label("Code")).to_have_value("")
    assert late.evaluate("sessionStorage.length") == 0
