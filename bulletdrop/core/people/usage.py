"""Usage: what each account used on which day, and the silence that falls when a month's bandwidth is used up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from bulletdrop.core.database import is_sqlite, transaction
from bulletdrop.core.models import Team, Usage, User
from bulletdrop.core.people.plans import Limits, combined, known_plan, limits_of
from bulletdrop.core.people.rates import HOUR, plan_counter, rates_of
from bulletdrop.core.site import Site

# The months before are of no more use than for a look back; the rows go after that.
_KEEP = timedelta(days=400)
_COUNTED = ("uploads", "views", "bytes_served", "api_requests", "secrets")


@dataclass(frozen=True)
class Summary:
    """What an account may use and has used. Sizes in bytes; days and months are those of UTC.

    `requests_this_hour` is None where nobody counts them; `days_left` are the days until the month is over, today
    included; until `silent_until` nothing of the account is given out.
    """

    limits: Limits
    storage_used: int
    uploads_today: int
    requests_this_hour: int | None
    bandwidth_this_month: int
    days_left: int
    silent_until: datetime | None


def day_of(moment: datetime) -> int:
    """A day as the table keeps it: 20261120."""
    return moment.year * 10000 + moment.month * 100 + moment.day


def next_month(now: datetime) -> datetime:
    """When the next month begins, in UTC."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def add(site: Site, account_id: str, **counts: int) -> None:
    """Add to what a user or a team has used today: one statement, so that no two of them lose anything.

    Args:
        counts: any of `uploads`, `views`, `bytes_served`, `api_requests`, `secrets`.
    """
    assert set(counts) <= set(_COUNTED)
    _add(site, account_id, counts).execute()


def add_many(site: Site, counts: dict[str, dict[str, int]]) -> None:
    """Add what was gathered for many accounts, and silence those whose bandwidth is used up with it.

    Args:
        counts: account → by name, as in `add`. What is left in it after an error was not added.
    """
    served = [account_id for account_id in sorted(counts) if counts[account_id].get("bytes_served")]
    if is_sqlite(site.db):
        # One fsync for all of them.
        with transaction(site.db):
            for account_id, figures in counts.items():
                _add(site, account_id, figures).execute()
        counts.clear()
    while counts:
        # One row at a time: with two of them locked, we could wait in a circle with uploads and moves.
        account_id = next(iter(counts))
        _add(site, account_id, counts[account_id]).execute()
        del counts[account_id]
    judge(site, served)


def count_upload(site: Site, account_id: str) -> int:
    """Count one more upload today. Returns how many that makes. Inside intake's transaction."""
    counted = _add(site, account_id, {"uploads": 1}).returning(Usage.uploads).tuples().execute()
    return int(next(iter(counted))[0])


def uncount_upload(site: Site, account_id: str, moment: datetime) -> None:
    """Take an upload of that moment back: its request was refused as a whole."""
    same = (Usage.account == account_id) & (Usage.day == day_of(moment)) & (Usage.uploads > 0)
    Usage.update(uploads=Usage.uploads - 1).where(same).execute()


def uploads_today(site: Site, account_id: str) -> int:
    """How many uploads were counted today."""
    query = Usage.select(Usage.uploads).where((Usage.account == account_id) & (Usage.day == day_of(site.clock.now())))
    return int(query.scalar() or 0)


def bandwidth_this_month(site: Site, account_id: str) -> int:
    """Bytes of the account's drops that were given out since the month began."""
    month = day_of(site.clock.now()) // 100
    query = Usage.select(fn.COALESCE(fn.SUM(Usage.bytes_served), 0))
    return int(query.where((Usage.account == account_id) & Usage.day.between(month * 100, month * 100 + 99)).scalar())


def summary(site: Site, account: User | Team) -> Summary:
    """What somebody, or a team, may use and has used. Three queries."""
    now = site.clock.now()
    return Summary(
        limits=combined(known_plan(site, account.plan), account.limits),
        storage_used=account.storage_used,
        uploads_today=uploads_today(site, account.id),
        requests_this_hour=_requests_this_hour(site, account),
        bandwidth_this_month=bandwidth_this_month(site, account.id),
        days_left=(next_month(now).date() - now.date()).days,
        silent_until=account.silent_until if account.silent_until and account.silent_until > now else None,
    )


def is_metered(site: Site, account: User | Team) -> bool:
    """True when what is served of this account has to be counted, because there is a limit to it."""
    if account.limits:
        return combined(known_plan(site, account.plan), account.limits).bandwidth_per_month is not None
    plan = known_plan(site, account.plan)
    return plan is not None and plan.bandwidth_per_month is not None


def judge(site: Site, account_ids: Iterable[str]) -> None:
    """Silence the accounts whose bandwidth of the month is used up, until the next; end the silence of all others.

    For whoever changes an account's plan or limits, too.
    """
    ids = list(account_ids)
    models: tuple[Any, ...] = (User, Team) if ids else ()
    for model in models:
        for account in model.select().where(model.id.in_(ids)):
            _judge_one(site, model, account)


def end_silences(site: Site) -> str:
    """End the silence of accounts that have bandwidth again: a new month began, or their plan allows more."""
    models: tuple[Any, ...] = (User, Team)
    ids = [row.id for model in models for row in model.select(model.id).where(model.silent_until.is_null(False))]
    judge(site, ids)
    return f"{len(ids)} looked at"


def forget_usage(site: Site) -> str:
    """Remove what is older than 400 days, and what belongs to accounts that are gone."""
    old = Usage.day < day_of(site.clock.now() - _KEEP)
    gone = Usage.account.not_in(User.select(User.id)) & Usage.account.not_in(Team.select(Team.id))
    return f"{Usage.delete().where(old | gone).execute()} removed"


def _requests_this_hour(site: Site, account: User | Team) -> int | None:
    if not isinstance(account, User) or not rates_of(site, account):
        return None
    return site.counts.look(plan_counter(account.id), window=HOUR, now=time.monotonic())


def _judge_one(site: Site, model: Any, account: User | Team) -> None:
    now = site.clock.now()
    # Not as it was a second ago: this is asked right after somebody changed it.
    most = limits_of(site, account).bandwidth_per_month
    is_used_up = most is not None and bandwidth_this_month(site, account.id) >= most
    until = next_month(now) if is_used_up else None
    if until != account.silent_until:
        model.update(silent_until=until).where(model.id == account.id).execute()


def _add(site: Site, account_id: str, counts: Mapping[str, int]) -> Any:
    values = {name: counts.get(name, 0) for name in _COUNTED}
    fields: dict[Any, Any] = {
        getattr(Usage, name): getattr(Usage, name) + count for name, count in values.items() if count
    }
    row = Usage.insert(account=account_id, day=day_of(site.clock.now()), **values)
    if not fields:
        return row.on_conflict_ignore()
    return row.on_conflict(conflict_target=[Usage.account, Usage.day], update=fields)
