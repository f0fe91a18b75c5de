"""The gallery while it is open and pictures come from elsewhere, as the tray's do."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, log_in, pick, ready, sign_in, upload
from tests.support.pictures import screenshot
from tests.support.server import Server

pytestmark = pytest.mark.browser


def look_again(page: Page) -> None:
    """Somebody comes back to the window."""
    page.evaluate("window.dispatchEvent(new Event('focus'))")


def test_the_first_picture_from_elsewhere_appears_by_itself(server: Server, visits: Visits) -> None:
    page = visits.open()
    page.clock.install()
    log_in(page, server)
    page.goto(server.url)
    ready(page)
    expect(page.locator("[data-empty]")).to_be_visible()
    upload(server, screenshot(1), "from the tray.png")
    page.clock.fast_forward(21_000)
    expect(page.locator(".tile")).to_have_count(1)
    expect(page.locator("[data-empty]")).to_be_hidden()
    expect(page.locator("[data-news]")).to_be_hidden()


def test_more_from_elsewhere_is_offered_and_moves_nothing_until_asked_for(server: Server, visits: Visits) -> None:
    server.key_of("alice")
    upload(server, screenshot(1), "old.png")
    page = sign_in(visits.open(), server)
    line = page.locator("[data-news]")
    with page.expect_response("**/api/v1/uploads?limit=1"):
        look_again(page)
    expect(line).to_be_hidden()
    upload(server, screenshot(2), "from the tray.png")
    look_again(page)
    expect(line).to_be_visible()
    expect(page.locator(".tile")).to_have_count(1)
    line.get_by_role("button", name="Show them").click()
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator(".tile").first).to_have_attribute("data-name", "from the tray.png")
    expect(line).to_be_hidden()
    assert visits.complaints == []


def test_what_the_page_itself_sends_and_deletes_is_no_news(server: Server, visits: Visits) -> None:
    server.key_of("alice")
    upload(server, screenshot(1), "old.png")
    page = sign_in(visits.open(), server)
    pick(page, ("own.png", screenshot(2)))
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator(".uploads")).to_have_count(0)
    for _ in range(2):
        with page.expect_response("**/api/v1/uploads?limit=1"):
            look_again(page)
        page.wait_for_timeout(100)
        expect(page.locator("[data-news]")).to_be_hidden()
        page.locator(".tile .tile-open").first.focus()
        page.keyboard.press("Delete")
        expect(page.locator(".toast")).to_contain_text("Deleted.")
