"""Why a server in the same network cannot be reached from a Mac."""

from __future__ import annotations

import errno

import pytest

from bulletdrop.tray.unreachable import explain_unreachable, is_local

NO_ROUTE = OSError(errno.EHOSTUNREACH, "No route to host")


@pytest.mark.parametrize(
    "address", ["192.168.1.20", "10.0.0.1", "[fe80::1%en0]", "fd00::1", "nas.local", "nas", "x.fritz.box"]
)
def test_on_macos_no_route_to_a_private_address_names_the_setting(address: str) -> None:
    words = explain_unreachable(NO_ROUTE, address, "darwin")
    assert words is not None
    assert "Local Network" in words


@pytest.mark.parametrize("address", ["203.0.114.5", "drop.example.org", "127.0.0.1", "localhost"])
def test_elsewhere_in_the_world_it_is_not_to_blame(address: str) -> None:
    assert explain_unreachable(NO_ROUTE, address, "darwin") is None


def test_other_errors_and_other_systems_mean_what_they_say() -> None:
    assert explain_unreachable(ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "10.0.0.1", "darwin") is None
    assert explain_unreachable(TimeoutError(), "10.0.0.1", "darwin") is None
    assert explain_unreachable(NO_ROUTE, "10.0.0.1", "linux") is None
    assert explain_unreachable(NO_ROUTE, "10.0.0.1", "win32") is None


def test_a_name_without_a_dot_is_of_this_network() -> None:
    assert is_local("server")
    assert not is_local("localhost")
