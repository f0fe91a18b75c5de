"""Members: changing roles, removing, leaving, handing over. A team always has an owner."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Team, TeamInvite, TeamMember, User
from bulletdrop.core.people.teams.membership import TeamOf, find_team, lock, member, role_in
from bulletdrop.core.people.teams.roles import ADMIN, OWNER, ROLES, check_role, given_by, outranks
from bulletdrop.core.people.teams.rooms import check_may_own
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, NotFound


@dataclass(frozen=True)
class Change:
    """One act on a member: who did it, to whom, in which team."""

    team: Team
    actor: str
    user_id: str
    address: str = ""


def list_members(site: Site, user_id: str, team: str) -> list[TeamMember]:
    """Everybody in a team, by role, then by name; for whoever is in it. Raises NotFound."""
    found = find_team(site, user_id, team)
    query = TeamMember.select(TeamMember, User).join(User).where(TeamMember.team == found.team.id)
    return sorted(query, key=lambda row: (ROLES.index(row.role), row.user.username_key))


def change_role(site: Site, user_id: str, team: str, whom: str, role: str, *, address: str = "") -> TeamMember:
    """Give a member another role. What it takes away is refused from then on.

    Args:
        whom: the member's user id.
    Raises: Invalid for a word that is no role, Forbidden for a role or a member above one's own, Conflict for the
        only owner, or for a new one who owns as many teams as one may; NotFound.
    """
    check_role(role)
    with transaction(site.db):
        found = lock(site, user_id, team, "manage members")
        before = _role_of(site, found, whom)
        if role not in given_by(found.role) or not outranks(found.role, before):
            raise Forbidden("You can only give roles below your own, and only to those who are below you.")
        if role != before:
            _keep_an_owner(site, found.team, but=whom, losing=before)
            if role == OWNER:
                check_may_own(site, whom)
            _set_role(site, Change(found.team, user_id, whom, address), role)
    return TeamMember.select(TeamMember, User).join(User).where(member(found.team.id, whom)).get()


def remove_member(site: Site, user_id: str, team: str, whom: str, *, address: str = "") -> None:
    """Take somebody out of a team: they see nothing of it from then on. What they brought stays.

    Raises: Forbidden for a member who is not below one's own role, Conflict for the only owner, NotFound.
    """
    if whom == user_id:
        leave(site, user_id, team, address=address)
        return
    with transaction(site.db):
        found = lock(site, user_id, team, "manage members")
        before = _role_of(site, found, whom)
        if not outranks(found.role, before):
            raise Forbidden("You can only remove members who are below you.")
        _keep_an_owner(site, found.team, but=whom, losing=before)
        _take_out(site, Change(found.team, user_id, whom, address), "team.remove-member")


def leave(site: Site, user_id: str, team: str, *, address: str = "") -> None:
    """Leave a team. What one brought stays in it. Raises Conflict for the only owner, NotFound."""
    with transaction(site.db):
        found = lock(site, user_id, team, "see", ending=True)
        _keep_an_owner(site, found.team, but=user_id, losing=found.role)
        _take_out(site, Change(found.team, user_id, user_id, address), "team.leave")


def hand_over(site: Site, user_id: str, team: str, whom: str, *, address: str = "") -> TeamOf:
    """Make another member the owner in one's own place; who hands over is an admin afterwards. All of it, or nothing.

    Raises: Forbidden for who is no owner, Conflict for a member who is blocked or leaving, or who owns as many teams as
        one may; NotFound.
    """
    with transaction(site.db):
        found = lock(site, user_id, team, "hand over")
        before = _role_of(site, found, whom)
        if whom == user_id:
            raise Conflict("You are an owner of this team already.")
        if not User.select(User.id).where((User.id == whom) & _stays()).exists():
            raise Conflict("This person's account is blocked or about to be deleted. Choose somebody else.")
        if before != OWNER:
            check_may_own(site, whom)
        _set_role(site, Change(found.team, user_id, whom, address), OWNER)
        _set_role(site, Change(found.team, user_id, user_id, address), ADMIN)
        record(site, "team.hand-over", actor=user_id, subject=found.team.id, address=address, detail=whom)
    return find_team(site, user_id, found.team.id)


def withdraw_invitations_of(team_id: str, user_id: str, *, but: tuple[str, ...] = ()) -> None:
    """An invitation counts only as long as whoever made it could make it: it is a way back in otherwise.

    Args:
        but: the roles to which they may still invite.
    """
    mine = (TeamInvite.team == team_id) & (TeamInvite.created_by == user_id)
    TeamInvite.delete().where(mine & TeamInvite.role.not_in(but) if but else mine).execute()


def _role_of(site: Site, found: TeamOf, whom: str) -> str:
    role = None if "\0" in whom else role_in(site, found.team.id, whom)
    if role is None:
        raise NotFound("There is no such member in this team.")
    return role


def _stays() -> object:
    return User.is_active & User.delete_scheduled_for.is_null()


def _keep_an_owner(site: Site, team: Team, *, but: str, losing: str) -> None:
    """Raise Conflict when somebody's going would leave a team without an owner who can act. The row is locked."""
    if losing != OWNER:
        return
    owners = (TeamMember.team == team.id) & (TeamMember.role == OWNER) & (TeamMember.user != but)
    if not TeamMember.select().join(User).where(owners & _stays()).exists():
        raise Conflict("A team needs an owner, and there is no other. Hand it over first, or delete it.")


def _set_role(site: Site, change: Change, role: str) -> None:
    TeamMember.update(role=role).where(member(change.team.id, change.user_id)).execute()
    withdraw_invitations_of(change.team.id, change.user_id, but=given_by(role))
    _record(site, "team.role", change, f"{change.user_id}: {role}")


def _take_out(site: Site, change: Change, action: str) -> None:
    TeamMember.delete().where(member(change.team.id, change.user_id)).execute()
    withdraw_invitations_of(change.team.id, change.user_id)
    _record(site, action, change, change.user_id)


def _record(site: Site, action: str, change: Change, detail: str) -> None:
    record(site, action, actor=change.actor, subject=change.team.id, address=change.address, detail=detail)
