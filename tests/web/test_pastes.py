"""Texts: kept to the letter, shown with numbers and colours, and never as anything but text."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.screen import wait_for
from tests.support.server import Server
from tests.web.browser import browser, kept

PYTHON = "#!/usr/bin/env python3\ndef greet(name):\n    # hello\n    return 'Hello ' + name\n"
HOSTILE = [
    "<script>alert(1)</script>",
    "</code></pre><img src=x onerror=alert(1)>",
    "<!--",
    "'\"><svg onload=alert(1)>",
    "{{ 7 * 7 }} {% include 'base.html' %}",
    "&lt;script&gt; &amp; &#60;",
    "if user != \u202e\u2066 'admin' \u2069\u2066:  # check",
    "z\u0300\u0301\u0302" * 500,
    "\u200bzero\ufeffwidth\u2028separators\u2029",
    "a\x0cb\x1b[31mred",
    "\U0001f469\u200d\U0001f680 \U0001f3f3\ufe0f\u200d\U0001f308 العربية",
    "\r\n\r\r\n\n",
]


def paste(server: Server, content: str, name: str = "alice", **wishes: Any) -> dict[str, Any]:
    """A paste of somebody's."""
    answer = kept(server, name).post("/api/v1/pastes", json={"content": content, **wishes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def visit(server: Server, path: str, **headers: str) -> httpx.Response:
    """A visitor without a cookie asks for an address."""
    with browser(server, **headers) as client:
        return client.get(path)


def code_of(page: str) -> str:
    """The markup of the text on a page."""
    found = re.search(r"<pre [^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
    assert found is not None
    return found[1]


def shown(page: str) -> str:
    """The text that a page shows, its invisible letters as what they are."""
    code = re.sub(r'<i class="sign" data-code="(\d+)">[^<]*</i>', lambda sign: chr(int(sign[1])), code_of(page))
    return html.unescape(re.sub(r"</?(?:span|b)(?: [^>]*)?>", "", code))


def in_colours(server: Server, slug: str, first: str) -> str:
    """A text's page, once a child had a second to colour it: a machine that has none shows the text plain."""

    def page() -> str:
        text = visit(server, f"/{slug}").text
        return text if first in text else ""

    return wait_for(page, what=first)


def test_a_paste_is_kept_to_the_letter_and_shown_in_colours(shared: Server) -> None:
    made = paste(shared, PYTHON, title="Greeting")
    assert (made["mime_type"], made["title"], made["size"]) == ("text/plain", "Greeting", len(PYTHON))
    page = in_colours(shared, made["slug"], '<b class="k">def</b>')
    assert shown(page) == PYTHON
    assert "Python · 4 lines" in page
    code = code_of(page)
    assert '<b class="k">def</b>' in code
    assert '<b class="f">greet</b>' in code
    assert '<b class="c"># hello</b>' in code
    assert "style=" not in code
    raw = visit(shared, f"/{made['slug']}.txt")
    assert raw.content == PYTHON.encode()
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in raw.headers["content-security-policy"]


@pytest.mark.parametrize("language", ["", "html", "python", "markdown"])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_no_text_becomes_markup(shared: Server, number: int, language: str) -> None:
    text = f"{HOSTILE[number]}\nlast {number} {language}"
    made = paste(shared, text, title=HOSTILE[0], language=language)
    page = visit(shared, f"/{made['slug']}").text
    markup = code_of(page)
    # Nothing but our own elements, with our own attributes.
    ours = re.compile(r'<span class="l" id="L\d+">|<b class="[a-z]">|<i class="sign" data-code="\d+">|</(?:span|b|i)>')
    assert "<" not in ours.sub("", markup)
    assert shown(page).replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").replace("\r", "\n")
    for turning in "\u202e\u2066\u2069":
        assert turning not in markup
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("", "content"),
        (" \n\t", "content"),
        ("a\0b", "content"),
        ("a\x01b", "content"),
        (17, "content"),
        (None, "content"),
    ],
)
def test_what_is_no_text_is_refused(shared: Server, content: Any, field: str) -> None:
    answer = kept(shared, "alice").post("/api/v1/pastes", json={"content": content})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_half_a_letter_is_refused(shared: Server) -> None:
    answer = kept(shared, "alice").post(
        "/api/v1/pastes", content=b'{"content": "a\\ud800b"}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


def test_a_text_that_looks_like_another_type_stays_a_text(shared: Server) -> None:
    for start in ("%PDF-1.7\n%%EOF", "GIF87a and so on", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"):
        made = paste(shared, start)
        assert made["mime_type"] == "text/plain"
        assert visit(shared, f"/{made['slug']}.txt").headers["content-type"] == "text/plain; charset=utf-8"


def test_the_longest_text_is_as_the_admin_says(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_PASTE_MAX_BYTES="1000")
    assert paste(server, "é" * 500)["size"] == 1000
    answer = kept(server, "alice").post("/api/v1/pastes", json={"content": "é" * 500 + "a"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (413, "content")
    answer = kept(server, "alice").post("/api/v1/pastes", json={"content": "a" * 200_000})
    assert answer.status_code == 413
    large = make_server(BULLETDROP_PASTE_MAX_BYTES="200000")
    for text in ("é" * 100_000, "\U0001f600" * 50_000):
        assert paste(large, text)["size"] == 200_000
        escaped = json.dumps({"content": text}).encode()
        sent = kept(large, "alice").post(
            "/api/v1/pastes", content=escaped, headers={"Content-Type": "application/json"}
        )
        assert sent.status_code == 201, sent.text
    off = make_server(BULLETDROP_PASTES="off")
    assert kept(off, "alice").post("/api/v1/pastes", json={"content": "a"}).status_code == 403
    assert "This server takes no texts" in kept(off, "alice").get("/paste").text


def test_a_paste_has_the_terms_of_every_drop(server_on: Server) -> None:
    wishes: dict[str, Any] = {
        "max_views": 1,
        "password": "open sesame",
        "custom_name": "note",
        "expires_at": "2099-01-01T00:00:00Z",
    }
    made = paste(server_on, "only once", **wishes)
    assert visit(server_on, "/note").status_code == 401
    opened = visit(server_on, "/note", **{"X-Share-Password": "open sesame"})
    assert "only once" in opened.text
    assert visit(server_on, "/note", **{"X-Share-Password": "open sesame"}).status_code == 410
    assert "only once" not in visit(server_on, "/note.txt", **{"X-Share-Password": "open sesame"}).text
    private = paste(server_on, "for nobody", is_public=False)
    assert visit(server_on, f"/{private['slug']}").status_code == 404
    assert made["expires_at"].startswith("2099")


def test_equal_texts_are_kept_once_and_count_for_each(shared: Server) -> None:
    first, second = paste(shared, "the same"), paste(shared, "the same", "charlie")
    assert first["sha256"] == second["sha256"]
    assert first["slug"] != second["slug"]


def test_a_repeat_with_the_same_key_is_answered_with_the_first_paste(shared: Server) -> None:
    said, body = {"Idempotency-Key": "paste once"}, {"content": "once"}
    first = kept(shared, "alice").post("/api/v1/pastes", json=body, headers=said)
    again = kept(shared, "alice").post("/api/v1/pastes", json=body, headers=said)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"


def test_the_form_works_without_script_and_keeps_what_was_typed(shared: Server) -> None:
    alice = kept(shared, "alice")
    del alice.headers["X-CSRF-Token"]
    try:
        fields = {"csrf": alice.cookies["bd_csrf"], "content": "one\r\ntwo\r\n" + "x" * 200_000, "title": "Form"}
        sent = alice.post("/paste", files={name: (None, value) for name, value in fields.items()})
        assert sent.status_code == 303, sent.text
        raw = alice.get(f"{sent.headers['location']}.txt").text
        named = {**fields, "custom_name": "Pasted-Note"}
        sent = alice.post("/paste", files={name: (None, value) for name, value in named.items()})
        assert sent.headers.get("location") == "/Pasted-Note", sent.text
        assert raw.startswith("one\ntwo\nx")
        wrong = alice.post("/paste", files={**{n: (None, v) for n, v in fields.items()}, "custom_name": (None, "a b")})
        assert wrong.status_code == 400
        assert "one\r\ntwo" in wrong.text
        assert "A name has 1 to 100 letters" in wrong.text
        forged = alice.post("/paste", files={"content": (None, "x"), "csrf": (None, "nonsense")})
        assert forged.status_code == 403
    finally:
        alice.headers["X-CSRF-Token"] = alice.cookies["bd_csrf"]


def test_a_text_file_that_was_uploaded_is_shown_as_a_paste_is(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_ACCEPTED_TYPES="png,text")
    sent = kept(server, "alice").post("/api/v1/uploads", files={"file": ("greet.py", PYTHON.encode())}).json()
    assert shown(in_colours(server, sent["slug"], '<b class="k">def</b>')) == PYTHON
    long = kept(server, "alice").post("/api/v1/uploads", files={"file": ("a.py", b"x = 1\n" * 300_000)}).json()
    page = visit(server, f"/{long['slug']}").text
    assert "This is the beginning." in page
    assert shown(page) == ("x = 1\n" * 300_000)[: 1024 * 1024]


def test_a_text_that_holds_its_lexer_up_is_shown_plain_and_holds_up_nobody_else(shared: Server) -> None:
    hostile = "/" * 400_000
    made = paste(shared, hostile, language="c")
    page, began = visit(shared, f"/{made['slug']}"), time.monotonic()
    assert shown(page.text).rstrip("\n") == hostile
    assert 'class="c"' not in page.text
    # It is known now.
    assert visit(shared, f"/{made['slug']}").status_code == 200
    assert time.monotonic() - began < 10


def test_a_text_of_very_many_lines_is_shown_without_numbers(shared: Server) -> None:
    made = paste(shared, "x\n" * 30_000, language="python")
    page = visit(shared, f"/{made['slug']}").text
    assert 'class="l"' not in page
    assert shown(page) == "x\n" * 30_000


@pytest.mark.parametrize("language", ["text", "python"])
def test_a_text_of_signs_makes_no_page_of_many_megabytes(shared: Server, language: str) -> None:
    made = paste(shared, "first\n" + "\u202e\x0c" * 120_000, language=language)
    page = visit(shared, f"/{made['slug']}")
    assert len(page.content) < 2.5 * 1024 * 1024
    assert "This is the beginning." in page.text
    assert "first" in code_of(page.text)


def test_its_owner_says_later_which_language_it_is(shared: Server) -> None:
    made = paste(shared, "select 1 from here")
    assert made["language"] == "text"
    alice, own = kept(shared, "alice"), f"/api/v1/uploads/{made['id']}"
    assert alice.patch(own, json={"language": "SQL"}).json()["language"] == "sql"
    in_colours(shared, made["slug"], '<b class="k">select</b>')
    wrong = alice.patch(own, json={"language": "klingon"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "language")
    sent = alice.post(f"/drops/{made['id']}/change", data={"do": "text", "title": "", "language": "python"})
    assert sent.status_code == 303
    assert "Python · 1 line" in visit(shared, f"/{made['slug']}").text


def test_a_private_text_is_shown_through_a_share_link_and_nowhere_else(shared: Server) -> None:
    made = paste(shared, PYTHON + "# by link\n", is_public=False)
    link = kept(shared, "alice").post(f"/api/v1/uploads/{made['id']}/share", json={}).json()
    path = f"/l/{link['url'].rpartition('/')[2]}"
    page = visit(shared, path).text
    assert shown(page) == PYTHON + "# by link\n"
    raw = re.search(r'href="([^"]+)">Raw<', page)
    assert raw is not None
    assert raw[1].startswith(path)
    with browser(shared) as client:
        client.get(path)
        assert client.get(raw[1]).text == PYTHON + "# by link\n"
    for own in (f"/{made['slug']}", f"/{made['slug']}.txt"):
        assert visit(shared, own).status_code == 404


def test_a_robot_is_shown_no_text_of_a_paste_with_terms(shared: Server) -> None:
    made = paste(shared, "a secret plan", max_views=3, title="Plan")
    seen = visit(shared, f"/{made['slug']}", **{"User-Agent": "Mozilla/5.0 (compatible; Discordbot/2.0)"})
    assert "a secret plan" not in seen.text
    with browser(shared) as client:
        assert "a secret plan" not in client.head(f"/{made['slug']}").text
