"""API keys: made once, shown once, kept as hashes; each with its scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from types import EllipsisType

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.models import ApiKey, Pairing, User
from bulletdrop.core.people.callers import SCOPES, Caller
from bulletdrop.core.people.holding import hold_session
from bulletdrop.core.people.rates import rates_of
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned, is_visible
from bulletdrop.errors import Blocked, ExpiredKey, Forbidden, Invalid, NotFound, NotSignedIn, RevokedKey

_PREFIX = "bd_"
_MOST_AN_HOUR = 1_000_000


def create_key(
    site: Site,
    user: User,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    device_name: str | None = None,
    rate_limit_per_hour: int | None = None,
    session_id: str | None = None,
    client: str | None = None,
    user_agent: str = "",
) -> tuple[ApiKey, str]:
    """Make a key. Returns its row and the key itself, which cannot be had again.

    Args:
        rate_limit_per_hour: requests that the key itself may make in an hour, beside the plan's limit; None for any.
        session_id: the session that asks for it. When that has ended meanwhile, no key outlives it.
        client: the kind of client whose file will hold it.
        user_agent: what the device that gets it calls itself.

    Raises: Invalid for no name, no scope, a scope that does not exist, or a limit that is none; Forbidden for
        `admin` for somebody who is none; NotSignedIn when the session has ended.
    """
    wanted = list(dict.fromkeys(scopes))
    if not name.strip() or len(name) > 100 or not is_visible(name):
        raise Invalid("A key needs a name of 1 to 100 characters, all of them visible.", field="name")
    if not wanted:
        raise Invalid(f"A key needs at least one scope of: {', '.join(SCOPES)}.", field="scopes")
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise Invalid(f"“{unknown[0]}” is no scope. There are: {', '.join(SCOPES)}.", field="scopes")
    _check_limit(rate_limit_per_hour)
    expires_at = check_expiry(site, expires_at)
    plain = _PREFIX + secrets.token_urlsafe(32)
    with transaction(site.db):
        if session_id is not None:
            user = hold_session(site, session_id)
        if "admin" in wanted and not user.is_admin:
            raise Forbidden("Only an admin's key can have the scope “admin”.", field="scopes")
        key = ApiKey.create(
            user=user,
            name=name.strip(),
            device_name=cleaned(device_name, most=100) if device_name else None,
            client=client,
            user_agent=cleaned(user_agent, most=300),
            prefix=plain[:9],
            key_hash=_hash(plain),
            scopes=wanted,
            rate_limit_per_hour=rate_limit_per_hour,
            created_at=site.clock.now(),
            expires_at=expires_at,
        )
        record(site, "key.add", actor=user.id, subject=key.id)
    return key, plain


def check_key(site: Site, plain: str) -> Caller:
    """Who a key speaks for.

    Raises: NotSignedIn for one that never was, RevokedKey, ExpiredKey, Blocked when its owner is blocked or leaving.
    """
    key = ApiKey.select(ApiKey, User).join(User).where(ApiKey.key_hash == _hash(plain)).first()
    if key is None:
        raise NotSignedIn("This key is not known here.")
    if key.revoked_at is not None:
        raise RevokedKey("This key was revoked. Use another one.")
    if key.expires_at is not None and key.expires_at <= site.clock.now():
        raise ExpiredKey("This key has expired. Use another one.")
    if not key.user.is_active:
        raise Blocked("This account is blocked. Ask the admin.")
    if key.user.delete_scheduled_for is not None:
        raise Blocked("This account is about to be deleted. Sign in on the page to keep it.")
    rates, scopes = rates_of(site, key.user, key), frozenset(key.scopes)
    return Caller(key.user.id, key.user.username, key.user.is_admin, scopes=scopes, key_id=key.id, rates=rates)


def count_use(site: Site, uses: dict[str, int], addresses: dict[str, str] | None = None) -> None:
    """Add to the counts and times of keys, gathered by the door.

    Args:
        uses: key id → requests since the last call.
        addresses: key id → where the last of them came from.
    """
    for key_id, count in uses.items():
        changes = {"request_count": ApiKey.request_count + count, "last_used_at": site.clock.now()}
        if address := (addresses or {}).get(key_id):
            changes["last_address"] = address[:64]
        ApiKey.update(changes).where(ApiKey.id == key_id).execute()


def list_keys(site: Site, user_id: str) -> list[ApiKey]:
    """Somebody's keys that were not revoked, newest first."""
    query = ApiKey.select().where((ApiKey.user == user_id) & ApiKey.revoked_at.is_null())
    return list(query.order_by(ApiKey.created_at.desc(), ApiKey.id))


def free_device_name(user_id: str, name: str) -> str:
    """A name for a new device that none of its owner's others has: `vm`, then `vm (2)`. At most 100 characters."""
    query = ApiKey.select(ApiKey.name, ApiKey.device_name)
    taken: set[str | None] = set()
    for row in query.where((ApiKey.user == user_id) & ApiKey.revoked_at.is_null() & ApiKey.device_name.is_null(False)):
        taken |= {row.name, row.device_name}
    free, number = name, 1
    while free in taken:
        number += 1
        ending = f" ({number})"
        free = name[: 100 - len(ending)].rstrip() + ending
    return free


def revoke_key(site: Site, user_id: str, key_id: str) -> None:
    """Revoke one of somebody's own keys: refused from now on. Raises NotFound for another's or none."""
    changed = (
        ApiKey.update(revoked_at=site.clock.now())
        .where((ApiKey.id == key_id) & (ApiKey.user == user_id) & ApiKey.revoked_at.is_null())
        .execute()
    )
    if not changed:
        raise NotFound("There is no such key.")
    record(site, "key.revoke", actor=user_id, subject=key_id)


def change_key(
    site: Site,
    user_id: str,
    key_id: str,
    *,
    name: str | None = None,
    rate_limit_per_hour: int | EllipsisType | None = ...,
) -> ApiKey:
    """Rename one of somebody's own keys, or set its limit. Its scopes never change: a key does not grow.

    Raises: NotFound for another's or none, Invalid.
    """
    changes: dict[str, object] = {}
    if name is not None:
        if not name.strip() or len(name) > 100 or not is_visible(name):
            raise Invalid("A key needs a name of 1 to 100 characters, all of them visible.", field="name")
        changes["name"] = name.strip()
    if rate_limit_per_hour is not ...:
        _check_limit(rate_limit_per_hour)
        changes["rate_limit_per_hour"] = rate_limit_per_hour
    own = (ApiKey.id == key_id) & (ApiKey.user == user_id) & ApiKey.revoked_at.is_null()
    if changes and not ApiKey.update(changes).where(own).execute():
        raise NotFound("There is no such key.")
    key: ApiKey | None = ApiKey.get_or_none(own)
    if key is None:
        raise NotFound("There is no such key.")
    record(site, "key.change", actor=user_id, subject=key_id)
    return key


def revoke_keys(site: Site, user_id: str, *, scope: str | None = None) -> int:
    """As `end_keys`, and write it down as their owner's own act."""
    count = end_keys(site, user_id, scope=scope)
    if count:
        record(site, "key.revoke-all", actor=user_id, subject=scope or "", detail=f"{count} keys")
    return count


def end_keys(site: Site, user_id: str, *, scope: str | None = None) -> int:
    """Revoke all of somebody's keys and devices; with `scope`, those that have it. Returns how many there were.

    Of all keys those too that a device was promised and has not fetched yet. Whoever calls it writes it down.
    """
    if scope is None:
        # First: whoever fetches one at this moment is waited for, and has it revoked below.
        Pairing.delete().where(Pairing.user == user_id).execute()
    mine = (ApiKey.user == user_id) & ApiKey.revoked_at.is_null()
    if scope is not None:
        mine &= ApiKey.id.in_([key.id for key in ApiKey.select().where(mine) if scope in key.scopes])
    return int(ApiKey.update(revoked_at=site.clock.now()).where(mine).execute())


def _check_limit(limit: int | None) -> None:
    if limit is not None and not 1 <= limit <= _MOST_AN_HOUR:
        raise Invalid("A limit is a whole number from 1 to a million requests an hour.", field="rate_limit_per_hour")


def _hash(plain: str) -> str:
    # A key has 256 random bits: one SHA-256 is enough, a slow hash would only slow each request.
    return hashlib.sha256(plain.encode()).hexdigest()
