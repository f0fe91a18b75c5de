"""A real browser in front of a real proxy: where its cookies go, and what it may load, on each of the addresses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, Request, expect

from tests.e2e.page_kit import PATIENCE, chromium
from tests.support.pictures import screenshot
from tests.support.proxies import FILES, MAIN, SHARE, WILD, caddy, nginx
from tests.support.server import PASSWORD, Server, free_port
from tests.web.kit import upload

pytestmark = pytest.mark.browser
OWN = f"alice.{WILD}"


@pytest.mark.parametrize("proxy", [caddy, nginx], ids=["caddy", "nginx"])
def test_a_browser_is_signed_in_at_the_main_address_alone(playwright: Playwright, proxy: Any, tmp_path: Path) -> None:
    https = free_port()
    main, files = f"https://{MAIN}:{https}", f"https://{FILES}:{https}"
    environ = {
        "BULLETDROP_PUBLIC_URL": main,
        "BULLETDROP_CONTENT_URL": files,
        "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1",
        "BULLETDROP_MIN_FREE_DISK": "0",
    }
    server = Server(tmp_path / "data", environ=environ).start()
    try:
        drops = drops_of(server)
        names = (MAIN, FILES, SHARE, WILD, OWN)
        with proxy(tmp_path / "proxy", server.port, https=https), chromium(playwright, *names) as browser:
            context = browser.new_context(ignore_https_errors=True)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            sent: list[Request] = []
            page.on("request", lambda request: sent.append(request))
            page.goto(f"{main}/signin")
            page.get_by_label("Username or email").fill("alice")
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url(f"{main}/")
            ours = [dict(cookie) for cookie in context.cookies() if str(cookie.get("name", "")).startswith("__Host-")]
            assert {cookie["name"] for cookie in ours} == {"__Host-bd_access", "__Host-bd_refresh", "__Host-bd_csrf"}
            # A leading dot would be a cookie for what is below, too.
            assert {cookie["domain"] for cookie in ours} == {MAIN}
            assert all(cookie["secure"] for cookie in ours)
            for host, drop in drops.items():
                assert drop["url"] == f"https://{host}:{https}/{drop['slug']}"
                shows(page, drop)
            others = [one for one in sent if not one.url.startswith(f"{main}/")]
            assert {host_of(one) for one in others} == {FILES, SHARE, OWN}
            # The script's own note of the reader's time zone is all that other addresses have.
            assert not [one.url for one in others if "__Host-" in one.all_headers().get("cookie", "")]
            assert [one for one in sent if "__Host-bd_access" in one.all_headers().get("cookie", "")]
            page.goto(f"https://{SHARE}:{https}/account/keys")
            assert page.url == f"{main}/account/keys"
            assert complaints == []
            asks_for_a_password(page, server)
            context.close()
    finally:
        server.close()


def drops_of(server: Server) -> dict[str, dict[str, Any]]:
    """A picture of alice's under each address."""
    made = {}
    for name, host in (("", MAIN), (SHARE, SHARE), (WILD, OWN)):
        if name:
            wanted = {"name": name, "is_wildcard": name == WILD}
            found = server.alice.post("/api/v1/admin/domains", json=wanted).json()
            claim = {"own_host": name == WILD}
            server.alice.post(f"/api/v1/domains/{found['id']}/claim", json=claim).raise_for_status()
        made[host] = upload(server.alice, screenshot(1), domain=name)
    return made


def wait_until_drawn(page: Page) -> None:
    """A picture of the page has its pixels. Asked again from here: a function to wait for would be text that the page
    has to run, and its policy says no."""
    deadline = time.monotonic() + 30
    while not page.evaluate("() => [...document.querySelectorAll('main img')].some((one) => one.naturalWidth > 100)"):
        assert time.monotonic() < deadline, "no picture is drawn"
        page.wait_for_timeout(50)


def shows(page: Page, drop: dict[str, Any]) -> None:
    """A drop's page shows its picture, wherever that comes from."""
    page.goto(drop["url"])
    picture = page.locator("main img").first
    expect(picture).to_be_visible()
    wait_until_drawn(page)


def asks_for_a_password(page: Page, server: Server) -> None:
    """The form for a password works on a domain, and its cookie stays there."""
    drop = upload(server.alice, screenshot(2), domain=SHARE, password="open sesame")
    page.context.clear_cookies()
    page.goto(drop["url"])
    page.get_by_label("Password", exact=True).fill("open sesame")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("main img").first).to_be_visible()
    wait_until_drawn(page)
    assert {cookie.get("domain") for cookie in page.context.cookies()} == {SHARE}


def host_of(request: Request) -> str:
    return request.url.split("/")[2].partition(":")[0]
