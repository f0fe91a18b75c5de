"""Teams: people who share a gallery and a quota. Who is in one and as what, invitations, and how one ends."""

from __future__ import annotations

from bulletdrop.core.people.teams.ending import (
    GRACE,
    delete_team,
    due_teams,
    finish_deletion,
    hand_over_before_leaving,
    restore_team,
)
from bulletdrop.core.people.teams.invitations import (
    LIVES,
    Invitation,
    accept,
    accept_invitation,
    decline,
    invitation_link,
    invitations_of,
    invite,
    list_invitations,
    look_at_invitation,
    withdraw,
)
from bulletdrop.core.people.teams.members import change_role, hand_over, leave, list_members, remove_member
from bulletdrop.core.people.teams.membership import (
    TeamOf,
    changes,
    check_alive,
    check_may_upload,
    find_team,
    may_change,
    named_team,
    role_in,
    team_of,
    teams_of,
)
from bulletdrop.core.people.teams.roles import ROLES, given_by, may, outranks, require
from bulletdrop.core.people.teams.rooms import change_team, create_team

__all__ = [
    "GRACE",
    "LIVES",
    "ROLES",
    "Invitation",
    "TeamOf",
    "accept",
    "accept_invitation",
    "change_role",
    "change_team",
    "changes",
    "check_alive",
    "check_may_upload",
    "create_team",
    "decline",
    "delete_team",
    "due_teams",
    "find_team",
    "finish_deletion",
    "given_by",
    "hand_over",
    "hand_over_before_leaving",
    "invitation_link",
    "invitations_of",
    "invite",
    "leave",
    "list_invitations",
    "list_members",
    "look_at_invitation",
    "may",
    "may_change",
    "named_team",
    "outranks",
    "remove_member",
    "require",
    "restore_team",
    "role_in",
    "team_of",
    "teams_of",
    "withdraw",
]
