"""`bulletdrop invite`: links with which people make an account, from the server's own command line."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened, read_expiry


@click.group()
def invite() -> None:
    """Invites: add, list, revoke."""


@invite.command("add")
@click.option("--uses", default=1, show_default=True, help="How many accounts it makes.")
@click.option("--expires", default=None, help="When it ends: 7d, 12h, or a time such as 2027-01-01T00:00:00Z.")
@click.option("--email", default="", help="The account gets this address alone; the invite is mailed there.")
@click.option("--plan", default=None, help="The plan of the account. Default: the one of the settings.")
@click.option("--note", default="", help="What it is for; only admins see it.")
@data_option
def add(uses: int, expires: str | None, email: str, plan: str | None, note: str, data: Path | None) -> None:
    """Make an invite and print its link, alone."""
    from bulletdrop.core.people.invites import create_invite, invite_link

    with opened(data) as site:
        ends = read_expiry(expires, now=site.clock.now())
        made = create_invite(site, actor=None, uses=uses, expires_at=ends, email=email, plan=plan, note=note)
        link = invite_link(site, made)
        is_closed = site.config.registration == "closed"
    click.echo(link)
    if is_closed:
        click.echo(
            "Registration is closed, so it does not work yet: bulletdrop config set registration invite", err=True
        )


@invite.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@data_option
def list_all(as_json: bool, data: Path | None) -> None:
    """List every invite, the newest first."""
    from bulletdrop.clock import rfc3339
    from bulletdrop.core.people.invites import invite_link, is_open, list_invites

    with opened(data) as site:
        rows = [
            {
                "id": one.id,
                "link": invite_link(site, one),
                "note": one.note,
                "email": one.email,
                "plan": one.plan,
                "uses": one.uses,
                "uses_left": one.uses_left,
                "is_open": is_open(site, one),
                "expires_at": rfc3339(one.expires_at) if one.expires_at else None,
            }
            for one in list_invites(site)
        ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("No invites yet. Make one with: bulletdrop invite add")
    for row in rows:
        state = "open" if row["is_open"] else "closed"
        click.echo(
            f"{row['id']}  {state:<7}{row['uses_left']:>5} left  {row['link']}  {row['note'] or row['email']}".rstrip()
        )


@invite.command("revoke")
@click.argument("invite_id")
@data_option
def revoke(invite_id: str, data: Path | None) -> None:
    """Revoke an invite by its id, as `invite list` shows it."""
    from bulletdrop.core.people.invites import revoke_invite

    with opened(data) as site:
        revoke_invite(site, invite_id, actor=None)
    click.echo("Revoked.")
