"""A new password chosen by its owner, who is signed in: everything that the old one opened is shut."""

from __future__ import annotations

from datetime import timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import Session, User
from bulletdrop.core.people import keys, sessions
from bulletdrop.core.people.passwords import check_new_password, hash_password
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.tickets import VETO, drop_tickets
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Invalid


def change_password(
    site: Site,
    user: User,
    password: str,
    *,
    session_id: str,
    revoke_keys: bool = True,
    address: str = "",
    user_agent: str = "",
) -> Tokens:
    """Give somebody a new password, end their sessions, and open a new one in place of the one that asks.

    Slow on purpose: run it in the hashing pool. Whoever calls this has asked for a proof.

    Args:
        user: as they were when the proof was given; when their account has changed since, nothing happens.
        session_id: the session that asks. Its tokens are worthless too, so that a copy of them is.
        revoke_keys: whether API keys and paired devices stop working as well.
    Raises: Invalid with field `new_password`; Conflict.
    """
    try:
        check_new_password(password, user.username, user.email)
    except Invalid as error:
        raise Invalid(error.message, field="new_password") from error
    hashed = hash_password(password)
    asking = Session.get_or_none((Session.id == session_id) & (Session.user == user))
    with transaction(site.db):
        same = (User.id == user.id) & (User.epoch == user.epoch)
        changes = User.update(password_hash=hashed, epoch=User.epoch + 1, updated_at=site.clock.now())
        if not changes.where(same).execute():
            raise Conflict("The account was changed meanwhile. Sign in again.")
        drop_tickets(site, user.id, but=VETO)
        sessions.revoke_all(site, user.id)
        if revoke_keys:
            keys.revoke_keys(site, user.id)
        record(
            site,
            "user.password",
            actor=user.id,
            subject=user.username,
            category="security",
            address=address,
            detail="keys revoked" if revoke_keys else "keys kept",
            user_agent=user_agent,
        )
        if site.config.smtp_host:
            post(site, "password-changed", to=user.email, user=user, lives=timedelta(days=7))
        fresh = User.get_by_id(user.id)
        method = asking.method if asking is not None else "password"
        return sessions.open_session(site, fresh, user_agent=user_agent, address=address, method=method)
