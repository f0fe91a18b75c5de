"""Whose address counts: the peer's, and a forwarded one only from a configured proxy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from bulletdrop.errors import BadConfig
from bulletdrop.web.peers import client_address, parse_proxies


def asked(peer: str, *forwarded: str) -> Any:
    headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])
    return SimpleNamespace(conn_info=SimpleNamespace(client_ip=peer), headers=headers)


PROXIES = parse_proxies(["10.0.0.0/8", "::1"])

CASES = [
    ("198.51.100.1", ["203.0.113.5"], "198.51.100.1"),
    ("10.0.0.1", [], "10.0.0.1"),
    ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
    ("10.0.0.1", ["1.2.3.4, 203.0.113.5"], "203.0.113.5"),
    ("10.0.0.1", ["1.2.3.4", "203.0.113.5, 10.0.0.2"], "203.0.113.5"),
    ("10.0.0.1", ["10.0.0.7"], "10.0.0.7"),
    ("10.0.0.1", ["203.0.113.5:4711"], "203.0.113.5"),
    ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
    ("10.0.0.1", ["nonsense"], "10.0.0.1"),
    ("10.0.0.1", ["203.0.113.5, nonsense, 10.0.0.3"], "10.0.0.3"),
    ("::ffff:10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
    ("::1", ["203.0.113.5"], "203.0.113.5"),
    ("", ["203.0.113.5"], ""),
]


@pytest.mark.parametrize(("peer", "forwarded", "expected"), CASES)
def test_the_last_hop_that_is_no_proxy_of_ours_counts(peer: str, forwarded: list[str], expected: str) -> None:
    assert client_address(asked(peer, *forwarded), PROXIES) == expected


def test_without_proxies_nothing_is_believed() -> None:
    assert client_address(asked("10.0.0.1", "203.0.113.5"), ()) == "10.0.0.1"


def test_a_proxy_that_is_no_address_is_a_clear_error() -> None:
    with pytest.raises(BadConfig):
        parse_proxies(["proxy.example.org"])
