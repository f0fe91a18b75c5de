"""Teams and plans: who shares a gallery, and how much of everything an account may use."""

from __future__ import annotations

from typing import Any

from peewee import BigIntegerField, CharField, CompositeKey, ForeignKeyField, IntegerField, JSONField

from bulletdrop.core.models.base import Base, id_field, time, time_or_none
from bulletdrop.core.models.people import User


class Plan(Base):
    """What an account may use. None is no limit. The rows are made by a migration; the admin changes their figures."""

    name = CharField(max_length=20, primary_key=True)
    title = CharField(max_length=50)
    uploads_per_day = IntegerField(null=True)
    requests_per_hour = IntegerField(null=True)
    storage = BigIntegerField(null=True)
    bandwidth_per_month = BigIntegerField(null=True)
    max_file_size = BigIntegerField(null=True)


class Team(Base):
    """People who share a gallery and a quota."""

    id = id_field()
    name = CharField(max_length=100)
    slug = CharField(max_length=50)
    slug_key = CharField(max_length=50, unique=True)
    plan = CharField(max_length=20, default="home")
    limits: Any = JSONField(default=dict)
    storage_used = BigIntegerField(default=0)
    delete_scheduled_for = time_or_none(index=True)
    silent_until = time_or_none()
    created_at = time()
    updated_at = time()


class TeamMember(Base):
    """Somebody in a team, as owner, admin, member or viewer."""

    team_id: str
    team = ForeignKeyField(Team, backref="members", on_delete="CASCADE")
    user_id: str
    user = ForeignKeyField(User, backref="memberships", on_delete="CASCADE")
    role = CharField(max_length=10)
    joined_at = time()

    class Meta:
        """Peewee's own settings."""

        primary_key = CompositeKey("team", "user")


class TeamInvite(Base):
    """An invitation into a team: a code for whoever it is sent to, good once."""

    id = id_field()
    team_id: str
    team = ForeignKeyField(Team, backref="team_invites", on_delete="CASCADE")
    code = CharField(max_length=40, unique=True)
    role = CharField(max_length=10)
    email = CharField(max_length=254, default="")
    created_by_id: str | None
    created_by = ForeignKeyField(User, backref="team_invites", on_delete="SET NULL", null=True)
    created_at = time()
    expires_at = time()


class Usage(Base):
    """What an account used on one day (UTC, as 20261120). `account` is a user's or a team's id."""

    account = CharField(max_length=22)
    day = IntegerField()
    uploads = IntegerField(default=0)
    views = IntegerField(default=0)
    bytes_served = BigIntegerField(default=0)
    api_requests = IntegerField(default=0)
    secrets = IntegerField(default=0)

    class Meta:
        """Peewee's own settings."""

        primary_key = CompositeKey("account", "day")


class Hold(Base):
    """Room in somebody's quota that an upload under way has taken before its bytes are read."""

    id = id_field()
    account = CharField(max_length=22, index=True)
    size = BigIntegerField()
    created_at = time(index=True)
