"""Domains: the hosts that links are built with, and who uses which."""

from __future__ import annotations

from peewee import BigIntegerField, BooleanField, CharField, CompositeKey, ForeignKeyField, TextField

from bulletdrop.core.models.base import Base, id_field, time
from bulletdrop.core.models.people import User


class Domain(Base):
    """A host beside `public_url` that links can be built with. `name` is its ASCII form (IDNA 2008), lower case."""

    id = id_field()
    name = CharField(max_length=253, unique=True)
    display_name = CharField(max_length=100, default="")
    description = TextField(default="")
    is_available = BooleanField(default=True)
    # For accounts with the plans pro, enterprise and home alone.
    is_premium = BooleanField(default=False)
    # Everybody who claimed it has `{username}.{name}` as well.
    is_wildcard = BooleanField(default=False)
    max_file_size = BigIntegerField(null=True)
    created_at = time()

    # Not a column: whose own host links are built with, as a username; empty for the domain itself. Filled with a drop.
    own_name: str = ""


class UserDomain(Base):
    """Somebody's claim on a domain; with the primary one their new links are built."""

    user_id: str
    user = ForeignKeyField(User, backref="domains", on_delete="CASCADE")
    domain_id: str
    domain = ForeignKeyField(Domain, backref="claims", on_delete="CASCADE")
    is_primary = BooleanField(default=False)
    # Links as `{username}.{name}`, where the domain is a wildcard.
    is_own_host = BooleanField(default=False)
    created_at = time()

    class Meta:
        """Peewee's own settings."""

        primary_key = CompositeKey("user", "domain")
