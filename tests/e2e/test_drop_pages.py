"""The drop's page in a real browser: links to take along, its terms in words, the frame on a page elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, copied, log_in, upload
from tests.e2e.test_pages_axe import _violations, looks
from tests.support.pictures import screenshot
from tests.support.server import Server

pytestmark = pytest.mark.browser


def unfold(page: Page) -> None:
    """Open all that is folded."""
    for fold in page.locator("details.unfold > summary").all():
        fold.click()


@looks
def test_pages_of_a_drop_have_no_violation(server: Server, visits: Visits, phone: bool) -> None:
    shot = upload(server, screenshot(1), "shot.png", title="A title", description="Two\nlines.")
    kept = upload(server, screenshot(2), "kept.png", max_views="3", password="open sesame", is_public="true")
    stranger, owner = visits.open(phone=phone), visits.open(phone=phone)
    log_in(owner, server)
    for path in (f"/{shot['slug']}", f"/embed/{shot['id']}", f"/{kept['slug']}"):
        stranger.goto(server.url + path)
        unfold(stranger)
        assert (path, _violations(stranger)) == (path, [])
    for path in (f"/{shot['slug']}", f"/{kept['slug']}", f"/stats/{kept['id']}", f"/stats/{shot['id']}"):
        owner.goto(server.url + path)
        unfold(owner)
        assert (path, _violations(owner)) == (path, [])


def test_every_form_of_the_link_is_copied_by_its_button(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "a [shot].png")
    page = visits.open()
    page.goto(made["url"])
    page.get_by_role("button", name="Copy link").click()
    copied(page, made["url"])
    page.get_by_text("Direct link, Markdown, HTML, BBCode").click()
    expected = {
        "Direct link": made["direct_url"],
        "Markdown": rf"![a \[shot\].png]({made['direct_url']})",
        "HTML": f'<img src="{made["direct_url"]}" alt="a [shot].png">',
        "BBCode": f"[img]{made['direct_url']}[/img]",
    }
    for name, text in expected.items():
        page.get_by_role("button", name=f"Copy as {name}").click()
        expect(page.locator(".toast").last).to_have_text("Copied.")
        copied(page, text)
        expect(page.get_by_label(name, exact=True)).to_have_value(text)


def test_without_a_script_the_forms_are_there_to_be_selected(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png")
    page = visits.open(script=False)
    page.goto(made["url"])
    expect(page.get_by_role("button", name="Copy link")).to_be_hidden()
    page.get_by_text("Direct link, Markdown, HTML, BBCode").click()
    expect(page.get_by_label("BBCode", exact=True)).to_have_value(f"[img]{made['direct_url']}[/img]")
    page.get_by_text("QR code", exact=True).click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()


def test_its_owner_reads_the_terms_and_a_visitor_does_not(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png", max_views="2")
    owner, visitor = visits.open(), visits.open()
    log_in(owner, server)
    owner.goto(made["url"])
    expect(owner.locator(".about")).to_contain_text("Seen 0 of 2 times.")
    visitor.goto(made["url"])
    expect(visitor.locator(".stage img")).to_be_visible()
    expect(visitor.locator(".about")).not_to_contain_text("of 2 times")
    # The same again within a minute is no other view.
    visitor.reload()
    owner.reload()
    expect(owner.locator(".about")).to_contain_text("Seen 1 of 2 times")


def test_a_password_is_asked_for_once_and_leads_to_the_drop(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png", password="open sesame")
    page = visits.open()
    page.goto(made["url"])
    page.get_by_role("textbox", name="Password").fill("open says me")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("This password is wrong.")).to_be_visible()
    page.get_by_role("textbox", name="Password").fill("open sesame")
    page.get_by_role("button", name="Open").click()
    page.wait_for_url(made["url"])
    assert page.locator(".stage img").evaluate("it => it.decode().then(() => it.naturalWidth)") == 640
    assert page.context.request.get(made["direct_url"]).headers["content-type"] == "image/png"


@pytest.fixture
def blog(server: Server) -> Iterator[tuple[str, dict[str, Any]]]:
    """Somebody's page elsewhere with our frame in it, and the drop in that."""
    made = upload(server, screenshot(1), "shot.png")
    body = f'<title>Blog</title><iframe src="{made["embed_url"]}" width="640" height="400"></iframe>'.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is said on the test's output."""

    other = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    yield f"http://blog.localhost:{other.server_port}/", made
    other.shutdown()
    other.server_close()


def test_the_frame_shows_the_picture_on_a_page_elsewhere(
    server: Server, visits: Visits, blog: tuple[str, dict[str, Any]]
) -> None:
    url, made = blog
    page = visits.open()
    page.goto(url)
    frame = page.frame_locator("iframe")
    assert frame.locator("img").evaluate("it => it.decode().then(() => it.naturalWidth)") == 640
    with page.expect_popup() as opened:
        frame.get_by_role("link", name="shot.png").first.click()
    opened.value.wait_for_load_state()
    assert opened.value.url == made["url"]
