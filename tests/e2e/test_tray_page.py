"""The tray's own page in a real browser: light, dark, wide and on a phone, with and without script, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bulletdrop.tray.words import speak
from tests.e2e.page_kit import Visits, shows_picture
from tests.e2e.test_pages_axe import _violations as violations
from tests.e2e.test_pages_axe import looks
from tests.support.pictures import screenshot
from tests.tray.engine_kit import Rule, eventually, write
from tests.tray.steering_kit import Controlled, controlled

pytestmark = pytest.mark.browser

PLACES = ("recent", "folders", "general", "servers", "health")


@pytest.fixture
def tray(tmp_path: Path) -> Iterator[Controlled]:
    with controlled(tmp_path) as running:
        running.server.judge = lambda name: Rule(status=415, code="unknown_type") if "bad" in name else None
        yield running


def enter(tray: Controlled, page: Page, place: str = "recent") -> Page:
    """Open the page as the tray does: by an address that works once."""
    page.goto(tray.control.page_address(place))
    # The address that works once ends so too, and leads on.
    page.wait_for_url(re.compile(f"^(?!.*/enter/).*/{place}$"))
    return page


def shoot(tray: Controlled, name: str, seed: int = 1) -> None:
    """A screenshot that the tray has sent, or that was refused."""
    write(tray.folder / name, screenshot(seed))
    eventually(lambda: [item for item in tray.small.recent() if item.name == name and (item.link or item.error)])


@looks
def test_no_part_of_the_page_has_a_violation(tray: Controlled, visits: Visits, phone: bool) -> None:
    page = enter(tray, visits.open(phone=phone))
    assert ("empty", violations(page)) == ("empty", [])
    for number, name in enumerate(("one.png", "bad one.png", "bad two.png")):
        shoot(tray, name, number)
    for place in PLACES:
        page.goto(page.url.rpartition("/")[0] + f"/{place}")
        page.evaluate("document.querySelectorAll('main details').forEach((it) => { it.open = true; })")
        assert (place, violations(page)) == (place, [])
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (place, width) == (place, 0)
    page.get_by_text("Pause", exact=True).click()
    assert ("menu", violations(page)) == ("menu", [])


def test_a_new_screenshot_comes_into_the_open_page_by_itself(tray: Controlled, visits: Visits) -> None:
    page = enter(tray, visits.open())
    expect(page.get_by_text("Take a screenshot.")).to_be_visible()
    shoot(tray, "first.png")
    expect(page.get_by_role("heading", name="first.png")).to_be_visible()
    assert shows_picture(page, ".capture img")
    page.get_by_text("Why was this uploaded?").click()
    expect(page.get_by_text(str(tray.folder / "first.png"))).to_be_visible()
    # What the reader has opened stays open while more comes in.
    shoot(tray, "second.png", 2)
    expect(page.get_by_role("heading", name="second.png")).to_be_visible()
    expect(page.get_by_text(str(tray.folder / "first.png"))).to_be_visible()
    assert page.locator(".capture h3").all_inner_texts() == ["second.png", "first.png"]


def test_the_focus_stays_where_it_was_while_the_list_changes(tray: Controlled, visits: Visits) -> None:
    shoot(tray, "first.png")
    shoot(tray, "bad.png", 2)
    page = enter(tray, visits.open())
    page.locator("#uploaded [data-act=show]").focus()
    shoot(tray, "third.png", 3)
    expect(page.get_by_role("heading", name="third.png")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('li').querySelector('h3').textContent") == "first.png"
    # The entry itself changes: it is tried again, and stands in the other list.
    page.locator("#failed [data-act=show]").focus()
    tray.server.judge = lambda name: None
    tray.small.retry(next(item.id for item in tray.small.recent() if item.error))
    expect(page.locator("#failed li")).to_have_count(0)
    expect(page.locator("#uploaded li")).to_have_count(3)


@pytest.mark.parametrize("script", [True, False])
def test_what_the_menu_can_do_the_page_does_too(tray: Controlled, visits: Visits, script: bool) -> None:
    shoot(tray, "one.png")
    page = enter(tray, visits.open(script=script))
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("The link goes to the clipboard.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Delete both copies").click()
    page.get_by_role("button", name="Delete here and on the server").click()
    expect(page.get_by_text("It is being deleted here and on the server.")).to_be_visible()
    assert [name for name, _ in tray.small.did] == ["copy", "undo", "delete-both"]
    page.get_by_text("Pause", exact=True).click()
    page.get_by_role("button", name="For an hour").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#state")).to_contain_text("Ready")
    page.get_by_role("button", name="Open gallery").first.click()
    eventually(lambda: tray.small.did[-1][0] == "gallery")


@pytest.mark.parametrize("script", [True, False])
def test_the_screenshot_test_waits_and_shows_where_it_came_from(tray: Controlled, visits: Visits, script: bool) -> None:
    page = enter(tray, visits.open(script=script), "folders")
    page.get_by_role("button", name="Begin the test").click()
    expect(page.get_by_text("Waiting for")).to_be_visible()
    shoot(tray, "tested.png")
    expect(page.get_by_text("It works: tested.png was noticed.")).to_be_visible()
    expect(page.locator("#test").get_by_text(str(tray.folder / "tested.png"))).to_be_visible()


def test_rules_are_set_by_keyboard_alone(tray: Controlled, visits: Visits) -> None:
    page = enter(tray, visits.open(), "folders")
    page.get_by_text("Rules for this folder").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Shot*")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("7d")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    rule = tray.small.chosen.now.rule_for(tray.folder)
    assert (rule.names, rule.is_public, rule.expires, rule.copy) == ("Shot*", False, "7d", True)
    expect(page.get_by_text("only Shot* · private · ends after 7d")).to_be_visible()


def test_the_language_changes_at_once(tray: Controlled, visits: Visits) -> None:
    page = enter(tray, visits.open(), "general")
    page.get_by_label("Language").select_option("de")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Allgemein")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "de"
    page.get_by_label("Sprache").select_option("en")
    page.get_by_role("button", name="Speichern").first.click()
    expect(page.get_by_role("heading", name="General")).to_be_visible()


def test_a_custom_uploader_is_brought_in_from_its_file_and_removed(
    tray: Controlled, visits: Visits, tmp_path: Path
) -> None:
    file = write(tmp_path / "host.sxcu", b'{"Version":"15.0.0","RequestURL":"https://host.example/up","Body":"Binary"}')
    page = enter(tray, visits.open(), "servers")
    page.get_by_text("Bring in a custom uploader").click()
    page.get_by_label("Its text").fill("{}")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator(".said-notice.danger")).to_be_visible()
    expect(page.get_by_label("Its text")).to_have_value("{}")
    page.get_by_label("File").set_input_files(file)
    expect(page.get_by_label("Its text")).to_have_value(re.compile("host.example"))
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_text("Uploads go to host.example from now on.")).to_be_visible()
    page.get_by_role("button", name="Use my server again").click()
    assert tray.small.chosen.now.foreign == ""


def test_the_doctor_is_run_and_its_lines_are_shown(tray: Controlled, visits: Visits) -> None:
    page = enter(tray, visits.open(), "health")
    expect(page.locator("#summary")).to_contain_text("Watcher alive")
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator(".checks li").first).to_be_visible()
    assert page.locator(".checks li").count() >= 3


def test_a_page_whose_tray_has_ended_says_how_to_open_it_anew(tray: Controlled, visits: Visits) -> None:
    page = enter(tray, visits.open())
    page.context.clear_cookies()
    expect(page.get_by_text("This page has ended", exact=True)).to_be_visible()
    expect(page.get_by_text("bulletdrop tray --settings")).to_be_visible()


_OVERLAPS = """() => {
  const text = (it) => {
    const range = document.createRange();
    range.selectNodeContents(it);
    return range.getBoundingClientRect();
  };
  return [...document.querySelectorAll(".tick")].filter((it) => it.querySelector(".help"))
    .map((it) => [text(it.querySelector("label")).bottom, text(it.querySelector(".help")).top, it.innerText])
    .filter(([above, below]) => above > below).map(([, , words]) => words);
}"""


def test_in_german_on_a_phone_no_words_lie_over_others(tray: Controlled, visits: Visits) -> None:
    speak("de")
    try:
        page = enter(tray, visits.open(phone=True), "general")
        expect(page.get_by_text("Privat, bis die Zeit zum Zurücknehmen vorbei ist")).to_be_visible()
        assert page.evaluate(_OVERLAPS) == []
        for place in PLACES:
            page.goto(page.url.rpartition("/")[0] + f"/{place}")
            width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert (place, width) == (place, 0)
    finally:
        speak("en")
