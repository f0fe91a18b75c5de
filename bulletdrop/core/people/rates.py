"""Requests by the hour: what a caller's plan and key allow, counted for all processes together."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.core.counts import Taken
from bulletdrop.core.models import ApiKey, User
from bulletdrop.core.people.callers import Caller, Rate
from bulletdrop.core.people.plans import combined, known_plan
from bulletdrop.core.site import Site

# The window of every limit, in seconds.
HOUR = 3600.0


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
    most = combined(known_plan(site, user.plan), user.limits).requests_per_hour
    if most is not None:
        rates.append(Rate("plan", plan_counter(user.id), most))
    return tuple(rates)


def plan_counter(user_id: str) -> str:
    """The name under which all of a user's requests are counted."""
    return f"user {user_id}"


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
