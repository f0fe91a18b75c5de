"""The second step of a sign-in: whether it is due, what counts as one, and the ticket of somebody half-way there."""

from __future__ import annotations

from datetime import timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import Passkey, Ticket, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import recovery, tickets, totp
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, Conflict

HALF = "half"
# Half-way in: long enough to find the phone.
LIVES = timedelta(minutes=10)
# Codes that may be tried with one ticket: 5 of a million, times three time steps.
MOST_TRIES = 5


def needed(site: Site, user: User) -> tuple[str, ...]:
    """What somebody may finish a sign-in with, of "totp", "passkey" and "recovery"; empty when nothing more is due."""
    ways = []
    if totp.is_on(site, user.id):
        ways.append("totp")
    if Passkey.select(Passkey.id).where(Passkey.user == user).exists():
        ways.append("passkey")
    if ways and recovery.left(site, user.id):
        ways.append("recovery")
    return tuple(ways)


def begin(site: Site, user: User, method: str) -> str:
    """A ticket for somebody who has done the first step. It opens nothing but the second.

    Args:
        method: how the first was done, such as `password`.
    """
    data = {"method": method, "epoch": user.epoch}
    return tickets.issue(site, HALF, user=user, lives=LIVES, data=data)


def look(site: Site, ticket: str) -> tuple[Ticket, User]:
    """A half-finished sign-in that can still be finished, and whose it is.

    Raises: BadTicket; it is over also after a password change, a block, and too many wrong codes.
    """
    found = tickets.look(site, HALF, ticket)
    user = found.user
    if user is None or found.data.get("epoch") != user.epoch or not user.is_active or found.tries >= MOST_TRIES:
        raise BadTicket("This sign-in took too long or had too many wrong codes. Sign in again.")
    return found, user


def count_try(site: Site, ticket: Ticket) -> None:
    """Count a code before it is checked: many at once are no way around the limit. Raises BadTicket."""
    again = (Ticket.id == ticket.id) & (Ticket.tries < MOST_TRIES)
    if not Ticket.update(tries=Ticket.tries + 1).where(again).execute():
        raise BadTicket("There were too many wrong codes. Sign in again.")


def ensure_codes(site: Site, user: User) -> list[str]:
    """Recovery codes for somebody who has just got a second step and has none yet; empty when there are some."""
    with transaction(site.db):
        return [] if recovery.left(site, user.id) else recovery.replace(site, user)


def settle(site: Site, user: User) -> None:
    """After one was taken away: without any other, recovery codes stand in for nothing, and are gone."""
    if not totp.is_on(site, user.id) and not Passkey.select(Passkey.id).where(Passkey.user == user).exists():
        recovery.forget(site, user.id)


def turn_on(site: Site, user_id: str, code: str, *, address: str = "", user_agent: str = "") -> list[str]:
    """Switch the codes of an app on, with a first one.

    Returns: recovery codes, unless there are some already.
    Raises: Invalid with field `code`; Conflict when nothing was begun.
    """
    user: User = User.get_by_id(user_id)
    with transaction(site.db):
        totp.confirm(site, user, code)
        codes = ensure_codes(site, user)
        _note(site, user, "totp.add", actor=user.id, address=address, user_agent=user_agent)
        tell(site, user, "codes from an app are now asked for at sign-in")
    return codes


def new_codes(site: Site, user: User, *, address: str = "", user_agent: str = "") -> list[str]:
    """A new set of recovery codes in place of the old one.

    Raises: Conflict for somebody without a second factor.
    """
    with transaction(site.db):
        if not needed(site, user):
            raise Conflict("Set up an app or a passkey first: the codes stand in for it.")
        codes = recovery.replace(site, user)
        _note(site, user, "recovery-code.add", actor=user.id, address=address, user_agent=user_agent)
        tell(site, user, "new recovery codes were made; the old ones are worthless")
    return codes


def turn_off(site: Site, user: User, *, actor: str, address: str = "", user_agent: str = "") -> None:
    """Switch the codes of an app off. Whoever calls this has asked for a proof, or is an admin.

    Args:
        actor: the id of who does it.
    """
    with transaction(site.db):
        if not totp.remove(site, user.id):
            return
        settle(site, user)
        _note(site, user, "totp.remove", actor=actor, address=address, user_agent=user_agent)
        tell(site, user, "codes from an app are no longer asked for at sign-in")


def tell(site: Site, user: User, what: str) -> None:
    """Tell the owner by mail that the way in has changed. Only where mail is sent: it has nothing to hand over.

    Args:
        what: a sentence without its end, as the mail goes on with a full stop.
    """
    if site.config.smtp_host:
        link = f"{public_base(site.config)}/account/security"
        post(site, "security-changed", to=user.email, user=user, link=link, lives=timedelta(days=7), what=what)


def _note(site: Site, user: User, action: str, *, actor: str, address: str, user_agent: str) -> None:
    category = "security" if actor == user.id else "admin"
    record(
        site,
        action,
        actor=actor,
        subject=user.username,
        category=category,
        address=address,
        user_agent=user_agent,
    )
