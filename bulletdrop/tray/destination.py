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
from bulletdrop.tray.pairing import read_local_server


def find_client(config: Config, token: str | None = None, *, environ: Mapping[str, str] = os.environ) -> Client:
    """A client that may upload.

    Server: `config.server`, else the one running from this data folder, else the one this device is paired with.
    Token: the given one, else the environment's, else the stored one; a server on this machine gives one to whoever
    may read its data folder, which is then stored for the next time.

    Raises: NotSignedIn when there is no token, Unreachable when there is no server, NotSetUp, VaultLocked.
    """
    stored = vault.load_token(config.data, environ=environ)
    token = token or config.token or (stored.token if stored is not None else "")
    if config.server:
        if not token or (token == getattr(stored, "token", None) and stored_for_another(stored, config.server)):
            raise NotSignedIn(f"There is no token for {config.server}. Set BULLETDROP_TOKEN or use --token-stdin.")
        return Client(config.server, token, environ=environ)
    local = read_local_server(config.data)
    if local is None:
        if stored is not None and stored.server and token:
            return Client(stored.server, token, environ=environ)
        raise Unreachable("No BulletDrop runs on this machine. Start it, or name one with --server.")
    if not token:
        asking = Client(local.url, environ=environ)
        try:
            paired = asking.pair_local(local.local_secret, platform.node() or "This computer")
        finally:
            asking.close()
        token = vault.store_token(config.data, local.url, paired.key).token
    return Client(local.url, token, environ=environ)


def stored_for_another(stored: vault.StoredToken | None, server: str) -> bool:
    """Whether a stored token belongs to another server: it must not be shown to this one."""
    return stored is not None and stored.server not in ("", server)
