"""Quotas: room for an upload is taken before its bytes are read, and settled, exactly, with its row.

A drop counts for its team where it has one, else for its owner: the account. `charge` is the final word. It raises the
account's count first, which locks the row until the transaction ends, and only then looks whether that was too much;
so no two uploads ever both see the same last bit of room. Locks are taken in the order blob, account, usage, hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from bulletdrop.core.database import transaction
from bulletdrop.core.models import Hold, Team, User, new_id
from bulletdrop.core.people import usage
from bulletdrop.core.people.plans import Limits, combined, known_plan
from bulletdrop.core.people.teams import check_may_upload, find_team, teams_of
from bulletdrop.core.site import Site
from bulletdrop.core.text import size_in_words
from bulletdrop.errors import NotFound, QuotaFull, TooBig, TooMany


@dataclass(frozen=True)
class Account:
    """Who an upload counts for, and how it stands: `storage_used` in bytes, without what is held."""

    id: str
    is_team: bool
    storage_used: int
    limits: Limits


@dataclass(frozen=True)
class Taken:
    """Room that was taken before the bytes come.

    Attributes:
        account: whose it is; None while it is not known whether the upload is for a team.
        hold: the hold, where one was needed.
        held: its bytes.
        room: bytes that are left beside it; None for any number.
        largest: the plan's largest file in bytes; None for any size, and while it is not known whose plan it is.
    """

    account: Account | None
    hold: str | None = None
    held: int = 0
    room: int | None = None
    largest: int | None = None


def account_of(site: Site, user_id: str, team_id: str | None = None) -> Account:
    """How the account stands that an upload of this user counts for. One query. Raises NotFound when it is gone."""
    model: Any = User if team_id is None else Team
    found = model.select(model.id, model.storage_used, model.plan, model.limits).where(model.id == (team_id or user_id))
    return _account(site, found.tuples().first(), is_team=team_id is not None)


def check_upload(site: Site, user_id: str, *, team_id: str | None = None, size: int | None) -> None:
    """Refuse an upload that cannot be kept, before its bytes are read. What passes may still be refused by `charge`.

    Args:
        team_id: the team that it is for.
        size: in bytes; None where the client does not say.

    Raises: TooBig beyond the plan's largest file, TooMany when the day's uploads are used up, QuotaFull, NotFound.
    """
    account = account_of(site, user_id, team_id)
    check_size(account.limits, size)
    _check_day(site, account)
    if account.limits.storage is not None:
        _check_room(account, size or 1, held(account.id))


def check_size(limits: Limits, size: int | None) -> None:
    """Raise TooBig for a file beyond the plan's largest."""
    most = limits.max_file_size
    if most is not None and size is not None and size > most:
        up_to, has = size_in_words(most), size_in_words(size)
        more = has if has != up_to else "a little more"
        raise TooBig(f"Too large. Your plan takes up to {up_to}; this file has {more}.", field="file")


def take(
    site: Site, user_id: str, *, team: str | None, size: int | None, least: int, maybe_team: bool = False
) -> Taken:
    """Check an upload that begins, as `check_upload` does, and take room for it.

    Args:
        team: the id or slug of the team that it is for, where that is known already.
        size: of the file in bytes; None where that is not known.
        least: bytes that will come at the least: so many are held.
        maybe_team: its team may stand in what has not come yet. Somebody in a team is not refused then for what
            their own account has no room for; `charge` will.

    Raises: as `check_upload`; NotFound, Forbidden, Conflict for a team that the user may not upload to.
    """
    team_id = None
    if team is not None:
        team_id = find_team(site, user_id, team).team.id
        check_may_upload(site, user_id, team_id)
    try:
        account = account_of(site, user_id, team_id)
        check_size(account.limits, size)
        _check_day(site, account)
        taken = _look(account) if least <= 0 else _hold(site, account.id, least, account.is_team)
        if taken.largest is not None and maybe_team and team is None and teams_of(site, user_id):
            return replace(taken, largest=None)
        return taken
    except (TooBig, TooMany, QuotaFull):
        if maybe_team and team is None and teams_of(site, user_id):
            return Taken(None)
        raise


def hold(site: Site, account_id: str, size: int, *, is_team: bool = False) -> str:
    """Take room before the bytes of an upload are read. `release` it, or `charge` with it.

    Returns: the hold's id; "" for an account without a storage limit, which needs none.
    Raises: QuotaFull when so much is not left, counting what others hold; NotFound.
    """
    return _hold(site, account_id, size, is_team).hold or ""


def grow(site: Site, account: Account, hold_id: str | None, size: int) -> Taken:
    """Make a hold as large as `size`: the bytes of an upload that have come so far, or, at its end, all of them.

    Returns: the hold, made when there was none, and the room that is left beside it.
    Raises: QuotaFull, NotFound. Nothing is held then.
    """
    with transaction(site.db):
        # The refused one's hold goes while the account's row is locked: it must not stand in the way of the next.
        _add(site, account.id, account.is_team, 0)
        release(site, hold_id)
        try:
            return _hold(site, account.id, size, account.is_team)
        except QuotaFull as error:
            refusal = error
    raise refusal


def _look(account: Account) -> Taken:
    """How much room there is now, without taking any."""
    room = None
    if account.limits.storage is not None:
        others = held(account.id)
        _check_room(account, 1, others)
        room = account.limits.storage - account.storage_used - others
    return Taken(account, room=room, largest=account.limits.max_file_size)


def _hold(site: Site, account_id: str, size: int, is_team: bool) -> Taken:
    with transaction(site.db):
        # Locks the account's row: two holds at once must not both see the same room.
        account = _add(site, account_id, is_team, 0)
        if account.limits.storage is None:
            return Taken(account, largest=account.limits.max_file_size)
        others = held(account.id)
        _check_room(account, size, others)
        made = Hold.create(id=new_id(), account=account.id, size=size, created_at=site.clock.now())
    room = account.limits.storage - account.storage_used - others - size
    return Taken(account, made.id, size, room, account.limits.max_file_size)


def release(site: Site, hold_id: str | None) -> None:
    """Give room back. A hold that is gone is no error."""
    if hold_id:
        Hold.delete().where(Hold.id == hold_id).execute()


def release_old(site: Site, *, before: datetime | None = None) -> int:
    """Give back what dead requests still hold: all of it at the server's start, later what is old. Returns how many."""
    old = Hold.delete()
    return int((old if before is None else old.where(Hold.created_at < before)).execute())


def charge(site: Site, user_id: str, team_id: str | None, size: int, *, hold_id: str | None = None) -> None:
    """Count a drop for its account. Inside intake's transaction, after the blob; a refusal rolls all of it back.

    Args:
        size: bytes as they are kept, which may be more than came.
        hold_id: room that was taken for it; what it uses of that is settled in the same moment.

    Raises: QuotaFull when count and others' holds would be more than the quota, TooMany beyond the day's uploads,
        NotFound when the account is gone.
    """
    account = _add(site, team_id or user_id, team_id is not None, size)
    count, most = usage.count_upload(site, account.id), account.limits.uploads_per_day
    if most is not None and count > most:
        raise _day_is_full(site, account)
    if account.limits.storage is None:
        return
    if hold_id:
        left = Hold.update(size=Hold.size - size).where((Hold.id == hold_id) & (Hold.size > size)).execute()
        if not left:
            release(site, hold_id)
    others = held(account.id, but=hold_id)
    if account.storage_used + others > account.limits.storage:
        before = account.storage_used - size
        raise _full(account, used=before + others, size=size)


def charge_bytes(site: Site, user_id: str, team_id: str | None, size: int) -> None:
    """Count bytes that are no drop, such as a secret's, for an account. Inside the transaction that makes their row.

    Raises: QuotaFull when count and holds would be more than the quota, NotFound when the account is gone.
    """
    account = _add(site, team_id or user_id, team_id is not None, size)
    if account.limits.storage is not None:
        others = held(account.id)
        if account.storage_used + others > account.limits.storage:
            raise _full(account, used=account.storage_used - size + others, size=size)


def credit(site: Site, user_id: str, team_id: str | None, size: int) -> None:
    """Take a drop that is gone for good off its account. Inside deletion's transaction, after the blob.

    The day's uploads are not given back: the limit is on what the server has to take in.
    """
    model: Any = User if team_id is None else Team
    model.update(storage_used=model.storage_used - size).where(model.id == (team_id or user_id)).execute()


def held(account_id: str, *, but: str | None = None) -> int:
    """Bytes that uploads under way hold of an account's room; without those of the hold `but`."""
    query = Hold.select(fn.COALESCE(fn.SUM(Hold.size), 0)).where(Hold.account == account_id)
    return int((query.where(Hold.id != but) if but else query).scalar())


def until_midnight(now: datetime) -> float:
    """Seconds until the next day begins in UTC."""
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - now).total_seconds()


def _add(site: Site, account_id: str, is_team: bool, size: int) -> Account:
    """Add to an account's count, which keeps its row locked until the transaction ends. Returns how it stands now."""
    model: Any = Team if is_team else User
    changed = model.update(storage_used=model.storage_used + size).where(model.id == account_id)
    row = list(changed.returning(model.id, model.storage_used, model.plan, model.limits).tuples().execute())
    return _account(site, row[0] if row else None, is_team=is_team)


def _account(site: Site, row: Any, *, is_team: bool) -> Account:
    if row is None:
        raise NotFound("This team is gone." if is_team else "This account is gone.")
    account_id, used, plan, own = row
    return Account(account_id, is_team, int(used), combined(known_plan(site, plan), own))


def _check_day(site: Site, account: Account) -> None:
    most = account.limits.uploads_per_day
    if most is not None and usage.uploads_today(site, account.id) >= most:
        raise _day_is_full(site, account)


def _check_room(account: Account, size: int, others: int) -> None:
    most = account.limits.storage
    if most is not None and account.storage_used + others + size > most:
        raise _full(account, used=account.storage_used + others, size=size)


def _full(account: Account, *, used: int, size: int) -> QuotaFull:
    most = account.limits.storage or 0
    whose = "The team's storage" if account.is_team else "Your storage"
    numbers = f"{size_in_words(min(used, most))} of {size_in_words(most)} used"
    if used >= most or size <= 1:
        message = f"{whose} is full: {numbers}. Delete something or ask the admin."
    else:
        needs = f"this needs {size_in_words(size)}"
        message = f"{whose} has no room for this: {numbers}, and {needs}. Delete something or ask the admin."
    return QuotaFull(message, field="file")


def _day_is_full(site: Site, account: Account) -> TooMany:
    most = account.limits.uploads_per_day
    whose = "the team's plan" if account.is_team else "your plan"
    message = f"That were today's {most} uploads of {whose}. Go on tomorrow (UTC), or ask the admin."
    return TooMany(message, retry_after=until_midnight(site.clock.now()))
