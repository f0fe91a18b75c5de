"""What a row of the authorization table is, and who the columns are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.server import Server

# Who comes with something that never counts:
# nothing; alice's key that was revoked; a token that nobody signed; alice's access token after its fifteen minutes;
# her browser with that token and a refresh token whose days are over; a browser that was signed out, its access token
# still in time; and somebody whose password was right and whose second factor is due, with the ticket of that as a
# token, as a key, and in all cookies.
REFUSED = ("nobody", "revoked", "forged", "expired", "lapsed", "ended", "half", "half_key", "half_cookie")
# And who comes with something that counts: alice, who owns what is asked for (by key and by cookie); bob, who is in her
# team; charlie, a stranger; an admin who owns nothing of it (by cookie); alice with a key that only reads.
WHO = (*REFUSED, "charlie", "bob", "admin", "reader", "alice", "cookie")


@dataclass(frozen=True)
class Row:
    """One route's expectations.

    Args:
        statuses: the status for every column; 400 and the like mean "let in, and then the empty request is refused".
        params: makes what is asked for and returns the parameters of the path. It is made anew after each request that
            may have changed it, and asked for again after each that was refused.
        body: the JSON to send, where the route takes JSON.
        content: bytes to send instead.
    """

    statuses: dict[str, int]
    params: Callable[[Server], dict[str, str]] | None = None
    body: Any = field(default_factory=dict)
    content: bytes | None = None


def row(otherwise: int, **statuses: Any) -> Row:
    """A row: the status for everybody, and for those who differ. Those who are REFUSED get 401 unless they are named.

    `params=`, `body=` and `content=` go to the row itself.
    """
    options = {name: statuses.pop(name) for name in ("params", "body", "content") if name in statuses}
    assert set(statuses) <= set(WHO), f"no such column: {set(statuses) - set(WHO)}"
    return Row({**dict.fromkeys(WHO, otherwise), **dict.fromkeys(REFUSED, 401), **statuses}, **options)


def open_to_all(status: int, **options: Any) -> Row:
    """A row of a route for anybody."""
    return row(status, **{**dict.fromkeys(REFUSED, status), **options})


def persons_only(status: int, **options: Any) -> Row:
    """A row of a route for signed-in people: keys are refused with 403, whatever they may."""
    return row(403, **{"cookie": status, "admin": status, **options})


def admins_only(status: int, **options: Any) -> Row:
    """A row of a route for admins: alice is one, by key and by cookie."""
    return row(403, **{"alice": status, "cookie": status, "admin": status, **options})


# Who looks at pages. A browser without a session that counts is as good as nobody; what is sent on purpose and does not
# count is refused.
PAGE_NOBODY = ("anonymous", "lapsed", "ended", "half_cookie")
PAGE_REFUSED = ("revoked", "forged", "expired", "half", "half_key")
# Signed in: the owner (alice, an admin), bob, who is in her team, charlie, a stranger, an admin who owns nothing.
# Then by key: the owner's with all scopes and one that only reads, and bob's.
PAGE_WHO = (*PAGE_NOBODY, *PAGE_REFUSED, "foreign", "reader", "stranger", "admin", "other", "key", "owner")


@dataclass(frozen=True)
class Page:
    """One page's expectations, by `METHOD /path/<name:str>` as the router writes it.

    Args:
        statuses: by column; 302 for nobody leads to the sign-in form.
        params: as a row's.
        form: the fields to post, beside the CSRF token in its header.
    """

    statuses: dict[str, int]
    params: Callable[[Server], dict[str, str]] | None = None
    form: dict[str, str] | None = None


def page(anonymous: int, owner: int, other: int, key: int, foreign: int, **options: Any) -> Page:
    """A row of a page; columns that differ can be named. `params=` and `form=` go to the row itself."""
    rest = {name: options.pop(name) for name in ("params", "form") if name in options}
    assert set(options) <= set(PAGE_WHO), f"no such column: {set(options) - set(PAGE_WHO)}"
    statuses = {
        **dict.fromkeys(PAGE_NOBODY, anonymous),
        **dict.fromkeys(PAGE_REFUSED, 401),
        "owner": owner,
        **dict.fromkeys(("other", "stranger", "admin"), other),
        **dict.fromkeys(("key", "reader"), key),
        "foreign": foreign,
    }
    return Page({**statuses, **options}, **rest)


def everybody(status: int, *, refused: int | None = None, **options: Any) -> Page:
    """A page that says the same to all.

    Args:
        refused: the status for who sends something that does not count, where the page looks at who asks; forms do.
    """
    others = dict.fromkeys(PAGE_REFUSED, status if refused is None else refused)
    return page(status, status, status, status, status, **{**others, **options})


def persons_page(status: int, **options: Any) -> Page:
    """A page for signed-in people, each about themselves: keys are refused."""
    return page(302, status, status, 403, 403, **options)


def admins_page(status: int, **options: Any) -> Page:
    """A page for admins: alice is one, bob is not. A key looks at no page of the administration."""
    return page(302, status, 403, 403, 403, **{"admin": status, **options})
