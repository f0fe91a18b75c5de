"""Where a single upload from the command line goes, and as whom: named, paired, or the server on this machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

from bulletdrop.config import Config
from bulletdrop.errors import NotSignedIn
from bulletdrop.tray import vault
from bulletdrop.tray.answers import Unreachable
from bulletdrop.tray.client import Client
from bulletdrop.tray.pairing import LocalServer, read_local_server
from bulletdrop.tray.preferences import Server
from bulletdrop.tray.servers import answers, client_for, servers_of


def find_client(config: Config, token: str | None = None, *, environ: Mapping[str, str] = os.environ) -> Client:
    """A client that may upload.

    Server: the one that is named, else the first of those this machine is paired with that is there, else the one
    running from this data folder.
    Token: the given one, else the environment's, else the stored one; a server on this machine gives one to whoever
    may read its data folder, which is then stored for the next time.

    Raises: NotSignedIn when there is no token, Unreachable when there is no server, NotSetUp, VaultLocked,
        CertificateChanged.
    """
    servers = servers_of(config)
    if servers:
        return _elsewhere(config, servers, token, environ)
    stored = vault.load_token(config.data, environ=environ)
    token = token or config.token or (stored.token if stored is not None else "")
    local = read_local_server(config.data)
    if local is None:
        if stored is not None and stored.server and token:
            return Client(stored.server, token, environ=environ)
        raise Unreachable(
            "No BulletDrop runs on this machine, and it is paired with none. Start it, pair with one: bulletdrop pair,"
            " or name one with --server."
        )
    here = Server(url=local.url, fingerprint=local.fingerprint)
    return client_for(here, token or _given_here(config, here, local, environ), environ=environ)


def _elsewhere(config: Config, servers: tuple[Server, ...], token: str | None, environ: Mapping[str, str]) -> Client:
    """The first server that there is a token for and that is there; where none is, the first of them all the same."""
    usable = []
    for number, server in enumerate(servers):
        own = (token or config.token) if number == 0 else ""
        if not own:
            # What the environment gives is for one server, and never shown to another.
            stored = vault.load_token(config.data, server.url, environ=environ if number == 0 else {})
            own = "" if stored_for_another(stored, server.url) or stored is None else stored.token
        if own:
            usable.append((server, own))
    if not usable:
        url = servers[0].url
        raise NotSignedIn(
            f"There is no token for {url}. Pair this machine: bulletdrop pair {url}, set BULLETDROP_TOKEN or use"
            " --token-stdin."
        )
    chosen = usable[0]
    if len(usable) > 1:
        chosen = next((one for one in usable if answers(one[0], environ=environ)), chosen)
    return client_for(*chosen, environ=environ)


def _given_here(config: Config, here: Server, local: LocalServer, environ: Mapping[str, str]) -> str:
    """The token that the server on this machine gives, kept for the next time."""
    asking = client_for(here, "", environ=environ)
    try:
        paired = asking.pair_local(local.local_secret, platform.node() or "This computer")
    finally:
        asking.close()
    return vault.store_token(config.data, here.url, paired.key, username=paired.username).token


def stored_for_another(stored: vault.StoredToken | None, server: str) -> bool:
    """Whether a stored token belongs to another server: it must not be shown to this one."""
    return stored is not None and stored.server not in ("", server)
