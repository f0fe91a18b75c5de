"""Terms on forms: password, number of views and end, as fields say them and as `limits.check_terms` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulletdrop.clock import parse_expiry
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid

LIFETIMES = (
    ("", "Never"),
    ("1h", "In an hour"),
    ("1d", "In a day"),
    ("7d", "In a week"),
    ("30d", "In 30 days"),
    ("365d", "In a year"),
)
# On the page of what has an end already.
KEEP = ("keep", "As it is")


def terms_in(site: Site, form: Mapping[str, str]) -> dict[str, Any]:
    """What a form asks for, for `limits.check_terms`. Raises Invalid with the field.

    Its fields: `password` (empty leaves it as it is), `open` (takes it away), `max_views` (empty for any number),
    `expires` (one of LIFETIMES, or "keep").
    """
    wanted: dict[str, Any] = {}
    if form.get("open") == "yes":
        wanted["password"] = None
    elif form.get("password"):
        wanted["password"] = form["password"]
    if "max_views" in form:
        wanted["max_views"] = whole_number(form["max_views"], "max_views")
    if (lifetime := form.get("expires", "keep")) != "keep":
        wanted["expires_at"] = None
        if lifetime:
            try:
                wanted["expires_at"] = parse_expiry(lifetime, now=site.clock.now())
            except (ValueError, OverflowError) as error:
                raise Invalid("Choose one of the times.", field="expires_at") from error
    return wanted


def whole_number(text: str, field: str) -> int | None:
    """The number in a field; None for an empty one. Raises Invalid."""
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise Invalid("Write a whole number, or leave it empty.", field=field)
    return int(text[:15])
