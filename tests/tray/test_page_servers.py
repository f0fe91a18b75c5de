"""The page's part “Servers”: addresses as people write them, a pairing over plain http, what cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.errors import Invalid
from bulletdrop.tray import vault
from bulletdrop.tray.meeting import address_of
from bulletdrop.tray.words import speak
from tests.support.server import Server
from tests.tray.control_kit import Browser
from tests.tray.engine_kit import eventually
from tests.tray.steering_kit import Controlled, controlled
from tests.web.browser import signed_in


@pytest.fixture
def tray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controlled]:
    # No keyring of this machine: keys go into files.
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.delenv("BULLETDROP_TOKEN", raising=False)
    with controlled(tmp_path / "tray") as running:
        yield running


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("drop.example.org", "https://drop.example.org"),
        ("https://drop.example.org/", "https://drop.example.org"),
        ("http://drop.example.org/under/", "http://drop.example.org/under"),
        ("192.168.1.20:8484", "http://192.168.1.20:8484"),
        ("localhost:8484", "http://localhost:8484"),
        ("nas", "http://nas"),
        ("nas.local:8484", "http://nas.local:8484"),
    ],
)
def test_an_address_is_made_whole_as_it_is_meant(written: str, meant: str) -> None:
    assert address_of(written) == meant


WRONG = ["", "http://", "ftp://x.example", "javascript://x", "a b.example", 'x".example', "http://a:b@x.example", "x:p"]


@pytest.mark.parametrize("written", WRONG)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match="no address of a server"):
        address_of(written)


def test_a_code_is_shown_its_owner_says_yes_and_the_key_is_kept(tray: Controlled, server: Server) -> None:
    browser = Browser(tray)
    browser.post("servers", {"do": "pair", "server": server.url})
    shown = eventually(lambda: re.search(r'pair-code mono">([A-Z0-9-]+)<', browser.get("servers").text))
    assert f'href="{server.url}' in browser.get("servers").text
    with signed_in(server, "alice") as alice:
        assert alice.post("/api/v1/devices/approve", json={"user_code": shown[1]}).status_code == 204
    eventually(lambda: "Paired with" in browser.get("servers").text, 30)
    stored = vault.load_token(tray.data, server.url)
    assert stored is not None
    assert (stored.server, stored.token.startswith("bd_")) == (server.url, True)
    assert [one.url for one in tray.small.chosen.now.servers] == [server.url]
    assert ("pair", None) in tray.small.did
    assert stored.token not in browser.get("servers").text
    # Out of the list, the key is forgotten with it.
    browser.post("servers", {"do": "remove", "server": server.url})
    assert vault.load_token(tray.data, server.url) is None
    assert not list(tray.small.chosen.now.servers)


def test_a_pairing_that_cannot_work_says_why(tray: Controlled) -> None:
    browser = Browser(tray)
    browser.post("servers", {"do": "pair", "server": "http://127.0.0.1:1"})
    eventually(lambda: "said-notice danger" in browser.get("servers").text, 30)
    browser.post("servers", {"do": "pair", "server": "no address"})
    assert "This is no address of a server." in browser.get("servers").text
    browser.post("servers", {"do": "pair-end"})
    assert browser.post("servers", {"do": "pair-found", "server": "http://192.168.1.1"}).status == 303
    assert "not to be seen" in browser.get("servers").text


def test_the_order_of_servers_is_the_persons(tray: Controlled) -> None:
    from bulletdrop.tray.preferences import Server as Listed

    tray.small.chosen.change(servers=(Listed(url="https://one.example"), Listed(url="https://two.example", name="Two")))
    browser = Browser(tray)
    page = browser.get("servers").text
    assert page.index("one.example") < page.index("two.example")
    browser.post("servers", {"do": "first", "server": "https://two.example"})
    assert [one.url for one in tray.small.chosen.now.servers] == ["https://two.example", "https://one.example"]
    assert browser.post("servers", {"do": "remove", "server": "https://three.example"}).status == 303
    assert "not in the list" in browser.get("servers").text
    assert len(tray.small.chosen.now.servers) == 2


def test_in_german_the_page_says_where_the_key_lies_and_what_is_wrong(tray: Controlled) -> None:
    browser = Browser(tray)
    speak("de")
    try:
        page = browser.get("servers").text
        assert "dem Schlüsselbund (Secret Service)" in page
        assert "keyring" not in page
        browser.post("servers", {"do": "foreign", "uploader": "{}"})
        assert "Diese Datei ist kein Uploader: Ihr fehlt Version." in browser.get("servers").text
        browser.post("servers", {"do": "pair", "server": "ftp://x.example"})
        assert "Das ist keine Adresse eines Servers." in browser.get("servers").text
    finally:
        speak("en")
