"""Albums and requests for files in a real browser: with and without script, by mouse, by keyboard; axe on each page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, log_in, shows_picture, sign_in, upload
from tests.e2e.test_pages_axe import _violations, looks
from tests.support.pictures import screenshot
from tests.support.screen import wait_for
from tests.support.server import Server

pytestmark = pytest.mark.browser


def drops_of(server: Server, count: int) -> list[dict[str, Any]]:
    """Drops of alice's, "shot 0.png" and so on."""
    return [upload(server, screenshot(n, width=300 + 100 * n), f"shot {n}.png") for n in range(count)]


def album_of(server: Server, *drops: dict[str, Any], **wishes: Any) -> dict[str, Any]:
    """An album of alice's."""
    made: dict[str, Any] = server.alice.post("/api/v1/albums", json={"title": "Harbour", **wishes}).json()
    ids = [drop["id"] for drop in drops]
    server.alice.post(f"/api/v1/albums/{made['id']}/items", json={"ids": ids}).raise_for_status()
    return made


def request_of(server: Server, album: dict[str, Any], **wishes: Any) -> dict[str, Any]:
    """A request of alice's, with the path of its page."""
    wanted = {"album_id": album["id"], "title": "Your pictures", "message": "From Saturday", **wishes}
    made: dict[str, Any] = server.alice.post("/api/v1/upload-requests", json=wanted).json()
    return {**made, "path": "/r/" + made["url"].rpartition("/")[2]}


def order_of(server: Server, album: dict[str, Any]) -> list[str]:
    """What the album's files are called, in order."""
    items = server.alice.get(f"/api/v1/albums/{album['id']}/items").json()["items"]
    return [item["original_filename"] for item in items]


def names(page: Page) -> list[str]:
    """What the page that puts an album in order shows."""
    return [str(name) for name in page.locator(".ordered").evaluate_all("all => all.map(one => one.dataset.name)")]


def shows(page: Page, *wanted: str) -> None:
    """Wait until the page has these, in this order."""
    items = page.locator(".ordered")
    expect(items).to_have_count(len(wanted))
    for number, name in enumerate(wanted):
        expect(items.nth(number)).to_have_attribute("data-name", name)


def test_without_script_an_album_is_made_filled_ordered_and_deleted(server: Server, visits: Visits) -> None:
    drops_of(server, 3)
    server.key_of("alice")
    page = visits.open(script=False)
    log_in(page, server)
    page.goto(f"{server.url}/albums")
    page.get_by_label("Title").fill("Harbour")
    page.get_by_role("button", name="Make the album").click()
    page.get_by_role("link", name="Add drops").first.click()
    for number in (0, 2):
        page.get_by_label(f"shot {number}.png").check(force=True)
    page.get_by_role("button", name="Add what is ticked").click()
    shows(page, "shot 2.png", "shot 0.png")
    page.get_by_role("button", name="Move shot 0.png up").click()
    shows(page, "shot 0.png", "shot 2.png")
    page.get_by_role("button", name="Make shot 2.png the cover").click()
    expect(page.locator("[data-is-cover]")).to_be_visible()
    page.get_by_role("button", name="Take out shot 0.png").click()
    shows(page, "shot 2.png")
    page.get_by_label("Only me").check()
    page.get_by_label("Opened at most").fill("5")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Delete the album").click()
    expect(page.get_by_role("heading", name="Delete “Harbour”?")).to_be_visible()
    page.get_by_role("button", name="Delete the album").click()
    expect(page.get_by_text("You have no album yet.")).to_be_visible()


def test_with_the_keyboard_a_drop_moves_and_the_focus_stays_on_its_button(server: Server, visits: Visits) -> None:
    album = album_of(server, *drops_of(server, 3))
    page = sign_in(visits.open(), server)
    page.goto(f"{server.url}/albums/{album['id']}")
    page.get_by_role("button", name="Move shot 2.png up").focus()
    for number in (2, 1):
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"“shot 2.png” is number {number} now.")).to_be_visible()
        expect(page.get_by_role("button", name="Move shot 2.png up")).to_be_focused()
    shows(page, "shot 2.png", "shot 0.png", "shot 1.png")
    assert order_of(server, album) == ["shot 2.png", "shot 0.png", "shot 1.png"]


def test_a_drop_is_dragged_to_its_place_and_taken_out_with_a_way_back(server: Server, visits: Visits) -> None:
    album = album_of(server, *drops_of(server, 3))
    page = sign_in(visits.open(), server)
    page.goto(f"{server.url}/albums/{album['id']}?said=saved")
    heading, notice = page.locator(".page-top"), page.get_by_text("Saved.")
    expect(notice).to_be_visible()
    items = page.locator(".ordered")
    box = items.nth(0).bounding_box()
    assert box is not None
    # Onto the upper half of the first: before it.
    items.nth(2).drag_to(items.nth(0), source_position={"x": 300, "y": 10}, target_position={"x": 300, "y": 4})
    expect(page.get_by_text("“shot 2.png” is number 1 now.")).to_be_visible()
    assert order_of(server, album) == ["shot 2.png", "shot 0.png", "shot 1.png"]
    page.get_by_role("button", name="Take out shot 2.png").click()
    expect(items).to_have_count(2)
    expect(heading).to_contain_text("2 files")
    expect(notice).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(items).to_have_count(3)
    expect(heading).to_contain_text("3 files")
    wanted = ["shot 2.png", "shot 0.png", "shot 1.png"]
    wait_for(lambda: order_of(server, album) == names(page) == wanted, what="the order as it was")


def test_visitors_open_a_picture_in_place_and_go_on_with_the_arrows(server: Server, visits: Visits) -> None:
    album = album_of(server, *drops_of(server, 3))
    page = visits.open()
    page.goto(f"{server.url}/a/{album['slug']}")
    expect(page.get_by_role("heading", name="Harbour")).to_be_visible()
    page.get_by_role("link", name="shot 0.png").click()
    expect(page.get_by_text("1 of 3")).to_be_visible()
    # Not by a function to wait for: that is text which the page would have to run, and its policy says no.
    expect(page.locator(".viewer img")).not_to_have_js_property("naturalWidth", 0)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()
    expect(page.get_by_role("link", name="shot 1.png")).to_be_focused()
    assert shows_picture(page, ".tile img")


def test_a_guest_sends_files_without_script_and_reads_a_receipt(server: Server, visits: Visits, tmp_path: Path) -> None:
    wanted = request_of(server, album_of(server))
    page = visits.open(script=False, phone=True)
    page.goto(server.url + wanted["path"])
    page.get_by_label("Files").set_input_files(files(tmp_path, 2))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("All 2 sent.")).to_be_visible()
    expect(page.get_by_text("mine 1.png")).to_be_visible()


def test_a_guest_sees_each_file_arrive_and_why_one_does_not(server: Server, visits: Visits, tmp_path: Path) -> None:
    album = album_of(server)
    wanted = request_of(server, album, max_files=2)
    page = visits.open()
    page.goto(server.url + wanted["path"])
    page.get_by_label("Files").set_input_files(files(tmp_path, 3))
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".is-sent")).to_have_count(2)
    expect(page.locator(".is-wrong")).to_have_text("mine 2.pngNo more files are taken here than have come already.")
    expect(page.get_by_text("2 files sent, 1 not.")).to_be_visible()
    # The second was the last: said in the place of the form, without a reload.
    expect(page.get_by_text("Nothing more can be sent here.")).to_be_visible()
    expect(page.get_by_label("Files")).to_be_hidden()
    assert _violations(page) == []
    assert order_of(server, album) == ["mine 0.png", "mine 1.png"]


def files(folder: Path, count: int) -> list[Path]:
    """Pictures on a guest's disk."""
    paths = [folder / f"mine {n}.png" for n in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(screenshot(50 + number))
    return paths


@looks
def test_pages_of_albums_and_requests_have_no_violation(server: Server, visits: Visits, phone: bool) -> None:
    drops = drops_of(server, 5)
    server.alice.patch(f"/api/v1/uploads/{drops[2]['id']}", json={"max_views": 3}).raise_for_status()
    album, empty = album_of(server, *drops[:4], description="Three days"), album_of(server, password="sea")
    wanted = request_of(server, album)
    visitor = visits.open(phone=phone)
    for path in (f"/a/{album['slug']}", f"/a/{empty['slug']}", wanted["path"]):
        visitor.goto(server.url + path)
        assert (path, _violations(visitor)) == (path, [])
    visitor.goto(f"{server.url}/a/{album['slug']}")
    visitor.get_by_role("link", name="shot 0.png").click()
    assert ("viewer", _violations(visitor)) == ("viewer", [])
    page = sign_in(visits.open(phone=phone), server)
    one, drop = f"/albums/{album['id']}", f"/drops/{drops[0]['id']}/albums"
    asked = f"/links/requests/{wanted['id']}"
    for path in ("/albums", one, f"{one}/add", f"/albums/{empty['id']}", drop, "/links/requests", asked):
        page.goto(server.url + path)
        assert (path, _violations(page)) == (path, [])
