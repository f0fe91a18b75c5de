"""Finds the servers of this network (mDNS, DNS-SD), while somebody looks and no longer."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.tray.answers import CertificateChanged, Unreachable
from bulletdrop.tray.client import Client

log = get_logger("discovery")

SERVICE = "_bulletdrop._tcp.local."
# Most answer within a second; a phone that sleeps or a slow Wi-Fi needs a second question (RFC 6762, 5.2).
SECONDS = 3.0
# One address that does not answer must not cost the ten seconds of an upload.
CONNECT_SECONDS = 2.0
_MOST = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A server that told the network of itself. Anybody in it may say anything: what counts is what it then shows.

    Args:
        name: what it calls itself.
        urls: the addresses to try, the likeliest first.
        fingerprint: SHA-256 of the certificate that it says it has; "" for http, or where others vouch for it.
        version: of its program.
        id: the same for one server at all its addresses.
    """

    name: str
    urls: tuple[str, ...]
    fingerprint: str = ""
    version: str = ""
    id: str = ""

    def fields(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name,
            "urls": list(self.urls),
            "fingerprint": self.fingerprint,
            "version": self.version,
            "id": self.id,
        }


class Looking:
    """Looks for servers from `start` to `stop`; `found` may be asked all the time.

    Args:
        interfaces: this machine's addresses to look from; None for all of them.
    Raises: Unreachable from `start` when this machine has no network to look in.
    """

    def __init__(self, interfaces: Iterable[str] | None = None) -> None:
        self._interfaces = list(interfaces) if interfaces is not None else None
        self._lock = threading.Lock()
        self._found: dict[str, Found] = {}
        self._zeroconf: Any = None
        self._browser: Any = None

    def start(self) -> Looking:
        """Begin to look."""
        from zeroconf import InterfaceChoice, IPVersion, ServiceBrowser, Zeroconf

        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
        try:
            self._zeroconf = Zeroconf(interfaces=self._interfaces or InterfaceChoice.All, ip_version=IPVersion.V4Only)
            self._browser = ServiceBrowser(self._zeroconf, SERVICE, handlers=[self._heard])
        except OSError as error:
            self.stop()
            raise Unreachable(f"There is no network to look in: {error.strerror or error}.") from error
        return self

    def found(self) -> list[Found]:
        """The servers so far, by name."""
        with self._lock:
            return merged(self._found.values())

    def stop(self) -> None:
        """End. Calling it twice is fine."""
        made, self._zeroconf = self._zeroconf, None
        if made is not None:
            with contextlib.suppress(Exception):
                made.close()

    def __enter__(self) -> Looking:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _heard(self, zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:
        from zeroconf import ServiceStateChange

        if state_change is ServiceStateChange.Removed:
            with self._lock:
                self._found.pop(name, None)
            return
        # Asking for the rest waits for the network: not in the thread that hears it.
        threading.Thread(target=self._ask, args=(zeroconf, service_type, name), name="discovery", daemon=True).start()

    def _ask(self, zeroconf: Any, service_type: str, name: str) -> None:
        with contextlib.suppress(Exception):
            info = zeroconf.get_service_info(service_type, name, timeout=3000)
            if info is None:
                return
            found = read(name, info.parsed_addresses(), info.port, info.decoded_properties)
            with self._lock:
                if found is not None and len(self._found) < _MOST:
                    self._found[name] = found


def look(seconds: float = SECONDS, *, interfaces: Iterable[str] | None = None) -> list[Found]:
    """The servers that answer within this time. Raises Unreachable without a network."""
    with Looking(interfaces) as looking:
        time.sleep(seconds)
        return looking.found()


def read(name: str, addresses: Iterable[str], port: int | None, properties: Mapping[str, str | None]) -> Found | None:
    """A server from what it told of itself; None for what is none, or no address could be made of."""
    told = {key: _plain(value or "") for key, value in properties.items()}
    secure = told.get("tls") == "1"
    fingerprint = told.get("fp", "").lower()
    if not port or (fingerprint and not re.fullmatch(r"[0-9a-f]{64}", fingerprint)):
        return None
    path = told.get("path", "").rstrip("/")
    path = path if re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) else ""
    urls = [f"{'https' if secure else 'http'}://{_host(one)}:{port}{path}" for one in addresses if _is_usable(one)]
    public = told.get("url", "")
    if _is_address(public):
        # By the name that people use somebody may vouch for it; and then its certificate may be renewed.
        urls.insert(0, public.rstrip("/"))
    if not urls:
        return None
    shown = told.get("name") or name.removesuffix(f".{SERVICE}")
    return Found(shown[:100], tuple(urls), fingerprint if secure else "", told.get("v", "")[:40], told.get("id", ""))


def merged(found: Iterable[Found]) -> list[Found]:
    """One entry for each server: two networks, or a rename, may give several."""
    by_id: dict[str, Found] = {}
    for one in found:
        key = one.id or f"{one.name} {one.urls}"
        before = by_id.get(key)
        # Same id with another certificate is not the same server, whatever it says.
        if before is not None and before.fingerprint != one.fingerprint:
            key = f"{key} {one.fingerprint}"
            before = by_id.get(key)
        urls = dict.fromkeys((*(before.urls if before else ()), *one.urls))
        by_id[key] = Found(one.name, tuple(urls), one.fingerprint, one.version, one.id)
    return sorted(by_id.values(), key=lambda one: (one.name.lower(), one.urls))


def reach(found: Found, *, connect_seconds: float = CONNECT_SECONDS) -> tuple[str, str]:
    """The first address of a server that answers as it should, and the fingerprint to hold it to from now on.

    Returns: (address, fingerprint); the fingerprint is "" where the system trusts the certificate, or for http.
    Raises: Unreachable when none answers; CertificateChanged when those that do show another certificate than was told.
    """
    failed: BulletDropError = Unreachable(f"“{found.name}” does not answer.")
    for url in found.urls:
        parts = urlsplit(url)
        # A name that people use: the system's trust first. Addresses in numbers nobody vouches for.
        ways = ("", found.fingerprint) if not _is_number(parts.hostname or "") else (found.fingerprint,)
        for pin in dict.fromkeys(ways):
            if parts.scheme == "http" and pin:
                continue
            client = Client(url, connect_seconds=connect_seconds, answer_seconds=connect_seconds, fingerprint=pin)
            try:
                client.health()
                return url, pin
            except CertificateChanged as error:
                failed = error
            except BulletDropError as error:
                failed = failed if isinstance(failed, CertificateChanged) else error
            finally:
                client.close()
    raise failed


def _plain(text: str) -> str:
    """Without what would make a terminal or a list lie: control characters and those that turn the direction."""
    return "".join(char for char in text if char.isprintable())


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _is_usable(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return ip.version == 4 and not (ip.is_loopback or ip.is_multicast or ip.is_unspecified)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
