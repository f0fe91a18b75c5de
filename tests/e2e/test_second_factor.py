"""Second factors in a real browser: an app's codes, recovery codes and passkeys, on the pages and by their scripts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, log_in
from tests.e2e.passkey_kit import SIGN, VirtualKey, another_site, local_server, offer_by_button_alone
from tests.e2e.test_pages_axe import _violations, looks
from tests.support.server import PASSWORD, Server
from tests.web.kit import problem

pytestmark = pytest.mark.browser


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Server]:
    """A server at http://localhost with alice in it."""
    server = local_server(tmp_path)
    try:
        server.key_of("alice")
        yield server
    finally:
        server.close()


def security(page: Page, server: Server) -> Page:
    """Sign alice in and open her security page."""
    log_in(page, server)
    page.goto(f"{server.url}/account/security")
    return page


def first_step(page: Page, server: Server, back: str = "") -> None:
    """Type name and password into the form."""
    page.goto(f"{server.url}/signin{back}")
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def set_up_app(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    """Set an app up on the security page. Returns it and the recovery codes."""
    page.get_by_text("Set up an app").click()
    page.locator("#app").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Show the key").click()
    expect(page.locator(".scan svg")).to_be_visible()
    key = page.locator(".secret-key code").inner_text()
    assert re.fullmatch(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", key)
    app = pyotp.TOTP(key.replace(" ", ""))
    page.get_by_label("Code", exact=True).fill(app.now())
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator(".code-list li")).to_have_count(10)
    return app, page.locator(".code-list code").all_inner_texts()


def fresh_code(app: pyotp.TOTP) -> str:
    """A code of the next step, which the first one has not used up; it counts half a minute early."""
    return app.generate_otp(int(time.time()) // 30 + 1)


def add_passkey(page: Page, name: str = "My key") -> None:
    """Make a passkey on the security page."""
    page.get_by_text("Add a passkey", exact=True).click()
    page.get_by_label("Name optional").fill(name)
    page.locator("#passkeys").get_by_label("Your password").last.fill(PASSWORD)
    page.get_by_role("button", name="Make the passkey").click()


@pytest.mark.parametrize("script", [True, False])
def test_an_app_is_set_up_and_asked_for(local: Server, visits: Visits, script: bool) -> None:
    app, codes = set_up_app(security(visits.open(script=script), local))
    page = visits.open(script=script)
    first_step(page, local, "?next=%2Ftrash")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This code is wrong")).to_be_visible()
    page.get_by_label("Code").fill(fresh_code(app))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{local.url}/trash")
    other = visits.open(script=script)
    first_step(other, local)
    other.get_by_role("link", name="Use a recovery code").click()
    other.get_by_label("Recovery code").fill(codes[0].lower())
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(f"{local.url}/")
    other.goto(f"{local.url}/account/security")
    expect(other.get_by_text("9 of 10 are left.")).to_be_visible()


def test_half_way_in_nothing_is_shown(local: Server, visits: Visits) -> None:
    set_up_app(security(visits.open(), local))
    page = visits.open()
    first_step(page, local)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    for path in ("/", "/trash", "/account/security"):
        page.goto(local.url + path)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("document.cookie.includes('bd_half')") is False


def test_few_recovery_codes_are_said_and_new_ones_replace_them(local: Server, visits: Visits) -> None:
    page = security(visits.open(), local)
    _, codes = set_up_app(page)
    for code in codes[:7]:
        with local.client() as client:
            sent = {"identifier": "alice", "password": PASSWORD}
            ticket = client.post("/api/v1/auth/login", json=sent).json()["second_factor"]["ticket"]
            client.cookies.clear()
            done = client.post("/api/v1/auth/recovery", json={"code": code, "ticket": ticket})
            assert done.status_code == 200
    page.goto(f"{local.url}/account/security")
    expect(page.get_by_text("Only 3 recovery codes left.")).to_be_visible()
    page.get_by_text("Make new ones", exact=True).click()
    page.locator("#recovery").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Make new codes").click()
    expect(page.locator(".code-list li")).to_have_count(10)
    fresh = page.locator(".code-list code").all_inner_texts()
    assert not set(fresh) & set(codes)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").click()
    assert all(code in saved.value.path().read_text() for code in fresh)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Codes copied.")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).split("\n") == fresh


def test_a_passkey_is_the_only_factor_and_the_second(local: Server, visits: Visits) -> None:
    page = security(visits.open(), local)
    key = VirtualKey(page)
    add_passkey(page)
    # The first one brings recovery codes.
    expect(page.locator(".code-list li")).to_have_count(10)
    (credential,) = key.credentials()
    assert credential["isResidentCredential"]
    page.goto(f"{local.url}/account/security")
    expect(page.locator(".passkeys strong")).to_have_text("My key")
    add_passkey(page, "Again")
    expect(page.get_by_text("has a passkey for your account already")).to_be_visible()

    alone = visits.open()
    VirtualKey(alone).put(credential)
    # The browser offers it in the name field, and this authenticator says yes at once.
    alone.goto(f"{local.url}/signin?next=%2Ftrash")
    expect(alone).to_have_url(f"{local.url}/trash")
    assert _method(local) == "passkey"

    second = visits.open()
    first_step(second, local)
    expect(second.get_by_role("heading", name="One more step")).to_be_visible()
    VirtualKey(second).put({**credential, "signCount": 20})
    second.get_by_role("button", name="Use a passkey").click()
    expect(second).to_have_url(f"{local.url}/")
    assert _method(local) == "password+passkey"


def test_a_passkeys_button_signs_in_without_a_name(local: Server, visits: Visits) -> None:
    page = security(visits.open(), local)
    key = VirtualKey(page)
    add_passkey(page)
    expect(page.locator(".code-list li")).to_have_count(10)
    (credential,) = key.credentials()
    other = visits.open()
    offer_by_button_alone(other)
    other.goto(f"{local.url}/signin")
    expect(other.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    VirtualKey(other).put(credential)
    other.get_by_role("button", name="Sign in with a passkey").click()
    expect(other).to_have_url(f"{local.url}/")


def test_a_copied_passkey_is_refused(local: Server, visits: Visits) -> None:
    page = security(visits.open(), local)
    key = VirtualKey(page)
    add_passkey(page)
    expect(page.locator(".code-list li")).to_have_count(10)
    (credential,) = key.credentials()
    options = httpx.post(f"{local.url}/api/v1/auth/passkeys/options", json={}, trust_env=False, timeout=30).json()[
        "options"
    ]
    key.clear()
    key.put({**credential, "signCount": 40})
    signed = page.evaluate(SIGN, options)
    assert _send(local, signed).status_code == 200
    # The same answer once more, then the copy that was made before.
    problem(_send(local, signed), 401, "bad_ticket")
    key.clear()
    key.put({**credential, "signCount": 5})
    options = httpx.post(f"{local.url}/api/v1/auth/passkeys/options", json={}, trust_env=False, timeout=30).json()[
        "options"
    ]
    problem(_send(local, page.evaluate(SIGN, options)), 401, "not_signed_in")
    page.goto(f"{local.url}/account/security")
    noted = local.command("audit", check=False).stdout
    assert "passkey.refused" in noted


def test_what_another_site_has_signed_is_refused(local: Server, visits: Visits, tmp_path: Path) -> None:
    page = security(visits.open(), local)
    key = VirtualKey(page)
    add_passkey(page)
    expect(page.locator(".code-list li")).to_have_count(10)
    (credential,) = key.credentials()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with another_site(folder) as origin:
        # Browsers bind a passkey to the host alone: another port may ask for it, and only the origin tells.
        lured = visits.open()
        lured.goto(origin)
        VirtualKey(lured).put(credential)
        options = httpx.post(f"{local.url}/api/v1/auth/passkeys/options", json={}, trust_env=False, timeout=30).json()[
            "options"
        ]
        problem(_send(local, lured.evaluate(SIGN, options)), 401, "not_signed_in")
        lured.close()


def test_somebody_the_authenticator_does_not_know_stays_outside(local: Server, visits: Visits) -> None:
    page = security(visits.open(), local)
    VirtualKey(page, verified=False)
    add_passkey(page)
    expect(page.locator("#passkeys .form-wrong").last).to_be_visible()
    with local.client() as client:
        assert client.get("/api/v1/account/passkeys").status_code == 401


def test_under_a_bare_address_no_passkey_is_offered(server: Server, visits: Visits) -> None:
    page = security(visits.open(), server)
    expect(page.get_by_text("Browsers allow passkeys at an address with https alone")).to_be_visible()
    expect(page.get_by_text("Add a passkey", exact=True)).to_have_count(0)
    out = visits.open()
    out.goto(f"{server.url}/signin")
    expect(out.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)


def test_at_another_address_of_the_server_the_page_says_where_passkeys_work(local: Server, visits: Visits) -> None:
    page = visits.open()
    elsewhere = local.url.replace("localhost", "127.0.0.1")
    page.context.request.post(f"{elsewhere}/api/v1/auth/login", data={"identifier": "alice", "password": PASSWORD})
    page.goto(f"{elsewhere}/account/security")
    expect(page.get_by_text("Passkeys of this server work at")).to_be_visible()
    expect(page.get_by_text("Add a passkey", exact=True)).to_be_hidden()


def test_without_script_the_page_says_what_passkeys_need(local: Server, visits: Visits) -> None:
    page = security(visits.open(script=False), local)
    expect(page.get_by_text("To add a passkey, switch JavaScript on.")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_a_new_password_keeps_this_browser_and_ends_the_others(
    make_server: Callable[..., Server], visits: Visits, script: bool
) -> None:
    server = make_server()
    page = security(visits.open(script=script), server)
    other = security(visits.open(), server)
    place = page.locator("#password")
    place.get_by_label("Your password").fill("wrong one")
    place.get_by_label("New password").fill("another good one 42")
    place.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    place.get_by_label("Your password").fill(PASSWORD)
    place.get_by_label("New password").fill("another good one 42")
    assert place.get_by_label("Also sign out devices").is_checked()
    place.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password was changed.")).to_be_visible()
    page.goto(f"{server.url}/trash")
    expect(page).to_have_url(f"{server.url}/trash")
    other.goto(f"{server.url}/trash")
    expect(other).to_have_url(re.compile("/signin"))
    assert server.alice.get("/api/v1/uploads").status_code == 401


@looks
def test_the_pages_of_signing_in_have_no_violation(local: Server, visits: Visits, phone: bool) -> None:
    page = security(visits.open(phone=phone), local)
    VirtualKey(page)
    assert ("off", _violations(page)) == ("off", [])
    page.get_by_text("Set up an app").click()
    page.locator("#app").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Show the key").click()
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("not the app's current one")).to_be_visible()
    assert ("wrong", _violations(page)) == ("wrong", [])
    key = page.locator(".secret-key code").inner_text().replace(" ", "")
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(key).now())
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator(".code-list li")).to_have_count(10)
    assert ("codes", _violations(page)) == ("codes", [])
    add_passkey(page)
    expect(page.locator(".passkeys strong")).to_have_text("My key")
    for summary in page.locator(".unfold > summary").all():
        summary.click()
    assert ("on", _violations(page)) == ("on", [])
    page = visits.open(phone=phone)
    first_step(page, local)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    assert ("second", _violations(page)) == ("second", [])
    page.get_by_role("link", name="Use a recovery code").click()
    expect(page.get_by_label("Recovery code")).to_be_visible()
    assert ("recovery", _violations(page)) == ("recovery", [])


def _send(server: Server, credential: object) -> httpx.Response:
    sent = {"credential": credential}
    return httpx.post(f"{server.url}/api/v1/auth/passkeys", json=sent, trust_env=False, timeout=30)


def _method(server: Server) -> str:
    """How the newest session was opened."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"file:{server.data}/bulletdrop.db?mode=ro", uri=True)) as database:
        found = database.execute("SELECT method FROM session ORDER BY created_at DESC LIMIT 1").fetchone()
    return str(found[0])
