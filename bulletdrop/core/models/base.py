"""What all tables have in common: ids, times, and the database they are in."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import CharField, DatabaseProxy, Field, IntegerField, Model, TextField

# Bound once by `site.open_site`: a process runs one site.
database_proxy: Any = DatabaseProxy()

# Base 58: letters and digits without those that look alike (0 O I l).
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A day away from what Python can hold, so that any time zone can show it.
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)


def random_text(length: int) -> str:
    """`length` random characters of base 58, 5.86 bits each, from the system's source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_id() -> str:
    """A fresh id: 22 characters, 128 bits, nobody's guess."""
    return random_text(22)


def to_microseconds(moment: datetime) -> int:
    """A time as the database keeps it: whole microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The aware time for what the database keeps. Never fails: a row that cannot be read could not be mended either."""
    if not to_microseconds(_FIRST) <= value <= to_microseconds(_LAST):
        return _FIRST if value < 0 else _LAST
    return _EPOCH + timedelta(microseconds=value)


class Moment(Field):
    """A time: an aware datetime in Python, an integer of microseconds in both databases."""

    field_type = "BIGINT"

    def db_value(self, value: datetime | int | None) -> int | None:
        """Into the database. An integer passes as it is."""
        return to_microseconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: int | None) -> datetime | None:
        """Out of the database."""
        return None if value is None else from_microseconds(int(value))


class Base(Model):
    """Common to all tables: the database they are in."""

    class Meta:
        """Peewee's own settings."""

        database = database_proxy
        legacy_table_names = False


def id_field() -> CharField[str]:
    """A primary key of ours."""
    return CharField(max_length=22, primary_key=True, default=new_id)


def time(**options: Any) -> Field[datetime]:
    """A column for a moment."""
    return Moment(**options)


def time_or_none(**options: Any) -> Field[datetime | None]:
    """A column for a moment that may be missing."""
    return Moment(null=True, **options)


class Governed(Base):
    """What others see under terms of its owner's: a password, a number of views, an end (see `core/sharing/limits`)."""

    id = id_field()
    password_hash = TextField(null=True)
    max_views = IntegerField(null=True)
    views = IntegerField(default=0)
    last_viewed_at = time_or_none()
    expires_at = time_or_none(index=True)
