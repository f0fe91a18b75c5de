"""Changing a drop and how links look, in a real browser: in four looks, with errors, and without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits
from tests.e2e.person_kit import calm, dialog, enter
from tests.e2e.test_pages_axe import looks
from tests.support.pictures import screenshot
from tests.support.server import Server
from tests.web.kit import upload

pytestmark = pytest.mark.browser


@looks
def test_the_pages_of_names_are_calm(server: Server, visits: Visits, phone: bool) -> None:
    drop = upload(server.alice, screenshot(1), named="A name without any space in it.png".replace(" ", "_") * 3)
    page = visits.open(phone=phone)
    enter(page, server, "alice")
    page.wait_for_url(f"{server.url}/")
    _calm_change(page, f"{server.url}/drops/{drop['id']}/change")
    _calm_links(page, f"{server.url}/account/links")


def _calm_change(page: Page, address: str) -> None:
    page.goto(address)
    calm(page, "change, bare")
    page.get_by_label("Name of your own").fill("admin")
    page.get_by_role("button", name="Save the link").click()
    expect(page.get_by_text("This name is reserved.")).to_be_visible()
    calm(page, "change, wrong")
    page.get_by_label("Name of your own").fill("release-" * 12)
    page.get_by_role("button", name="Save the link").click()
    expect(page.locator("#w-custom_name")).to_be_visible()
    for name in ("first-" * 12 + "name", "second"):
        page.get_by_label("Name of your own").fill(name)
        page.get_by_role("button", name="Save the link").click()
        expect(page.get_by_text("Copy the link anew")).to_be_visible()
    expect(page.get_by_text("Old names that lead here")).to_be_visible()
    page.get_by_label("Password optional").fill("correct horse")
    page.get_by_label("Views at most").fill("3")
    expect(page.get_by_label("Day and time")).to_be_hidden()
    page.get_by_label("It ends").select_option("At a time of your choice")
    page.get_by_label("Day and time").fill("2031-05-06T07:08")
    page.get_by_role("button", name="Save who may see it").click()
    expect(page.get_by_text("It holds from now on.")).to_be_visible()
    calm(page, "change, full")
    page.get_by_role("button", name="End them now").click()
    expect(dialog(page)).to_be_visible()
    calm(page, "change, dialog")
    dialog(page).get_by_role("button", name="End them now").click()
    expect(page.get_by_text("The old links have ended.")).to_be_visible()


def _calm_links(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_label("Hosts optional")).to_be_hidden()
    calm(page, "links, bare")
    page.get_by_label("Words", exact=True).check()
    page.get_by_label("The file itself").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("It counts for new drops")).to_be_visible()
    page.get_by_label("Pages of this server, and of the hosts below").check()
    page.get_by_label("Hosts optional").fill("no host at all")
    page.get_by_role("button", name="Save who may show them").click()
    expect(page.get_by_text("“no host at all” is no host.")).to_be_visible()
    expect(page.get_by_label("Hosts optional")).to_have_value("no host at all")
    page.get_by_label("Hosts optional").fill("https://forum.example.org/thread\nno_host")
    page.get_by_role("button", name="Save who may show them").click()
    expect(page.locator("#w-hotlink_hosts")).to_contain_text("no host")
    calm(page, "links, wrong")
    page.get_by_label("Hosts optional").fill("https://forum.example.org/thread")
    page.get_by_role("button", name="Save who may show them").click()
    expect(page.get_by_label("Hosts optional")).to_have_value("forum.example.org")
    page.get_by_label("A colour of my own").check()
    page.get_by_role("button", name="Save the colour").click()
    expect(page.get_by_label("Colour optional")).to_be_visible()
    calm(page, "links, full")


def test_a_drop_is_changed_with_the_keyboard_and_no_script(server: Server, visits: Visits) -> None:
    drop = upload(server.alice)
    page = visits.open(script=False)
    enter(page, server, "alice")
    page.goto(drop["url"])
    page.get_by_role("link", name="Change").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Title").focus()
    page.keyboard.type("The plan")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    page.get_by_role("link", name="Back to the drop").click()
    expect(page.get_by_role("heading", name="The plan")).to_be_visible()
    assert re.search(r"/\w+$", page.url)
