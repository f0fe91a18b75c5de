"""Short links and texts in a real browser: with and without script, on a phone, in the dark."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.page_kit import Visits, log_in
from tests.e2e.test_pages_axe import _violations, looks
from tests.support.server import Server

pytestmark = pytest.mark.browser

_ARRIVED = b"<h1>Arrived</h1>"
CODE = "def greet(name):\n\t# one\n\treturn '\u202eolleH\x0c' + name\n"


class Far:
    """A server elsewhere, which notes where its visitors say that they come from."""

    def __init__(self) -> None:
        self.came_from: list[str | None] = []
        far = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith("/far"):
                    far.came_from.append(self.headers.get("referer"))
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(_ARRIVED)))
                self.end_headers()
                self.wfile.write(_ARRIVED)

            def log_message(self, *_: Any) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Another site than 127.0.0.1 to a browser.
        self.url = f"http://localhost:{self.server.server_port}/far"


@pytest.fixture
def far() -> Iterator[Far]:
    """A server elsewhere."""
    found = Far()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def made(server: Server, path: str, **wishes: object) -> dict[str, Any]:
    answer = server.alice.post(f"/api/v1/{path}", json=wishes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("script", [True, False])
def test_a_link_with_a_password_leads_on_once_it_was_typed(
    server: Server, visits: Visits, far: Far, script: bool
) -> None:
    link = made(server, "short-links", url=far.url, password="open sesame")
    page = visits.open(script=script)
    page.goto(f"{server.url}/{link['slug']}")
    page.get_by_label("Password", exact=True).fill("open sesame")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("heading", name="Arrived")).to_be_visible()
    page.goto(f"{server.url}/{made(server, 'short-links', url=far.url)['slug']}+")
    page.get_by_role("link", name="Continue to localhost").click()
    expect(page.get_by_role("heading", name="Arrived")).to_be_visible()
    assert far.came_from == [None, None]


@pytest.mark.parametrize("script", [True, False])
def test_a_person_makes_changes_switches_off_and_deletes_a_short_link(
    server: Server, visits: Visits, script: bool
) -> None:
    server.key_of("alice")
    page = visits.open(script=script)
    log_in(page, server)
    page.goto(f"{server.url}/links/short")
    page.get_by_role("textbox", name="Where it leads").fill("https://example.org/a")
    page.get_by_role("button", name="Shorten").click()
    expect(page.get_by_role("status").filter(has_text="The short link is ready.")).to_be_visible()
    page.get_by_label("Title optional").fill("Our page")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Our page")).to_be_visible()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("It is switched off and leads nowhere.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    if script:
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    else:
        page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No short links yet.")).to_be_visible()
    assert server.alice.get("/api/v1/short-links").json()["items"] == []


def test_a_text_is_sent_with_the_keyboard_and_copied_to_the_letter(server: Server, visits: Visits) -> None:
    server.key_of("alice")
    page = visits.open()
    log_in(page, server)
    page.goto(f"{server.url}/paste")
    page.get_by_label("Text", exact=True).fill(CODE)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".text-lines .l")).to_have_count(3)
    page.get_by_role("button", name="Copy the text").click()
    expect(page.get_by_text("Text copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == CODE
    page.get_by_label("Wrap lines").check()
    assert page.evaluate("getComputedStyle(document.querySelector('.text-lines')).whiteSpace") == "pre-wrap"


def test_a_text_is_pasted_without_script(server: Server, visits: Visits) -> None:
    server.key_of("alice")
    page = visits.open(script=False)
    log_in(page, server)
    page.goto(f"{server.url}/paste")
    page.get_by_label("Text", exact=True).fill(CODE)
    page.get_by_label("Colours of").select_option("python")
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator(".text-lines")).to_contain_text("def greet")
    # On a machine that has no second to spare the text is plain at the first look.
    while not page.locator(".text-lines .k").count():
        page.reload()
    expect(page.locator(".text-lines .k").first).to_have_text("def")
    page.get_by_role("link", name="Raw").click()
    expect(page.locator("pre").first).to_have_text(re.compile(r"^def greet\(name\):"))


@looks
def test_pages_of_short_links_and_texts_have_no_violation(server: Server, visits: Visits, phone: bool) -> None:
    page = visits.open(phone=phone)
    books = made(server, "short-links", url="https://bücher.example/ä?b", title="Books")
    locked = made(server, "short-links", url="https://example.org", max_views=2)
    text = made(server, "pastes", content=CODE + "x = 'long " * 60, language="python")
    diff = made(server, "pastes", content="--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n", language="diff")
    visitors = (f"/{books['slug']}+", f"/{locked['slug']}+", f"/{text['slug']}", f"/{diff['slug']}#L2")
    for path in visitors:
        page.goto(server.url + path)
        assert (path, _violations(page)) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    log_in(page, server)
    for path in ("/links/short", f"/links/short/{books['id']}", "/links/short?q=nothing", "/paste"):
        page.goto(server.url + path)
        assert (path, _violations(page)) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
