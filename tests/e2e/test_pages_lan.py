"""Plain http under a name on the LAN, as most servers run: browsers trust it less and say less about themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.e2e.page_kit import Visits, chromium, pick, ready, set_up_code
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium for which bd.test is this machine, though not one that it trusts as it does 127.0.0.1."""
    with chromium(playwright, "bd.test") as opened:
        yield opened


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A running server that knows itself by this name."""
    return make_server(BULLETDROP_HOSTS="bd.test")


@pytest.mark.parametrize("script", [True, False])
def test_everything_a_person_does_works_over_plain_http_on_a_lan_name(
    server: Server, visits: Visits, script: bool
) -> None:
    home = f"http://bd.test:{server.port}"
    page = visits.open(script=script)
    page.goto(home)
    if script:
        assert page.evaluate("isSecureContext") is False
    page.get_by_label("Set-up code").fill(set_up_code(server))
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Email").fill("alice@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.get_by_role("heading", name="All drops")).to_be_attached()
    _sign_out(page)
    _sign_in(page)
    name = "shot 1.png"
    if script:
        ready(page)
        pick(page, (name, screenshot(1)))
    else:
        token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "bd_csrf")
        sent = page.context.request.post(
            f"http://127.0.0.1:{server.port}/api/v1/uploads",
            headers={"X-CSRF-Token": token, "Cookie": _cookies(page)},
            multipart={"file": {"name": name, "mimeType": "image/png", "buffer": screenshot(1)}},
        )
        assert sent.status == 201, sent.text()
        page.reload()
    expect(page.locator(".tile")).to_have_count(1)
    headers = {"Cookie": _cookies(page)}
    (made,) = server.anonymous.get("/api/v1/uploads", headers=headers).json()["items"]

    page.locator(".tile").first.hover()
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(page.locator(".tile")).to_have_count(0)
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator(".tile")).to_have_count(1)

    for visitor, may_undo in ((page, True), (visits.open(script=script), False)):
        visitor.goto(home + urlsplit(made["deletion_url"]).path)
        visitor.get_by_role("button", name="Delete").click()
        expect(visitor.get_by_role("heading", name="Deleted.")).to_be_visible()
        assert server.anonymous.get(f"/{made['slug']}").status_code == 404
        if may_undo:
            visitor.get_by_role("button", name="Undo").click()
            expect(visitor.get_by_role("heading", name=name)).to_be_visible()
            assert server.anonymous.get(f"/{made['slug']}").status_code == 200
    page.goto(home)
    _sign_out(page)
    # Browsers say of each page that this header counts on trusted addresses only.
    ignored = (
        "error: The Cross-Origin-Opener-Policy header has been ignored, because the URL's origin was untrustworthy"
    )
    visits.complaints[:] = [said for said in visits.complaints if not said.startswith(ignored)]


def _cookies(page: Page) -> str:
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())


def _sign_in(page: Page) -> None:
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="All drops")).to_be_attached()


def _sign_out(page: Page) -> None:
    page.get_by_text("Account of alice").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
