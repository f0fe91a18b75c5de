"""Listing secrets: for who has made them and for their team. Never what is in them."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Any

from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.models import Secret, SecretAccess, Team, TeamMember, User
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, NotFound

MOST_ACCESSES = 200
_UNKNOWN = "There is no such secret."


def list_secrets(
    site: Site, caller: Caller, *, team: str | None = None, cursor: str | None = None, limit: int = 60
) -> Page[Secret]:
    """The caller's own secrets and those of their teams, newest first.

    Args:
        team: the id or slug of a team, for its secrets alone.
    Raises: NotFound for a team that the caller is not in, Invalid for a cursor that is none of ours.
    """
    which = _visible(caller.user_id)
    if team is not None:
        which = Secret.team == teams.find_team(site, caller.user_id, team).team.id
    return paged(_joined().where(which), by=Secret.created_at, ties=Secret.id, cursor=cursor, limit=limit)


def visible_secret(site: Site, caller: Caller, secret_id: str, *, right: str = "see") -> Secret:
    """One secret that the caller made, or that is a team's of theirs.

    Args:
        right: what the caller must be allowed in its team.
    Raises: NotFound, to strangers as for one that never was; Forbidden for a member without the right.
    """
    found: Secret | None = None
    if "\0" not in secret_id:
        found = _joined().where((Secret.id == secret_id) & _visible(caller.user_id)).first()
    if found is None:
        raise NotFound(_UNKNOWN)
    if found.team_id is not None and not teams.may(teams.role_in(site, found.team_id, caller.user_id), right):
        raise Forbidden("You may look at this team's secrets, but not change any. Ask an admin of the team.")
    return found


def list_accesses(site: Site, secret: Secret) -> list[SecretAccess]:
    """The newest 200 lines of a secret's log, the newest first."""
    rows = SecretAccess.select().where(SecretAccess.secret == secret.id)
    return list(rows.order_by(SecretAccess.at.desc(), SecretAccess.id.desc()).limit(MOST_ACCESSES))


def may_burn(site: Site, caller: Caller, secret: Secret) -> bool:
    """True when the caller may burn it: their own, or by their role in its team."""
    if secret.team_id is None:
        return secret.owner_id == caller.user_id
    return teams.may(teams.role_in(site, secret.team_id, caller.user_id), "upload")


def state_of(secret: Secret, now: datetime) -> str:
    """What became of a secret: `open`, `opened` (as often as it could), `expired` or `burned` (by its owner)."""
    if secret.max_views is not None and secret.views >= secret.max_views:
        return "opened"
    if secret.expires_at is not None and secret.expires_at <= (secret.burned_at or now):
        return "expired"
    return "open" if secret.burned_at is None else "burned"


def shortened(address: str) -> str:
    """An address as a log keeps it: of IPv4 the first 24 bits, of IPv6 the first 48; empty for none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def _joined() -> Any:
    from peewee import JOIN

    return Secret.select(Secret, User, Team).join(User).switch(Secret).join(Team, JOIN.LEFT_OUTER)


def _visible(user_id: str) -> Any:
    # What somebody made for a team that they are no longer in is the team's alone.
    mine = TeamMember.select(TeamMember.team).where(TeamMember.user == user_id)
    return ((Secret.owner == user_id) & Secret.team.is_null()) | Secret.team.in_(mine)
