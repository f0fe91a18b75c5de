"""Directory: everybody with an account, as the admin looks them up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.models import (
    ApiKey,
    Identity,
    Passkey,
    RecoveryCode,
    Session,
    Team,
    TeamMember,
    Totp,
    Upload,
    User,
)
from bulletdrop.core.people.accounts import LONGEST, fold
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound

STATES = ("active", "blocked", "unverified", "leaving")
ROLES = ("admin", "user")
# Name in the query → column, whether the greatest comes first, what it is in a cursor.
SORTS: dict[str, tuple[Any, bool, type]] = {
    "name": (User.username_key, False, str),
    "newest": (User.created_at, True, int),
    "oldest": (User.created_at, False, int),
    "storage": (User.storage_used, True, int),
}


@dataclass(frozen=True)
class Listed:
    """One row of the list: the account, and when somebody last used it."""

    user: User
    last_seen: datetime | None


@dataclass(frozen=True)
class SecondFactors:
    """What somebody has beside the password: how many of each, never the secrets."""

    has_totp: bool
    passkeys: int
    recovery_codes: int


@dataclass(frozen=True)
class Dossier:
    """Everything that the admin's page says about one person. Secrets are not in it."""

    user: User
    last_seen: datetime | None
    uploads: int
    trashed: int
    sessions: list[Session]
    keys: list[ApiKey]
    teams: list[tuple[Team, str]]
    identities: list[Identity]
    factors: SecondFactors


def search_users(
    site: Site,
    *,
    text: str = "",
    state: str = "",
    plan: str = "",
    role: str = "",
    sort: str = "name",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Listed]:
    """Accounts, filtered and in order.

    Args:
        text: part of a username, an email address or a display name, without regard to case.
        state: one of STATES; a blocked account is not `active`, one that waits for its deletion is `leaving`.
        role: one of ROLES.
        sort: one of SORTS.
    Raises: Invalid with the field for a filter that does not exist, or a cursor of another list.
    """
    query = User.select()
    if text := text.strip():
        query = query.where(_matches(text))
    if state:
        query = query.where(_in_state(state))
    if plan:
        query = query.where(User.plan == plan.replace("\0", ""))
    if role:
        _check(role, ROLES, "role")
        query = query.where(User.is_admin == (role == "admin"))
    _check(sort, tuple(SORTS), "sort")
    column, descending, kind = SORTS[sort]
    page = paged(query, by=column, ties=User.id, cursor=cursor, limit=limit, descending=descending, kind=kind)
    seen = _last_seen([user.id for user in page.items])
    return Page([Listed(user, seen.get(user.id)) for user in page.items], page.next)


def get_user(site: Site, user_id: str) -> User:
    """An account by its id. Raises NotFound."""
    found: User | None = None if "\0" in user_id else User.get_or_none(User.id == user_id)
    if found is None:
        raise NotFound("There is no such account.")
    return found


def dossier(site: Site, user_id: str) -> Dossier:
    """All about one person but their secrets. Raises NotFound."""
    user = get_user(site, user_id)
    now = site.clock.now()
    sessions = Session.select().where(
        (Session.user == user)
        & Session.revoked_at.is_null()
        & (Session.expires_at > now)
        & (Session.epoch == user.epoch)
    )
    keys = ApiKey.select().where((ApiKey.user == user) & ApiKey.revoked_at.is_null())
    members = TeamMember.select(TeamMember, Team).join(Team).where(TeamMember.user == user).order_by(Team.slug_key)
    drops = Upload.select(fn.COUNT(Upload.id)).where(Upload.owner == user)
    return Dossier(
        user=user,
        last_seen=_last_seen([user.id]).get(user.id),
        uploads=int(drops.where(Upload.trashed_at.is_null()).scalar() or 0),
        trashed=int(drops.where(Upload.trashed_at.is_null(False)).scalar() or 0),
        sessions=list(sessions.order_by(Session.last_used_at.desc(), Session.id).limit(100)),
        keys=list(keys.order_by(ApiKey.created_at.desc(), ApiKey.id).limit(100)),
        teams=[(member.team, member.role) for member in members],
        identities=list(Identity.select().where(Identity.user == user).order_by(Identity.provider)),
        factors=second_factors(site, user.id),
    )


def second_factors(site: Site, user_id: str) -> SecondFactors:
    """What somebody has beside the password."""
    totp = Totp.select(Totp.user).where((Totp.user == user_id) & Totp.confirmed_at.is_null(False))
    unused = RecoveryCode.select().where((RecoveryCode.user == user_id) & RecoveryCode.used_at.is_null())
    return SecondFactors(totp.exists(), Passkey.select().where(Passkey.user == user_id).count(), unused.count())


def names_of(site: Site, ids: set[str]) -> dict[str, str]:
    """Usernames by id, for lists that name people; who is gone is missing."""
    if not ids:
        return {}
    return {user.id: user.username for user in User.select(User.id, User.username).where(User.id.in_(sorted(ids)))}


def states_of(user: User) -> tuple[str, ...]:
    """What to say about an account beside its name: of STATES, those that are not the usual."""
    found = {
        "blocked": not user.is_active,
        "unverified": not user.is_verified,
        "leaving": user.delete_scheduled_for is not None,
    }
    return tuple(name for name, holds in found.items() if holds)


def _matches(text: str) -> Any:
    """Names and addresses are kept folded: comparing with the folded text finds them in either case."""
    if len(text) > LONGEST or "\0" in text:
        raise Invalid(f"A search has at most {LONGEST} characters.", field="q")
    folded = fold(text)
    # Not the column alone: SQLite's own comparison knows no case beyond ASCII, which is enough for a display name.
    shown = fn.LOWER(User.display_name).contains(text.lower())
    return User.username_key.contains(folded) | User.email_key.contains(folded) | shown


def _in_state(state: str) -> Any:
    _check(state, STATES, "state")
    stays = User.delete_scheduled_for.is_null()
    return {
        "active": User.is_active & stays,
        "blocked": ~User.is_active,
        "unverified": ~User.is_verified,
        "leaving": ~stays,
    }[state]


def _last_seen(ids: list[str]) -> dict[str, datetime]:
    """The last use of any session or key, by user."""
    found: dict[str, datetime] = {}
    if not ids:
        return found
    for model in (Session, ApiKey):
        used: Any = model.select(model.user, fn.MAX(model.last_used_at)).where(model.user.in_(ids))
        for user_id, moment in used.group_by(model.user).tuples():
            if moment is not None and (user_id not in found or found[user_id] < moment):
                found[user_id] = moment
    return found


def _check(value: str, known: tuple[str, ...], field: str) -> None:
    if value not in known:
        raise Invalid(f"{field} is one of {', '.join(known)}.", field=field)
