"""Departures: an account that its owner wants deleted rests for seven days, in which signing in takes it back."""

from __future__ import annotations

from datetime import datetime, timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import User
from bulletdrop.core.people.accounts import hold_admins
from bulletdrop.core.people.tickets import VETO, drop_tickets
from bulletdrop.core.site import Site
from bulletdrop.errors import Blocked, Conflict, NotFound

GRACE = timedelta(days=7)


def request_deletion(
    site: Site, user_id: str, *, link: str, actor: str | None = None, address: str = "", days: int = GRACE.days
) -> datetime:
    """Begin a deletion: every credential stops at once, nothing of the account is shown, nothing is gone yet.

    Args:
        link: the sign-in page, for the mail.
        actor: who asked, when it was not the owner.
        days: how long it rests; 0 deletes with the next run of the job.

    Returns: when it will be deleted.
    Raises: Conflict for the only admin, or when it was asked for before; NotFound.
    """
    now = site.clock.now()
    due = now + timedelta(days=days)
    with transaction(site.db):
        # Of two admins who leave at once one sees the other gone.
        hold_admins(site)
        changed = (
            User.update(delete_scheduled_for=due, epoch=User.epoch + 1, updated_at=now)
            .where((User.id == user_id) & User.delete_scheduled_for.is_null())
            .execute()
        )
        user: User | None = User.get_or_none(User.id == user_id)
        if user is None:
            raise NotFound("This account is gone.")
        if not changed:
            raise Conflict("The deletion was asked for already.")
        staying = User.is_admin & User.is_active & User.delete_scheduled_for.is_null()
        if user.is_admin and not User.select(User.id).where(staying).exists():
            raise Conflict(f"{user.username} is the only admin. Make somebody else an admin first.")
        drop_tickets(site, user_id, but=VETO)
        if days and user.email:
            post(site, "deletion", to=user.email, user=user, link=link, lives=GRACE, date=f"{due:%-d %B %Y}")
        record(
            site,
            "account.delete-request",
            actor=actor or user_id,
            subject=user.username,
            address=address,
            category="act" if actor in (None, user_id) else "admin",
        )
    return due


def take_back(site: Site, user: User, *, address: str = "") -> bool:
    """Keep an account after all: called when its owner has proved to be it. Returns whether it was leaving.

    Raises: Blocked when its time is over: it is being deleted.
    """
    if user.delete_scheduled_for is None:
        return False
    now = site.clock.now()
    with transaction(site.db):
        mine = (User.id == user.id) & (User.delete_scheduled_for > now)
        if not User.update(delete_scheduled_for=None, updated_at=now).where(mine).execute():
            raise Blocked("This account is being deleted.")
        record(site, "account.taken-back", actor=user.id, subject=user.username, address=address)
        if user.email:
            post(site, "deletion-taken-back", to=user.email, user=user, lives=GRACE)
    user.delete_scheduled_for = None
    return True


def due_deletions(site: Site, *, most: int = 20) -> list[str]:
    """The ids of accounts whose time is over, the longest first."""
    now = site.clock.now()
    query = User.select(User.id).where(User.delete_scheduled_for <= now).order_by(User.delete_scheduled_for, User.id)
    return [user.id for user in query.limit(most)]
