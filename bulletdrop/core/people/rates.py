"""Requests by the hour: what a caller's plan and key allow, counted for all processes together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from bulletdrop.core.counts import Taken
from bulletdrop.core.models import ApiKey, Plan, User
from bulletdrop.core.people.callers import Caller, Rate
from bulletdrop.core.people.plans import combined
from bulletdrop.core.site import Site

# The window of every limit, in seconds.
HOUR = 3600.0
# A plan's figures that an admin changes hold after this long, in seconds: they are asked for with every request.
_KEPT = 1.0


@dataclass(frozen=True)
class Counted:
    """One limit that a request counted under, and what is left of it."""

    rate: Rate
    taken: Taken


def rates_of(site: Site, user: User, key: ApiKey | None = None) -> tuple[Rate, ...]:
    """The limits of whoever comes with a key, or as a person: the key's own, and the plan's for all that is the user's.

    Empty where neither limits, as on a server for friends.
    """
    rates = []
    if key is not None and key.rate_limit_per_hour is not None:
        rates.append(Rate("key", f"key {key.id}", key.rate_limit_per_hour))
    most = combined(_plan(site, user.plan), user.limits).requests_per_hour
    if most is not None:
        rates.append(Rate("plan", f"user {user.id}", most))
    return tuple(rates)


def count_request(site: Site, caller: Caller, *, now: float) -> tuple[Counted, ...]:
    """Count a request under each of its caller's limits, up to the first that refuses it. `now` in monotonic seconds.

    Raises: Unavailable.
    """
    counted: list[Counted] = []
    for rate in caller.rates:
        taken = site.counts.take(rate.counter, most=rate.most, window=HOUR, now=now)
        counted.append(Counted(rate, taken))
        if not taken.allowed:
            break
    return tuple(counted)


def _plan(site: Site, name: str) -> Plan | None:
    now = time.monotonic()
    kept: dict[str, Any] = site.plans
    found, until = kept.get(name, (None, 0.0))
    if until <= now:
        found = Plan.get_or_none(Plan.name == name)
        kept[name] = (found, now + _KEPT)
    plan: Plan | None = found
    return plan
