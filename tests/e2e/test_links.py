"""Share links in a real browser: made, given away, opened, taken back, with and without script; calm in all looks."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, copied, log_in, shows_picture, upload
from tests.e2e.person_kit import calm, dialog
from tests.e2e.test_pages_axe import looks
from tests.support.pictures import screenshot
from tests.support.server import Server

pytestmark = pytest.mark.browser
LONG = "A_name_that_somebody_has_typed_without_any_space_in_it_" * 3


def made(server: Server, path: str, **wishes: object) -> dict[str, Any]:
    """What the API makes for alice."""
    answer = server.alice.post(f"/api/v1/{path}", json=wishes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_link_is_made_opened_once_and_taken_back(server: Server, visits: Visits, script: bool) -> None:
    drop = upload(server, screenshot(3), is_public="false")
    page, guest = visits.open(script=script), visits.open(script=script)
    log_in(page, server)
    page.goto(f"{server.url}/{drop['slug']}")
    page.get_by_role("link", name="Share link").click()
    page.get_by_label("Note").fill("For the printer")
    page.locator("#f-password").fill("open sesame")
    page.get_by_label("Opened at most").fill("once")
    page.get_by_role("button", name="Make the link").click()
    # Wrong: what was typed stays, but for the password.
    expect(page.get_by_text("Write a whole number")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("For the printer")
    page.locator("#f-password").fill("open sesame")
    page.get_by_label("Opened at most").fill("1")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("The link is ready.")).to_be_visible()
    url = page.get_by_label("Link", exact=True).input_value()
    if script:
        page.get_by_role("button", name="Copy link").click()
        copied(page, url)
    _guest_opens(guest, url)
    page.goto(f"{server.url}/links")
    row = page.get_by_role("row", name="For the printer")
    expect(row).to_contain_text("1 of 1 view")
    expect(row).to_contain_text("Used up")
    row.get_by_role("button", name="Revoke").click()
    (dialog(page) if script else page).get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("Revoked: the link leads nowhere now.")).to_be_visible()
    answer = guest.goto(url)
    assert answer is not None
    assert answer.status == 404


def _guest_opens(guest: Page, url: str) -> None:
    """Somebody without an account types the password and sees the picture; the next one is too late."""
    guest.goto(url)
    guest.locator("input[type=password]").fill("open sesam")
    guest.get_by_role("button", name="Open").click()
    expect(guest.get_by_text("This password is wrong.")).to_be_visible()
    guest.locator("input[type=password]").fill("open sesame")
    guest.get_by_role("button", name="Open").click()
    guest.wait_for_url(url)
    assert shows_picture(guest, ".stage img")
    assert guest.get_by_role("link", name="Details").count() == 0
    # The same browser a moment later: the same view.
    guest.reload()
    assert shows_picture(guest, ".stage img")
    guest.context.clear_cookies()
    guest.goto(url)
    guest.locator("input[type=password]").fill("open sesame")
    guest.get_by_role("button", name="Open").click()
    expect(guest.get_by_text("opened as often as its owner allowed")).to_be_visible()


@looks
def test_the_pages_of_links_are_calm(server: Server, visits: Visits, phone: bool) -> None:
    page = visits.open(phone=phone)
    server.key_of("alice")
    log_in(page, server)
    page.goto(f"{server.url}/links")
    expect(page.get_by_text("No share links yet.")).to_be_visible()
    calm(page, "links, none")
    drop = upload(server, screenshot(4), name=f"{LONG}.png", is_public="false")
    album = made(server, "albums", title="Holidays")
    share = f"uploads/{drop['id']}/share"
    link = made(server, share, note=LONG, password="open sesame", max_views=3, expires_at="2099-01-01T00:00:00Z")
    ended = made(server, share, note="Old")
    server.alice.patch(f"/api/v1/share-links/{ended['token']}", json={"revoked": True}).raise_for_status()
    made(server, f"albums/{album['id']}/share")
    paths = {
        "links": "/links",
        "links, none found": "/links?q=nothing",
        "one": f"/links/{link['token']}",
        "one, revoked": f"/links/{ended['token']}",
        "a drop's": f"/drops/{drop['id']}/share",
        "an album's": f"/albums/{album['id']}/share",
        "what visitors see": f"/l/{link['token']}",
    }
    for state, path in paths.items():
        page.goto(f"{server.url}{path}")
        calm(page, state)
    page.goto(f"{server.url}{paths['one']}")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    calm(page, "one, asked first")
    page.keyboard.press("Escape")
    page.get_by_label("Opened at most").fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Write a whole number")).to_be_visible()
    calm(page, "one, wrong")
