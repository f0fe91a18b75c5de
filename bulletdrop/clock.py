"""The time, passed in: one real clock, one that tests move by hand."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the program asks about time."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC: for what people see and the database keeps."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards: for limits and waiting."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands until a test moves it.

    Args:
        start: the first time of day (aware); 20 November 2026, noon, when left out.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 11, 20, 12, tzinfo=UTC)
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, **delta: float) -> None:
        """Move on by a `timedelta` given as keywords: `advance(days=30)`."""
        step = timedelta(**delta)
        self._now += step
        self._monotonic += step.total_seconds()


def rfc3339(moment: datetime) -> str:
    """A time as the API writes it: RFC 3339 in UTC with a `Z`, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# What a database, a time zone and Python can all hold, with room to spare at both ends.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def in_range(moment: datetime) -> datetime:
    """The same time in UTC. Raises ValueError for one before 1970 or after the year 8999."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time is out of range") from error
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("this time is out of range")
    return moment


def parse_moment(text: str) -> datetime:
    """Read an RFC 3339 time. Raises ValueError when it is none, has no offset, or is out of range."""
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset, such as Z")
    return in_range(moment)


_DURATION = re.compile(r"(\d{1,5})\s*([mhdwy])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_expiry(text: str, *, now: datetime) -> datetime:
    """When something ends: `30m`, `12h`, `7d`, `2w`, `1y` from now, an RFC 3339 time, or a date (its start in UTC).

    Raises: ValueError when it is none of these, or out of range.
    """
    text = text.strip()
    if found := _DURATION.fullmatch(text.lower()):
        number, unit = int(found[1]), found[2]
        span = timedelta(days=365 * number) if unit == "y" else timedelta(**{_UNITS[unit]: number})
        if span > _LATEST - now:
            raise ValueError("this time is out of range")
        return in_range(now + span)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return in_range(datetime.fromisoformat(text).replace(tzinfo=UTC))
    return parse_moment(text)
