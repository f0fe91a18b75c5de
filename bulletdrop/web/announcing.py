"""Tells the network that this server is here (mDNS, DNS-SD), so that a device finds it without an address."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import re
import socket
import threading
from dataclasses import dataclass
from typing import Any

from bulletdrop import __version__
from bulletdrop.config import Config
from bulletdrop.core import certificate
from bulletdrop.core.site import Site
from bulletdrop.log import get_logger

log = get_logger("announcing")

SERVICE = "_bulletdrop._tcp.local."
# After the server answers: what it takes to load the library must not hold up its first requests.
LATER_SECONDS = 1.0
# A network that came, went or gave another address is noticed after this, in seconds.
LOOK_SECONDS = 30.0
# The goodbye is a courtesy: others forget us by themselves in two minutes.
GOODBYE_SECONDS = 1.0
# RFC 6763, 4.1.1: a name in a list of services has at most 63 bytes.
_LONGEST_NAME = 63
# What containers, virtual machines and tunnels add: nobody in the house reaches us by them.
_VIRTUAL = re.compile(
    r"(docker|veth|virbr|vmnet|vboxnet|vnet|lxc|lxd|cni|flannel|cali|podman|tun|tap|utun|wg|tailscale|zt|nordlynx|ham)"
    r"|br-[0-9a-f]{12}|.*(vEthernet|VirtualBox|VMware|Hyper-V|WSL|TAP-Windows|WireGuard|Tailscale)"
)
_ANYWHERE = ("", "0.0.0.0", "::")


@dataclass(frozen=True)
class Told:
    """What is told of a server: the name in the list, the port, and the properties."""

    name: str
    port: int
    properties: dict[str, str]

    @property
    def host(self) -> str:
        """A name of its own for the address: the machine's belongs to the system's own responder."""
        return f"bulletdrop-{self.properties['id'][:12]}.local."


def told_of(site: Site) -> Told:
    """What the network hears of this server."""
    config = site.config
    machine = socket.gethostname().partition(".")[0] or "this machine"
    name = config.site_name if config.site_name != "BulletDrop" else f"BulletDrop on {machine}"
    own_id = hmac.new(config.secret_key.encode(), b"the server's name in its network", hashlib.sha256).hexdigest()[:32]
    properties = {
        "id": own_id,
        "v": __version__,
        "name": _cut(name),
        "tls": "0" if config.tls == "off" else "1",
        "fp": certificate.fingerprint(config),
        "path": "/",
    }
    if config.public_url and len(config.public_url) < 200:
        properties["url"] = config.public_url
    # A point in it would be read as the end of a part by programs that are less exact than the RFC.
    return Told(_cut(name.replace(".", " ")), config.port, {key: value for key, value in properties.items() if value})


def is_wanted(config: Config) -> bool:
    """Whether there is anything to announce: not on this machine alone, and not when it is switched off."""
    return config.announce == "on" and not _is_loopback(config.host)


def addresses(config: Config) -> list[str]:
    """The IPv4 addresses under which others in the network may reach this server."""
    if config.host not in _ANYWHERE:
        return [config.host] if ":" not in config.host and not _is_loopback(config.host) else []
    import ifaddr

    found: dict[str, str] = {}
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            if isinstance(one.ip, str) and not _is_loopback(one.ip):
                found[one.ip] = f"{adapter.name} {adapter.nice_name}"
    real = [address for address, name in found.items() if not _VIRTUAL.match(name)]
    # Where all look virtual, as inside a container, one of them is the way in.
    return sorted(real or found)


class Announcement:
    """One server's announcement, in a thread of its own: neither start nor end of the server waits for the network."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stopped = threading.Event()
        self._responder: Any = None
        self._at: list[str] = []
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="announcing", daemon=True)

    def start(self) -> None:
        """Begin, soon."""
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye. Takes at most GOODBYE_SECONDS."""
        self._stopped.set()
        self._thread.join(GOODBYE_SECONDS)

    def _run(self) -> None:
        pause = LATER_SECONDS
        while not self._stopped.wait(pause):
            pause = LOOK_SECONDS
            try:
                self._look()
            except Exception as error:
                self._leave()
                self._say_once(str(error) or type(error).__name__)
        self._leave()

    def _look(self) -> None:
        now = addresses(self._site.config)
        if now == self._at:
            return
        self._leave()
        if now:
            self._join(now)

    def _join(self, at: list[str]) -> None:
        from zeroconf import InterfaceChoice, IPVersion, ServiceInfo, Zeroconf

        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
        told = told_of(self._site)
        self._responder = Zeroconf(
            interfaces=at if len(at) < 20 else InterfaceChoice.Default, ip_version=IPVersion.V4Only
        )
        info = ServiceInfo(
            SERVICE,
            f"{told.name}.{SERVICE}",
            port=told.port,
            addresses=[socket.inet_aton(address) for address in at],
            properties=told.properties,
            server=told.host,
        )
        self._responder.register_service(info, allow_name_change=True)
        self._at = at
        log.info("announced in the network", extra={"addresses": at})

    def _leave(self) -> None:
        responder, self._responder, self._at = self._responder, None, []
        if responder is None:
            return
        try:
            # Closing says goodbye for what was registered.
            responder.close()
        except Exception as error:
            self._say_once(str(error) or type(error).__name__)

    def _say_once(self, problem: str) -> None:
        if problem != self._said:
            self._said = problem
            log.warning("the network cannot be told that this server is here: %s", problem)


def announce(site: Site) -> Announcement | None:
    """Tell the network of a server, until it is stopped; None where there is nothing to tell."""
    if not is_wanted(site.config):
        return None
    made = Announcement(site)
    made.start()
    return made


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cut(name: str) -> str:
    return name.encode()[:_LONGEST_NAME].decode("utf-8", "ignore").strip()
