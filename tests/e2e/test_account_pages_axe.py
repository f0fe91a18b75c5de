"""A person's own pages are calm in every state: no violation by axe-core, no wider than the window, in four looks."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits
from tests.e2e.person_kit import calm, choose, dialog, enter, leave
from tests.e2e.test_pages_axe import looks
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, Server

pytestmark = pytest.mark.browser


@looks
def test_the_pages_of_an_account_are_calm(server: Server, visits: Visits, phone: bool) -> None:
    server.key_of("alice")
    server.command("user", "add", "dora", "--email", "dora@example.org", "--password-stdin", stdin=PASSWORD + "\n")
    page = visits.open(phone=phone)
    enter(page, server, "dora")
    page.wait_for_url(f"{server.url}/")
    _calm_profile(page, server)
    _calm_sessions(page, server)
    _calm_keys(page, server)
    _calm_pair(page, server)
    _calm_data(page, server)


def _calm_profile(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/account")
    calm(page, "profile, empty")
    choose(page, b"no picture")
    expect(page.locator("#w-file")).to_be_visible()
    calm(page, "profile, wrong")
    choose(page, screenshot(1))
    expect(page.get_by_text("Your picture is set.")).to_be_visible()
    page.get_by_label("Name to show").fill("Dora" * 25)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    calm(page, "profile, filled")


def _calm_sessions(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/account/sessions")
    calm(page, "sessions, one")
    sent = {"identifier": "dora", "password": PASSWORD}
    httpx.post(f"{server.url}/api/v1/auth/login", json=sent, trust_env=False, timeout=30).raise_for_status()
    page.reload()
    calm(page, "sessions, two")
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(dialog(page)).to_be_visible()
    calm(page, "sessions, dialog")
    page.keyboard.press("Escape")


def _calm_keys(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/account/keys")
    calm(page, "keys, empty")
    page.get_by_label("Name").fill("A name without any space in it".replace(" ", "_") * 3)
    page.get_by_label("Requests an hour").fill("many")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#w-limit")).to_be_visible()
    calm(page, "keys, wrong")
    page.get_by_label("Requests an hour").fill("300")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("[data-once-value]")).to_be_visible()
    calm(page, "keys, made")
    page.get_by_role("button", name=re.compile("^Revoke:")).click()
    expect(dialog(page)).to_be_visible()
    calm(page, "keys, dialog")
    page.keyboard.press("Escape")


def _calm_pair(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/pair")
    calm(page, "pair")
    page.get_by_label("Code").fill("BBBB-BBBB")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#w-user_code")).to_be_visible()
    calm(page, "pair, wrong")
    sent = {"device_name": "Work laptop"}
    code = httpx.post(f"{server.url}/api/v1/devices/code", json=sent, trust_env=False, timeout=30).json()["user_code"]
    page.goto(f"{server.url}/pair#code={code}")
    expect(page.get_by_label("Code")).to_have_value(code)
    expect(page.locator("#w-user_code")).to_be_hidden()  # it was about another code
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Is this your device?")).to_be_visible()
    calm(page, "pair, asked")
    page.get_by_role("button", name="Yes, pair it").click()
    expect(page.get_by_text("Paired.")).to_be_visible()
    calm(page, "pair, done")
    page.goto(f"{server.url}/pair")
    page.get_by_role("button", name="Make a code").click()
    expect(page.get_by_role("heading", name="Give this to the device")).to_be_visible()
    calm(page, "pair, offered")


def _calm_data(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/account/data")
    calm(page, "data, no limits")
    server.command("user", "limits", "dora", "uploads_per_day=0", "storage=1000000", "requests_per_hour=100")
    page.reload()
    calm(page, "data, limits")
    leave(page, script=True, word="dora", password="not this one")
    calm(page, "data, dialog")
    dialog(page).get_by_role("button", name="Delete my account").click()
    expect(page.locator("#w-password")).to_be_visible()
    calm(page, "data, wrong")
    leave(page, script=True, word="dora", password=PASSWORD)
    dialog(page).get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("heading", name=re.compile("will be deleted"))).to_be_visible()
    calm(page, "left")
