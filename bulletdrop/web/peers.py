"""Who is at the other end of a connection. Forwarded headers count only when a configured proxy sends them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from sanic import Request

from bulletdrop.errors import BadConfig

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_proxies(values: Sequence[str]) -> tuple[Network, ...]:
    """The setting `trusted_proxies` as networks. Raises BadConfig for what is neither address nor network."""
    try:
        return tuple(ipaddress.ip_network(value, strict=False) for value in values)
    except ValueError as error:
        raise BadConfig(
            f"trusted_proxies holds something that is no address: {error}.", field="trusted_proxies"
        ) from error


def client_address(request: Request, proxies: Sequence[Network]) -> str:
    """The client's address: the peer's, or, behind configured proxies, the last forwarded one that is not theirs."""
    peer = request.conn_info.client_ip if request.conn_info else ""
    if not proxies or not _is_trusted(peer, proxies):
        return peer
    forwarded = ",".join(request.headers.getall("x-forwarded-for", []))
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        address = _plain(hop)
        if address is None:
            break
        if not _is_trusted(address, proxies):
            return address
        peer = address
    return peer


def is_trusted_peer(request: Request, proxies: Sequence[Network]) -> bool:
    """True when a configured proxy sent this request."""
    return bool(proxies) and request.conn_info is not None and _is_trusted(request.conn_info.client_ip, proxies)


def neighbours(address: str) -> str:
    """What counts as one address: of IPv6 the whole /64, which is what one household is given."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _is_trusted(address: str, proxies: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in proxies)


def _plain(hop: str) -> str | None:
    """An address without brackets and port; None when it is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None
