"""Drops: the bytes, once, and everybody's names for them."""

from __future__ import annotations

from peewee import BigIntegerField, BooleanField, CharField, CompositeKey, ForeignKeyField, IntegerField, TextField

from bulletdrop.core.models.base import Base, Governed, id_field, time, time_or_none
from bulletdrop.core.models.names import Domain
from bulletdrop.core.models.people import User
from bulletdrop.core.models.teams import Team


class Blob(Base):
    """The bytes, once. `key` has the day and slug of its first upload, or a random word; none is used a second time."""

    id = id_field()
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
    created_at = time()


class Upload(Governed):
    """A drop: somebody's name for a blob. Several may point at one blob."""

    slug = CharField(max_length=40, unique=True)
    owner_id: str
    owner = ForeignKeyField(User, backref="uploads", on_delete="CASCADE")
    # Set: it lies in the team's gallery and counts against the team's quota; `owner` is who brought it.
    team_id: str | None
    team = ForeignKeyField(Team, backref="uploads", on_delete="RESTRICT", null=True)
    blob_id: str
    blob = ForeignKeyField(Blob, backref="uploads", on_delete="RESTRICT")
    filename = CharField(max_length=255)
    original_filename = CharField(max_length=255)
    title = CharField(max_length=200, default="")
    custom_name = CharField(max_length=100, null=True)
    # The domain that its links are built with; none is `public_url`. Its custom name is a row of Name.
    domain_id: str | None
    domain = ForeignKeyField(Domain, backref="uploads", on_delete="SET NULL", null=True)
    description = TextField(default="")
    # Of a paste: the language whose colours it is shown in; empty for what is none.
    language = CharField(max_length=40, default="")
    is_public = BooleanField(default=True)
    # Who may look, and how often: see `core/sharing/limits`. Without a limit the views are not counted here.
    source = CharField(max_length=20, default="api")
    idempotency_key = CharField(max_length=200, null=True)
    created_at = time()
    trashed_at = time_or_none(index=True)
    # An admin made it private, or put it into the trash: its owner cannot undo that.
    hidden_at = time_or_none()
    # What it goes back to when it is shown again; None where it is not hidden.
    was_public = BooleanField(null=True)
    removed_at = time_or_none()

    # Not columns: filled by whoever reads the row for showing it to somebody.
    tag_names: tuple[str, ...] = ()
    may_change: bool = True

    class Meta:
        """Peewee's own settings."""

        indexes = (
            (("owner", "idempotency_key"), True),
            # The gallery's page: newest first, the id breaks ties.
            (("owner", "created_at", "id"), False),
            (("owner", "filename"), False),
            (("team", "created_at", "id"), False),
            # The admin's list of everybody's.
            (("created_at", "id"), False),
        )


class UploadTag(Base):
    """One tag on one drop, folded to lower case."""

    upload_id: str
    upload = ForeignKeyField(Upload, backref="tags", on_delete="CASCADE")
    tag = CharField(max_length=50, index=True)

    class Meta:
        """Peewee's own settings."""

        primary_key = CompositeKey("upload", "tag")
