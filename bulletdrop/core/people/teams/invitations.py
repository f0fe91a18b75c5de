"""Invitations: everybody agrees to join. A link for whoever has it, good once, or a note on one person's own page."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import JOIN

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import Team, TeamInvite, TeamMember, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people.accounts import LONGEST, ascii_domain, fold
from bulletdrop.core.people.teams.membership import TeamOf, check_alive, find_team, lock, lock_row, role_in
from bulletdrop.core.people.teams.roles import OWNER, check_role, given_by, require
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import Conflict, Forbidden, Gone, Invalid, NotFound

LIVES = timedelta(days=7)
# Open ones at once: an invitation can send a mail to anybody.
_MOST_OPEN = 100
_OVER = "This invitation has been used already, was withdrawn, or is too old. Ask for a new one."


@dataclass(frozen=True)
class Invitation:
    """An invitation as the invited see it, before they are in."""

    id: str
    team_name: str
    role: str
    inviter: str
    invite: TeamInvite


def invite(site: Site, user_id: str, team: str, *, role: str, whom: str = "", address: str = "") -> TeamInvite:
    """Invite somebody into a team.

    Args:
        team: its id or slug.
        whom: an email address, which gets a mail with the link; a username, whose owner finds it on the page of teams;
            or nothing: then the link is to be handed on. Whether there is such an account, the answer does not tell.
        address: where the request came from.
    Raises: Invalid, Forbidden for a role that is not below one's own, Conflict, NotFound.
    """
    check_role(role)
    whom = _check_whom(whom)
    now = site.clock.now()
    with transaction(site.db):
        found = lock(site, user_id, team, "invite")
        if role == OWNER or role not in given_by(found.role):
            raise Forbidden("You can only invite to a role below your own; owners are made by handing over.")
        _check_open(site, found, whom)
        made = TeamInvite.create(
            team=found.team.id,
            code=secrets.token_urlsafe(24),
            role=role,
            email=whom,
            created_by=user_id,
            created_at=now,
            expires_at=now + LIVES,
        )
        if whom and not whom.startswith("@"):
            _send(site, made, found.team, User.get_by_id(user_id))
        record(site, "team.invite", actor=user_id, subject=found.team.id, address=address, detail=f"{role} {whom}")
    return made


def invitation_link(site: Site, invite: TeamInvite) -> str:
    """The page that asks whether to join. The code stands behind the `#`, where no log ever sees it."""
    return f"{public_base(site.config)}/teams/join#code={invite.code}"


def list_invitations(site: Site, user_id: str, team: str) -> list[TeamInvite]:
    """The open invitations of a team, newest first, for those who may invite. Raises NotFound, Forbidden."""
    found = find_team(site, user_id, team)
    require(found.role, "invite")
    query = _open(site).where(TeamInvite.team == found.team.id)
    return list(query.order_by(TeamInvite.created_at.desc(), TeamInvite.id))


def withdraw(site: Site, user_id: str, team: str, invite_id: str, *, address: str = "") -> None:
    """Take an invitation back: its link is worth nothing from then on. Raises NotFound, Forbidden."""
    with transaction(site.db):
        found = lock(site, user_id, team, "invite", ending=True)
        mine = (TeamInvite.id == invite_id) & (TeamInvite.team == found.team.id)
        if "\0" in invite_id or not TeamInvite.delete().where(mine).execute():
            raise NotFound("There is no such invitation.")
        record(site, "team.withdraw-invite", actor=user_id, subject=found.team.id, address=address, detail=invite_id)


def invitations_of(site: Site, user_id: str) -> list[Invitation]:
    """The invitations that are addressed to somebody, by username or by an address that is proved to be theirs."""
    user = User.get_or_none(User.id == user_id)
    if user is None:
        return []
    query = _open(site).where(_addressed_to(user) & Team.delete_scheduled_for.is_null())
    found = [_shown(row) for row in query.order_by(TeamInvite.created_at.desc(), TeamInvite.id)]
    return [one for one in found if role_in(site, one.invite.team_id, user_id) is None]


def look_at_invitation(site: Site, code: str) -> Invitation:
    """What an invitation is for; it stays good. Raises Gone."""
    found = None if "\0" in code else _open(site).where(TeamInvite.code == code).first()
    if found is None:
        raise Gone(_OVER)
    return _shown(found)


def accept(site: Site, user_id: str, code: str, *, address: str = "") -> TeamOf:
    """Join a team with an invitation's code. Of many who come with it at once, one gets in.

    Raises: Gone for a code that is over or somebody else's, Conflict for who is in the team already.
    """
    with transaction(site.db):
        invitation = look_at_invitation(site, code)
        user: User = User.get_by_id(user_id)
        if invitation.invite.email.startswith("@") and not _is_for(invitation.invite, user):
            raise Gone(_OVER)
        return _join(site, user, invitation.invite, address)


def accept_invitation(site: Site, user_id: str, invite_id: str, *, address: str = "") -> TeamOf:
    """Join a team by an invitation that is addressed to oneself. Raises NotFound, Gone, Conflict."""
    with transaction(site.db):
        user, found = _mine(site, user_id, invite_id)
        return _join(site, user, found, address)


def decline(site: Site, user_id: str, invite_id: str, *, address: str = "") -> None:
    """Say no to an invitation that is addressed to oneself: it is gone. Raises NotFound."""
    with transaction(site.db):
        _, found = _mine(site, user_id, invite_id)
        TeamInvite.delete().where(TeamInvite.id == found.id).execute()
        record(site, "team.decline", actor=user_id, subject=found.team_id, address=address)


def _join(site: Site, user: User, found: TeamInvite, address: str) -> TeamOf:
    team_id = found.team_id
    lock_row(site, team_id)
    if role_in(site, team_id, user.id) is not None:
        raise Conflict("You are in this team already.")
    # The delete decides: with the row locked, whoever comes second finds nothing to delete.
    if not TeamInvite.delete().where(TeamInvite.id == found.id).execute():
        raise Gone(_OVER)
    team = Team.get_by_id(team_id)
    check_alive(team)
    TeamMember.create(team=team_id, user=user.id, role=found.role, joined_at=site.clock.now())
    record(site, "team.join", actor=user.id, subject=team_id, address=address, detail=found.role)
    return TeamOf(team, found.role)


def _open(site: Site) -> Any:
    """Invitations that still count: not over, and made by somebody who is still there to have made them."""
    query = TeamInvite.select(TeamInvite, Team, User).join(Team).switch(TeamInvite).join(User, JOIN.INNER)
    return query.where((TeamInvite.expires_at > site.clock.now()) & User.is_active)


def _mine(site: Site, user_id: str, invite_id: str) -> tuple[User, TeamInvite]:
    user: User = User.get_by_id(user_id)
    found = None if "\0" in invite_id else _open(site).where((TeamInvite.id == invite_id) & _addressed_to(user)).first()
    if found is None:
        raise NotFound("There is no such invitation.")
    return user, found


def _addressed_to(user: User) -> Any:
    wanted = TeamInvite.email == f"@{user.username_key}"
    return wanted | (TeamInvite.email == user.email_key) if user.is_verified and user.email_key else wanted


def _is_for(invite: TeamInvite, user: User) -> bool:
    return invite.email == f"@{user.username_key}"


def _shown(row: TeamInvite) -> Invitation:
    assert row.created_by is not None
    return Invitation(row.id, row.team.name, row.role, row.created_by.username, row)


def _check_whom(whom: str) -> str:
    """As it is kept: a folded address, `@` and a folded username, or nothing. Raises Invalid."""
    whom = fold(ascii_domain(whom.strip()) if len(whom) <= LONGEST else whom)
    if len(whom) > min(LONGEST, 250) or not is_visible(whom) or any(letter.isspace() for letter in whom):
        raise Invalid("Give a username, an email address, or nothing.", field="whom")
    return whom if not whom or "@" in whom else f"@{whom}"


def _check_open(site: Site, found: TeamOf, whom: str) -> None:
    TeamInvite.delete().where(
        (TeamInvite.team == found.team.id) & (TeamInvite.expires_at <= site.clock.now())
    ).execute()
    open_ones = [row.email for row in TeamInvite.select().where(TeamInvite.team == found.team.id)]
    if len(open_ones) >= _MOST_OPEN:
        raise Conflict(f"{_MOST_OPEN} invitations are open, which is the most. Withdraw some first.")
    if whom and whom in open_ones:
        raise Conflict("An invitation for them is open already. Withdraw it first to make a new one.", field="whom")
    in_it = TeamMember.select().join(User).where((TeamMember.team == found.team.id) & (User.username_key == whom[1:]))
    if whom.startswith("@") and in_it.exists():
        raise Conflict("They are in this team already.", field="whom")


def _send(site: Site, made: TeamInvite, team: Team, inviter: User) -> None:
    post(
        site,
        "team-invite",
        to=made.email,
        link=invitation_link(site, made),
        lives=LIVES,
        team=team.name,
        inviter=inviter.username,
        role=made.role,
    )
