"""Pairing from the tray's own page with a server whose certificate nobody vouches for: the person compares first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bulletdrop import trust
from bulletdrop.tray import vault
from tests.support.screen import wait_for
from tests.support.server import PASSWORD, Server
from tests.tray.control_kit import Browser
from tests.tray.steering_kit import Controlled, controlled


@pytest.fixture
def tray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controlled]:
    # No keyring of this machine: the token goes to the file.
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    with controlled(tmp_path / "tray") as running:
        yield running


class Owner:
    """Alice, signed in at her server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        server.key_of("alice")
        given = {"identifier": "alice", "password": PASSWORD}
        token = server.anonymous.post("/api/v1/auth/login", json=given).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def offer(self) -> dict[str, str]:
        with self.server.client() as client:
            offered: dict[str, str] = client.post("/api/v1/devices/offer", headers=self.headers).json()
            return offered

    def says_yes(self, code: str) -> None:
        with self.server.client() as client:
            answer = client.post("/api/v1/devices/approve", headers=self.headers, json={"user_code": code})
            assert answer.status_code == 204, answer.text


@pytest.fixture
def owner(make_server: Callable[..., Server]) -> Owner:
    return Owner(make_server(BULLETDROP_TLS="own"))


def pin_of(owner: Owner) -> str:
    found = re.search(r'"fingerprint": "([0-9a-f]{64})"', (owner.server.data / "run" / "server.json").read_text())
    assert found is not None
    return found[1]


def listed(tray: Controlled) -> list[tuple[str, str]]:
    return [(one.url, one.fingerprint) for one in tray.small.chosen.now.servers]


def page_with(browser: Browser, words: str) -> str:
    wait_for(lambda: words in browser.get("servers").text, what=words)
    return browser.get("servers").text


def test_the_owners_code_is_shown_to_nobody_before_the_certificate_was_compared(tray: Controlled, owner: Owner) -> None:
    browser, code, pin = Browser(tray), owner.offer()["code"], pin_of(owner)
    browser.post("servers", {"do": "pair", "server": owner.server.url, "code": code})
    page = page_with(browser, "Is it this one?")
    assert trust.shown(pin) in page
    assert "device.redeem" not in owner.server.log.read_text()
    # The form that the page offers, as it stands there.
    fields = dict(re.findall(r'<input type="hidden" name="(server|code|fingerprint)" value="([^"]*)"', page))
    assert fields["fingerprint"] == pin
    browser.post("servers", {"do": "pair", **fields})
    page_with(browser, "Paired with")
    assert listed(tray) == [(owner.server.url, pin)]
    kept = vault.load_token(tray.data, owner.server.url, environ={})
    assert kept is not None
    assert kept.username == "alice"


def test_the_text_of_the_qr_code_holds_the_fingerprint_and_nothing_is_asked(tray: Controlled, owner: Owner) -> None:
    browser, link = Browser(tray), owner.offer()["link"]
    browser.post("servers", {"do": "pair", "server": link, "code": ""})
    page_with(browser, "Paired with")
    assert listed(tray) == [(owner.server.url, pin_of(owner))]


def test_with_a_code_of_the_tray_the_fingerprint_stands_beside_it(tray: Controlled, owner: Owner) -> None:
    browser = Browser(tray)
    browser.post("servers", {"do": "pair", "server": owner.server.url, "code": ""})
    page = page_with(browser, "Say yes only if it is the same")
    assert trust.shown(pin_of(owner)) in page
    found = re.search(r'pair-code mono">([A-Z-]+)<', page)
    assert found is not None
    owner.says_yes(found[1])
    page_with(browser, "Paired with")
    assert listed(tray) == [(owner.server.url, pin_of(owner))]


def test_a_fingerprint_that_is_another_one_pairs_with_nobody(tray: Controlled, owner: Owner) -> None:
    browser, code = Browser(tray), owner.offer()["code"]
    browser.post("servers", {"do": "pair", "server": owner.server.url, "code": code, "fingerprint": "ab" * 32})
    page_with(browser, "shows another certificate than the fingerprint you gave")
    assert listed(tray) == []
    assert "device.redeem" not in owner.server.log.read_text()
    browser.post("servers", {"do": "pair", "server": owner.server.url, "code": code, "fingerprint": "none"})
    page_with(browser, "64 hexadecimal digits")
