"""Origin: the address that all of our links start with, from the settings and never from a request."""

from __future__ import annotations

import ipaddress
import socket
import time
from functools import lru_cache
from urllib.parse import urlsplit

from bulletdrop.config import Config

_KEEP_SECONDS = 10
_WILDCARDS = {"", "0.0.0.0", "::", "[::]"}


def public_base(config: Config) -> str:
    """The address that links start with: `public_url`, else this machine's own on the LAN (or loopback)."""
    if config.public_url:
        return config.public_url
    host = _recent_lan_address(int(time.monotonic() // _KEEP_SECONDS)) if config.host in _WILDCARDS else config.host
    return f"{scheme(config)}://{f'[{host}]' if ':' in host else host}:{config.port}"


def only_here(config: Config) -> str:
    """The host that links lead to when that is this machine alone (loopback), where nobody else gets; else ""."""
    host = urlsplit(public_base(config)).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return host
    try:
        return host if ipaddress.ip_address(host).is_loopback else ""
    except ValueError:
        return ""


def scheme(config: Config) -> str:
    """What this server itself speaks: https or http. A proxy before it may speak another."""
    return "http" if config.tls == "off" else "https"


def is_https(config: Config) -> bool:
    """True when people reach this server by https."""
    return config.public_url.startswith("https://") if config.public_url else config.tls != "off"


@lru_cache(maxsize=1)
def _recent_lan_address(_moment: int) -> str:
    """The LAN address, asked for once in a while: a list of drops has hundreds of links, and Wi-Fi changes seldom."""
    return lan_address()


def lan_address() -> str:
    """The address of the interface that leads out of this machine; 127.0.0.1 when there is none. Sends nothing."""
    # A documentation address (RFC 5737), and where no way leads out, the one where mDNS is spoken: a UDP connect only
    # asks the routing table.
    for far in ("192.0.2.1", "224.0.0.251"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((far, 9))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return "127.0.0.1"
