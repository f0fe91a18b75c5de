"""The pause: until a time, or until somebody resumes. Kept with the preferences, so that it survives a restart."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from bulletdrop.clock import Clock, parse_moment, rfc3339
from bulletdrop.errors import Invalid
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.preferences import Chosen

FOREVER = "forever"
# Tomorrow begins when people do: at eight, not at midnight while somebody still sits there.
MORNING = 8
_UNITS = {"m": 60, "h": 3600, "d": 86400}


class Pausing:
    """Whether uploads are held back now."""

    def __init__(self, chosen: Chosen, clock: Clock, outbox: Outbox) -> None:
        self._chosen = chosen
        self._clock = clock
        if outbox.setting("paused") == "yes":
            # Where it was kept before there were preferences.
            chosen.change(paused_until=chosen.now.paused_until or FOREVER)
            outbox.set_setting("paused", "no")

    @property
    def now(self) -> bool:
        """Whether it lasts."""
        return bool(self._chosen.now.paused_until) and not self.is_over()

    @property
    def until(self) -> datetime | None:
        """When it ends by itself; None when it does not, or there is none."""
        try:
            return parse_moment(self._chosen.now.paused_until) if self.now else None
        except ValueError:
            return None

    def is_over(self) -> bool:
        """Whether its time has come."""
        text = self._chosen.now.paused_until
        if text in ("", FOREVER):
            return False
        try:
            return parse_moment(text) <= self._clock.now()
        except ValueError:
            return False

    def begin(self, until: datetime | None) -> None:
        """Hold back until then (aware); None: until `end`."""
        self._chosen.change(paused_until=rfc3339(until) if until is not None else FOREVER)

    def end(self) -> None:
        """Go on."""
        self._chosen.change(paused_until="")


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
