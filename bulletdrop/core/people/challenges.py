"""Challenges for passkeys: made without a trace, so that strangers fill no table, and used up by their first use."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from peewee import IntegrityError

from bulletdrop.core.database import transaction
from bulletdrop.core.models import Ticket, from_microseconds, to_microseconds
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket

LIVES = timedelta(minutes=10)
_USED = "challenge"
_TIME, _RANDOM, _MAC = 8, 16, 24
_MESSAGE = "This took too long, or was used already. Try again."


def make(site: Site, purpose: str, subject: str = "") -> bytes:
    """A challenge: when it ends, randomness, and our own mark over both (WebAuthn asks for 16 random bytes or more).

    Args:
        purpose: what it is good for.
        subject: the id of the user it was made for; empty for nobody known.
    """
    end = to_microseconds(site.clock.now() + LIVES)
    body = end.to_bytes(_TIME) + secrets.token_bytes(_RANDOM)
    return body + _mark(site, purpose, subject, body)


def check(site: Site, purpose: str, subject: str, challenge: bytes) -> None:
    """Raise BadTicket unless the challenge is ours, for this purpose and subject, and in time."""
    body, mark = challenge[: _TIME + _RANDOM], challenge[_TIME + _RANDOM :]
    is_ours = len(body) == _TIME + _RANDOM and hmac.compare_digest(mark, _mark(site, purpose, subject, body))
    if not is_ours or int.from_bytes(body[:_TIME]) <= to_microseconds(site.clock.now()):
        raise BadTicket(_MESSAGE)


def use_up(site: Site, challenge: bytes) -> None:
    """Let a checked challenge count once. Raises BadTicket for all who come after the first."""
    now = site.clock.now()
    try:
        with transaction(site.db):
            Ticket.create(
                purpose=_USED,
                secret_hash=hashlib.sha256(challenge).hexdigest(),
                created_at=now,
                expires_at=from_microseconds(int.from_bytes(challenge[:_TIME])),
            )
    except IntegrityError as error:
        raise BadTicket(_MESSAGE) from error


def _mark(site: Site, purpose: str, subject: str, body: bytes) -> bytes:
    message = f"challenge:{purpose}:{subject}:".encode() + body
    return hmac.new(site.config.secret_key.encode(), message, hashlib.sha256).digest()[:_MAC]
