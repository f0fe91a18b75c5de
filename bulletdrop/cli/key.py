"""`bulletdrop key`: API keys, from the server's own command line."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened, read_expiry


@click.group()
def key() -> None:
    """API keys: add, list, revoke."""


@key.command("add")
@click.argument("username")
@click.option("--name", required=True, help="What the key is for, such as the device's name.")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; can be given several times.")
@click.option("--expires", default=None, help="When it ends: 30d, 12h, or a time such as 2027-01-01T00:00:00Z.")
@data_option
def add(username: str, name: str, scopes: tuple[str, ...], expires: str | None, data: Path | None) -> None:
    """Make a key and print it, alone, once.

    Scopes: uploads:read uploads:write uploads:delete links:read links:write secrets:read secrets:write account:read
    admin.
    """
    from bulletdrop.core.audit import record
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.keys import create_key

    wanted = [scope for text in scopes for scope in text.replace(",", " ").split()]
    with opened(data) as site:
        expires_at = read_expiry(expires, now=site.clock.now())
        made, plain = create_key(site, find_user(site, username), name=name, scopes=wanted, expires_at=expires_at)
        record(site, "user.add-key", subject=username, category="admin", detail=f"{made.id}: {' '.join(wanted)}")
    click.echo(plain)


@key.command("list")
@click.argument("username")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@data_option
def list_all(username: str, as_json: bool, data: Path | None) -> None:
    """List somebody's keys. The keys themselves are not kept and cannot be shown."""
    from bulletdrop.clock import rfc3339
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.keys import list_keys

    with opened(data) as site:
        keys = list_keys(site, find_user(site, username).id)
    if as_json:
        rows = [
            {
                "id": one.id,
                "name": one.name,
                "prefix": one.prefix,
                "scopes": one.scopes,
                "created_at": rfc3339(one.created_at),
                "last_used_at": rfc3339(one.last_used_at) if one.last_used_at else None,
                "expires_at": rfc3339(one.expires_at) if one.expires_at else None,
            }
            for one in keys
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    if not keys:
        click.echo(f"{username} has no keys.")
    for one in keys:
        used = f"{one.last_used_at:%Y-%m-%d}" if one.last_used_at else "never used"
        click.echo(f"{one.id}  {one.prefix}…  {one.name:<24} {used:<11} {' '.join(one.scopes)}")


@key.command("revoke")
@click.argument("username")
@click.argument("key_id")
@data_option
def revoke(username: str, key_id: str, data: Path | None) -> None:
    """Revoke a key by its id, as `key list` shows it: refused from now on."""
    from bulletdrop.core.audit import record
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.keys import revoke_key

    with opened(data) as site:
        revoke_key(site, find_user(site, username).id, key_id)
        record(site, "user.revoke-key", subject=username, category="admin", detail=key_id)
    click.echo("Revoked.")
