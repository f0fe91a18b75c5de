"""The servers that this tray may send to: their order, what is known of each, and which of them is there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError
from bulletdrop.tray import vault
from bulletdrop.tray.answers import CertificateChanged
from bulletdrop.tray.client import Client
from bulletdrop.tray.preferences import Chosen, Server, load

# A server that is there says so at once; another one waits for its turn meanwhile.
PROBE_SECONDS = 3.0


def servers_of(config: Config) -> tuple[Server, ...]:
    """The servers elsewhere that count, in order; none at all means the one on this machine.

    One that file, environment or a flag names is the only one. Then those that were paired, in the person's order; then
    the one that `bulletdrop pair` noted before there was a list.
    """
    listed = tuple(_tidy(one) for one in load(_path(config.data)).servers)
    named = config.server if "server" in config.given else ""
    if not named and listed:
        return listed
    url = (named or config.server or vault.paired_elsewhere(config.data)).rstrip("/")
    if not url:
        return ()
    return (next((one for one in listed if one.url == url), Server(url=url)),)


def foreign_of(config: Config) -> str:
    """The custom uploader of somebody else's host that the person chose instead of all servers; "" for none."""
    return load(_path(config.data)).foreign


def fingerprint_of(config: Config, url: str) -> str:
    """The certificate that a server was paired by; "" where the system's trust counts."""
    listed = (_tidy(one) for one in load(_path(config.data)).servers)
    return next((one.fingerprint for one in listed if one.url == url.rstrip("/")), "")


def client_for(server: Server, token: str, *, environ: Mapping[str, str] = os.environ, seconds: float = 10.0) -> Client:
    """A client for a server, held to the certificate that it was paired by.

    Args:
        seconds: the limit for reaching it.
    Raises: CertificateChanged for a server that was paired by its certificate and is now named with http.
    """
    return Client(server.url, token, environ=environ, connect_seconds=seconds, fingerprint=server.fingerprint)


def answers(server: Server, *, environ: Mapping[str, str] = os.environ, seconds: float = PROBE_SECONDS) -> bool:
    """Whether a server is there now, and the one that was paired.

    Raises: CertificateChanged when another one answers in its place.
    """
    client = Client(
        server.url, environ=environ, connect_seconds=seconds, answer_seconds=seconds, fingerprint=server.fingerprint
    )
    try:
        client.health()
    except CertificateChanged:
        raise
    except BulletDropError:
        return False
    else:
        return True
    finally:
        client.close()


def add(data: Path, server: Server, *, last: bool = False) -> tuple[Server, ...]:
    """Put a server into the list: before all others, or after them. One that is there already changes its place.

    Returns: the list. Raises OSError when it cannot be written.
    """
    chosen = Chosen(data)
    server = _tidy(server)
    paired = vault.paired_elsewhere(data)
    known = chosen.now.servers or ((Server(url=paired),) if paired else ())
    others = _without(known, server.url)
    return chosen.change(servers=(*others, server) if last else (server, *others)).servers


def forget(data: Path, url: str) -> tuple[Server, ...]:
    """Take a server out of the list, and forget its token. Returns the list. Raises OSError."""
    chosen = Chosen(data)
    left = chosen.change(servers=_without(chosen.now.servers, url.rstrip("/"))).servers
    vault.forget_token(data, url.rstrip("/"))
    return left


def _without(servers: Iterable[Server], url: str) -> tuple[Server, ...]:
    return tuple(one for one in map(_tidy, servers) if one.url != url)


def _tidy(server: Server) -> Server:
    return Server(url=server.url.rstrip("/"), name=server.name, fingerprint=server.fingerprint)


def _path(data: Path) -> Path:
    return data / "tray" / "preferences.json"
