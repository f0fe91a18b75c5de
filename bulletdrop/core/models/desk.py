"""What devices hold ready: slugs that were handed out before their bytes."""

from __future__ import annotations

from peewee import BooleanField, CharField, ForeignKeyField, TextField

from bulletdrop.core.models.base import Base, time, time_or_none
from bulletdrop.core.models.names import Domain
from bulletdrop.core.models.people import User


class Reservation(Base):
    """A slug that one device may fill, once. The row goes in the transaction that makes the drop of this slug."""

    slug = CharField(max_length=40, primary_key=True)
    owner_id: str
    owner = ForeignKeyField(User, backref="reservations", on_delete="CASCADE")
    # The id of the key (or, of a browser, the session) that it was handed to. Nobody else can fill it.
    device = CharField(max_length=22, index=True)
    # Which of its stores keeps it: a tray's outbox has a mark of its own, and so is told from one that was lost.
    store = CharField(max_length=40, default="")
    # The domain that its link was built with; none is `public_url`.
    domain_id: str | None
    domain = ForeignKeyField(Domain, backref="reservations", on_delete="SET NULL", null=True)
    # Whether its page says whose it is, as the owner's account said when it was handed out.
    is_named = BooleanField(default=False)
    created_at = time()
    # Until then its page says that the picture is on its way; its device may fill it later, too.
    expires_at = time(index=True)
    # Nothing will come, in the server's words or the device's: refused, undone, deleted before it was sent.
    ended_at = time_or_none()
    ended_code = CharField(max_length=40, default="")
    problem = TextField(default="")
