"""What a row of the authorization table is, and who the columns are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.server import Server

# Who asks, in the order of the columns: nobody; alice, who owns what is asked for (by key and by cookie); bob, who is
# in her team; charlie, a stranger; an admin who owns nothing of it (by cookie); alice with a key that only reads, with
# a revoked key, with a forged token.
WHO = ("nobody", "alice", "cookie", "bob", "charlie", "admin", "reader", "revoked", "forged")
# Whoever comes with something that never counts. More such columns may come: rows name them only where they differ.
REFUSED = ("nobody", "revoked", "forged")


@dataclass(frozen=True)
class Row:
    """One route's expectations.

    Args:
        statuses: the status for every column; 400 and the like mean "let in, and then the empty request is refused".
        params: makes what is asked for, anew for each request, and returns the parameters of the path.
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


# Who looks at pages: nobody; the owner (alice, an admin) and somebody else (bob), both signed in; the owner's key and
# somebody else's.
PAGE_WHO = ("anonymous", "owner", "other", "key", "foreign")


@dataclass(frozen=True)
class Page:
    """One page's expectations, by `METHOD /path/<name:str>` as the router writes it.

    Args:
        statuses: by column; 302 for nobody leads to the sign-in form.
        params: makes what is asked for, anew for each request, and returns the parameters of the path.
        form: the fields to post, beside the CSRF token in its header.
    """

    statuses: dict[str, int]
    params: Callable[[Server], dict[str, str]] | None = None
    form: dict[str, str] | None = None


def page(anonymous: int, owner: int, other: int, key: int, foreign: int, **options: Any) -> Page:
    """A row of a page; `params=` and `form=` go to the row itself."""
    return Page(dict(zip(PAGE_WHO, (anonymous, owner, other, key, foreign), strict=True)), **options)


def everybody(status: int, **options: Any) -> Page:
    """A page that says the same to all."""
    return page(status, status, status, status, status, **options)


def persons_page(status: int, **options: Any) -> Page:
    """A page for signed-in people, each about themselves: keys are refused."""
    return page(302, status, status, 403, 403, **options)


def admins_page(status: int, **options: Any) -> Page:
    """A page for admins: alice is one, bob is not. A key looks at no page of the administration."""
    return page(302, status, 403, 403, 403, **options)
