"""Numbers, dates and names as people read them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bulletdrop.core.text import size_in_words

_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# Marks that turn the direction of text around: in a file name they only serve to disguise its ending.
_DIRECTION = dict.fromkeys(map(ord, "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


def size(count: int) -> str:
    """Bytes as people say them: "214 MB", "1.4 MB", "812 bytes"."""
    return size_in_words(count)


def name(text: str) -> str:
    """A name that a stranger may have chosen, safe to show: one line, no marks that turn the text around."""
    plain = text.translate(_DIRECTION)
    return "".join("�" if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter for letter in plain)


def zone(asked: str | None) -> tzinfo:
    """The time zone that the browser named, or UTC for none and for nonsense."""
    if not asked or not _ZONE_NAME.fullmatch(asked):
        return UTC
    try:
        return ZoneInfo(asked)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def day(moment: datetime, now: datetime, where: tzinfo) -> str:
    """A day as a heading: "Today", "Yesterday", "Thursday, 19 November", "19 November 2025"."""
    then, today = moment.astimezone(where).date(), now.astimezone(where).date()
    if then == today:
        return "Today"
    if then == today - timedelta(days=1):
        return "Yesterday"
    if then.year != today.year:
        return f"{then.day} {_MONTHS[then.month - 1]} {then.year}"
    return f"{_DAYS[then.weekday()]}, {then.day} {_MONTHS[then.month - 1]}"


def near(moment: datetime, now: datetime, where: tzinfo) -> str:
    """A time close to now, within a sentence: "just now", "3 minutes ago", "yesterday", "19 November"."""
    seconds = (now - moment).total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < 90 * 60:
        minutes = max(1, round(seconds / 60))
        return f"{minutes} minute{'' if minutes == 1 else 's'} ago"
    heading = day(moment, now, where)
    if heading == "Today" or seconds < 6 * 3600:
        return f"{round(seconds / 3600)} hours ago"
    return "yesterday" if heading == "Yesterday" else heading


def until(moment: datetime, now: datetime) -> str:
    """How long until a moment, to the nearest: "in 30 days", "in 1 hour"."""
    seconds = max(0.0, (moment - now).total_seconds())
    # From where on a unit is used: 23 hours and 40 minutes are a day, and 59 minutes and 40 seconds an hour.
    for length, least, unit in ((86400, 23.5 * 3600, "day"), (3600, 59.5 * 60, "hour"), (60, 0, "minute")):
        if seconds >= least:
            count = max(1, int(seconds / length + 0.5))
            return f"in {count} {unit}{'' if count == 1 else 's'}"
    return "now"


def full(moment: datetime, where: tzinfo) -> str:
    """A time to the second, with its zone: "19 November 2026, 14:03:22 CET"."""
    try:
        then = moment.astimezone(where)
    except OverflowError:
        then = moment.astimezone(UTC)
    return f"{then.day} {_MONTHS[then.month - 1]} {then.year}, {then:%H:%M:%S} {then.tzname() or 'UTC'}"
