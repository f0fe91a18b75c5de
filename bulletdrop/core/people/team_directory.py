"""Team directory: every team, as the admin looks them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import fn

from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.models import Team, TeamMember, Upload, User
from bulletdrop.core.people import teams
from bulletdrop.core.people.accounts import LONGEST, fold
from bulletdrop.core.people.plans import Limits, combined, known_plan
from bulletdrop.core.people.teams.roles import OWNER
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound

STATES = ("active", "silent", "leaving")
# Name in the query → column, whether the greatest comes first, what it is in a cursor.
SORTS: dict[str, tuple[Any, bool, type]] = {
    "name": (Team.slug_key, False, str),
    "newest": (Team.created_at, True, int),
    "oldest": (Team.created_at, False, int),
    "storage": (Team.storage_used, True, int),
}


@dataclass(frozen=True)
class ListedTeam:
    """One row of the list: the team, how many are in it, the usernames of its owners, and what it may use."""

    team: Team
    members: int
    owners: tuple[str, ...]
    limits: Limits


@dataclass(frozen=True)
class TeamDossier:
    """Everything that the admin's page says about one team. `members` are by role, then by name; users are loaded."""

    team: Team
    members: list[TeamMember]
    uploads: int
    trashed: int


def search_teams(
    site: Site,
    *,
    text: str = "",
    state: str = "",
    plan: str = "",
    sort: str = "name",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ListedTeam]:
    """Teams, filtered and in order. Three queries beside the plans.

    Args:
        text: part of a team's name or slug without regard to case, or the whole username of somebody in it.
        state: one of STATES; a team that waits for its deletion is `leaving`, one without bandwidth `silent`.
        sort: one of SORTS.
    Raises: Invalid with the field for a filter that does not exist, or a cursor of another list.
    """
    query = Team.select()
    if text := text.strip():
        query = query.where(_matches(text))
    if state:
        _check(state, STATES, "state")
        query = query.where(_in_state(site, state))
    if plan:
        query = query.where(Team.plan == plan.replace("\0", ""))
    _check(sort, tuple(SORTS), "sort")
    column, descending, kind = SORTS[sort]
    page = paged(query, by=column, ties=Team.id, cursor=cursor, limit=limit, descending=descending, kind=kind)
    return Page(_listed(site, page.items), page.next)


def get_team(site: Site, name: str) -> Team:
    """A team by its id or slug. Raises NotFound."""
    found = teams.named_team(name)
    if found is None:
        raise NotFound("There is no such team.")
    return found


def list_one(site: Site, name: str) -> ListedTeam:
    """A team, by its id or slug, as the list shows it. Raises NotFound."""
    return _listed(site, [get_team(site, name)])[0]


def team_dossier(site: Site, name: str) -> TeamDossier:
    """All about one team, by its id or slug. Raises NotFound."""
    team = get_team(site, name)
    members = TeamMember.select(TeamMember, User).join(User).where(TeamMember.team == team)
    drops = Upload.select(fn.COUNT(Upload.id)).where(Upload.team == team)
    return TeamDossier(
        team=team,
        members=sorted(members, key=lambda row: (teams.ROLES.index(row.role), row.user.username_key)),
        uploads=int(drops.where(Upload.trashed_at.is_null()).scalar() or 0),
        trashed=int(drops.where(Upload.trashed_at.is_null(False)).scalar() or 0),
    )


def states_of_team(site: Site, team: Team) -> tuple[str, ...]:
    """What to say about a team beside its name: of STATES, those that are not the usual."""
    found = {
        "silent": team.silent_until is not None and team.silent_until > site.clock.now(),
        "leaving": team.delete_scheduled_for is not None,
    }
    return tuple(name for name, holds in found.items() if holds)


def _listed(site: Site, found: list[Team]) -> list[ListedTeam]:
    ids = [team.id for team in found]
    if not ids:
        return []
    in_them = TeamMember.team.in_(ids)
    counted: Any = TeamMember.select(TeamMember.team, fn.COUNT(TeamMember.user)).where(in_them)
    counts = dict(counted.group_by(TeamMember.team).tuples())
    owners: dict[str, list[str]] = {team_id: [] for team_id in ids}
    joined = TeamMember.select(TeamMember.team, User.username).join(User)
    named: Any = joined.where(in_them & (TeamMember.role == OWNER)).order_by(User.username_key)
    for team_id, username in named.tuples():
        owners[team_id].append(username)
    return [
        ListedTeam(
            team, counts.get(team.id, 0), tuple(owners[team.id]), combined(known_plan(site, team.plan), team.limits)
        )
        for team in found
    ]


def _matches(text: str) -> Any:
    """Slugs are kept folded; of names, SQLite's comparison knows no case beyond ASCII, which is enough for them."""
    if len(text) > LONGEST or "\0" in text:
        raise Invalid(f"A search has at most {LONGEST} characters.", field="q")
    folded = fold(text)
    theirs = TeamMember.select(TeamMember.team).join(User).where(User.username_key == folded)
    shown = fn.LOWER(Team.name).contains(text.lower())
    return Team.slug_key.contains(folded) | shown | Team.id.in_(theirs)


def _in_state(site: Site, state: str) -> Any:
    stays = Team.delete_scheduled_for.is_null()
    # A moment that is over is still in the row until the job has looked at it.
    is_silent = Team.silent_until.is_null(False) & (Team.silent_until > site.clock.now())
    heard = Team.silent_until.is_null() | (Team.silent_until <= site.clock.now())
    return {"active": stays & heard, "silent": is_silent, "leaving": ~stays}[state]


def _check(value: str, known: tuple[str, ...], field: str) -> None:
    if value not in known:
        raise Invalid(f"{field} is one of {', '.join(known)}.", field=field)
