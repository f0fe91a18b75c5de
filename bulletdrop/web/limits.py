"""How often somebody may ask: by key and plan for those we know, by address for everybody else; said in headers."""

from __future__ import annotations

import math
from time import monotonic

from sanic import Request

from bulletdrop.core.people.rates import HOUR, Counted
from bulletdrop.core.site import Site
from bulletdrop.errors import TooMany
from bulletdrop.web.context import web_of
from bulletdrop.web.peers import client_address, neighbours
from bulletdrop.web.threads import in_thread


def refuse_beyond(counted: tuple[Counted, ...]) -> None:
    """Raise TooMany when one of the limits that a request counted under refused it."""
    for each in counted:
        if not each.taken.allowed:
            whose = "this key" if each.rate.policy == "key" else "your plan"
            wait = math.ceil(each.taken.retry_after)
            minutes = "a minute" if wait <= 60 else f"{math.ceil(wait / 60)} minutes"
            message = f"All requests that {whose} allows in an hour are used up. Try again in {minutes}."
            raise TooMany(message, retry_after=wait)


def rate_headers(counted: tuple[Counted, ...]) -> dict[str, str]:
    """What an answer says of its caller's limits (draft-ietf-httpapi-ratelimit-headers): all of them, and what is left.

    Empty for callers without a limit. `t` is when there is more to be had: the end of the window, or the wait.
    """
    if not counted:
        return {}
    policies = [f'"{each.rate.policy}";q={each.rate.most};w={HOUR:.0f}' for each in counted]
    states = [f'"{each.rate.policy}";r={each.taken.left};t={math.ceil(each.taken.resets)}' for each in counted]
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(states)}


async def limit_by_address(request: Request, what: str, *, most: int, window: float) -> None:
    """Count something that costs, and that nobody needs to be known for, under the address that asks for it.

    Args:
        what: its name; each has its own count.
        most: how often one address (of IPv6 a whole /64) may, in a window.
        window: in seconds.
    Raises: TooMany beyond that, Unavailable.
    """
    counter = f"{what} {neighbours(client_address(request, web_of(request).proxies))}"
    await in_thread(request, _take, counter, most, window)


def _take(site: Site, counter: str, most: int, window: float) -> None:
    taken = site.counts.take(counter, most=most, window=window, now=monotonic())
    if not taken.allowed:
        message = "This was asked for too often from your address. Try again later."
        raise TooMany(message, retry_after=math.ceil(taken.retry_after))
