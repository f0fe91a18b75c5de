"""The tables, as peewee models. Ids are 22 random characters, times are microseconds, names are the product's nouns."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    DatabaseProxy,
    Field,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)

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


def _id_field() -> CharField[str]:
    return CharField(max_length=22, primary_key=True, default=new_id)


def _time(**options: Any) -> Field[datetime]:
    return Moment(**options)


def _time_or_none(**options: Any) -> Field[datetime | None]:
    return Moment(null=True, **options)


class User(Base):
    """A person with an account. `username_key` and `email_key` are the folded forms that must be unique."""

    id = _id_field()
    username = CharField(max_length=50)
    username_key = CharField(max_length=50, unique=True)
    email = CharField(max_length=254)
    email_key = CharField(max_length=254, unique=True)
    password_hash = TextField(null=True)
    first_name = CharField(max_length=100, default="")
    last_name = CharField(max_length=100, default="")
    bio = TextField(default="")
    avatar_key = TextField(null=True)
    is_admin = BooleanField(default=False)
    is_active = BooleanField(default=True)
    is_verified = BooleanField(default=False)
    plan = CharField(max_length=20, default="home")
    storage_used = BigIntegerField(default=0)
    # Own limits over the plan's, as {"storage": bytes, "uploads_per_day": n, …}.
    limits: Any = JSONField(default=dict)
    # Tokens made before this number went up are refused: password change, block, role change.
    epoch = IntegerField(default=0)
    delete_scheduled_for = _time_or_none()
    created_at = _time()
    updated_at = _time()


class Session(Base):
    """One signed-in browser or client: a family of refresh tokens, of which only the newest's hash is kept."""

    id = _id_field()
    user_id: str
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    refresh_hash = CharField(max_length=64, unique=True)
    previous_hash = CharField(max_length=64, null=True, index=True)
    rotated_at = _time()
    epoch = IntegerField()
    user_agent = CharField(max_length=300, default="")
    address = CharField(max_length=64, default="")
    created_at = _time()
    last_used_at = _time()
    expires_at = _time()
    revoked_at = _time_or_none()


class ApiKey(Base):
    """A key for a program or a paired device. Only its SHA-256 is kept; the key itself is shown once."""

    id = _id_field()
    user_id: str
    user = ForeignKeyField(User, backref="api_keys", on_delete="CASCADE")
    name = CharField(max_length=100)
    device_name = CharField(max_length=100, null=True)
    prefix = CharField(max_length=12)
    key_hash = CharField(max_length=64, unique=True)
    scopes: Any = JSONField(default=list)
    rate_limit_per_hour = IntegerField(null=True)
    request_count = BigIntegerField(default=0)
    created_at = _time()
    last_used_at = _time_or_none()
    expires_at = _time_or_none()
    revoked_at = _time_or_none()


class Blob(Base):
    """The bytes, once. `key` is the first upload's slug and date and is never used again after the blob is gone."""

    id = _id_field()
    sha256 = CharField(max_length=64, unique=True)
    size = BigIntegerField()
    mime = CharField(max_length=100)
    ext = CharField(max_length=10)
    key = CharField(max_length=200, unique=True)
    width = IntegerField(null=True)
    height = IntegerField(null=True)
    frames = IntegerField(default=1)
    refs = IntegerField(default=0)
    # new: proved by its container, not decoded yet; ready: decoded once, or no picture; broken: withdrawn.
    state = CharField(max_length=10, default="new")
    problem = TextField(null=True)
    # A ThumbHash in base64, a few bytes that stand for the picture until it is there.
    placeholder = CharField(max_length=64, null=True)
    created_at = _time()


class Upload(Base):
    """A drop: somebody's name for a blob. Several may point at one blob."""

    id = _id_field()
    slug = CharField(max_length=40, unique=True)
    owner_id: str
    owner = ForeignKeyField(User, backref="uploads", on_delete="CASCADE")
    blob_id: str
    blob = ForeignKeyField(Blob, backref="uploads", on_delete="RESTRICT")
    filename = CharField(max_length=255)
    original_filename = CharField(max_length=255)
    title = CharField(max_length=200, default="")
    custom_name = CharField(max_length=100, null=True)
    custom_key = CharField(max_length=100, null=True, unique=True)
    is_public = BooleanField(default=True)
    expires_at = _time_or_none(index=True)
    source = CharField(max_length=20, default="api")
    idempotency_key = CharField(max_length=200, null=True)
    created_at = _time()
    trashed_at = _time_or_none(index=True)

    # Not a column: filled by whoever reads the row for showing it.
    tag_names: tuple[str, ...] = ()

    class Meta:
        """Peewee's own settings."""

        indexes = (
            (("owner", "idempotency_key"), True),
            # The gallery's page: newest first, the id breaks ties.
            (("owner", "created_at", "id"), False),
            (("owner", "filename"), False),
        )


class UploadTag(Base):
    """One tag on one drop, folded to lower case."""

    upload_id: str
    upload = ForeignKeyField(Upload, backref="tags", on_delete="CASCADE")
    tag = CharField(max_length=50, index=True)

    class Meta:
        """Peewee's own settings."""

        primary_key = CompositeKey("upload", "tag")


class Job(Base):
    """Work that must happen, kept until it did. A worker holds it by setting `held_until`."""

    id = _id_field()
    kind = CharField(max_length=40)
    subject = CharField(max_length=200)
    attempts = IntegerField(default=0)
    due_at = _time(index=True)
    held_until = _time_or_none()
    error = TextField(null=True)
    created_at = _time()

    class Meta:
        """Peewee's own settings."""

        indexes = ((("kind", "subject"), True),)


class JobRun(Base):
    """One run of a periodic job: when, how long, and what it said."""

    id = _id_field()
    name = CharField(max_length=40)
    started_at = _time()
    ended_at = _time_or_none()
    result = TextField(null=True)
    ok = BooleanField(null=True)

    class Meta:
        """Peewee's own settings."""

        indexes = ((("name", "started_at"), False),)


class Audit(Base):
    """Who did what, when, and from where. Rows are only ever added."""

    id = _id_field()
    at = _time(index=True)
    actor = CharField(max_length=22, null=True)
    action = CharField(max_length=60)
    subject = CharField(max_length=200, default="")
    address = CharField(max_length=64, default="")


class Setting(Base):
    """A setting that the admin changed while the server ran, and the server's own memory."""

    name = CharField(max_length=60, primary_key=True)
    value = TextField()


MODELS: tuple[type[Base], ...] = (User, Session, ApiKey, Blob, Upload, UploadTag, Job, JobRun, Audit, Setting)
