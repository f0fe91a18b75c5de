"""The page of clients in a browser: files are saved, listed, revoked; with a script and without, in every look."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits
from tests.e2e.person_kit import calm, dialog, enter
from tests.e2e.test_pages_axe import looks
from tests.support.server import PASSWORD, Server
from tests.support.sxcu import Sxcu
from tests.web.kit import png

pytestmark = pytest.mark.browser


def at_clients(server: Server, visits: Visits, **options: bool) -> Page:
    """Dora, who is no admin, on the page."""
    server.key_of("alice")
    server.command("user", "add", "dora", "--email", "dora@example.org", "--password-stdin", stdin=PASSWORD + "\n")
    page = visits.open(**options)
    enter(page, server, "dora")
    page.wait_for_url(f"{server.url}/")
    page.goto(f"{server.url}/account/clients")
    return page


def saved(page: Page, kind: str, device: str) -> str:
    """Unfold a tool, name the device, and save the file. Returns its text."""
    page.locator(f"#{kind} > summary").click()
    page.locator(f"#f-name-{kind}").fill(device)
    with page.expect_download() as download:
        page.locator(f"#{kind} button").click()
    return Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_saved_works_is_listed_and_revoked(server: Server, visits: Visits, script: bool) -> None:
    page = at_clients(server, visits, script=script)
    expect(page.get_by_text("No files yet.")).to_be_visible()
    file = Sxcu(saved(page, "sharex", "Anna's laptop"))
    if not script:
        page.reload()
    row = page.get_by_role("row", name=re.compile("ShareX \\(Anna's laptop\\)"))
    expect(row).to_be_visible()
    with httpx.Client(trust_env=False, timeout=30) as client:
        assert file.upload(client, png(), "a.png").status == 201
        row.get_by_role("button", name=re.compile("^Revoke")).click()
        if script:
            dialog(page).get_by_role("button", name="Revoke").click()
        else:
            page.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("Revoked: the file with it is refused from now on.")).to_be_visible()
        assert file.upload(client, png(), "a.png").error == "This key was revoked. Use another one."


def test_the_page_needs_no_mouse(server: Server, visits: Visits) -> None:
    page = at_clients(server, visits)
    page.locator("#shell > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("desk")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "bulletdrop-shot.sh"
    expect(page.get_by_role("row", name=re.compile("Shell script \\(desk\\)"))).to_be_visible()


@looks
def test_the_page_is_calm_in_every_state(server: Server, visits: Visits, phone: bool) -> None:
    page = at_clients(server, visits, phone=phone)
    calm(page, "clients, empty")
    saved(page, "spectacle", "W" * 60)
    expect(page.get_by_role("button", name=re.compile("^Revoke"))).to_be_visible()
    calm(page, "clients, one")
    page.locator("#ios > summary").click()
    page.locator("#ios button").click()
    expect(page.locator("[data-once-value]")).to_be_visible()
    calm(page, "clients, values")
