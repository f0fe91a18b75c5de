"""`bulletdrop user`: accounts, from the server's own command line. Its second half is in `user_acts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulletdrop.cli.common import data_option, opened, read_password

if TYPE_CHECKING:
    from bulletdrop.core.people.directory import Listed


@click.group()
def user() -> None:
    """Accounts: everything that the admin's page can do."""


@user.command("add")
@click.argument("username")
@click.option("--email", required=True, help="The person's email address.")
@click.option("--admin", is_flag=True, help="Make this person an admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@data_option
def add(username: str, email: str, admin: bool, password_stdin: bool, data: Path | None) -> None:
    """Add an account. The password is asked for, never an argument."""
    from bulletdrop.core.people.accounts import create_user

    password = read_password(password_stdin)
    with opened(data, may_make=True) as site:
        made = create_user(site, username=username, email=email, password=password, is_admin=admin)
    click.echo(f"Added {made.username}{' (admin)' if made.is_admin else ''}.")


@user.command("list")
@click.option("--search", default="", help="Part of a username, an email address or a display name.")
@click.option("--state", default="", help="active, blocked, unverified or leaving.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@data_option
def list_all(search: str, state: str, as_json: bool, data: Path | None) -> None:
    """List everybody, or those whom a search finds."""
    from bulletdrop.core.people.directory import search_users, states_of

    found: list[Listed] = []
    with opened(data) as site:
        cursor = None
        while True:
            page = search_users(site, text=search, state=state, cursor=cursor, limit=200)
            found += page.items
            cursor = page.next
            if cursor is None:
                break
    if as_json:
        click.echo(json.dumps([_as_dict(one) for one in found], indent=2))
        return
    if not found and not search and not state:
        click.echo("Nobody yet. Add the first with: bulletdrop user add NAME --email ADDRESS --admin")
    for one in found:
        role = "admin" if one.user.is_admin else "user"
        line = f"{one.user.username:<24}{one.user.email:<36}{role:<7}{one.user.plan:<11}"
        click.echo(f"{line}{' '.join(states_of(one.user))}".rstrip())


@user.command("show")
@click.argument("username")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@data_option
def show(username: str, as_json: bool, data: Path | None) -> None:
    """Show all about somebody but their secrets."""
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.directory import Listed, dossier
    from bulletdrop.core.people.plans import NAMES, limits_of

    with opened(data) as site:
        found = dossier(site, find_user(site, username).id)
        limits = limits_of(site, found.user)
    facts: dict[str, object] = {
        **_as_dict(Listed(found.user, found.last_seen)),
        "uploads": found.uploads,
        "trashed": found.trashed,
        "sessions": len(found.sessions),
        "keys": [f"{one.prefix}… {one.name}" for one in found.keys],
        "teams": [f"{team.slug} ({role})" for team, role in found.teams],
        "identities": [one.provider for one in found.identities],
        "has_totp": found.factors.has_totp,
        "passkeys": found.factors.passkeys,
        "allowed": {name: getattr(limits, name) for name in NAMES},
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {'no limit' if one is None else one}" for key, one in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        click.echo(f"{name:<22}{'(none)' if value in ('', None) else value}")


def _as_dict(one: Listed) -> dict[str, object]:
    from bulletdrop.clock import rfc3339

    user = one.user
    due = user.delete_scheduled_for
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "is_admin": user.is_admin,
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "plan": user.plan,
        "limits": user.limits,
        "storage_used": user.storage_used,
        "created_at": rfc3339(user.created_at),
        "last_seen_at": rfc3339(one.last_seen) if one.last_seen else None,
        "delete_scheduled_for": rfc3339(due) if due else None,
    }


@user.command("promote")
@click.argument("username")
@click.option("--remove", is_flag=True, help="Take the role away instead.")
@data_option
def promote(username: str, remove: bool, data: Path | None) -> None:
    """Make somebody an admin. Their sessions end, so that the new role holds at once."""
    from bulletdrop.core.people import accounts

    with opened(data) as site:
        accounts.promote(site, username, is_admin=not remove)
    click.echo(f"{username} is {'no longer an' if remove else 'an'} admin.")


@user.command("passwd")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@data_option
def passwd(username: str, password_stdin: bool, data: Path | None) -> None:
    """Give somebody a new password and end all their sessions."""
    from bulletdrop.core.people.accounts import set_password

    password = read_password(password_stdin)
    with opened(data) as site:
        set_password(site, username, password)
    click.echo(f"{username} has a new password and is signed out everywhere.")


@user.command("disable")
@click.argument("username")
@click.option("--enable", is_flag=True, help="Let the account in again instead.")
@click.option("--reason", default="", help="Why, for the audit log.")
@data_option
def disable(username: str, enable: bool, reason: str, data: Path | None) -> None:
    """Block an account: sessions and keys stop working at once."""
    from bulletdrop.core.people import accounts

    with opened(data) as site:
        accounts.disable(site, username, is_active=enable, reason=reason)
    click.echo(f"{username} is {'let in again' if enable else 'blocked'}.")
