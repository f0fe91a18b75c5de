"""People and how they prove to be it: accounts, sessions, keys, second factors, identities, and what goes with them."""

from __future__ import annotations

from typing import Any

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from bulletdrop.core.models.base import Base, id_field, time, time_or_none


class User(Base):
    """A person with an account. `username_key` and `email_key` are the folded forms that must be unique."""

    id = id_field()
    username = CharField(max_length=50)
    username_key = CharField(max_length=50, unique=True)
    email = CharField(max_length=254)
    email_key = CharField(max_length=254, unique=True)
    password_hash = TextField(null=True)
    # What looks alike is one name: "al1ce" is no second "alice".
    username_shape = CharField(max_length=100, unique=True)
    email_shape = CharField(max_length=300, unique=True)
    display_name = CharField(max_length=100, default="")
    first_name = CharField(max_length=100, default="")
    last_name = CharField(max_length=100, default="")
    bio = TextField(default="")
    avatar_key = TextField(null=True)
    is_admin = BooleanField(default=False)
    is_active = BooleanField(default=True)
    is_verified = BooleanField(default=False)
    plan = CharField(max_length=20, default="home")
    storage_used = BigIntegerField(default=0)
    # How the slugs of new drops are made: random, words, date or name; and whether copied links end in `.png`.
    slug_style = CharField(max_length=10, default="random")
    link_ending = BooleanField(default=False)
    # Whose pages may show this person's pictures: off (everybody's), list (hotlink_hosts), own (this server's alone).
    hotlink = CharField(max_length=10, default="off")
    hotlink_hosts: Any = JSONField(default=list)
    # The colour beside previews in chats, as #rrggbb; empty for the server's own.
    embed_color = CharField(max_length=7, default="")
    # Whether the page of a picture that is still on its way says whose it is.
    names_arrivals = BooleanField(default=False)
    # Own limits over the plan's, as {"storage": bytes, "uploads_per_day": n, …}.
    limits: Any = JSONField(default=dict)
    # Tokens made before this number went up are refused: password change, block, role change.
    epoch = IntegerField(default=0)
    # Asked for by its owner: until then signing in takes it back, and meanwhile nothing of it is shown.
    delete_scheduled_for = time_or_none(index=True)
    # The month's bandwidth is used up: nothing is given out before this moment.
    silent_until = time_or_none()
    created_at = time()
    updated_at = time()


class Session(Base):
    """One signed-in browser or client: a family of refresh tokens, of which only the newest's hash is kept."""

    id = id_field()
    user_id: str
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    refresh_hash = CharField(max_length=64, unique=True)
    previous_hash = CharField(max_length=64, null=True, index=True)
    rotated_at = time()
    epoch = IntegerField()
    user_agent = CharField(max_length=300, default="")
    address = CharField(max_length=64, default="")
    created_at = time()
    last_used_at = time()
    expires_at = time()
    revoked_at = time_or_none()
    # How its owner proved to be it: "password", "password+totp", "passkey", "oidc", …
    method = CharField(max_length=40, default="password")


class ApiKey(Base):
    """A key for a program or a paired device. Only its SHA-256 is kept; the key itself is shown once."""

    id = id_field()
    user_id: str
    user = ForeignKeyField(User, backref="api_keys", on_delete="CASCADE")
    name = CharField(max_length=100)
    device_name = CharField(max_length=100, null=True)
    # The kind of client whose file holds it (`people/clients`); None for a key that somebody keeps themselves.
    client = CharField(max_length=20, null=True)
    # What a device called itself when it was paired. Anybody can say anything there.
    user_agent = CharField(max_length=300, default="")
    prefix = CharField(max_length=12)
    key_hash = CharField(max_length=64, unique=True)
    scopes: Any = JSONField(default=list)
    rate_limit_per_hour = IntegerField(null=True)
    request_count = BigIntegerField(default=0)
    created_at = time()
    last_used_at = time_or_none()
    last_address = CharField(max_length=64, default="")
    expires_at = time_or_none()
    revoked_at = time_or_none()


class Totp(Base):
    """Somebody's authenticator app: the shared secret (sealed), and the newest time step that was used up."""

    user_id: str
    user = ForeignKeyField(User, backref="totp", on_delete="CASCADE", primary_key=True)
    secret = TextField()
    last_step = BigIntegerField(default=0)
    created_at = time()
    # None until its owner has typed a first code: then it is asked for at every sign-in.
    confirmed_at = time_or_none()


class RecoveryCode(Base):
    """One of the codes that stand in, once each, for a lost second factor."""

    id = id_field()
    user_id: str
    user = ForeignKeyField(User, backref="recovery_codes", on_delete="CASCADE")
    code_hash = CharField(max_length=64)
    created_at = time()
    used_at = time_or_none()


class Passkey(Base):
    """A WebAuthn credential. Binary values are base64url without padding, as browsers send them."""

    id = id_field()
    user_id: str
    user = ForeignKeyField(User, backref="passkeys", on_delete="CASCADE")
    credential_id = TextField(unique=True)
    public_key = TextField()
    sign_count = BigIntegerField(default=0)
    transports: Any = JSONField(default=list)
    name = CharField(max_length=100)
    is_backed_up = BooleanField(default=False)
    created_at = time()
    last_used_at = time_or_none()


class Identity(Base):
    """Somebody's login at another provider, known by issuer and subject, never by address."""

    id = id_field()
    user_id: str
    user = ForeignKeyField(User, backref="identities", on_delete="CASCADE")
    provider = CharField(max_length=40)
    issuer = CharField(max_length=300)
    subject = CharField(max_length=255)
    email = CharField(max_length=254, default="")
    name = CharField(max_length=100, default="")
    created_at = time()
    last_used_at = time_or_none()

    class Meta:
        """Peewee's own settings."""

        indexes = ((("issuer", "subject"), True), (("user", "provider"), True))


class Ticket(Base):
    """Something that works once and not for long: a reset, a confirmation, a half-finished sign-in. Kept as a hash."""

    id = id_field()
    purpose = CharField(max_length=30)
    secret_hash = CharField(max_length=64, unique=True)
    user_id: str | None
    user = ForeignKeyField(User, backref="tickets", on_delete="CASCADE", null=True)
    data: Any = JSONField(default=dict)
    # Guesses that were made with it: of a half-finished sign-in, each code that was tried.
    tries = IntegerField(default=0)
    created_at = time()
    expires_at = time(index=True)


class Invite(Base):
    """A code with which somebody may make an account while registration asks for one."""

    id = id_field()
    code = CharField(max_length=40, unique=True)
    note = CharField(max_length=200, default="")
    # When set, the account is made with this address alone, which counts as verified: the code went there.
    email = CharField(max_length=254, default="")
    plan = CharField(max_length=20, null=True)
    uses = IntegerField(default=0)
    uses_left = IntegerField(default=1)
    created_by_id: str | None
    created_by = ForeignKeyField(User, backref="invites", on_delete="SET NULL", null=True)
    created_at = time()
    expires_at = time_or_none()
    revoked_at = time_or_none()


class Pairing(Base):
    """A device that waits for its owner's yes (RFC 8628). Its long code is kept as a hash."""

    id = id_field()
    device_hash = CharField(max_length=64, unique=True)
    user_code = CharField(max_length=12, unique=True)
    device_name = CharField(max_length=100)
    scopes: Any = JSONField(default=list)
    address = CharField(max_length=64, default="")
    user_agent = CharField(max_length=300, default="")
    interval = IntegerField(default=5)
    created_at = time()
    expires_at = time(index=True)
    polled_at = time_or_none()
    user_id: str | None
    user = ForeignKeyField(User, backref="pairings", on_delete="CASCADE", null=True)
    approved_at = time_or_none()
    denied_at = time_or_none()
