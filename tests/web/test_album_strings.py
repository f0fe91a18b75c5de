"""Odd and hostile text wherever albums and requests take text: no answer of 5xx, and no markup or header of its own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.postgres import fresh_database
from tests.support.server import Server
from tests.web.browser import browser, kept
from tests.web.kit import path_of, png, upload

NAUGHTY = (
    "\0", "a\0b", "\r\nX-Evil: 1", "a\tb", "\u202egnp.exe", "Z̷͕͝a̴̓l̵g̷o̶" * 30, "x" * 9000,
    "👩‍👩‍👧‍👦", "ﷺ" * 60, "\ufeff", "\u2028", "\ud7ff", "../../etc/passwd", "..%2f..%2fetc", "%00",
    "%ff", "%", "'; DROP TABLE album; --", '"><script>x</script>', "{{7*7}}", "${7*7}",
    "{% include 'base.html' %}", "javascript:alert(1)", "<!--", "]]>", "\\", "/", "?", "#", " ",
    "-1", "1e309", "٣", "null", "undefined", "NaN", "true", "İ", "ß" * 200,
)  # fmt: skip


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_no_text_breaks_an_album_its_page_its_zip_or_a_request(shared: Server, text: str) -> None:
    check(shared, text)


def test_no_text_breaks_them_on_postgres(make_server: Callable[..., Server], postgres: str) -> None:
    with fresh_database(postgres) as url:
        server = make_server(BULLETDROP_DATABASE_URL=url)
        for text in ("\0", "a\0b", "\ud7ff", "1e309", "%ff", "-1", "x" * 9000):
            check(server, text)
        server.stop()


def check(shared: Server, text: str) -> None:
    """Say the text wherever there is a place for it."""
    alice, drop = shared.alice, upload(shared.alice)
    plain = alice.post("/api/v1/albums", json={"title": "Plain"}).json()
    made = alice.post("/api/v1/albums", json={"title": text, "description": text})
    statuses = [made.status_code]
    album = made.json() if made.status_code == 201 else plain
    path, page = f"/api/v1/albums/{album['id']}", path_of(album["url"])
    statuses.append(alice.post(f"{path}/items", json={"ids": [drop["id"]]}).status_code)
    for body in ({"ids": [text]}, {"ids": [text, drop["id"]]}):
        statuses += [alice.request(method, f"{path}/items", json=body).status_code for method in ("POST", "PUT")]
    for changes in ({"cover": text}, {"sort": text}, {"password": text}, {"password": None}, {"expires_at": text}):
        statuses.append(alice.patch(path, json=changes).status_code)
    statuses.append(alice.patch(f"{path}/items/{drop['id']}", json={"before": text}).status_code)
    wanted = alice.post("/api/v1/upload-requests", json={"album_id": album["id"], "title": text, "message": text})
    statuses.append(wanted.status_code)
    statuses += addresses(shared, text, page)
    with browser(shared) as visitor:
        shown = visitor.get(page)
        assert "<script>x" not in shown.text
        assert "x-evil" not in shown.headers
        zipped = visitor.get(f"{page}/zip")
        assert "x-evil" not in zipped.headers
        assert zipfile.ZipFile(io.BytesIO(zipped.content)).namelist() == [drop["filename"]]
        if wanted.status_code == 201:
            guest = visitor.get(path_of(wanted.json()["url"]))
            assert "<script>x" not in guest.text
            sent = visitor.post(path_of(wanted.json()["url"]), files={"file": ("a.png", png(), "image/png")})
            statuses += [guest.status_code, sent.status_code]
    assert [status for status in statuses if status >= 500] == []


def addresses(server: Server, text: str, page: str) -> list[int]:
    """The text wherever an address or a form of a page takes one."""
    part, alice = quote(text[:2000], safe=""), kept(server, "alice")
    paths = [
        f"/a/{part}",
        f"/a/{part}/zip",
        f"{page}/i/{part}",
        f"{page}?start={part}",
        f"/r/{part}",
        f"/albums/{part}",
    ]
    paths += [f"/albums?cursor={part}", f"/links/requests?cursor={part}&album={part}", f"/links/requests/{part}"]
    paths += [f"/api/v1/albums/{part}/items?cursor={part}&limit={part}", f"/api/v1/albums?team={part}&cursor={part}"]
    paths += [f"/drops/{part}/albums", f"/api/v1/upload-requests?album={part}&limit={part}"]
    forms: dict[str, dict[str, Any]] = {
        "/albums": {"title": text, "team": text},
        "/links/requests": {"title": text, "album": text, "max_files": text, "max_bytes": text, "expires": text},
    }
    return [alice.get(path).status_code for path in paths] + [
        alice.post(path, data=data).status_code for path, data in forms.items()
    ]
