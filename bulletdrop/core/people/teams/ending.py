"""Ending: a team that is deleted rests for seven days, its drops dark; and what becomes of one whose owner goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Album, Hold, Team, TeamMember, Upload, Usage, User
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.teams.members import withdraw_invitations_of
from bulletdrop.core.people.teams.membership import TeamOf, find_team, lock, lock_row, member
from bulletdrop.core.people.teams.roles import OWNER, ROLES
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Invalid

GRACE = timedelta(days=7)
# Drops deleted in one go; the next run of the job goes on.
_MOST_DROPS = 2000


def delete_team(site: Site, user_id: str, team: str, *, confirm: str, address: str = "") -> datetime:
    """Begin a team's deletion: nothing of it is shown any longer, nothing is gone yet.

    Args:
        team: its id or slug.
        confirm: the team's name, typed once more.
    Returns: when it will be deleted; until then any owner takes it back.
    Raises: Invalid for another name, Conflict when it was begun before, Forbidden, NotFound.
    """
    due = site.clock.now() + GRACE
    with transaction(site.db):
        found = lock(site, user_id, team, "delete", ending=True)
        if fold(confirm) != fold(found.team.name):
            raise Invalid("This is not the team's name. Type it as it stands above.", field="confirm")
        if found.team.delete_scheduled_for is not None:
            raise Conflict("The deletion was asked for already.")
        Team.update(delete_scheduled_for=due).where(Team.id == found.team.id).execute()
        record(site, "team.delete-request", actor=user_id, subject=found.team.id, address=address)
    return due


def restore_team(site: Site, user_id: str, team: str, *, address: str = "") -> TeamOf:
    """Keep a team after all. Raises Conflict when it is not being deleted, or its time is over; Forbidden, NotFound."""
    with transaction(site.db):
        found = lock(site, user_id, team, "delete", ending=True)
        if found.team.delete_scheduled_for is None:
            raise Conflict("This team is not being deleted.")
        if found.team.delete_scheduled_for <= site.clock.now():
            raise Conflict("The time to take this back is over: the team is being deleted.")
        Team.update(delete_scheduled_for=None).where(Team.id == found.team.id).execute()
        record(site, "team.restore", actor=user_id, subject=found.team.id, address=address)
    return find_team(site, user_id, found.team.id)


def due_teams(site: Site, *, most: int = 20) -> list[str]:
    """The ids of teams whose time is over, the longest first."""
    due = Team.delete_scheduled_for <= site.clock.now()
    return [row.id for row in Team.select(Team.id).where(due).order_by(Team.delete_scheduled_for, Team.id).limit(most)]


def finish_deletion(site: Site, team_id: str, delete_drop: Callable[[Site, str], object]) -> bool:
    """Delete a team whose time is over. Safe to be killed anywhere: until the team's row is gone, the next run goes on.

    Drops first, one by one, each whole; the row last, which takes members and invitations with it.

    Args:
        delete_drop: deletes a drop that is in the trash for good (`deletion.delete_forever`).
    Returns: whether the team is gone now.
    """
    due = (Team.id == team_id) & (Team.delete_scheduled_for <= site.clock.now())
    if not Team.select(Team.id).where(due).exists():
        return False
    for row in Upload.select(Upload.id).where(Upload.team == team_id).order_by(Upload.id).limit(_MOST_DROPS):
        Upload.update(trashed_at=site.clock.now()).where((Upload.id == row.id) & Upload.trashed_at.is_null()).execute()
        delete_drop(site, row.id)
    with transaction(site.db):
        lock_row(site, team_id)
        if Upload.select(Upload.id).where(Upload.team == team_id).exists():
            return False
        _delete_row(site, team_id)
    return True


def hand_over_before_leaving(site: Site, user_id: str) -> None:
    """Before an account is deleted: what it has in teams goes on to those who stay.

    Of a team that it alone owned, the highest and longest member is the owner now; what it brought into teams belongs
    to their owner; a team with nobody else in it is dissolved, and its drops become the account's own, to be deleted
    with it. Each team is one transaction; doing it again does what is left.
    """
    joined = TeamMember.select(TeamMember.team).where(TeamMember.user == user_id)
    brought = Upload.select(Upload.team).where((Upload.owner == user_id) & Upload.team.is_null(False)).distinct()
    made = Album.select(Album.team).where((Album.owner == user_id) & Album.team.is_null(False)).distinct()
    ids = {row.team_id for query in (joined, brought, made) for row in query}
    for team_id in sorted(each for each in ids if each):
        with transaction(site.db):
            lock_row(site, team_id)
            _give_on(site, team_id, user_id)


def _give_on(site: Site, team_id: str, user_id: str) -> None:
    query = TeamMember.select(TeamMember, User).join(User).where(TeamMember.team == team_id)
    others = [row for row in query if row.user_id != user_id]
    if not others:
        _dissolve(site, team_id, user_id)
        return
    # Whoever can act before whoever is blocked or leaving, then by rank, then the longest.
    next_owner = min(
        others, key=lambda row: (not _can_act(row.user), ROLES.index(row.role), row.joined_at, row.user_id)
    )
    if next_owner.role != OWNER and not any(row.role == OWNER and _can_act(row.user) for row in others):
        TeamMember.update(role=OWNER).where(member(team_id, next_owner.user_id)).execute()
        record(site, "team.hand-over", subject=team_id, detail=next_owner.user_id)
    # An idempotency key is one person's own; under another's name it could meet one of theirs.
    mine = (Upload.team == team_id) & (Upload.owner == user_id)
    Upload.update(owner=next_owner.user_id, idempotency_key=None).where(mine).execute()
    its_albums = (Album.team == team_id) & (Album.owner == user_id)
    Album.update(owner=next_owner.user_id).where(its_albums).execute()
    withdraw_invitations_of(team_id, user_id)
    TeamMember.delete().where(member(team_id, user_id)).execute()


def _dissolve(site: Site, team_id: str, user_id: str) -> None:
    used = Team.select(Team.storage_used).where(Team.id == team_id).scalar() or 0
    drops = Upload.team == team_id
    others = drops & (Upload.owner != user_id)
    Upload.update(owner=user_id, idempotency_key=None).where(others).execute()
    Upload.update(team=None).where(drops).execute()
    User.update(storage_used=User.storage_used + used).where(User.id == user_id).execute()
    _delete_row(site, team_id)


def _can_act(user: User) -> bool:
    return user.is_active and user.delete_scheduled_for is None


def _delete_row(site: Site, team_id: str) -> None:
    Usage.delete().where(Usage.account == team_id).execute()
    Hold.delete().where(Hold.account == team_id).execute()
    Team.delete().where(Team.id == team_id).execute()
    record(site, "team.deleted", subject=team_id)
