"""Devices: a tray on the server's own machine needs no pairing; it proves itself by reading the data folder."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from bulletdrop.core.certificate import fingerprint
from bulletdrop.core.models import ApiKey, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people.accounts import first_admin
from bulletdrop.core.people.keys import create_key, free_device_name
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import Forbidden, NotSetUp
from bulletdrop.paths import make_private_folder, write_private

# What a tray and the commands beside it need: they upload, list recent drops and take one back, and make short links
# and secrets. They read neither links nor secrets.
TRAY_SCOPES = ("uploads:read", "uploads:write", "uploads:delete", "links:write", "secrets:write")


def announce(site: Site, *, url: str, pid: int, instance: str, in_network: bool = False) -> None:
    """Write `run/server.json` (0600): where this server listens, and a one-time secret for a tray beside it.

    Args:
        in_network: whether the network is told of it, for whoever looks whether that can be heard.
    """
    folder = make_private_folder(site.config.data / "run")
    for left in folder.glob(".claim-*"):
        left.unlink(missing_ok=True)
    links = public_base(site.config)
    values: dict[str, object] = {"url": url, "links": links, "pid": pid, "instance": instance}
    values |= {"local_secret": secrets.token_urlsafe(32), "announced": in_network}
    if digits := fingerprint(site.config):
        values["fingerprint"] = digits
    write_private(folder / "server.json", json.dumps(values) + "\n")


def renew_fingerprint(site: Site) -> None:
    """Write the certificate's fingerprint down anew, for trays beside this server."""
    path = _announcement(site)
    if announced := _read(path):
        write_private(path, json.dumps({**announced, "fingerprint": fingerprint(site.config)}) + "\n")


def withdraw(site: Site, *, instance: str) -> None:
    """Remove `run/server.json`, unless another server has written its own since."""
    path = _announcement(site)
    if _read(path).get("instance") != instance:
        return
    # Another server may write its own between looking and removing: what is moved aside is looked at again.
    aside = path.with_name(f".{path.name}.{instance}.gone")
    with contextlib.suppress(FileNotFoundError):
        path.replace(aside)
        if _read(aside).get("instance") == instance:
            aside.unlink()
        else:
            aside.replace(path)


def links_of_running(data: Path) -> str:
    """The address that the server of this data folder begins its links with; empty when none runs."""
    return str(_read(data / "run" / "server.json").get("links", ""))


def pair_local(site: Site, *, secret: str, device_name: str, user_agent: str = "") -> tuple[ApiKey, str, User]:
    """Give a tray on this machine a key of the first admin's. The secret works once: a new one is written.

    Raises: Forbidden for a wrong secret, NotSetUp before there is an admin.
    """
    _check_secret(site, secret)
    user = first_admin(site)
    if user is None:
        raise NotSetUp("This server has no admin yet. Open its set-up page first.")
    _use_up(site, secret)
    name = free_device_name(user.id, cleaned(device_name, most=100).strip() or "This machine")
    key, plain = create_key(site, user, name=name, scopes=TRAY_SCOPES, device_name=name, user_agent=user_agent)
    return key, plain, user


def _check_secret(site: Site, secret: str) -> dict[str, object]:
    """What is announced, to whoever has the secret in it. Raises Forbidden."""
    announced = _read(_announcement(site))
    expected = str(announced.get("local_secret", ""))
    if not expected or not hmac.compare_digest(expected.encode(), secret.encode()):
        raise Forbidden("This is not the secret of this server's data folder.")
    return announced


def _use_up(site: Site, secret: str) -> None:
    """Put a new secret in the place of this one, for one of all who come with it. Raises Forbidden for the others."""
    path = _announcement(site)
    # Only one can make this file. It is named after the secret, so that one which a crash left holds up no later one.
    claim = path.with_name(f".claim-{hashlib.sha256(secret.encode()).hexdigest()[:32]}")
    try:
        os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        raise Forbidden("Another device is using this secret.") from error
    try:
        # Again: whoever was here before may have used it up and gone.
        announced = _check_secret(site, secret)
        write_private(path, json.dumps({**announced, "local_secret": secrets.token_urlsafe(32)}) + "\n")
    finally:
        claim.unlink(missing_ok=True)


def _announcement(site: Site) -> Path:
    return site.config.data / "run" / "server.json"


def _read(path: Path) -> dict[str, object]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
