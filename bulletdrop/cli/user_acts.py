"""`bulletdrop user`, second half: what an admin does to one account beside blocking and promoting it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened, read_figure, show_limits
from bulletdrop.cli.user import user

# The group with all its commands: whoever takes it from here has both halves.
__all__ = ["user"]


@user.command("plan")
@click.argument("username")
@click.argument("plan")
@data_option
def plan(username: str, plan: str, data: Path | None) -> None:
    """Put somebody on another plan: home, free, pro or enterprise."""
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.administration import By, set_plan

    with opened(data) as site:
        set_plan(site, By(), find_user(site, username).id, plan)
    click.echo(f"{username} is on the plan {plan}.")


@user.command("limits")
@click.argument("username")
@click.argument("figures", nargs=-1)
@data_option
def limits(username: str, figures: tuple[str, ...], data: Path | None) -> None:
    """Show somebody's limits, or give them limits of their own over the plan's: NAME=VALUE …

    Names: uploads_per_day requests_per_hour storage bandwidth_per_month max_file_size. A value is a whole number
    (sizes in bytes), “none” for no limit, or empty for the plan's.
    """
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.administration import By, set_limits
    from bulletdrop.core.people.plans import NAMES, limits_of

    with opened(data) as site:
        found = find_user(site, username)
        if figures:
            found = set_limits(site, By(), found.id, dict(map(read_figure, figures)))
        allowed = limits_of(site, found)
    show_limits(NAMES, allowed, found.limits)


@user.command("verify")
@click.argument("username")
@data_option
def verify(username: str, data: Path | None) -> None:
    """Vouch for somebody's email address."""
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.administration import By, set_verified

    with opened(data) as site:
        set_verified(site, By(), find_user(site, username).id, True)
    click.echo(f"{username}'s address is confirmed.")


@user.command("reset")
@click.argument("username")
@data_option
def reset(username: str, data: Path | None) -> None:
    """Make a link with which somebody chooses a new password, and print it, alone."""
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.administration import By, reset_link

    with opened(data) as site:
        link = reset_link(site, By(), find_user(site, username).id)
    click.echo(link)


@user.command("sign-out")
@click.argument("username")
@click.option("--keys", is_flag=True, help="Revoke all keys and devices too.")
@data_option
def sign_out(username: str, keys: bool, data: Path | None) -> None:
    """End all sessions of somebody."""
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.administration import By, revoke_all_keys, sign_out_everywhere

    with opened(data) as site:
        found = find_user(site, username)
        sign_out_everywhere(site, By(), found.id)
        revoked = revoke_all_keys(site, By(), found.id) if keys else 0
    click.echo(f"{username} is signed out everywhere{f', {revoked} keys are revoked' if keys else ''}.")


@user.command("drop-second-factor")
@click.argument("username")
@data_option
def drop_second_factor(username: str, data: Path | None) -> None:
    """Turn off a second factor that was lost: app, recovery codes and passkeys."""
    from bulletdrop.core.people import administration
    from bulletdrop.core.people.accounts import find_user

    with opened(data) as site:
        administration.drop_second_factor(site, administration.By(), find_user(site, username).id)
    click.echo(f"{username} signs in with the password alone.")


@user.command("delete")
@click.argument("username")
@click.option("--now", is_flag=True, help="Do not wait for seven days. There is no way back.")
@click.option("--confirm", default="", help="The username once more; with --now, instead of being asked.")
@data_option
def delete(username: str, now: bool, confirm: str, data: Path | None) -> None:
    """Delete an account: in seven days, in which signing in takes it back, or now."""
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.administration import By
    from bulletdrop.core.upkeep.dismissal import dismiss

    with opened(data) as site:
        found = find_user(site, username)
        if now and not confirm and sys.stdin.isatty():
            confirm = click.prompt(f"Everything of {found.username} will be gone. Type the username")
        left = dismiss(site, By(), found.id, at_once=now, confirm=confirm)
    if left is None:
        click.echo(f"{found.username} is gone.")
    else:
        click.echo(f"{found.username} will be deleted on {left.delete_scheduled_for:%Y-%m-%d at %H:%M} UTC.")


@user.command("keep")
@click.argument("username")
@data_option
def keep(username: str, data: Path | None) -> None:
    """Take a deletion back."""
    from bulletdrop.core.people import administration
    from bulletdrop.core.people.accounts import find_user

    with opened(data) as site:
        administration.keep(site, administration.By(), find_user(site, username).id)
    click.echo(f"{username} stays.")
