"""Tickets: what works once and not for long. Resets, confirmations, half-finished sign-ins, challenges."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from bulletdrop.core.database import transaction
from bulletdrop.core.models import Pairing, Ticket, User
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket

# The old address's word against a change of address: nothing that whoever made the change does next takes it away.
VETO = "email-undo"
_MESSAGE = "This link or code has been used already, is too old, or never was. Ask for a new one."


def issue(
    site: Site, purpose: str, *, user: User | None = None, lives: timedelta, data: dict[str, Any] | None = None
) -> str:
    """Make a ticket. Only its hash is kept.

    Args:
        purpose: what it is good for; it is good for nothing else.
        user: whose it is; gone with them.
        data: what whoever redeems it needs to know.
    Returns: the secret, 43 characters, to be given out once. In a link it belongs behind the `#`.
    """
    plain = secrets.token_urlsafe(32)
    now = site.clock.now()
    Ticket.create(
        purpose=purpose,
        secret_hash=_hash(plain),
        user=user,
        data=data or {},
        created_at=now,
        expires_at=now + lives,
    )
    return plain


def look(site: Site, purpose: str, plain: str) -> Ticket:
    """The ticket, which stays good. Raises BadTicket."""
    ticket: Ticket | None = Ticket.get_or_none((Ticket.secret_hash == _hash(plain)) & (Ticket.purpose == purpose))
    if ticket is None or ticket.expires_at <= site.clock.now():
        raise BadTicket(_MESSAGE)
    return ticket


def count_since(site: Site, user_id: str, purpose: str, since: datetime) -> int:
    """How many tickets for a purpose somebody has that were made since then, and that nobody has used."""
    recent = (Ticket.user == user_id) & (Ticket.purpose == purpose) & (Ticket.created_at > since)
    return int(Ticket.select().where(recent).count())


def redeem(site: Site, purpose: str, plain: str) -> Ticket:
    """The ticket, used up: of many who come with it at once, one gets it. Raises BadTicket.

    Inside the caller's transaction it is good again when that rolls back.
    """
    with transaction(site.db):
        ticket = look(site, purpose, plain)
        if not Ticket.delete().where(Ticket.id == ticket.id).execute():
            raise BadTicket(_MESSAGE)
    return ticket


def drop_tickets(site: Site, user_id: str, *purposes: str, but: str = "") -> None:
    """Make all tickets of somebody worthless; only those of the purposes, if any are named.

    All of them are also the devices that somebody has said yes to and that have not fetched their keys yet.

    Args:
        but: a purpose whose tickets stay good: VETO for whatever somebody does who need not be the account's owner.
    """
    which = Ticket.purpose.in_(purposes) if purposes else Ticket.purpose != but
    Ticket.delete().where((Ticket.user == user_id) & which).execute()
    if not purposes:
        Pairing.delete().where(Pairing.user == user_id).execute()


def forget_tickets(site: Site) -> str:
    """Remove tickets that are over."""
    return f"{Ticket.delete().where(Ticket.expires_at <= site.clock.now()).execute()} removed"


def _hash(plain: str) -> str:
    # 256 random bits: one SHA-256 is enough.
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
