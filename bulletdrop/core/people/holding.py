"""Holding: a session that is made sure of once more, before something is made that outlives it."""

from __future__ import annotations

from bulletdrop.core.models import Session, User
from bulletdrop.core.site import Site
from bulletdrop.errors import NotSignedIn


def hold_session(site: Site, session_id: str) -> User:
    """Somebody who makes what outlives their session, as they are now, until the caller's transaction ends.

    A request is let in before it does anything. What ends its session meanwhile, and revokes what was made with it,
    comes either before this, which then raises, or after the transaction.

    Raises: NotSignedIn when the session has ended since.
    """
    assert site.db.in_transaction()
    query = Session.select(Session, User).join(User).where((Session.id == session_id) & Session.revoked_at.is_null())
    row = query.first()
    if row is not None:
        # A write, which on both databases makes whoever changes the account wait.
        User.update(updated_at=site.clock.now()).where(User.id == row.user_id).execute()
        row = query.clone().first()
    if row is None or row.epoch != row.user.epoch or not row.user.is_active:
        raise NotSignedIn("This session has ended. Sign in again.")
    user: User = row.user
    return user
