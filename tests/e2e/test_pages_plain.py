"""The page without any script: it can be read, signed in to, and taken back on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, set_up_code, shows_picture, upload
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, Server

pytestmark = pytest.mark.browser


def test_set_up_works_without_script_and_says_what_is_wrong(server: Server, visits: Visits) -> None:
    page = visits.open(script=False)
    page.goto(server.url)
    page.get_by_label("Set-up code").fill("AAAA-BBBB-CCCC")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Email").fill("alice@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.locator("#w-code")).to_have_text("This is not the set-up code. It stands in the server's log.")
    expect(page.get_by_label("Email")).to_have_value("alice@example.org")
    page.get_by_label("Set-up code").fill(set_up_code(server))
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.get_by_text("Take a screenshot, or drop a file here.")).to_be_visible()
    # What only a script could do is not offered.
    expect(page.get_by_role("button", name="Upload")).to_be_hidden()
    expect(page.get_by_role("button", name="Pick a file")).to_be_hidden()


def test_signing_in_leads_back_to_where_one_wanted_to_go(server: Server, visits: Visits) -> None:
    server.key_of("alice")
    page = visits.open(script=False)
    page.goto(f"{server.url}/trash")
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{server.url}/trash")
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    page.get_by_text("Account of alice").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_gallery_can_be_read_and_a_drop_deleted_and_taken_back(server: Server, visits: Visits) -> None:
    for n in range(3):
        upload(server, screenshot(n), f"shot {n}.png")
    page = _signed_in(visits, server)
    expect(page.locator(".tile")).to_have_count(3)
    assert shows_picture(page, ".tile img")
    page.locator(".tile").first.hover()
    page.get_by_role("button", name="Delete shot 2.png").click()
    expect(page.get_by_text("“shot 2.png” is in the trash.")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tile")).to_have_count(3)


def test_a_long_gallery_goes_on_behind_a_link(server: Server, visits: Visits) -> None:
    for n in range(65):
        upload(server, screenshot(n % 5, width=120, height=80), f"shot {n}.png")
    page = _signed_in(visits, server)
    expect(page.locator(".tile")).to_have_count(60)
    page.get_by_role("link", name="More").click()
    expect(page.locator(".tile")).to_have_count(5)
    expect(page.get_by_role("link", name="More")).to_have_count(0)


def test_a_drop_is_made_private_and_public_again_on_its_page(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png")
    page = _signed_in(visits, server)
    page.goto(made["url"])
    page.get_by_role("button", name="Make private").click()
    expect(page.get_by_text("Only you see it.")).to_be_visible()
    assert shows_picture(page, ".stage img")
    assert server.anonymous.get(made["url"]).status_code == 404
    page.get_by_role("button", name="Make public").click()
    expect(page.get_by_text("Whoever has the link sees it.")).to_be_visible()
    assert server.anonymous.get(made["url"]).status_code == 200
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("“shot.png” is in the trash.")).to_be_visible()


def test_the_deletion_link_asks_first(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png")
    page = visits.open(script=False)
    page.goto(made["deletion_url"])
    expect(page.get_by_role("heading", name="Delete this drop?")).to_be_visible()
    assert server.anonymous.get(made["url"]).status_code == 200
    page.get_by_role("link", name="Keep it").click()
    expect(page.get_by_role("heading", name="shot.png")).to_be_visible()
    page.goto(made["deletion_url"])
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Deleted.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert server.anonymous.get(made["url"]).status_code == 404

    owner = _signed_in(visits, server)
    owner.goto(made["deletion_url"])
    owner.get_by_role("button", name="Undo").click()
    expect(owner.get_by_role("heading", name="shot.png")).to_be_visible()
    assert server.anonymous.get(made["url"]).status_code == 200


def _signed_in(visits: Visits, server: Server) -> Page:
    server.key_of("alice")
    page = visits.open(script=False)
    page.goto(f"{server.url}/signin")
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="All drops")).to_be_attached()
    return page
