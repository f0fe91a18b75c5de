"""Addresses: a change of the email address, confirmed by the new one and stoppable from the old one."""

from __future__ import annotations

from datetime import datetime, timedelta

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import Identity, Passkey, RecoveryCode, Totp, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import second_factor
from bulletdrop.core.people.accounts import check_email, fold
from bulletdrop.core.people.holding import hold_session
from bulletdrop.core.people.keys import revoke_keys
from bulletdrop.core.people.profile import get_user
from bulletdrop.core.people.registration import RESET, send_reset
from bulletdrop.core.people.tickets import VETO, drop_tickets, issue, redeem
from bulletdrop.core.shapes import email_shape
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NameTaken

CHANGE, UNDO = "email-change", VETO
CHANGE_LIVES, UNDO_LIVES = timedelta(days=1), timedelta(days=7)


def request_change(site: Site, user_id: str, email: str, *, address: str = "", session_id: str | None = None) -> None:
    """Begin a change of somebody's address; the caller has proved to be them.

    The new address gets a link that confirms, the old one a link that stops it. Whether another account has the new
    address is said only to whoever reads its mail.

    Args:
        session_id: the session that asks. When it has ended since the proof was given, nothing happens.
    Raises: Invalid for no address, or the present one; NotFound; NotSignedIn.
    """
    user, email = get_user(site, user_id), check_email(email)
    if fold(email) == user.email_key:
        raise Invalid("This is your address already.", field="email")
    base = public_base(site.config)
    with transaction(site.db):
        if session_id is not None:
            hold_session(site, session_id)
        drop_tickets(site, user.id, CHANGE)
        token = issue(site, CHANGE, user=user, lives=CHANGE_LIVES, data={"email": email})
        undo = issue(site, UNDO, user=user, lives=UNDO_LIVES, data={"email": user.email})
        post(site, "email-change", to=email, user=user, link=f"{base}/email#confirm={token}", lives=CHANGE_LIVES)
        post(
            site,
            "email-changed",
            to=user.email,
            user=user,
            link=f"{base}/email#undo={undo}",
            lives=UNDO_LIVES,
            new_email=email,
        )
        record(site, "email.change-request", actor=user.id, subject=user.username, address=address, category="security")


def confirm_change(site: Site, token: str, *, address: str = "") -> User:
    """Make the change: the new address has confirmed. Raises BadTicket; NameTaken when another account has it."""
    try:
        with transaction(site.db):
            ticket = redeem(site, CHANGE, token)
            user = _set(site, get_user(site, str(ticket.user_id)), str(ticket.data["email"]))
            # Links for a new password went to the old address.
            drop_tickets(site, user.id, RESET, CHANGE)
            record(site, "email.change", actor=user.id, subject=user.username, address=address, category="security")
    except IntegrityError as error:
        raise NameTaken("Another account has this address.", field="email") from error
    return user


def undo_change(site: Site, token: str, *, address: str = "") -> User:
    """Stop a change, or take it back: the old address stays, sessions and keys end, and a new password is offered.

    Ways in that were made since the change was asked for are gone with it: whoever asked may have made them.

    Raises: BadTicket; NameTaken when another account has the old address meanwhile.
    """
    try:
        with transaction(site.db):
            ticket = redeem(site, UNDO, token)
            user, email = get_user(site, str(ticket.user_id)), str(ticket.data["email"])
            if user.email != email:
                user = _set(site, user, email)
            User.update(epoch=User.epoch + 1).where(User.id == user.id).execute()
            drop_tickets(site, user.id)
            revoke_keys(site, user.id)
            _shut_since(site, user, ticket.created_at)
            link = send_reset(site, user)
            post(site, "email-restored", to=user.email, user=user, link=link, lives=timedelta(hours=1))
            record(site, "email.undo", actor=user.id, subject=user.username, address=address, category="security")
    except IntegrityError as error:
        raise NameTaken("Another account has this address now. Ask the admin.", field="email") from error
    return user


def _shut_since(site: Site, user: User, since: datetime) -> None:
    """Take away the passkeys, linked logins, app and recovery codes that an account has got since then."""
    for model in (Passkey, Identity, Totp, RecoveryCode):
        model.delete().where((model.user == user) & (model.created_at >= since)).execute()
    second_factor.settle(site, user)


def _set(site: Site, user: User, email: str) -> User:
    changes = {"email": email, "email_key": fold(email), "email_shape": email_shape(email), "is_verified": True}
    User.update({**changes, "updated_at": site.clock.now()}).where(User.id == user.id).execute()
    changed: User = User.get_by_id(user.id)
    return changed
