"""Limits: expiry, password and number of views of whatever is shown to others. One statement decides each view.

The rule, for drops, albums, share links and short links alike:

- A view is one visitor's look at the page, or at the whole bytes where they are asked for by themselves.
- It is counted by one conditional UPDATE before anything is given: N allowed are N given, whatever comes at once,
  over processes and on both databases. Who is killed between the count and the answer has had the view.
- Not counted: HEAD (it gives nothing); the owner and their team; what a visitor whose view was counted asks for with
  the pass that came with it, which is the same again within a minute, and for an hour the pictures, films and ranges
  of what they opened. The pass is whoever's has it: a visitor who hands it on hands on what it opens, for that long.
- Robots that make previews for chats, and browsers that fetch ahead, are not counted and not given anything: of what
  has a limit or a password they are told no more than that.
- Drops without a limit are not counted here: of those, views are a matter of statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.models import Governed, UploadRequest
from bulletdrop.core.people.passwords import hash_password, password_fits
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid

# What has a password.
Locked: TypeAlias = Governed | UploadRequest

MOST_VIEWS = 1_000_000
LONGEST_PASSWORD = 1024


def check_terms(site: Site, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns for terms as somebody sent them. Hashes a password: for the hashing thread.

    Args:
        changes: any of `password` (a text; None or "" takes it away), `max_views` (None takes it away) and
            `expires_at` (None: never).
    Returns: `password_hash`, `max_views` and `expires_at`, those that were sent.
    Raises: Invalid with the field.
    """
    values: dict[str, Any] = {}
    if "max_views" in changes:
        values["max_views"] = check_max_views(changes["max_views"])
    if "expires_at" in changes:
        moment: datetime | None = changes["expires_at"]
        values["expires_at"] = check_expiry(site, moment)
    if "password" in changes:
        values["password_hash"] = _hashed(changes["password"])
    return values


def check_max_views(most: int | None) -> int | None:
    """The number itself. Raises Invalid for one outside 1 to a million."""
    if most is not None and not 1 <= most <= MOST_VIEWS:
        raise Invalid(f"The number of views is 1 to {MOST_VIEWS:,}, or left out for no limit.", field="max_views")
    return most


def take_view(site: Site, row: Governed) -> bool:
    """Count a view, if there is one left and the row's time is not over. Returns whether it is given.

    What the row's own fields say does not count: they were read before.
    """
    model: Any = type(row)
    now = site.clock.now()
    left = model.max_views.is_null() | (model.views < model.max_views)
    lives = model.expires_at.is_null() | (model.expires_at > now)
    where = (model.id == row.id) & left & lives
    if hasattr(model, "revoked_at"):
        where &= model.revoked_at.is_null()
    return bool(model.update(views=model.views + 1, last_viewed_at=now).where(where).execute())


def is_used_up(row: Governed) -> bool:
    """True when all views were given, as of the moment at which the row was read."""
    return row.max_views is not None and row.views >= row.max_views


def is_guarded(row: Locked) -> bool:
    """True for what not everybody who has the address may see at any time: it has a password or a number of views.

    Nothing of it is cached or shown in previews.
    """
    return row.password_hash is not None or getattr(row, "max_views", None) is not None


def fits(site: Site, row: Locked, password: str) -> bool:
    """True when the password is the row's. Takes 30 ms: for the hashing thread, behind the brake on guessing."""
    return row.password_hash is not None and password_fits(row.password_hash, password[: LONGEST_PASSWORD + 1])


def _hashed(password: str | None) -> str | None:
    if not password:
        return None
    if len(password) > LONGEST_PASSWORD:
        raise Invalid(f"The password may have at most {LONGEST_PASSWORD} characters.", field="password")
    return hash_password(password)
