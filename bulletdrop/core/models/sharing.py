"""What is shared and how: albums, share links, requests for files, short links, names, secrets."""

from __future__ import annotations

from peewee import BigIntegerField, BooleanField, CharField, CompositeKey, ForeignKeyField, IntegerField, TextField

from bulletdrop.core.models.base import Base, Governed, id_field, time, time_or_none
from bulletdrop.core.models.drops import Upload
from bulletdrop.core.models.names import Domain
from bulletdrop.core.models.people import User
from bulletdrop.core.models.teams import Team


class Album(Governed):
    """Several drops under one link, in their owner's order."""

    slug = CharField(max_length=40, unique=True)
    owner_id: str
    owner = ForeignKeyField(User, backref="albums", on_delete="CASCADE")
    # Set: everybody in the team sees it, and those who may upload change it.
    team_id: str | None
    team = ForeignKeyField(Team, backref="albums", on_delete="CASCADE", null=True)
    title = CharField(max_length=200, default="")
    description = TextField(default="")
    cover_id: str | None
    cover = ForeignKeyField(Upload, backref="covers", on_delete="SET NULL", null=True)
    # manual (by position), newest, oldest or name.
    sort = CharField(max_length=10, default="manual")
    is_public = BooleanField(default=True)
    created_at = time()
    updated_at = time()

    class Meta:
        """Peewee's own settings."""

        indexes = ((("owner", "created_at", "id"), False),)


class AlbumItem(Base):
    """A drop's place in an album."""

    album_id: str
    album = ForeignKeyField(Album, backref="items", on_delete="CASCADE")
    upload_id: str
    upload = ForeignKeyField(Upload, backref="album_items", on_delete="CASCADE")
    position = BigIntegerField()
    added_at = time()

    class Meta:
        """Peewee's own settings."""

        primary_key = CompositeKey("album", "upload")
        indexes = ((("album", "position"), False),)


class ShareLink(Governed):
    """One more link to a drop or an album, with terms of its own. Exactly one of `upload` and `album` is set."""

    token = CharField(max_length=40, unique=True)
    owner_id: str
    owner = ForeignKeyField(User, backref="share_links", on_delete="CASCADE")
    upload_id: str | None
    upload = ForeignKeyField(Upload, backref="share_links", on_delete="CASCADE", null=True)
    album_id: str | None
    album = ForeignKeyField(Album, backref="share_links", on_delete="CASCADE", null=True)
    # For its owner alone.
    note = CharField(max_length=200, default="")
    revoked_at = time_or_none()
    idempotency_key = CharField(max_length=200, null=True)
    created_at = time()

    # Not columns: filled by whoever reads the row (see `core/sharing/link_states`). `maker` is the owner's name.
    state: str = "active"
    maker: str = ""

    class Meta:
        """Peewee's own settings."""

        indexes = (
            (("owner", "created_at", "id"), False),
            (("owner", "idempotency_key"), True),
        )


class UploadRequest(Base):
    """A link at which a guest may add files to an album without seeing it. What they bring is its owner's."""

    id = id_field()
    token = CharField(max_length=40, unique=True)
    owner_id: str
    owner = ForeignKeyField(User, backref="upload_requests", on_delete="CASCADE")
    album_id: str
    album = ForeignKeyField(Album, backref="upload_requests", on_delete="CASCADE")
    # What the guest reads.
    title = CharField(max_length=200, default="")
    message = TextField(default="")
    password_hash = TextField(null=True)
    max_files = IntegerField(null=True)
    max_bytes = BigIntegerField(null=True)
    max_file_size = BigIntegerField(null=True)
    files = IntegerField(default=0)
    bytes = BigIntegerField(default=0)
    last_used_at = time_or_none()
    expires_at = time_or_none(index=True)
    revoked_at = time_or_none()
    created_at = time()

    class Meta:
        """Peewee's own settings."""

        indexes = ((("owner", "created_at", "id"), False),)


class ShortLink(Governed):
    """A short address of ours that leads to somebody else's."""

    slug = CharField(max_length=40, unique=True)
    owner_id: str
    owner = ForeignKeyField(User, backref="short_links", on_delete="CASCADE")
    domain_id: str | None
    domain = ForeignKeyField(Domain, backref="short_links", on_delete="SET NULL", null=True)
    # Also a row of Name.
    custom_name = CharField(max_length=100, null=True)
    url = TextField()
    title = CharField(max_length=200, default="")
    # A page shows the target and goes there only when told to.
    asks_first = BooleanField(default=False)
    revoked_at = time_or_none()
    idempotency_key = CharField(max_length=200, null=True)
    created_at = time()

    class Meta:
        """Peewee's own settings."""

        indexes = (
            (("owner", "created_at", "id"), False),
            (("owner", "idempotency_key"), True),
        )


class Name(Base):
    """A chosen name for a drop or a short link, unique on its domain. `key` is the folded form.

    `domain_key` is the domain's id, or empty for `public_url`. A name that was given up for another leads on to the
    drop until `until`; the one that counts now has none.
    """

    id = id_field()
    domain_key = CharField(max_length=22, default="")
    key = CharField(max_length=100)
    # What stands before the first dot: names of one stem could hide each other, `name.1` as a page and `name` with it.
    stem = CharField(max_length=100, index=True)
    upload_id: str | None
    upload = ForeignKeyField(Upload, backref="names", on_delete="CASCADE", null=True)
    short_id: str | None
    short = ForeignKeyField(ShortLink, backref="names", on_delete="CASCADE", null=True)
    until = time_or_none(index=True)
    created_at = time()

    class Meta:
        """Peewee's own settings."""

        indexes = ((("domain_key", "key"), True),)


class Secret(Base):
    """A secret that ends after so many openings. Its ciphertext lies in storage and never in the database.

    What is kept here opens nothing by itself: a data key wrapped by the master key, empty once it burned.
    """

    id = id_field()
    owner_id: str
    owner = ForeignKeyField(User, backref="secrets", on_delete="CASCADE")
    team_id: str | None
    team = ForeignKeyField(Team, backref="secrets", on_delete="CASCADE", null=True)
    # server: encrypted here; browser: came encrypted, and its key never did.
    mode = CharField(max_length=10, default="server")
    # For its owner's list alone.
    note = CharField(max_length=200, default="")
    # Which master key wraps the data key, and the wrapped key in base64url.
    key_id = CharField(max_length=22, default="")
    wrapped_key = TextField(default="")
    passphrase_hash = TextField(null=True)
    max_views = IntegerField(null=True, default=1)
    views = IntegerField(default=0)
    last_viewed_at = time_or_none()
    size = BigIntegerField(default=0)
    file_count = IntegerField(default=0)
    expires_at = time_or_none(index=True)
    burned_at = time_or_none(index=True)
    idempotency_key = CharField(max_length=200, null=True)
    created_at = time()

    class Meta:
        """Peewee's own settings."""

        indexes = (
            (("owner", "created_at", "id"), False),
            (("owner", "idempotency_key"), True),
        )


class SecretPart(Base):
    """One piece of a secret's ciphertext in storage: its text (place 0) or an attachment. Names are in the text."""

    id = id_field()
    secret_id: str
    secret = ForeignKeyField(Secret, backref="parts", on_delete="CASCADE")
    place = IntegerField(default=0)
    # The storage key.
    key = CharField(max_length=200, unique=True)
    # Of the plain bytes.
    size = BigIntegerField(default=0)


class SecretAccess(Base):
    """One line of a secret's access log: when, from where (shortened), with what, and whether it opened."""

    id = id_field()
    secret_id: str
    secret = ForeignKeyField(Secret, backref="accesses", on_delete="CASCADE")
    at = time()
    address = CharField(max_length=64, default="")
    user_agent = CharField(max_length=300, default="")
    # opened, refused (wrong passphrase), burned (by its owner), expired.
    outcome = CharField(max_length=10)

    class Meta:
        """Peewee's own settings."""

        indexes = ((("secret", "at"), False),)
