"""What a server tells its network, and what a device makes of what anybody tells it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bulletdrop import __version__
from bulletdrop.config import load_config
from bulletdrop.core import certificate
from bulletdrop.core.site import close_site, open_site
from bulletdrop.tray.answers import CertificateChanged, Unreachable
from bulletdrop.tray.discovery import Found, merged, reach, read
from bulletdrop.web import announcing
from tests.tray.engine_kit import fake_server
from tests.tray.test_client_tls import certificate as made_certificate
from tests.tray.test_client_tls import pin

PIN = "ab" * 32
NAME = "BulletDrop on desk._bulletdrop._tcp.local."


def told(**properties: str) -> Found | None:
    return read(NAME, ["192.168.1.5"], 8484, {"tls": "1", "fp": PIN, "v": "1.0", "id": "x", **properties})


def test_what_a_server_tells_is_what_a_device_reads(tmp_path: Path) -> None:
    flags = {"data": tmp_path, "tls": "own", "site_name": "Haus am See", "min_free_disk": 0}
    config = load_config(flags, environ={})
    certificate.prepare(config)
    site = open_site(config)
    try:
        said = announcing.told_of(site)
        again = announcing.told_of(site)
    finally:
        close_site(site)
    found = read(f"{said.name}.{announcing.SERVICE}", ["192.168.1.5"], said.port, dict(said.properties))
    assert found is not None
    assert found.name == "Haus am See"
    assert found.urls == ("https://192.168.1.5:8484",)
    assert found.fingerprint == certificate.fingerprint(config)
    assert found.version == __version__
    assert found.id == again.properties["id"]
    # The id is made of the server's secret: it must not lead back to it.
    assert found.id not in site.config.secret_key
    assert all(len(f"{key}={value}".encode()) < 256 for key, value in said.properties.items())
    assert "" not in said.properties.values()


def test_a_long_name_is_cut_between_its_letters(tmp_path: Path) -> None:
    site = open_site(load_config({"data": tmp_path, "site_name": "ü" * 60, "min_free_disk": 0}, environ={}))
    try:
        said = announcing.told_of(site)
    finally:
        close_site(site)
    assert said.name == "ü" * 31
    assert len(said.name.encode()) <= 63


def test_the_public_address_is_tried_first(tmp_path: Path) -> None:
    found = told(url="https://drop.example.org")
    assert found is not None
    assert found.urls == ("https://drop.example.org", "https://192.168.1.5:8484")


@pytest.mark.parametrize(
    "properties",
    [
        {"fp": "no digits"},
        {"fp": PIN + "00"},
    ],
)
def test_a_fingerprint_that_is_none_is_nobody(properties: dict[str, str]) -> None:
    assert told(**properties) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "224.0.0.251", "fe80::1", "::1", "not an address", ""])
def test_addresses_that_lead_nowhere_are_left_out(address: str) -> None:
    assert read(NAME, [address], 8484, {"tls": "0"}) is None


def test_what_strangers_tell_cannot_deceive_a_terminal_nor_lead_elsewhere() -> None:
    found = told(
        name="Mine\x1b[2J\u202egnp\n" + "x" * 300,
        path="/../../@evil.example",
        url="javascript:alert(1)",
        v="1\r\n2",
    )
    assert found is not None
    assert found.name.isprintable()
    assert len(found.name) <= 100
    assert found.urls == ("https://192.168.1.5:8484",)
    assert found.version == "12"
    assert told(url="https://drop.example.org@evil.example") == told()


def test_http_has_no_fingerprint() -> None:
    found = told(tls="0")
    assert found is not None
    assert (found.fingerprint, found.urls) == ("", ("http://192.168.1.5:8484",))


def test_one_server_at_two_addresses_is_one_and_two_with_one_id_are_two() -> None:
    one = Found("a", ("https://1.1.1.1:1",), PIN, "1", "same")
    there = Found("a", ("https://1.1.1.2:1",), PIN, "1", "same")
    other = Found("a", ("https://6.6.6.6:1",), "cd" * 32, "1", "same")
    listed = merged([one, there, other])
    assert [found.urls for found in listed] == [("https://1.1.1.1:1", "https://1.1.1.2:1"), ("https://6.6.6.6:1",)]


def test_each_address_is_tried_until_one_answers() -> None:
    with fake_server() as server:
        found = Found("a", ("http://127.0.0.1:9", server.url))
        assert reach(found) == (server.url, "")
    with pytest.raises(Unreachable):
        reach(Found("a", ("http://127.0.0.1:9",)))


def test_what_shows_another_certificate_than_was_told_is_not_taken(tmp_path: Path) -> None:
    _, settings = made_certificate(tmp_path)
    with fake_server(settings) as server:
        assert reach(Found("a", (server.url,), pin(tmp_path))) == (server.url, pin(tmp_path))
        with pytest.raises(CertificateChanged):
            reach(Found("a", (server.url,), PIN))


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"host": "127.0.0.1"}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "192.168.1.5"}, True),
        ({"host": "0.0.0.0", "announce": "off"}, False),
    ],
)
def test_a_server_for_this_machine_alone_is_not_announced(settings: dict[str, str], wanted: bool) -> None:
    assert announcing.is_wanted(load_config(settings, environ={})) is wanted


def test_a_server_at_one_address_is_announced_there_alone() -> None:
    assert announcing.addresses(load_config({"host": "192.168.1.5"}, environ={})) == ["192.168.1.5"]
    every = announcing.addresses(load_config({"host": "0.0.0.0"}, environ={}))
    assert "127.0.0.1" not in every
    for address in every:
        socket.inet_aton(address)


@pytest.mark.parametrize(
    "name", ["docker0 docker0", "br-0123456789ab x", "veth12 x", "tailscale0 x", "wg0 x", "x vEthernet (WSL)"]
)
def test_cards_of_containers_and_tunnels_are_told_apart(name: str) -> None:
    assert announcing._VIRTUAL.match(name)


@pytest.mark.parametrize("name", ["eth0 eth0", "br0 br0", "wlan0 x", "en0 en0", "enp3s0 x", "Ethernet Realtek"])
def test_cards_that_lead_to_the_house_are_kept(name: str) -> None:
    assert not announcing._VIRTUAL.match(name)
