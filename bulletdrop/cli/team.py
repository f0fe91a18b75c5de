"""`bulletdrop team`: every team, its plan and its limits, from the server's own command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulletdrop.cli.common import data_option, opened, read_figure, show_limits

if TYPE_CHECKING:
    from bulletdrop.core.people.team_directory import ListedTeam


@click.group()
def team() -> None:
    """Teams: list, plan, limits, delete, keep. NAME is a team's address or its id."""


@team.command("list")
@click.option("--search", default="", help="Part of a team's name or address, or the whole username of a member.")
@click.option("--state", default="", help="active, silent (out of bandwidth) or leaving (being deleted).")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@data_option
def list_all(search: str, state: str, as_json: bool, data: Path | None) -> None:
    """List every team, or those that a search finds."""
    from bulletdrop.core.people.team_directory import search_teams, states_of_team

    found: list[tuple[ListedTeam, tuple[str, ...]]] = []
    with opened(data) as site:
        cursor = None
        while True:
            page = search_teams(site, text=search, state=state, cursor=cursor, limit=200)
            found += [(one, states_of_team(site, one.team)) for one in page.items]
            cursor = page.next
            if cursor is None:
                break
    if as_json:
        click.echo(json.dumps([_as_dict(one) for one, _ in found], indent=2))
        return
    if not found and not search and not state:
        click.echo("No teams yet. People make them on the page Teams.")
    for one, states in found:
        line = f"{one.team.slug:<24}{one.members:>4} members  {one.team.plan:<11}{one.team.storage_used:>14} bytes  "
        click.echo("  ".join([line + ", ".join(one.owners), *states]).rstrip())


@team.command("plan")
@click.argument("name")
@click.argument("plan")
@data_option
def plan(name: str, plan: str, data: Path | None) -> None:
    """Put a team on another plan: home, free, pro or enterprise."""
    from bulletdrop.core.people.administration import By
    from bulletdrop.core.people.team_administration import set_team_plan

    with opened(data) as site:
        changed = set_team_plan(site, By(), name, plan)
    click.echo(f"{changed.slug} is on the plan {changed.plan}.")


@team.command("limits")
@click.argument("name")
@click.argument("figures", nargs=-1)
@data_option
def limits(name: str, figures: tuple[str, ...], data: Path | None) -> None:
    """Show a team's limits, or give it limits of its own over the plan's: FIGURE=VALUE …

    Figures: uploads_per_day storage bandwidth_per_month max_file_size. A value is a whole number (sizes in bytes),
    “none” for no limit, or empty for the plan's.
    """
    from bulletdrop.core.people.administration import By
    from bulletdrop.core.people.plans import TEAM_NAMES, limits_of
    from bulletdrop.core.people.team_administration import set_team_limits
    from bulletdrop.core.people.team_directory import get_team

    with opened(data) as site:
        found = get_team(site, name)
        if figures:
            found = set_team_limits(site, By(), found.id, dict(map(read_figure, figures)))
        allowed = limits_of(site, found)
    show_limits(TEAM_NAMES, allowed, found.limits)


@team.command("delete")
@click.argument("name")
@data_option
def delete(name: str, data: Path | None) -> None:
    """Delete a team in seven days, in which an admin or an owner of it can keep it."""
    from bulletdrop.core.people.administration import By
    from bulletdrop.core.people.team_administration import schedule_team_deletion

    with opened(data) as site:
        due = schedule_team_deletion(site, By(), name)
    click.echo(f"{name} will be deleted on {due:%Y-%m-%d at %H:%M} UTC.")


@team.command("keep")
@click.argument("name")
@data_option
def keep(name: str, data: Path | None) -> None:
    """Take a team's deletion back."""
    from bulletdrop.core.people.administration import By
    from bulletdrop.core.people.team_administration import keep_team

    with opened(data) as site:
        kept = keep_team(site, By(), name)
    click.echo(f"{kept.slug} stays.")


def _as_dict(one: ListedTeam) -> dict[str, object]:
    from bulletdrop.clock import rfc3339

    found = one.team
    return {
        "id": found.id,
        "name": found.name,
        "slug": found.slug,
        "members": one.members,
        "owners": list(one.owners),
        "plan": found.plan,
        "limits": found.limits,
        "storage_used": found.storage_used,
        "storage": one.limits.storage,
        "created_at": rfc3339(found.created_at),
        "silent_until": rfc3339(found.silent_until) if found.silent_until else None,
        "delete_scheduled_for": rfc3339(found.delete_scheduled_for) if found.delete_scheduled_for else None,
    }
