"""The page in a real browser: from the first run to a link that a stranger opens."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable

import pytest
from playwright.sync_api import FileChooser, Page, Route, expect

from tests.e2e.page_kit import (
    PATIENCE,
    Visits,
    clipboard,
    drop,
    log_in,
    paste,
    pick,
    ready,
    set_up_code,
    shows_picture,
    sign_in,
    upload,
)
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, Server

pytestmark = pytest.mark.browser


def test_from_the_first_run_to_a_link_that_opens_in_another_profile(server: Server, visits: Visits) -> None:
    page = visits.open()
    page.goto(server.url)
    expect(page).to_have_url(f"{server.url}/setup")
    page.goto(f"{server.url}/setup#code={set_up_code(server)}")
    expect(page.get_by_label("Set-up code")).to_have_value(set_up_code(server))
    expect(page).to_have_url(f"{server.url}/setup")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Email").fill("alice@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.get_by_text("Take a screenshot, or drop a file here.")).to_be_visible()

    pick(page, ("first shot.png", screenshot(1)))
    tile = page.locator(".tile")
    expect(tile).to_have_count(1)
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    expect(page.get_by_text("Take a screenshot, or drop a file here.")).to_be_hidden()
    tile.hover()
    tile.get_by_role("button", name="Copy link of first shot.png").click()
    expect(page.locator(".toast")).to_have_text("Link copied.")
    link = clipboard(page)
    assert re.fullmatch(re.escape(server.url) + r"/\w{10}", link)

    stranger = visits.open()
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="first shot.png")).to_be_visible()
    assert shows_picture(stranger, ".stage img")
    expect(stranger.get_by_role("button", name="Delete")).to_have_count(0)
    expect(stranger.get_by_role("button", name="Copy link")).to_be_visible()


def test_files_are_dropped_and_pasted_anywhere(server: Server, visits: Visits) -> None:
    page = sign_in(visits.open(), server)
    drop(page, "dropped.png", screenshot(1))
    expect(page.locator(".tile")).to_have_count(1)
    paste(page, "image.png", screenshot(2))
    expect(page.locator(".tile")).to_have_count(2)
    # Browsers call every paste image.png; the newest lies first.
    expect(page.locator(".tile").first).to_have_attribute("data-name", re.compile(r"^Pasted \d{4}-\d\d-\d\d .*\.png$"))
    expect(page.locator(".drop-here")).to_have_count(0)
    page.reload()
    expect(page.locator(".tile")).to_have_count(2)
    sources = {item["source"] for item in server.alice.get("/api/v1/uploads").json()["items"] if "source" in item}
    assert sources <= {"web"}


def test_several_files_each_get_a_tile_and_one_toast_offers_all_links(server: Server, visits: Visits) -> None:
    page = sign_in(visits.open(), server)
    pick(page, *[(f"shot {n}.png", screenshot(n)) for n in range(6)])
    expect(page.locator(".tile")).to_have_count(6)
    page.locator(".toast").get_by_role("button", name="Copy 6 links").click()
    expect(page.locator(".toast")).to_have_text("Links copied.")
    links = clipboard(page).splitlines()
    assert len(set(links)) == 6
    assert server.anonymous.get(links[0]).status_code == 200


def test_a_refused_file_says_why_and_the_others_arrive(make_server: Callable[..., Server], visits: Visits) -> None:
    server = make_server(BULLETDROP_MAX_FILE_SIZE=str(1024 * 1024))
    page = sign_in(visits.open(), server)
    large = b"\x89PNG" + bytes(3 * 1024 * 1024)
    pick(page, ("large.png", large), ("notes.png", b"only words"), ("good.png", screenshot(3)))
    rows = page.locator(".upload")
    said = "Too large. This server takes up to 1 MB; this file has 3 MB."
    expect(rows.filter(has_text="large.png").locator(".upload-state")).to_have_text(said)
    expect(rows.filter(has_text="notes.png").locator(".upload-state")).to_contain_text("does not take text")
    expect(rows.filter(has_text="good.png").locator(".upload-state")).to_have_text("Done")
    expect(page.locator("[data-all-words]")).to_have_text("1 file uploaded, 2 not uploaded")
    expect(page.locator(".tile")).to_have_count(1)
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".uploads")).to_have_count(0)


def test_an_upload_shows_its_progress_and_can_be_cancelled(server: Server, visits: Visits) -> None:
    page = sign_in(visits.open(), server)
    _slow_down(page, bytes_per_second=60_000)
    noise = screenshot(4, width=1600, height=1000)
    pick(page, ("one.png", noise + bytes(400_000)), ("two.png", noise + bytes(400_000)))
    expect(page.locator("[data-all-words]")).to_have_text(re.compile(r"Uploading 2 files, \d+ %"))
    expect(page.locator(".upload-state").first).to_have_text(re.compile(r"\d+ % of "))
    page.get_by_role("button", name="Cancel one.png").click()
    expect(page.locator("[data-all-words]")).to_have_text(re.compile(r"Uploading 1 file, \d+ %"))
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator(".uploads")).to_have_count(0)
    page.wait_for_timeout(500)
    assert server.alice.get("/api/v1/uploads").json()["items"] == []


def test_a_deleted_drop_comes_back_by_undo(server: Server, visits: Visits) -> None:
    made = [upload(server, screenshot(n), f"shot {n}.png") for n in range(3)]
    page = sign_in(visits.open(), server)
    order = page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.id)")
    middle = page.locator(f'.tile[data-id="{made[1]["id"]}"]')
    middle.hover()
    middle.get_by_role("button", name="Delete shot 1.png").click()
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.locator(".toast")).to_contain_text("Deleted")
    assert server.anonymous.get(made[1]["url"]).status_code == 404
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Restored")
    assert page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.id)") == order
    assert server.anonymous.get(made[1]["url"]).status_code == 200


def test_the_trash_gives_back(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "gone.png")
    assert server.alice.delete(f"/api/v1/uploads/{made['id']}").is_success
    page = sign_in(visits.open(), server)
    page.get_by_role("link", name="Trash").click()
    expect(page.get_by_text("gone for good in 30 days")).to_be_visible()
    assert shows_picture(page, ".trash-face img")
    page.get_by_role("button", name="Restore gone.png").click()
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    expect(page.locator(".toast")).to_have_text("Restored. Its links work again.")
    assert server.anonymous.get(made["url"]).status_code == 200


def test_the_whole_gallery_works_by_keyboard_alone(server: Server, visits: Visits) -> None:
    for n in range(5):
        upload(server, screenshot(n), f"shot {n}.png")
    page = visits.open()
    opened: list[FileChooser] = []
    page.on("filechooser", lambda chooser: opened.append(chooser))  # from the start: subscribing takes a moment
    page.goto(server.url)
    expect(page.get_by_label("Username or email")).to_be_focused()
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(5)
    ready(page)

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert _focused(page) == "shot 3.png"
    page.keyboard.press("c")
    expect(page.locator(".toast")).to_have_text("Link copied.")
    page.keyboard.press("Delete")
    expect(page.locator(".tile")).to_have_count(4)
    expect(page.locator(".toast")).to_contain_text("Deleted")
    assert _focused(page) == "shot 2.png"
    page.keyboard.press("z")
    expect(page.locator(".tile")).to_have_count(5)
    assert _focused(page) == "shot 3.png"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("u")
    for _ in range(PATIENCE // 100):
        if opened:
            break
        page.wait_for_timeout(100)
    assert len(opened) == 1
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="shot 3.png")).to_be_visible()


def test_single_key_shortcuts_can_be_switched_off(server: Server, visits: Visits) -> None:
    upload(server, screenshot(1), "shot.png")
    page = sign_in(visits.open(), server)
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    ready(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.locator(".toast")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_on_a_phone_a_tap_brings_the_tools_within_the_thumbs_reach(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png")
    page = sign_in(visits.open(phone=True), server)
    page.locator(".tile-open").tap()
    sheet = page.locator(".touch-sheet")
    expect(sheet).to_be_visible()
    for tool in sheet.locator(".tool").all():
        box = tool.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    sheet.get_by_role("button", name="Copy link").tap()
    expect(page.locator(".toast")).to_have_text("Link copied.")
    assert clipboard(page) == made["url"]
    page.locator(".tile-open").tap()
    page.locator(".touch-sheet").get_by_role("link", name="Open").tap()
    expect(page.get_by_role("heading", name="shot.png")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_long_gallery_comes_in_parts_and_days_stay_whole(server: Server, visits: Visits) -> None:
    client = server.alice
    for n in range(70):
        files = {"file": (f"shot {n}.png", screenshot(n % 7, width=200, height=120))}
        client.post("/api/v1/uploads", files=files).raise_for_status()
    page = sign_in(visits.open(), server)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(".tile")).to_have_count(70)
    assert page.locator(".day").count() <= 2  # two only around midnight
    expect(page.locator(".more")).to_have_count(0)


def test_a_picture_that_is_withdrawn_while_it_is_looked_at_says_so(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png")
    for path, said in (("/", "Withdrawn"), (f"/{made['slug']}", "This picture was withdrawn.")):
        _mark(server, made["id"], "ready")
        page = visits.open()
        log_in(page, server)

        def withdraw(route: Route) -> None:
            _mark(server, made["id"], "broken")
            route.continue_()

        # The page is made while the picture is well; its bytes are asked for a moment later.
        page.route(re.compile(r"/i/|\.png$"), withdraw)
        page.goto(server.url + path)
        expect(page.get_by_text(said, exact=True)).to_be_visible()
        expect(page.locator(".tile img, .stage img")).to_have_count(0)
    assert server.anonymous.get(made["direct_url"]).status_code == 410


def test_reduced_motion_moves_nothing(server: Server, visits: Visits) -> None:
    page = sign_in(visits.open(), server)
    page.emulate_media(reduced_motion="reduce")
    pick(page, ("one.png", screenshot(1)))
    expect(page.locator(".tile")).to_have_count(1)
    running = "document.getAnimations().filter(one => (one.effect?.getComputedTiming().duration ?? 0) > 1).length"
    assert page.evaluate(running) == 0


def _mark(server: Server, upload_id: str, state: str) -> None:
    """What the decoder's verdict leaves in the database."""
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        blob = "(SELECT blob_id FROM upload WHERE id = ?)"
        database.execute(f"UPDATE blob SET state = ? WHERE id = {blob}", (state, upload_id))


def _focused(page: Page) -> str | None:
    return page.evaluate("document.activeElement?.closest('.tile')?.dataset.name ?? null")  # type: ignore[no-any-return]


def _slow_down(page: Page, *, bytes_per_second: int) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second},
    )
