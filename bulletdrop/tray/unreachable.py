"""Why a server cannot be reached although it is there: what this system holds back, in words that name its switch."""

from __future__ import annotations

import errno
import ipaddress
import sys

from bulletdrop.tray.words import t

# Names that are only ever looked up in the network at hand (RFC 6762, RFC 8375, ICANN's .internal, and routers' own).
LOCAL_NAMES = (".local", ".home.arpa", ".internal", ".lan", ".home", ".fritz.box", ".box")


def explain_unreachable(error: BaseException, address: str, platform: str = sys.platform) -> str | None:
    """What the person can do about it, in a sentence; None when the system is not to blame.

    macOS 15 and later let a program speak to the local network only when the person has allowed it. Until then, each
    connection to a private address fails as if there were no way there: EHOSTUNREACH, "No route to host".

    Args:
        error: what connecting raised.
        address: the host that was to be reached: a name or an IP address.
    """
    if platform != "darwin" or getattr(error, "errno", None) != errno.EHOSTUNREACH or not is_local(address):
        return None
    return t("macOS may keep BulletDrop from it: System Settings, Privacy & Security, Local Network.")


def is_local(host: str) -> bool:
    """Whether a host is in the network at hand: a private address, or a name that only such networks know."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        name = host.rstrip(".").lower()
        return name != "localhost" and ("." not in name or name.endswith(LOCAL_NAMES))
    return (address.is_private or address.is_link_local) and not address.is_loopback
