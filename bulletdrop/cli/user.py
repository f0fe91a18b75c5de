"""`bulletdrop user`: accounts, from the server's own command line."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened, read_password


@click.group()
def user() -> None:
    """Accounts: add, list, promote, passwd, disable."""


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
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@data_option
def list_all(as_json: bool, data: Path | None) -> None:
    """List everybody."""
    from bulletdrop.clock import rfc3339
    from bulletdrop.core.people.accounts import list_users

    with opened(data) as site:
        users = list_users(site)
    if as_json:
        rows = [
            {
                "id": one.id,
                "username": one.username,
                "email": one.email,
                "is_admin": one.is_admin,
                "is_active": one.is_active,
                "storage_used": one.storage_used,
                "created_at": rfc3339(one.created_at),
            }
            for one in users
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    if not users:
        click.echo("Nobody yet. Add the first with: bulletdrop user add NAME --email ADDRESS --admin")
    for one in users:
        state = "" if one.is_active else "  blocked"
        click.echo(f"{one.username:<24}{one.email:<36}{'admin' if one.is_admin else 'user':<7}{state}".rstrip())


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
@data_option
def disable(username: str, enable: bool, data: Path | None) -> None:
    """Block an account: sessions and keys stop working at once."""
    from bulletdrop.core.people import accounts

    with opened(data) as site:
        accounts.disable(site, username, is_active=enable)
    click.echo(f"{username} is {'let in again' if enable else 'blocked'}.")
