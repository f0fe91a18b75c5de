"""When things end: one check for every time that comes in from outside."""

from __future__ import annotations

from datetime import datetime

from bulletdrop.clock import in_range
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid


def check_expiry(site: Site, moment: datetime | None, *, field: str = "expires_at") -> datetime | None:
    """An expiry in the form to keep, in UTC; None stays None.

    Raises: Invalid with the field for one in the past, or beyond the year 8999.
    """
    if moment is None:
        return None
    try:
        moment = in_range(moment)
    except ValueError as error:
        raise Invalid("The expiry lies too far away.", field=field) from error
    if moment <= site.clock.now():
        raise Invalid("The expiry lies in the past.", field=field)
    return moment
