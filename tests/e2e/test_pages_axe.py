"""WCAG 2.2 AA by axe-core: no violation on any page, light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import AXE, CSS, Visits, pick, sign_in, upload
from tests.support.needs import unavailable
from tests.support.pictures import screenshot
from tests.support.screen import wait_for
from tests.support.server import Server

pytestmark = pytest.mark.browser

_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
_RUN = "(rules) => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })"
# What fades or slides at this moment; what turns for ever is none of it.
_MOVING = """() => document.getAnimations()
  .filter((one) => one.playState === "running" && Number.isFinite(one.effect?.getComputedTiming().endTime))
  .map((one) => `${one.transitionProperty ?? one.animationName} of ${one.effect.target?.className}`)"""
# Light and dark are looked at on each page that was loaded; a phone taps, and is another browser.
looks = pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])


@looks
def test_pages_for_nobody_have_no_violation(server: Server, visits: Visits, phone: bool) -> None:
    page = visits.open(phone=phone)
    page.goto(f"{server.url}/setup")
    page.get_by_role("button", name="Set up and sign in").click()  # with what is wrong beside the fields
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    assert _violations(page) == []
    made = upload(server, screenshot(1), "shot.png")
    for path in ("/signin", "/nothing-here", f"/{made['slug']}", f"/info/{made['id']}", _path(made["deletion_url"])):
        page.goto(server.url + path)
        assert (path, _violations(page)) == (path, [])


@looks
def test_pages_of_a_person_have_no_violation(make_server: Callable[..., Server], visits: Visits, phone: bool) -> None:
    server = make_server(BULLETDROP_MAX_FILE_SIZE=str(1024 * 1024))
    page = sign_in(visits.open(phone=phone), server)
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
        expect(page.locator(".touch-sheet")).to_be_visible()
    else:
        page.locator(".tile-open").first.focus()
    assert ("tools", _violations(page)) == ("tools", [])


def test_nothing_but_colours_differs_in_the_dark() -> None:
    # light-dark() gives colours and nothing else; a media query could hide or move what it likes.
    sheets = sorted(CSS.glob("**/*.css"))
    assert any("light-dark(" in sheet.read_text(encoding="utf-8") for sheet in sheets)
    assert [sheet.name for sheet in sheets if "prefers-color-scheme" in sheet.read_text(encoding="utf-8")] == []


def _violations(page: Page) -> list[dict[str, Any]]:
    if not AXE.exists():
        unavailable("axe-core is not there (npm ci in bulletdrop/web/ui)")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    # Nothing but colours differs in the dark (see the test below), so the other rules need not be asked again.
    for scheme, rules in (("light", _RULES), ("dark", _COLOURS)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        wait_for(lambda: not page.evaluate(_MOVING), what="the end of what moves")
        found += [{"scheme": scheme, **one} for one in page.evaluate(_RUN, rules)["violations"]]
    page.emulate_media(color_scheme="light")
    return [
        {
            "rule": one["id"],
            "scheme": one["scheme"],
            "at": [node["target"] for node in one["nodes"]],
            "why": one["nodes"][0]["failureSummary"],
        }
        for one in found
    ]


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]
