"""When a pause ends: for a while, until tomorrow, or until somebody resumes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from bulletdrop.errors import Invalid

# Tomorrow begins when people do: at eight, not at midnight while somebody still sits there.
MORNING = 8
_UNITS = {"m": 60, "h": 3600, "d": 86400}


def pause_end(text: str, now: datetime, zone: tzinfo | None = None) -> datetime | None:
    """Read "30m", "1h", "2d", "tomorrow" or "forever".

    Args:
        now: the time, aware.
        zone: in which it becomes tomorrow; this computer's when left out.
    Returns: when the pause ends; None for "forever".
    Raises: Invalid.
    """
    if text == "forever":
        return None
    if text == "tomorrow":
        local = now.astimezone(zone)
        # By the wall clock: the night in which clocks are set is an hour shorter or longer.
        morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=1)
        return morning.replace(tzinfo=zone).astimezone(now.tzinfo)
    found = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if found is None or not int(found[1]):
        raise Invalid("A pause is 30m, 1h, 2d, tomorrow or forever.", field="pause")
    return now + timedelta(seconds=int(found[1]) * _UNITS[found[2]])
