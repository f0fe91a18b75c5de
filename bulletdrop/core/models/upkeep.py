"""The server's own: work that waits, what was done, who did it, settings of the run time, mail on its way."""

from __future__ import annotations

from peewee import BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from bulletdrop.core.models.base import Base, id_field, time, time_or_none
from bulletdrop.core.models.people import User


class Job(Base):
    """Work that must happen, kept until it did. A worker holds it by setting `held_until`."""

    id = id_field()
    kind = CharField(max_length=40)
    subject = CharField(max_length=200)
    attempts = IntegerField(default=0)
    due_at = time(index=True)
    held_until = time_or_none()
    error = TextField(null=True)
    created_at = time()

    class Meta:
        """Peewee's own settings."""

        indexes = ((("kind", "subject"), True),)


class JobRun(Base):
    """One run of a periodic job: when, how long, and what it said."""

    id = id_field()
    name = CharField(max_length=40)
    started_at = time()
    ended_at = time_or_none()
    result = TextField(null=True)
    ok = BooleanField(null=True)

    class Meta:
        """Peewee's own settings."""

        indexes = ((("name", "started_at"), False),)


class Audit(Base):
    """Who did what, when, and from where. Rows are only ever added, and removed by age."""

    id = id_field()
    at = time(index=True)
    actor = CharField(max_length=22, null=True)
    action = CharField(max_length=60)
    subject = CharField(max_length=200, default="")
    address = CharField(max_length=64, default="")
    # "act": somebody did something; "admin": with an admin's power; "security": something to look at.
    category = CharField(max_length=10, default="act")
    detail = TextField(default="")
    user_agent = CharField(max_length=300, default="")

    class Meta:
        """Peewee's own settings."""

        indexes = ((("category", "at"), False),)


class Setting(Base):
    """A setting that the admin changed while the server ran, and the server's own memory."""

    name = CharField(max_length=60, primary_key=True)
    value = TextField()


class Mail(Base):
    """A mail that is to be sent, or, without a mail server, that the admin hands over. Gone once it was sent."""

    id = id_field()
    user_id: str | None
    user = ForeignKeyField(User, backref="mails", on_delete="CASCADE", null=True)
    purpose = CharField(max_length=30)
    recipient = CharField(max_length=254)
    subject = CharField(max_length=200)
    text = TextField()
    html = TextField()
    # The one link that it is about, for handing it over.
    link = TextField(default="")
    # Why the mail server has not taken it, the last time that it was asked; empty while nothing went wrong.
    error = TextField(default="")
    created_at = time()
    expires_at = time(index=True)
