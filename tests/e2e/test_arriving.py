"""A link that is opened before its bytes: "on its way", then the picture, without a reload; and without script."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, log_in, shows_picture, upload
from tests.e2e.test_pages_axe import _violations, looks
from tests.support.needs import requires
from tests.support.pictures import screenshot
from tests.support.server import Server
from tests.web.arrival_kit import ROBOT, asking, held, put

pytestmark = pytest.mark.browser
WAITING = "On its way."


class Seen:
    """What a page does: the documents that it loads, and all that it asks for."""

    def __init__(self, page: Page) -> None:
        self.documents: list[str] = []
        self.asked: list[str] = []
        page.on("request", lambda one: self._note(one.resource_type, one.url, one.is_navigation_request()))

    def _note(self, kind: str, url: str, is_navigation: bool) -> None:
        self.asked.append(f"{kind} {url.rpartition('/')[2]}")
        if is_navigation:
            self.documents.append(url)


def test_a_browser_sees_it_arrive_without_a_reload(server: Server, visits: Visits) -> None:
    slug = held(server.alice)
    url = f"{server.url}/{slug}"
    page = visits.open()
    seen = Seen(page)
    page.goto(url)
    expect(page.get_by_role("heading", name=WAITING)).to_be_visible()
    expect(page).to_have_title("On its way · BulletDrop")
    page.evaluate("window.stays = 'the same page'")
    # Longer than the pages without script take to look again.
    page.wait_for_timeout(6500)
    expect(page.get_by_role("heading", name=WAITING)).to_be_visible()
    assert seen.asked.count(f"fetch {slug}") == 0
    assert put(server.alice, slug, screenshot(3), title="Release plan").status_code == 201
    expect(page.get_by_role("heading", name="Release plan")).to_be_visible()
    assert shows_picture(page, ".stage-picture img")
    expect(page).to_have_title("Release plan · BulletDrop")
    expect(page).to_have_url(url)
    assert seen.documents == [url]
    assert page.evaluate("window.stays") == "the same page"
    # It is the drop's page in all respects.
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".toast").last).to_contain_text("Link copied.")
    assert page.evaluate("navigator.clipboard.readText()") == url
    assert _violations(page) == []
    page.reload()
    expect(page.get_by_role("heading", name="Release plan")).to_be_visible()


def test_without_script_the_page_looks_again_until_it_is_there(server: Server, visits: Visits) -> None:
    slug = held(server.alice)
    page = visits.open(script=False)
    seen = Seen(page)
    page.goto(f"{server.url}/{slug}")
    expect(page.get_by_role("heading", name=WAITING)).to_be_visible()
    assert put(server.alice, slug, screenshot(3), title="Release plan").status_code == 201
    expect(page.get_by_role("heading", name="Release plan")).to_be_visible()
    assert len(seen.documents) >= 2


def test_where_the_stream_is_kept_back_the_page_looks_by_itself(server: Server, visits: Visits) -> None:
    slug = held(server.alice)
    page = visits.open()
    page.route("**/arrival", lambda route: route.fulfill(status=429, body="{}"))
    seen = Seen(page)
    page.goto(f"{server.url}/{slug}")
    assert put(server.alice, slug, screenshot(3), title="Release plan").status_code == 201
    expect(page.get_by_role("heading", name="Release plan")).to_be_visible()
    assert len(seen.documents) == 1


def test_the_page_waits_on_while_the_server_is_started_anew(server: Server, visits: Visits) -> None:
    slug = held(server.alice)
    page = visits.open()
    seen = Seen(page)
    page.goto(f"{server.url}/{slug}")
    expect(page.get_by_role("heading", name=WAITING)).to_be_visible()
    server.stop()
    page.wait_for_timeout(3000)
    expect(page.get_by_role("heading", name=WAITING)).to_be_visible()
    server.start()
    assert put(server.alice, slug, screenshot(3), title="Release plan").status_code == 201
    expect(page.get_by_role("heading", name="Release plan")).to_be_visible()
    assert len(seen.documents) == 1


def test_what_is_refused_or_needs_a_password_takes_the_page_s_place_too(server: Server, visits: Visits) -> None:
    refused, locked = held(server.alice), held(server.alice)
    page, other, owner = visits.open(), visits.open(), visits.open()
    log_in(owner, server)
    for one in (page, owner):
        one.goto(f"{server.url}/{refused}")
    other.goto(f"{server.url}/{locked}")
    expect(other.get_by_role("heading", name=WAITING)).to_be_visible()
    put(server.alice, refused, b"just words")
    for one in (page, owner):
        expect(one.get_by_role("heading", name="Nothing will come.")).to_be_visible()
    expect(page.get_by_text("The server did not take the file")).to_be_visible()
    expect(page.get_by_text("text files")).to_have_count(0)
    expect(owner.get_by_text("This server does not take text files.")).to_be_visible()
    upload(server, screenshot(4), slug=locked, password="open sesame")
    other.get_by_label("Password", exact=True).fill("open sesame")
    other.get_by_label("Password", exact=True).press("Enter")
    assert shows_picture(other, ".stage-picture img")


def test_a_private_one_turns_for_its_owner_alone_until_it_is_everybodys(server: Server, visits: Visits) -> None:
    slug = held(server.alice)
    stranger, owner = visits.open(), visits.open()
    log_in(owner, server)
    for page in (stranger, owner):
        page.goto(f"{server.url}/{slug}")
        expect(page.get_by_role("heading", name=WAITING)).to_be_visible()
    made = put(server.alice, slug, screenshot(5), title="Salaries", is_public="false").json()
    expect(owner.get_by_role("heading", name="Salaries")).to_be_visible()
    stranger.wait_for_timeout(1500)
    expect(stranger.get_by_role("heading", name=WAITING)).to_be_visible()
    assert "Salaries" not in stranger.content()
    server.alice.patch(f"/api/v1/uploads/{made['id']}", json={"is_public": True}).raise_for_status()
    expect(stranger.get_by_role("heading", name="Salaries")).to_be_visible()


def test_curl_waits_for_the_direct_link_and_a_chats_robot_for_the_page(server: Server, tmp_path: Path) -> None:
    requires("curl", package="curl")
    slug = held(server.alice)
    data, target = screenshot(6), tmp_path / "got.png"
    outcome: list[int] = []

    def fetch() -> None:
        command = ["curl", "-sS", "--fail", "--noproxy", "*", "-o", str(target), f"{server.url}/{slug}.png"]
        outcome.append(subprocess.run(command, check=False, timeout=60).returncode)

    thread = threading.Thread(target=fetch)
    thread.start()
    robot = asking(server, f"/{slug}", **ROBOT)
    thread.join(1)
    assert thread.is_alive()
    assert put(server.alice, slug, data, title="Release plan").status_code == 201
    thread.join(30)
    assert outcome == [0]
    assert target.read_bytes() == data
    assert 'property="og:title" content="Release plan"' in robot.outcome().text


@looks
def test_its_pages_have_no_violation(make_server: Callable[..., Server], visits: Visits, phone: bool) -> None:
    server = make_server(BULLETDROP_MIN_FREE_DISK="0")
    log_in(page := visits.open(phone=phone), server)
    page.context.request.put(f"{server.url}/api/v1/account", data={"names_arrivals": True}, headers=_csrf(page))
    waiting, ended = held(server.alice), held(server.alice)
    server.alice.request("DELETE", f"/api/v1/reservations/{ended}", json={"message": "It was deleted before."})
    for slug, heading in ((waiting, WAITING), (ended, "Nothing will come.")):
        page.goto(f"{server.url}/{slug}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert (heading, _violations(page)) == (heading, [])
        # Nothing is wider than the screen.
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{server.url}/account/links#arrivals")
    expect(page.get_by_label("Say whose it is")).to_be_checked()
    assert _violations(page) == []


def test_whose_it_is_is_said_by_a_box_on_the_page_about_links(server: Server, visits: Visits) -> None:
    page, stranger = visits.open(), visits.open()
    log_in(page, server)
    page.goto(f"{server.url}/account/links")
    page.get_by_label("Say whose it is").check()
    page.get_by_role("button", name="Save what is said").click()
    expect(page.get_by_text("It counts for links that are handed out from now on")).to_be_visible()
    stranger.goto(f"{server.url}/{held(server.alice)}")
    expect(stranger.get_by_text("From alice.")).to_be_visible()


def _csrf(page: Page) -> dict[str, str]:
    cookies = {one.get("name"): one.get("value") for one in page.context.cookies()}
    return {"X-CSRF-Token": str(cookies["bd_csrf"])}
