"""Proof: before something that cannot be taken back, somebody who is signed in shows again that it is them."""

from __future__ import annotations

from datetime import timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.models import Passkey, Session, User
from bulletdrop.core.people import recovery, tickets, totp
from bulletdrop.core.people.passwords import password_fits
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, Forbidden

# What a passkey has just proved, as a ticket that is sent as `code`.
PASSKEY = "proof"
PASSKEY_LIVES = timedelta(minutes=5)
# Somebody who has neither password nor second factor shows it by having signed in this lately.
FRESH = timedelta(minutes=10)


def proof_asked(site: Site, user: User) -> str:
    """What shows that it is them: "password", "code" (or a passkey), or "" where only a fresh sign-in does."""
    if user.password_hash:
        return "password"
    return "code" if _has_second(site, user) else ""


def check_proof(
    site: Site, user: User, *, password: str | None, code: str | None = None, session_id: str | None = None
) -> None:
    """Let only the owner of the account go on. Slow on purpose: for the hashing pool, and under the brake on guesses.

    The password counts, also for somebody with a second factor: whoever is here is signed in, and so has shown that.
    Somebody without a password shows a code of their app, a recovery code, or a passkey's ticket; somebody who has
    none of these has just signed in elsewhere.

    Args:
        code: a code, or what `passkeys.prove` gave.
        session_id: the session that asks.
    Raises: Forbidden with field `password`, or `code` for somebody without a password.
    """
    if user.password_hash:
        if not password:
            raise Forbidden("Type your password to go on.", field="password")
        if password_fits(user.password_hash, password):
            return
        _refuse(site, user, "password", "This is not your password.")
    if code:
        if _code_fits(site, user, code):
            return
        _refuse(site, user, "code", "This code is wrong, or was used already.")
    if _has_second(site, user):
        raise Forbidden("Use your passkey or type a code of your app to go on.", field="code")
    if session_id is None or not _is_fresh(site, user, session_id):
        raise Forbidden("Sign out and in again, then do this within ten minutes.", field="code")


def _has_second(site: Site, user: User) -> bool:
    return totp.is_on(site, user.id) or bool(Passkey.select(Passkey.id).where(Passkey.user == user).exists())


def _code_fits(site: Site, user: User, code: str) -> bool:
    # Longer than any typed code is a passkey's ticket.
    if len(code) < 40:
        return totp.use(site, user.id, code) or recovery.use(site, user.id, code)
    try:
        ticket = tickets.redeem(site, PASSKEY, code)
    except BadTicket:
        return False
    return ticket.user_id == user.id


def _is_fresh(site: Site, user: User, session_id: str) -> bool:
    since = site.clock.now() - FRESH
    mine = (Session.id == session_id) & (Session.user == user) & (Session.created_at >= since)
    return bool(Session.select(Session.id).where(mine).exists())


def _refuse(site: Site, user: User, field: str, message: str) -> None:
    record(site, "proof.refused", actor=user.id, subject=user.username, category="security", detail=field)
    raise Forbidden(message, field=field)
