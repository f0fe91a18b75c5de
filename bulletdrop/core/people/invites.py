"""Invites: a code that an admin gives out, with which somebody may make an account."""

from __future__ import annotations

from datetime import datetime, timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.mail import post
from bulletdrop.core.models import Invite, random_text
from bulletdrop.core.origin import public_base
from bulletdrop.core.people.accounts import check_email
from bulletdrop.core.people.plans import get_plan
from bulletdrop.core.shapes import email_shape
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import Forbidden, Invalid, NotFound

# 20 characters of base 58 are 117 bits: nobody's guess, and still typed from paper.
_CODE_LENGTH = 20
_MOST_USES = 10_000
_LIVES = timedelta(days=365)


def create_invite(
    site: Site,
    *,
    actor: str | None,
    uses: int = 1,
    expires_at: datetime | None = None,
    email: str = "",
    plan: str | None = None,
    note: str = "",
    address: str = "",
) -> Invite:
    """Make an invite; to an address it is mailed as well.

    Args:
        actor: the id of the admin; None for the command line.
        uses: how many accounts it makes.
        email: the account is made with this address alone, which then needs no confirmation: the code went there.
        plan: the plan of the account; None for the one of the settings.
        note: for the admin, such as whom it is for.
    Raises: Invalid with the field; NotFound for a plan that does not exist.
    """
    if not 1 <= uses <= _MOST_USES:
        raise Invalid(f"An invite makes 1 to {_MOST_USES} accounts.", field="uses")
    if len(note) > 200 or not is_visible(note):
        raise Invalid("A note has at most 200 characters, all of them visible.", field="note")
    email = check_email(email) if email.strip() else ""
    if email and uses != 1:
        raise Invalid("An invite for one address makes one account.", field="uses")
    if plan:
        get_plan(site, plan)
    now = site.clock.now()
    expires_at = check_expiry(site, expires_at)
    with transaction(site.db):
        invite = Invite.create(
            code=random_text(_CODE_LENGTH),
            note=note.strip(),
            email=email,
            plan=plan or None,
            uses_left=uses,
            created_by=actor,
            created_at=now,
            expires_at=expires_at,
        )
        if email:
            lives = min(expires_at - now, _LIVES) if expires_at else _LIVES
            post(site, "invite", to=email, link=invite_link(site, invite), lives=lives)
        detail = f"{uses} uses" + (f", for {email}" if email else "")
        record(site, "invite.add", actor=actor, subject=invite.id, category="admin", detail=detail, address=address)
    return invite


def invite_link(site: Site, invite: Invite) -> str:
    """The address to give out. The code stands behind the `#`, where no server and no log sees it."""
    return f"{public_base(site.config)}/invite#code={invite.code}"


def list_invites(site: Site) -> list[Invite]:
    """Every invite, the newest first."""
    return list(Invite.select().order_by(Invite.created_at.desc(), Invite.id))


def revoke_invite(site: Site, invite_id: str, *, actor: str | None, address: str = "") -> None:
    """Make an invite worthless. Raises NotFound when there is none, or it was revoked before."""
    mine = (Invite.id == invite_id) & Invite.revoked_at.is_null()
    if not Invite.update(revoked_at=site.clock.now()).where(mine).execute():
        raise NotFound("There is no such invite, or it was revoked before.")
    record(site, "invite.revoke", actor=actor, subject=invite_id, category="admin", address=address)


def look(site: Site, code: str) -> Invite:
    """The invite of a code that still counts. Raises Forbidden with field `invite`."""
    invite: Invite | None = Invite.get_or_none(Invite.code == code.strip()[:40].replace("\0", ""))
    if invite is None or not is_open(site, invite):
        raise Forbidden("This invite is used up, revoked or too old, or never was.", field="invite")
    return invite


def is_open(site: Site, invite: Invite) -> bool:
    """True while an invite can make an account."""
    over = invite.expires_at is not None and invite.expires_at <= site.clock.now()
    return invite.uses_left > 0 and invite.revoked_at is None and not over


def use_invite(site: Site, code: str, email: str) -> Invite:
    """Take one use of an invite, for an account with this address. Belongs into the transaction that makes it.

    Raises: Forbidden with field `invite`, or `email` when it is for another address.
    """
    invite = look(site, code)
    if invite.email and email_shape(invite.email) != email_shape(email):
        raise Forbidden("This invite is for another email address.", field="email")
    left = (Invite.id == invite.id) & (Invite.uses_left > 0) & Invite.revoked_at.is_null()
    # Conditional: of many who come with the last use, one gets it.
    if not Invite.update(uses=Invite.uses + 1, uses_left=Invite.uses_left - 1).where(left).execute():
        raise Forbidden("This invite is used up, revoked or too old, or never was.", field="invite")
    return invite
