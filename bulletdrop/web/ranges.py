"""Conditional requests and ranges, as RFC 9110 sections 13 and 14 say: pure functions of header values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE = re.compile(r"(\d*)-(\d*)")
# A number longer than this is past the end of any file, and int() takes quadratic time on long texts.
_MOST_DIGITS = 18


@dataclass(frozen=True)
class Span:
    """Bytes `start` to `end` of a file, `end` not included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Unsatisfiable(Exception):
    """The range lies wholly outside the file."""


def http_date(moment: datetime) -> str:
    """A time as HTTP writes it (IMF-fixdate)."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def parse_http_date(text: str) -> datetime | None:
    """Read an HTTP date; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def matches(header: str, etag: str, *, weak: bool) -> bool:
    """True when a list of entity tags (or `*`) holds `etag`.

    Args:
        header: the value of If-Match or If-None-Match.
        etag: our own tag, quoted and strong.
        weak: compare weakly, as If-None-Match does (RFC 9110 section 8.8.3.2).
    """
    if header.strip() == "*":
        return True
    return any(tag == etag or (weak and tag == f"W/{etag}") for tag in _ENTITY_TAG.findall(header))


def is_unchanged(*, none_match: str | None, modified_since: str | None, etag: str, modified: datetime) -> bool:
    """True when a GET or HEAD is to be answered with 304. If-None-Match wins over If-Modified-Since (13.1.3)."""
    if none_match is not None:
        return matches(none_match, etag, weak=True)
    if modified_since is not None and (since := parse_http_date(modified_since)) is not None:
        return modified.replace(microsecond=0) <= since
    return False


def is_precondition_failed(
    *, if_match: str | None, unmodified_since: str | None, etag: str, modified: datetime
) -> bool:
    """True when the request is to be answered with 412 (13.1.1 and 13.1.4)."""
    if if_match is not None:
        return not matches(if_match, etag, weak=False)
    if unmodified_since is not None and (since := parse_http_date(unmodified_since)) is not None:
        return modified.replace(microsecond=0) > since
    return False


def range_applies(if_range: str | None, *, etag: str, modified: datetime) -> bool:
    """True when a Range header counts: there is no If-Range, or it names exactly what we have (13.1.5)."""
    if if_range is None:
        return True
    if_range = if_range.strip()
    if if_range.startswith(('"', "W/")):
        return if_range == etag
    date = parse_http_date(if_range)
    return date is not None and date == modified.replace(microsecond=0)


def parse_range(header: str, size: int) -> Span | None:
    """The one span that a Range header asks for.

    Args:
        header: the value, such as `bytes=0-99` or `bytes=-500`.
        size: the length of the file in bytes.

    Returns: None when the header is to be ignored: another unit, malformed, or several ranges, which a server may
        answer with the whole (RFC 9110 section 14.2).
    Raises: Unsatisfiable, to be answered with 416.
    """
    unit, equals, ranges = header.partition("=")
    if unit.strip().lower() != "bytes" or not equals:
        return None
    parts = [part.strip() for part in ranges.split(",") if part.strip()]
    if len(parts) != 1 or not (found := _RANGE.fullmatch(parts[0])) or not parts[0].isascii():
        return None
    first, last = found.groups()
    if not first:
        return _suffix(last, size)
    start = _number(first)
    end = _number(last) + 1 if last else size
    if last and end <= start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(end, size))


def _suffix(length: str, size: int) -> Span | None:
    if not length:
        return None
    wanted = _number(length)
    if wanted == 0 or size == 0:
        raise Unsatisfiable
    return Span(max(0, size - wanted), size)


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= _MOST_DIGITS else int(10**_MOST_DIGITS)
