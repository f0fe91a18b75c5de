"""Devices: a tray on the server's own machine needs no pairing; it proves itself by reading the data folder."""

from __future__ import annotations

import hmac
import json
import secrets
from pathlib import Path

from bulletdrop.core.models import ApiKey, User
from bulletdrop.core.people.accounts import first_admin
from bulletdrop.core.people.keys import create_key
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import Forbidden, NotSetUp
from bulletdrop.paths import make_private_folder, write_private

# What a tray needs: it uploads, lists its recent drops, and takes one back.
TRAY_SCOPES = ("uploads:read", "uploads:write", "uploads:delete")


def announce(site: Site, *, url: str, pid: int, instance: str) -> None:
    """Write `run/server.json` (0600): where this server listens, and a one-time secret for a tray beside it."""
    folder = make_private_folder(site.config.data / "run")
    values = {"url": url, "pid": pid, "instance": instance, "local_secret": secrets.token_urlsafe(32)}
    write_private(folder / "server.json", json.dumps(values) + "\n")


def withdraw(site: Site, *, instance: str) -> None:
    """Remove `run/server.json`, unless another server has written its own since."""
    path = _announcement(site)
    if _read(path).get("instance") == instance:
        path.unlink(missing_ok=True)


def pair_local(site: Site, *, secret: str, device_name: str) -> tuple[ApiKey, str, User]:
    """Give a tray on this machine a key of the first admin's. The secret works once: a new one is written.

    Raises: Forbidden for a wrong secret, NotSetUp before there is an admin.
    """
    path = _announcement(site)
    announced = _read(path)
    expected = str(announced.get("local_secret", ""))
    if not expected or not hmac.compare_digest(expected.encode(), secret.encode()):
        raise Forbidden("This is not the secret of this server's data folder.")
    user = first_admin(site)
    if user is None:
        raise NotSetUp("This server has no admin yet. Open its set-up page first.")
    name = cleaned(device_name, most=100).strip() or "This machine"
    key, plain = create_key(site, user, name=name, scopes=TRAY_SCOPES, device_name=name)
    write_private(path, json.dumps({**announced, "local_secret": secrets.token_urlsafe(32)}) + "\n")
    return key, plain, user


def _announcement(site: Site) -> Path:
    return site.config.data / "run" / "server.json"


def _read(path: Path) -> dict[str, object]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
