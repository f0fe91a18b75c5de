"""What goes in and out of the API of teams."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Struct

from bulletdrop.core.models import TeamInvite, TeamMember
from bulletdrop.core.people import teams, usage
from bulletdrop.core.people.teams import Invitation, TeamOf
from bulletdrop.core.site import Site
from bulletdrop.web.api.schemas import milliseconds, milliseconds_or_none

_Text = Annotated[str, msgspec.Meta(max_length=300)]


class TeamIn(Struct, forbid_unknown_fields=True):
    """A new team. You are its owner."""

    name: _Text


class TeamPatch(Struct, forbid_unknown_fields=True):
    """Changes to a team: fields that are left out stay as they are."""

    name: _Text | None = None
    slug: _Text | None = None


class TeamDeleteIn(Struct, forbid_unknown_fields=True):
    """A deletion: `confirm` is the team's name, typed once more."""

    confirm: _Text


class TeamOut(Struct):
    """A team that you are in. Between its deletion and `delete_scheduled_for` an owner can take that back."""

    id: str
    name: str
    slug: str
    role: str
    created_at: datetime
    delete_scheduled_for: datetime | None


class TeamUsageOut(Struct):
    """What a team may use (null is no limit) and has used. Sizes in bytes."""

    storage_used: int
    storage: int | None
    uploads_today: int
    uploads_per_day: int | None
    bandwidth_this_month: int
    bandwidth_per_month: int | None
    max_file_size: int | None


class TeamDetailOut(TeamOut, kw_only=True):
    """A team with what it uses, and the roles that you may give in it."""

    usage: TeamUsageOut
    may_give: list[str]


class MineOut(Struct):
    """An invitation that is addressed to you."""

    id: str
    team_name: str
    role: str
    inviter: str
    expires_at: datetime


class TeamsOut(Struct):
    """All teams that you are in, and the invitations that wait for your answer."""

    items: list[TeamOut]
    invitations: list[MineOut]
    next: str | None = None


class MemberOut(Struct):
    """Somebody in a team."""

    user_id: str
    username: str
    display_name: str
    role: str
    joined_at: datetime


class MembersOut(Struct):
    """Everybody in a team, owners first."""

    items: list[MemberOut]
    next: str | None = None


class RoleIn(Struct, forbid_unknown_fields=True):
    """Another role: owner, admin, member or viewer."""

    role: _Text


class TeamInviteIn(Struct, forbid_unknown_fields=True):
    """An invitation as admin, member or viewer: for an email address, a username, or whoever has the link."""

    role: _Text = "member"
    whom: _Text = ""


class TeamInviteOut(Struct):
    """An open invitation. `link` is good once; of one for a username it is null, for they find it on their own page."""

    id: str
    role: str
    whom: str
    link: str | None
    invited_by: str
    created_at: datetime
    expires_at: datetime


class TeamInvitesOut(Struct):
    """The open invitations of a team, newest first."""

    items: list[TeamInviteOut]
    next: str | None = None


class JoinIn(Struct, forbid_unknown_fields=True):
    """The code of an invitation, or the id of one that is addressed to you."""

    code: _Text = ""
    invite_id: _Text = ""


class InvitationIn(Struct, forbid_unknown_fields=True):
    """An invitation's code."""

    code: _Text


class InvitationOut(Struct):
    """What an invitation is for."""

    team_name: str
    role: str
    inviter: str
    expires_at: datetime


class OwnerIn(Struct, forbid_unknown_fields=True):
    """Who is to be the owner in your place."""

    user_id: _Text


def team_out(found: TeamOf) -> TeamOut:
    """A team as somebody in it has it."""
    team = found.team
    return TeamOut(
        id=team.id,
        name=team.name,
        slug=team.slug,
        role=found.role,
        created_at=milliseconds(team.created_at),
        delete_scheduled_for=milliseconds_or_none(team.delete_scheduled_for),
    )


def detail_out(site: Site, found: TeamOf) -> TeamDetailOut:
    """A team with what it uses. Three queries."""
    known = usage.summary(site, found.team)
    used = TeamUsageOut(
        storage_used=known.storage_used,
        storage=known.limits.storage,
        uploads_today=known.uploads_today,
        uploads_per_day=known.limits.uploads_per_day,
        bandwidth_this_month=known.bandwidth_this_month,
        bandwidth_per_month=known.limits.bandwidth_per_month,
        max_file_size=known.limits.max_file_size,
    )
    plain = msgspec.structs.asdict(team_out(found))
    return TeamDetailOut(**plain, usage=used, may_give=list(teams.given_by(found.role)))


def member_out(row: TeamMember) -> MemberOut:
    """Somebody in a team; `row.user` is loaded."""
    user = row.user
    return MemberOut(user.id, user.username, user.display_name, row.role, milliseconds(row.joined_at))


def mine_out(found: Invitation) -> MineOut:
    """An invitation, for whom it is addressed to."""
    return MineOut(found.id, found.team_name, found.role, found.inviter, milliseconds(found.invite.expires_at))


def invite_out(site: Site, row: TeamInvite) -> TeamInviteOut:
    """An open invitation, for those who may invite; `row.created_by` is loaded."""
    for_a_name = row.email.startswith("@")
    return TeamInviteOut(
        id=row.id,
        role=row.role,
        whom=row.email.removeprefix("@"),
        link=None if for_a_name else teams.invitation_link(site, row),
        invited_by=row.created_by.username if row.created_by is not None else "",
        created_at=milliseconds(row.created_at),
        expires_at=milliseconds(row.expires_at),
    )
