"""Team administration: what an admin does to teams. Each act is a row of the audit log, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Plan, Team
from bulletdrop.core.people import plans, teams, usage
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.team_directory import get_team
from bulletdrop.core.people.teams.membership import lock_row
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Invalid, NotFound


def change_team(site: Site, by: By, name: str, changes: Mapping[str, Any]) -> Team:
    """Change several things about a team, all or none. Its name and members are its own people's to change.

    Args:
        name: the team's id or slug.
        changes: `plan` and `limits`; what is left out stays as it is.
    Raises: Invalid with the field, NotFound.
    """
    for field in changes:
        if field not in _CHANGES:
            raise Invalid(f"“{field}” cannot be changed.", field=field)
    with transaction(site.db):
        for field, change in _CHANGES.items():
            if field in changes:
                change(site, by, name, changes[field])
    return get_team(site, name)


def set_team_plan(site: Site, by: By, name: str, plan: str) -> Team:
    """Put a team, by its id or slug, on another plan: it holds at once. Raises Invalid for none that exists."""
    if "\0" in plan or not Plan.select().where(Plan.name == plan).exists():
        raise Invalid(f"There is no plan “{plan[:20]}”.", field="plan")
    with transaction(site.db):
        team = _locked(site, name)
        if team.plan != plan:
            Team.update(plan=plan).where(Team.id == team.id).execute()
            # With more bandwidth a silent team is heard again at once, and with less it falls silent.
            usage.judge(site, [team.id])
            _record(site, by, "team.plan", team, f"{team.plan} → {plan}")
    return get_team(site, team.id)


def set_team_limits(site: Site, by: By, name: str, figures: Mapping[str, Any]) -> Team:
    """Give a team, by its id or slug, limits of its own over the plan's: they hold at once.

    Args:
        figures: by name, of TEAM_NAMES; None goes back to the plan's, -1 is no limit, what is left out stays.
    Raises: Invalid with the field, NotFound.
    """
    for figure in figures:
        if figure in plans.NAMES and figure not in plans.TEAM_NAMES:
            raise Invalid("A team makes no requests: limit its people instead.", field=figure)
    checked = plans.check_figures(dict(figures), unlimited=plans.UNLIMITED)
    with transaction(site.db):
        team = _locked(site, name)
        limits = {figure: value for figure, value in {**team.limits, **checked}.items() if value is not None}
        if limits != team.limits:
            Team.update(limits=limits).where(Team.id == team.id).execute()
            usage.judge(site, [team.id])
            said = ", ".join(f"{figure} {value}" for figure, value in sorted(limits.items())) or "the plan's"
            _record(site, by, "team.limits", team, said)
    return get_team(site, team.id)


def schedule_team_deletion(site: Site, by: By, name: str) -> datetime:
    """Delete a team, by its id or slug, in seven days: until then nothing of it is shown, and nothing is gone.

    An admin or an owner of it takes that back.

    Returns: when it will be deleted.
    Raises: Conflict for a team that is being deleted already, NotFound.
    """
    due = site.clock.now() + teams.GRACE
    with transaction(site.db):
        team = _locked(site, name)
        if team.delete_scheduled_for is not None:
            raise Conflict("The deletion was asked for already.")
        Team.update(delete_scheduled_for=due).where(Team.id == team.id).execute()
        _record(site, by, "team.delete", team, f"in {teams.GRACE.days} days")
    return due


def keep_team(site: Site, by: By, name: str) -> Team:
    """Take a team's deletion back, whoever asked for it. Raises Conflict for one that stays anyway or is over."""
    with transaction(site.db):
        team = _locked(site, name)
        if team.delete_scheduled_for is None or team.delete_scheduled_for <= site.clock.now():
            raise Conflict("This team is not about to be deleted, or its time is over.")
        Team.update(delete_scheduled_for=None).where(Team.id == team.id).execute()
        _record(site, by, "team.keep", team)
    return get_team(site, team.id)


def _locked(site: Site, name: str) -> Team:
    """A team as it is once its row is locked: of two admins at once, the second sees what the first has done."""
    team = get_team(site, name)
    if not lock_row(site, team.id):
        raise NotFound("There is no such team.")
    return get_team(site, team.id)


def _record(site: Site, by: By, action: str, team: Team, detail: str = "") -> None:
    """The subject is the id, as in what a team's own people do; the slug beside it is for whoever reads the log."""
    said = f"{team.slug}: {detail}" if detail else team.slug
    record(site, action, actor=by.actor, subject=team.id, address=by.address, category="admin", detail=said)


# In this order, so that of several changes in one request the refused one is always the same.
_CHANGES: dict[str, Callable[[Site, By, str, Any], Team]] = {"plan": set_team_plan, "limits": set_team_limits}
