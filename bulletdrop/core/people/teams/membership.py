"""Membership: who is in which team and as what. To whoever is not in a team, it does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bulletdrop.core.models import Team, TeamMember, Upload
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.teams.roles import may, require
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, NotFound

_UNKNOWN = "There is no such team."
_ENDING = "This team is being deleted. An owner of it can take that back."


@dataclass(frozen=True)
class TeamOf:
    """A team as somebody in it has it."""

    team: Team
    role: str

    def may(self, right: str) -> bool:
        """True when this somebody has the right (see `roles.RIGHTS`)."""
        return may(self.role, right)


def role_in(site: Site, team_id: str, user_id: str) -> str | None:
    """Somebody's role in a team; None for a stranger."""
    query = TeamMember.select(TeamMember.role).where((TeamMember.team == team_id) & (TeamMember.user == user_id))
    found: str | None = query.scalar()
    return found


def teams_of(site: Site, user_id: str) -> list[TeamOf]:
    """The teams that somebody is in, by name; also those that are being deleted."""
    query = TeamMember.select(TeamMember, Team).join(Team).where(TeamMember.user == user_id)
    return [TeamOf(row.team, row.role) for row in query.order_by(Team.slug_key)]


def find_team(site: Site, user_id: str, name: str) -> TeamOf:
    """A team that somebody is in, by its id or slug. Raises NotFound, to strangers as for a team that never was."""
    team = named_team(name)
    role = role_in(site, team.id, user_id) if team is not None else None
    if team is None or role is None:
        raise NotFound(_UNKNOWN)
    return TeamOf(team, role)


def team_of(site: Site, caller: Caller | None, upload: Upload) -> TeamOf | None:
    """The team of a drop, for those who may know of it: whoever is in it. None for others, and for no team's drop."""
    if caller is None or upload.team_id is None:
        return None
    role = role_in(site, upload.team_id, caller.user_id)
    return None if role is None else TeamOf(Team.get_by_id(upload.team_id), role)


def check_may_upload(site: Site, user_id: str, team_id: str) -> None:
    """Raise NotFound for a stranger to the team, Forbidden for a viewer, Conflict while it is being deleted.

    Asked before the bytes are read and, in intake's transaction, with the team's row locked: the role then is final.
    """
    found = find_team(site, user_id, team_id)
    require(found.role, "upload")
    check_alive(found.team)


def may_change(site: Site, caller: Caller, upload: Upload) -> bool:
    """True when the caller may change, trash and restore a drop: their own, or by their role in its team.

    Who brought a drop into a team and has left it, or only looks on now, has no power over it any longer.
    """
    return changes(role_in(site, upload.team_id, caller.user_id) if upload.team_id else None, caller, upload)


def changes(role: str | None, caller: Caller, upload: Upload) -> bool:
    """As `may_change`, for a caller whose role in the drop's team is known. Asks the database nothing."""
    own = caller.user_id == upload.owner_id
    if upload.team_id is None:
        return own
    return may(role, "change all drops") or (own and may(role, "change own drops"))


def check_alive(team: Team) -> None:
    """Raise Conflict for a team that is being deleted."""
    if team.delete_scheduled_for is not None:
        raise Conflict(_ENDING)


def lock(site: Site, user_id: str, name: str, right: str, *, ending: bool = False) -> TeamOf:
    """A team with its row locked until the transaction ends, for somebody who has the right in it.

    Whoever changes something about a team begins with this, so that one act comes after the other and each sees the
    roles as the one before has left them.

    Args:
        name: the team's id or slug.
        ending: also while the team is being deleted.
    Raises: NotFound for a stranger, Forbidden, Conflict.
    """
    assert site.db.in_transaction()
    found = find_team(site, user_id, name)
    lock_row(site, found.team.id)
    found = find_team(site, user_id, found.team.id)
    require(found.role, right)
    if not ending:
        check_alive(found.team)
    return found


def lock_row(site: Site, team_id: str) -> bool:
    """Lock a team's row, which works the same on both databases. Returns whether it is there."""
    return bool(Team.update(updated_at=site.clock.now()).where(Team.id == team_id).execute())


def member(team_id: str, user_id: str) -> Any:
    """The condition for one row of members."""
    return (TeamMember.team == team_id) & (TeamMember.user == user_id)


def named_team(name: str) -> Team | None:
    """A team by its id or slug, whoever asks."""
    if "\0" in name:
        return None
    by_id: Team | None = Team.get_or_none(Team.id == name)
    by_slug: Team | None = by_id or Team.get_or_none(Team.slug_key == fold(name))
    return by_slug
