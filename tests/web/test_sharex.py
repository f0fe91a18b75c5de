"""The files for ShareX, run by a strict interpreter of their format against a real server, and through nginx."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulletdrop.core.people.clients import KINDS
from tests.support.proxies import MAIN, nginx
from tests.support.server import Server
from tests.support.sxcu import Broken, Sxcu
from tests.web.browser import kept as person
from tests.web.kit import path_of, png, problem
from tests.web.test_clients import key_in, made, made_there

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
PDF += b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n"
PDF += b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n101\n%%EOF\n"


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server that takes texts and PDF too, files of up to 100 KB."""
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_ACCEPTED_TYPES": "png,jpeg,text,pdf",
        "BULLETDROP_MAX_FILE_SIZE": "100000",
        "BULLETDROP_PUBLIC_URL": f"https://{MAIN}",
        "BULLETDROP_HOSTS": "127.0.0.1",
        "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1",
    }
    server = Server(tmp_path_factory.mktemp("clients") / "data", environ=environ)
    server.start()
    try:
        server.key_of("alice")
        yield server
    finally:
        server.close()


def here(server: Server, text: str) -> Sxcu:
    """A file as it is, but for the address, which leads to the server of the test."""
    return Sxcu(text.replace(f"https://{MAIN}/", f"{server.url}/"))


def test_the_file_for_sharex_is_as_its_format_asks(shared: Server) -> None:
    values = json.loads(made(shared, "sharex", "laptop"))
    assert values["Version"] == "15.0.0"
    assert values["Name"] == "BulletDrop (laptop)"
    assert values["DestinationType"] == "ImageUploader, TextUploader, FileUploader"
    assert values["RequestURL"] == f"{shared.url}/api/v1/uploads"
    assert values["ErrorMessage"] == "{json:error.message}"
    for kind in ("sharex", "sharex-links"):
        Sxcu(made(shared, kind))


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (png(), "Ein Bild ü.png", "ImageUploader"),
        (b"some text\nof two lines", "notes.txt", "TextUploader"),
        (PDF, "paper.pdf", "FileUploader"),
    ],
)
def test_sharex_gets_link_thumbnail_and_deletion_link(open_to_all: Server, data: bytes, name: str, kind: str) -> None:
    file = here(open_to_all, made_there(open_to_all, "sharex"))
    with open_to_all.client() as client:
        result = file.upload(client, data, name, as_kind=kind)
        assert result.status == 201
        assert result.url.startswith(f"https://{MAIN}/")
        assert client.get(path_of(result.url), headers={"Accept": "text/html"}).status_code == 200
        if kind == "ImageUploader":
            assert client.get(path_of(result.thumbnail), timeout=30).headers["content-type"] == "image/webp"
        # ShareX opens it in the browser, a GET: it asks, and only its button deletes.
        asked = client.get(path_of(result.deletion), headers={"Accept": "text/html"})
        assert asked.status_code == 200
        assert client.get(path_of(result.url), headers={"Accept": "text/html"}).status_code == 200
        assert client.post(path_of(result.deletion)).status_code == 200
        assert client.get(path_of(result.url), headers={"Accept": "text/html"}).status_code == 404


def test_the_link_in_sharex_is_as_its_owner_likes_links(server: Server) -> None:
    file = Sxcu(made(server, "sharex"))
    alice = person(server, "alice")
    alice.put("/api/v1/account", json={"link_ending": True}).raise_for_status()
    with server.client() as client:
        assert file.upload(client, png(), "a.png").url.endswith(".png")


def test_sharex_is_told_what_is_wrong(open_to_all: Server) -> None:
    text = made_there(open_to_all, "sharex")
    file = here(open_to_all, text)
    with open_to_all.client() as client:
        assert file.upload(client, png(200, 200), "big.png").error.startswith("Too large. This server takes up to")
        refused = file.upload(client, bytes(range(256)), "a.bin")
        assert (refused.status, bool(refused.error)) == (415, True)
        assert refused.url == refused.deletion == ""
        assert file.upload(client, b"", "a.png").error == "The file is empty. Nothing was kept."
        broken = here(open_to_all, text.replace(key_in(text), "bd_" + "x" * 43))
        assert (broken.upload(client, png(), "a.png").status, broken.upload(client, png(), "a.png").error) == (
            401,
            "This key is not known here.",
        )
        listed = json.loads(open_to_all.command("key", "list", "alice", "--json").stdout)
        (mine,) = [one for one in listed if key_in(text).startswith(one["prefix"])]
        open_to_all.command("key", "revoke", "alice", mine["id"])
        revoked = file.upload(client, png(), "a.png")
        assert (revoked.status, revoked.error) == (401, "This key was revoked. Use another one.")


def test_sharex_is_told_what_is_wrong_through_nginx_too(open_to_all: Server, tmp_path: Path) -> None:
    file = Sxcu(made_there(open_to_all, "sharex"))
    with nginx(tmp_path / "nginx", open_to_all.port) as proxy:
        hooks = {"request": [lambda request: request.headers.update({"Host": MAIN})]}
        mounted = httpx.HTTPTransport(verify=proxy.trusted)

        class ToNginx(httpx.BaseTransport):
            """The public name is this machine's nginx."""

            def handle_request(self, request: httpx.Request) -> httpx.Response:
                request.url = request.url.copy_with(host="127.0.0.1", port=proxy.https)
                request.extensions["sni_hostname"] = MAIN
                return mounted.handle_request(request)

            def close(self) -> None:
                mounted.close()

        with httpx.Client(transport=ToNginx(), event_hooks=hooks, timeout=30) as client:
            done = file.upload(client, png(), "a.png")
            assert done.status == 201
            assert done.url.startswith(f"https://{MAIN}/")
            # The example leaves the size to us: its own 413 would be HTML, and ShareX would show a fault of its own.
            large = file.upload(client, png(1500, 1500), "large.png")
            assert large.status == 413
            assert large.error.startswith("Too large. This server takes up to 98 KB")


def test_sharex_sends_texts_also_where_text_files_are_not_taken(server: Server) -> None:
    file = Sxcu(made(server, "sharex"))
    text = 'He said "{input}" \\ and\nleft: ü'
    with server.client() as client:
        problem(server.alice.put("/api/v1/uploads/talk.txt", content=text.encode()), 415, "unknown_type")
        paste = file.upload(client, text.encode(), "talk.txt", as_kind="TextUploader")
        assert paste.status == 201
        assert client.get(path_of(paste.url) + ".txt").text == text
        assert client.get(path_of(paste.deletion), headers={"Accept": "text/html"}).status_code == 200
        server.alice.patch("/api/v1/admin/settings", json={"paste_max_bytes": 10}).raise_for_status()
        assert "Too long. A text has at most 10 bytes" in until(
            lambda: file.upload(client, text.encode(), "a.txt").error
        )
        server.alice.patch("/api/v1/admin/settings", json={"pastes": "off"}).raise_for_status()
        assert "does not take text" in until(lambda: file.upload(client, text.encode(), "a.txt").error, "take text")


def until(ask: Callable[[], str], words: str = "Too long") -> str:
    """An answer once the server has noticed a new setting; the last one where it never does."""
    deadline = time.monotonic() + 30
    while words not in (said := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return said


def test_sharex_makes_short_links(shared: Server) -> None:
    with shared.client() as client:
        short = Sxcu(made(shared, "sharex-links")).shorten(client, 'https://example.org/a?b="c"&d=%20')
        assert short.status == 201
        assert client.get(path_of(short.url)).headers["location"].startswith("https://example.org/a?b=")
        wrong = Sxcu(made(shared, "sharex-links")).shorten(client, "javascript:alert(1)")
        assert wrong.status == 400
        assert wrong.error


@pytest.mark.parametrize(
    "change",
    [
        {"Version": "13.7.1"},
        {"URL": "https://h/{json:url}}"},
        {"URL": "$json:url$"},
        {"URL": "{json:url"},
        {"URL": "{nothing:url}"},
        {"Body": "JSON"},
        {"FileFormName": ""},
        {"ResponseType": "Text"},
        {"RequestURL": "h.example/up"},
        {"DestinationType": "ImageUploader, Nothing"},
        {"Headers": []},
    ],
)
def test_the_interpreter_of_the_tests_lets_no_mistake_pass(shared: Server, change: dict[str, Any]) -> None:
    values = {**json.loads(made(shared, "sharex")), **change}
    with shared.client() as client, pytest.raises(Broken):
        Sxcu(json.dumps(values)).upload(client, png(), "a.png")


def test_links_begin_with_the_public_address_whatever_the_host_header_says(open_to_all: Server) -> None:
    for kind in KINDS:
        text = open_to_all.alice.get(f"/api/v1/clients/{kind}", headers={"Host": f"127.0.0.1:{open_to_all.port}"}).text
        assert f"https://{MAIN}" in text, kind
        assert "127.0.0.1" not in text
        assert f"https://{MAIN}" in made_there(open_to_all, kind)
