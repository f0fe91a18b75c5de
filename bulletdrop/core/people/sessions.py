"""Sessions: short access tokens, rotating refresh tokens, and the CSRF token that goes with them."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import jwt

from bulletdrop.core.audit import record
from bulletdrop.core.models import Session, User, new_id, to_microseconds
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.departures import take_back
from bulletdrop.core.people.rates import rates_of
from bulletdrop.core.people.tickets import drop_tickets
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import BadCsrf, NotFound, NotSignedIn

# Two tabs that open at once send the same refresh token; within this time the second one is no thief.
_GRACE = timedelta(seconds=20)
_REMEMBERED = timedelta(days=90)
_AUDIENCE = "bulletdrop"
# One spelling alone: base64url without padding (RFC 7515, section 2). Our own are of some 400 characters.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}\.[A-Za-z0-9_-]{1,1000}\.[A-Za-z0-9_-]{43}")
_CLAIMS = {"sub": str, "sid": str, "epoch": int, "purpose": str, "aud": str, "jti": str, "iat": int, "exp": int}
_ENDED = "This session has ended. Sign in again."


@dataclass(frozen=True)
class Tokens:
    """What a sign-in gives: both tokens, the seconds that the access token lives, the session, the person.

    `refresh_token` is None when another tab has just rotated it: the browser has the new one already.
    """

    access_token: str
    expires_in: int
    refresh_token: str | None
    session_id: str
    user: User


def open_session(site: Site, user: User, *, user_agent: str, address: str, method: str = "password") -> Tokens:
    """Start a session for somebody who is fully proved; `signing_in.enter` asks whether they are.

    It keeps an account whose deletion was asked for.

    Args:
        method: how they proved it, such as "password+totp".
    Raises: Blocked when the account is being deleted.
    """
    take_back(site, user, address=address)
    now = site.clock.now()
    session_id = new_id()
    plain = _new_refresh_token(session_id)
    create = partial(
        Session.create,
        id=session_id,
        user=user,
        refresh_hash=_hash(plain),
        rotated_at=now,
        epoch=user.epoch,
        user_agent=cleaned(user_agent, most=300),
        address=address[:64],
        method=method[:40],
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=site.config.refresh_days),
    )
    # Whoever wants to delete something from a full disk has to sign in first.
    session = with_reserve(site.config.data, create)
    record(site, "session.open", actor=user.id, subject=session.id, address=address, detail=method)
    return _tokens(site, session.id, user, plain)


def refresh(site: Site, refresh_token: str, *, user_agent: str, address: str) -> Tokens:
    """Swap a refresh token for a new pair. One that was swapped before ends the whole session: somebody copied it.

    A token names its session, so that every one the session ever had is known again, not the last two only.

    Raises: NotSignedIn.
    """
    hashed, now = _hash(refresh_token), site.clock.now()
    session_id = refresh_token.partition(".")[0]
    # Postgres takes no NUL in a text; what is no id of ours is not asked for.
    session = Session.get_or_none(Session.id == session_id) if session_id.isascii() and session_id.isalnum() else None
    if session is None:
        raise NotSignedIn(_ENDED)
    user = session.user
    if session.revoked_at or session.expires_at <= now or session.epoch != user.epoch or not user.is_active:
        raise NotSignedIn(_ENDED)
    if not hmac.compare_digest(session.refresh_hash, hashed):
        is_previous = hmac.compare_digest(session.previous_hash or "", hashed)
        if not is_previous or now - session.rotated_at > _GRACE:
            close_session(site, session.id)
            record(
                site,
                "session.reuse",
                actor=user.id,
                subject=session.id,
                address=address,
                category="security",
                user_agent=user_agent,
            )
            raise NotSignedIn(_ENDED)
        return _tokens(site, session.id, user, None)
    plain = _new_refresh_token(session.id)
    swap = Session.update(
        refresh_hash=_hash(plain),
        previous_hash=hashed,
        rotated_at=now,
        last_used_at=now,
        user_agent=cleaned(user_agent, most=300),
        address=address[:64],
        expires_at=now + timedelta(days=site.config.refresh_days),
    ).where((Session.id == session.id) & (Session.refresh_hash == hashed) & Session.revoked_at.is_null())
    changed = with_reserve(site.config.data, swap.execute)
    if not changed:
        # Another request has swapped it or ended the session since it was read: by now one of the answers above fits.
        return refresh(site, refresh_token, user_agent=user_agent, address=address)
    return _tokens(site, session.id, user, plain)


def close_session(site: Site, session_id: str) -> None:
    """End a session: both its tokens are refused from now on."""
    changes = Session.update(revoked_at=site.clock.now()).where(
        (Session.id == session_id) & Session.revoked_at.is_null()
    )
    with_reserve(site.config.data, changes.execute)


def list_sessions(site: Site, user_id: str) -> list[Session]:
    """Somebody's sessions that still count, the last used first."""
    now = site.clock.now()
    lives = (Session.user == user_id) & Session.revoked_at.is_null() & (Session.expires_at > now)
    query = Session.select(Session).join(User).where(lives & (Session.epoch == User.epoch))
    return list(query.order_by(Session.last_used_at.desc(), Session.id))


def revoke_session(site: Site, user_id: str, session_id: str) -> None:
    """End one of somebody's sessions. Raises NotFound when it is not theirs or has ended."""
    mine = (Session.id == session_id) & (Session.user == user_id) & Session.revoked_at.is_null()
    if not Session.update(revoked_at=site.clock.now()).where(mine).execute():
        raise NotFound("There is no such session; it may have ended.")
    record(site, "session.revoke", actor=user_id, subject=session_id)


def revoke_all(site: Site, user_id: str, but: str | None = None) -> int:
    """End all of somebody's sessions, or all but one, and half sign-ins. Returns how many sessions still counted."""
    ids = [row.id for row in list_sessions(site, user_id) if row.id != but]
    ended = Session.update(revoked_at=site.clock.now()).where(
        (Session.user == user_id) & Session.revoked_at.is_null() & (Session.id != (but or ""))
    )
    ended.execute()
    drop_tickets(site, user_id, "half")
    record(site, "session.revoke-all", actor=user_id, subject=user_id, detail=f"{len(ids)} ended")
    return len(ids)


def forget_sessions(site: Site) -> str:
    """Remove sessions that ended long ago; the others tell whether somebody signs in from a new place."""
    limit = site.clock.now() - _REMEMBERED
    over = (Session.expires_at < limit) | (Session.revoked_at < limit)
    return f"{Session.delete().where(over).execute()} removed"


def check_access(site: Site, token: str) -> Caller:
    """Who an access token speaks for. Asks the database, so that a sign-out holds at once.

    Raises: NotSignedIn for one that is forged, expired, for another purpose, or whose session has ended.
    """
    claims = _claims(site, token)
    row = (
        Session.select(Session, User)
        .join(User)
        .where((Session.id == claims["sid"]) & Session.revoked_at.is_null())
        .first()
    )
    if row is None or row.user.id != claims["sub"] or row.user.epoch != claims["epoch"] or not row.user.is_active:
        raise NotSignedIn(_ENDED)
    rates = rates_of(site, row.user)
    return Caller(row.user.id, row.user.username, row.user.is_admin, session_id=row.id, rates=rates)


def csrf_token(site: Site, session_id: str) -> str:
    """The token that a session's forms and scripts send along: bound to the session, the same as long as it lives."""
    message = f"csrf:{session_id}".encode()
    return hmac.new(site.config.secret_key.encode(), message, hashlib.sha256).hexdigest()


def check_csrf(site: Site, session_id: str, token: str) -> None:
    """Raise BadCsrf unless the token is this session's."""
    if not hmac.compare_digest(csrf_token(site, session_id).encode(), token.encode()):
        raise BadCsrf("This page is too old or was opened by another site. Reload it and try again.")


def _tokens(site: Site, session_id: str, user: User, refresh_token: str | None) -> Tokens:
    seconds = site.config.access_minutes * 60
    now = to_microseconds(site.clock.now()) // 1_000_000
    claims = {
        "sub": user.id,
        "sid": session_id,
        "epoch": user.epoch,
        "purpose": "access",
        "aud": _AUDIENCE,
        "jti": new_id(),
        "iat": now,
        "exp": now + seconds,
    }
    return Tokens(
        jwt.encode(claims, site.config.secret_key, algorithm="HS256"), seconds, refresh_token, session_id, user
    )


def _claims(site: Site, token: str) -> dict[str, Any]:
    options = {"verify_exp": False, "verify_iat": False, "strict_aud": True}
    try:
        if not _TOKEN.fullmatch(token):
            raise jwt.DecodeError("not as we write it")
        claims: dict[str, Any] = jwt.decode(
            token,
            site.config.secret_key,
            algorithms=["HS256"],
            audience=_AUDIENCE,
            options=options,  # type: ignore[arg-type]
        )
        if any(type(claims.get(name)) is not kind for name, kind in _CLAIMS.items()) or not claims["sid"].isalnum():
            raise jwt.InvalidTokenError("a claim is missing or of another type")
    except (jwt.InvalidTokenError, RecursionError) as error:
        raise NotSignedIn(_ENDED) from error
    # By our own clock, which tests move; PyJWT asks the machine's.
    if claims["purpose"] != "access" or claims["exp"] * 1_000_000 <= to_microseconds(site.clock.now()):
        raise NotSignedIn(_ENDED)
    return claims


def _new_refresh_token(session_id: str) -> str:
    return f"{session_id}.{secrets.token_urlsafe(32)}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
