"""Registration: accounts that people make for themselves, addresses confirmed, passwords forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import Session, User, new_id
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import keys
from bulletdrop.core.people.accounts import check_email, checked_hash, find_user, fold, insert_user
from bulletdrop.core.people.invites import use_invite
from bulletdrop.core.people.tickets import VETO, count_since, drop_tickets, issue, look, redeem
from bulletdrop.core.shapes import email_shape
from bulletdrop.core.site import Site
from bulletdrop.errors import Blocked, Forbidden, NotFound

VERIFY, RESET = "verify", "reset"
VERIFY_LIVES, RESET_LIVES = timedelta(days=3), timedelta(hours=1)
_AFTER = timedelta(days=7)
# Links that strangers may have mailed to an account within an hour. More would fill somebody's mailbox.
_MOST_MAILED = 3


@dataclass(frozen=True)
class Registered:
    """What a registration came to. `user` is None where the address has an account already, which nobody is told."""

    user: User | None
    must_verify: bool


def register(
    site: Site,
    *,
    username: str,
    email: str,
    password: str,
    invite_code: str = "",
    address: str = "",
    user_agent: str = "",
) -> Registered:
    """Make an account, as far as the setting `registration` allows. Slow on purpose: for the hashing threads.

    Raises: Forbidden where it does not, or for an invite that does not count; Invalid, NameReserved, NameTaken with
        the field. An address that is taken is never said to be, unless an invite vouches for whoever asks.
    """
    mode = site.config.registration
    if mode == "closed":
        raise Forbidden("This server takes no registrations. Ask its admin for an account.")
    if mode == "invite" and not invite_code.strip():
        raise Forbidden("An account here needs an invite. Type its code.", field="invite")
    hashed = checked_hash(password, username, email)
    email = check_email(email)
    with transaction(site.db):
        if invite_code.strip():
            user = _invited(site, username, email, hashed, invite_code)
        elif _is_taken(email):
            _say_already(site, username, email)
            return Registered(None, must_verify=True)
        else:
            user = insert_user(site, username=username, email=email, password_hash=hashed, is_verified=False)
        if not user.is_verified:
            _send_verification(site, user)
        record(site, "user.register", actor=user.id, subject=user.username, address=address, user_agent=user_agent)
    return Registered(user, must_verify=not user.is_verified)


def verify_email(site: Site, token: str) -> User:
    """Confirm an address. Raises BadTicket."""
    with transaction(site.db):
        ticket = redeem(site, VERIFY, token)
        User.update(is_verified=True, updated_at=site.clock.now()).where(User.id == ticket.user_id).execute()
        user: User = User.get_by_id(ticket.user_id)
        drop_tickets(site, user.id, VERIFY)
        record(site, "user.verify", actor=user.id, subject=user.username)
    return user


def resend(site: Site, identifier: str) -> None:
    """Send the confirmation again, to an account that waits for it. Says nothing of whether there is one."""
    try:
        user = find_user(site, identifier)
    except NotFound:
        return
    if user.is_verified or not user.is_active or user.password_hash is None:
        return
    with transaction(site.db):
        if not _was_mailed(site, user, VERIFY):
            _send_verification(site, user)


def forgot(site: Site, identifier: str, *, address: str = "") -> None:
    """Send a link for a new password. Says nothing of whether there is such an account.

    Links that were sent before go on working: anybody may ask for another, and must not make them worthless by it.
    """
    try:
        user = find_user(site, identifier)
    except NotFound:
        return
    if not user.is_active or _is_placeholder(user):
        return
    with transaction(site.db):
        if _was_mailed(site, user, RESET):
            return
        record(site, "password.forgot", actor=user.id, subject=user.username, address=address, category="security")
        send_reset(site, user)


def send_reset(site: Site, user: User, *, by_admin: bool = False) -> str:
    """Mail a link for a new password. Inside the caller's transaction.

    Args:
        by_admin: an admin asked for it, who may hand the link over and therefore gets a day for it. Links that were
            sent before no longer work.
    Returns: the link.
    """
    lives = timedelta(days=1) if by_admin else RESET_LIVES
    if by_admin:
        drop_tickets(site, user.id, RESET)
    link = f"{public_base(site.config)}/reset#token={issue(site, RESET, user=user, lives=lives)}"
    post(site, "reset", to=user.email, user=user, link=link, lives=lives)
    return link


def reset(site: Site, token: str, password: str, *, address: str = "") -> User:
    """Set a new password with a reset link: all sessions, keys and devices end. For the hashing threads.

    The address counts as confirmed: the link went there. A password that is refused leaves the link good.

    Raises: BadTicket, Invalid, Blocked.
    """
    ticket = look(site, RESET, token)
    user: User = User.get_by_id(ticket.user_id)
    hashed = checked_hash(password, user.username, user.email)
    with transaction(site.db):
        redeem(site, RESET, token)
        if not user.is_active:
            raise Blocked("This account is blocked. Ask the admin.")
        changes = {"password_hash": hashed, "is_verified": True, "epoch": User.epoch + 1}
        User.update({**changes, "updated_at": site.clock.now()}).where(User.id == user.id).execute()
        drop_tickets(site, user.id, but=VETO)
        keys.revoke_keys(site, user.id)
        record(site, "password.reset", actor=user.id, subject=user.username, address=address, category="security")
        post(site, "password-changed", to=user.email, user=user, lives=_AFTER)
    return User.get_by_id(user.id)


def forget_unverified(site: Site) -> str:
    """Remove accounts whose address nobody confirmed in time, so that nobody keeps a name from somebody else."""
    limit = site.clock.now() - VERIFY_LIVES
    waiting = ~User.is_verified & (User.created_at < limit) & ~User.is_admin
    ids = [user.id for user in User.select(User.id).where(waiting).limit(500)]
    used = {row.user_id for row in Session.select(Session.user).where(Session.user.in_(ids)).distinct()}
    gone = [each for each in ids if each not in used]
    return f"{User.delete().where(User.id.in_(gone) & waiting).execute() if gone else 0} removed"


def _invited(site: Site, username: str, email: str, hashed: str, code: str) -> User:
    invite = use_invite(site, code, email)
    # Whoever is invited without a mail server is vouched for by the invite: there is no other way to ask.
    is_verified = bool(invite.email) or not site.config.smtp_host
    return insert_user(
        site, username=username, email=email, password_hash=hashed, plan=invite.plan, is_verified=is_verified
    )


def _was_mailed(site: Site, user: User, purpose: str) -> bool:
    """True when as many links as there may be were mailed to somebody within the hour; none of them was used."""
    return count_since(site, user.id, purpose, site.clock.now() - timedelta(hours=1)) >= _MOST_MAILED


def _send_verification(site: Site, user: User) -> None:
    link = f"{public_base(site.config)}/verify#token={issue(site, VERIFY, user=user, lives=VERIFY_LIVES)}"
    post(site, "verify", to=user.email, user=user, link=link, lives=VERIFY_LIVES)


def _say_already(site: Site, username: str, email: str) -> None:
    """Tell whoever has the address, and nobody else, that it has an account.

    The name is taken all the same, by an account that nobody can enter and that goes after some days: or a second
    registration with the same name would tell whether the first one's address was known.
    """
    insert_user(site, username=username, email=f"{new_id()}{_PLACEHOLDER}", password_hash=None, is_verified=False)
    owner: User = User.get((User.email_key == fold(email)) | (User.email_shape == email_shape(email)))
    if owner.is_active and not _is_placeholder(owner):
        link = f"{public_base(site.config)}/signin"
        post(site, "already-registered", to=owner.email, user=owner, link=link, lives=_AFTER)


# RFC 2606, section 2: nothing ever arrives there.
_PLACEHOLDER = "@placeholder.invalid"


def _is_placeholder(user: User) -> bool:
    return bool(user.email.endswith(_PLACEHOLDER))


def _is_taken(email: str) -> bool:
    same = (User.email_key == fold(email)) | (User.email_shape == email_shape(email))
    return bool(User.select(User.id).where(same).exists())
