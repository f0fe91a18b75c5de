"""Signing in: the one door behind which sessions are opened, whatever way somebody came to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import Passkey, Session, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import recovery, second_factor, sessions, tickets, totp
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import Blocked, Forbidden, NotSignedIn, TooMany

_DAY = 86400.0
# Codes of an app for one account in a day, wherever they come from: whoever guesses them knows the password already,
# and with ten in five minutes would have tried a hundredth of all codes. Recovery codes and passkeys still work.
_A_DAY = 60
_AGENT_LENGTH = 60


@dataclass(frozen=True)
class Half:
    """The first step is done, the second is due.

    Args:
        ticket: with which it is finished; a secret.
        methods: what counts, of "totp", "passkey" and "recovery".
        expires_in: seconds until it has to be begun anew.
    """

    ticket: str
    methods: tuple[str, ...]
    expires_in: int
    user: User


def enter(site: Site, user: User, *, method: str, user_agent: str, address: str) -> Tokens | Half:
    """Let somebody in who has proved who they are: with a session, or half-way where a second factor is due.

    Args:
        method: how they did: "password", "oidc", "passkey" (which is both factors in one, so nothing more is due), …
    Raises: Blocked; Forbidden for an account whose address is not confirmed.
    """
    _check_may_enter(user)
    if method != "passkey" and (methods := second_factor.needed(site, user)):
        ticket = second_factor.begin(site, user, method)
        return Half(ticket, methods, int(second_factor.LIVES.total_seconds()), user)
    return open_for(site, user, method=method, user_agent=user_agent, address=address)


def finish(site: Site, ticket: str, code: str, *, kind: str, user_agent: str, address: str) -> Tokens:
    """Finish a half sign-in with a code. The code and the ticket are used up together, or neither.

    Args:
        kind: "totp" or "recovery".
    Raises: BadTicket; NotSignedIn with field `code`; TooMany.
    """
    half, user = second_factor.look(site, ticket)
    _check_may_enter(user)
    second_factor.count_try(site, half)
    if kind == "totp" and not _may_guess(site, user):
        raise TooMany("Too many wrong codes today. Use a recovery code or a passkey.", retry_after=3600)
    use = totp.use if kind == "totp" else recovery.use
    with transaction(site.db):
        fits = use(site, user.id, code)
        if fits:
            tickets.redeem(site, second_factor.HALF, ticket)
    if not fits:
        _note_wrong(site, user, kind, user_agent, address)
        wait = " Wait for the next one." if kind == "totp" else ""
        raise NotSignedIn(f"This code is wrong, or was used already.{wait}", field="code")
    if kind == "recovery":
        _note_recovery(site, user, user_agent, address)
    return open_for(site, user, method=f"{half.data['method']}+{kind}", user_agent=user_agent, address=address)


def finish_with_passkey(site: Site, ticket: str, passkey: Passkey, *, user_agent: str, address: str) -> Tokens:
    """Finish a half sign-in whose owner's passkey has just been checked. Raises BadTicket, NotSignedIn."""
    half, user = second_factor.look(site, ticket)
    _check_may_enter(user)
    if passkey.user_id != user.id:
        raise NotSignedIn("This passkey belongs to another account. Sign in again.")
    tickets.redeem(site, second_factor.HALF, ticket)
    return open_for(site, user, method=f"{half.data['method']}+passkey", user_agent=user_agent, address=address)


def open_for(site: Site, user: User, *, method: str, user_agent: str, address: str) -> Tokens:
    """Open a session, and tell its owner when it comes from where none came before."""
    is_new = _is_new_place(user, user_agent, address)
    tokens = sessions.open_session(site, user, user_agent=user_agent, address=address, method=method)
    if is_new and site.config.smtp_host:
        post(
            site,
            "new-sign-in",
            to=user.email,
            user=user,
            link=f"{public_base(site.config)}/account/sessions",
            lives=timedelta(days=7),
            device=user_agent[:_AGENT_LENGTH] or "an unknown program",
            address=address or "an unknown address",
        )
    return tokens


def _check_may_enter(user: User) -> None:
    if not user.is_active:
        raise Blocked("This account is blocked. Ask the admin.")
    if not user.is_verified:
        raise Forbidden("Confirm your email address first: open the link that was sent to you, or ask the admin.")


def _is_new_place(user: User, user_agent: str, address: str) -> bool:
    """True when somebody who has signed in before comes from another address or with another program than ever.

    Versions do not count: a browser changes its own every month.
    """
    known = [(row.address, _kind(row.user_agent)) for row in Session.select().where(Session.user == user)]
    return bool(known) and (address[:64], _kind(user_agent)) not in known


def _kind(user_agent: str) -> str:
    return re.sub(r"[\d.]+", "", user_agent)[:300]


def _may_guess(site: Site, user: User) -> bool:
    taken = site.counts.take(f"totp {user.id}", most=_A_DAY, window=_DAY, now=monotonic())
    return taken.allowed


def _note_wrong(site: Site, user: User, kind: str, user_agent: str, address: str) -> None:
    record(
        site,
        "second-factor.wrong",
        actor=user.id,
        subject=user.username,
        address=address,
        category="security",
        detail=kind,
        user_agent=user_agent,
    )


def _note_recovery(site: Site, user: User, user_agent: str, address: str) -> None:
    left = recovery.left(site, user.id)
    record(
        site,
        "recovery-code.used",
        actor=user.id,
        subject=user.username,
        address=address,
        category="security",
        detail=f"{left} left",
        user_agent=user_agent,
    )
    if site.config.smtp_host:
        link, lives = f"{public_base(site.config)}/account/security", timedelta(days=7)
        post(site, "recovery-code-used", to=user.email, user=user, link=link, lives=lives, left=str(left))
