"""WCAG 2.2 AA by axe-core: no violation on any page, light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import AXE, Visits, pick, sign_in, upload
from tests.support.needs import unavailable
from tests.support.pictures import screenshot
from tests.support.server import Server

pytestmark = pytest.mark.browser

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
looks = pytest.mark.parametrize(("phone", "dark"), [(False, False), (False, True), (True, False), (True, True)])


@looks
def test_pages_for_nobody_have_no_violation(server: Server, visits: Visits, phone: bool, dark: bool) -> None:
    page = visits.open(phone=phone, dark=dark)
    page.goto(f"{server.url}/setup")
    page.get_by_role("button", name="Set up and sign in").click()  # with what is wrong beside the fields
    assert _violations(page) == []
    made = upload(server, screenshot(1), "shot.png")
    for path in ("/signin", "/nothing-here", f"/{made['slug']}", f"/info/{made['id']}", _path(made["deletion_url"])):
        page.goto(server.url + path)
        assert (path, _violations(page)) == (path, [])


@looks
def test_pages_of_a_person_have_no_violation(
    make_server: Callable[..., Server], visits: Visits, phone: bool, dark: bool
) -> None:
    server = make_server(BULLETDROP_MAX_FILE_SIZE=str(1024 * 1024))
    page = sign_in(visits.open(phone=phone, dark=dark), server)
    assert ("empty", _violations(page)) == ("empty", [])
    page.goto(f"{server.url}/trash")
    assert ("empty trash", _violations(page)) == ("empty trash", [])
    made = [upload(server, screenshot(n, width=300 + 200 * n), f"shot {n}.png") for n in range(4)]
    server.alice.delete(f"/api/v1/uploads/{made[0]['id']}").raise_for_status()
    for path in ("/trash", f"/{made[1]['slug']}", f"/info/{made[1]['id']}", "/"):
        page.goto(server.url + path)
        assert (path, _violations(page)) == (path, [])
    pick(page, ("large.png", bytes(2 * 1024 * 1024)), ("good.png", screenshot(9)))
    expect(page.locator(".tile")).to_have_count(4)
    assert ("uploads", _violations(page)) == ("uploads", [])
    page.get_by_role("button", name="Close").click()
    page.get_by_text("Account of alice").click()
    assert ("menu", _violations(page)) == ("menu", [])
    page.get_by_role("button", name="Keyboard shortcuts").click()
    assert ("keys", _violations(page)) == ("keys", [])
    page.keyboard.press("Escape")
    if phone:
        page.locator(".tile-open").first.tap()
    else:
        page.locator(".tile-open").first.focus()
    page.wait_for_timeout(250)
    assert ("tools", _violations(page)) == ("tools", [])


def _violations(page: Page) -> list[dict[str, Any]]:
    if not AXE.exists():
        unavailable("axe-core is not there (npm ci in bulletdrop/web/ui)")
    page.wait_for_timeout(250)  # what fades in has arrived
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", _RULES)
    return [
        {"rule": one["id"], "at": [node["target"] for node in one["nodes"]], "why": one["nodes"][0]["failureSummary"]}
        for one in found["violations"]
    ]


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]
