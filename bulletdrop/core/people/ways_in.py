"""Ways in: nobody may take away the last one by which they can sign in."""

from __future__ import annotations

from bulletdrop.core.database import is_sqlite
from bulletdrop.core.models import Identity, Passkey, User
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict


def hold_ways(site: Site, user_id: str) -> None:
    """Let one change at a time happen to somebody's ways in, until the transaction ends.

    Two that each leave the other would leave nothing. SQLite's transactions wait for each other as they are.
    """
    if not is_sqlite(site.db):
        list(User.select(User.id).where(User.id == user_id).for_update())


def require_a_way(site: Site, user_id: str) -> None:
    """Undo a removal (by raising Conflict inside its transaction) after which nobody could sign in any more."""
    user: User = User.get_by_id(user_id)
    if user.password_hash:
        return
    for kind in (Identity, Passkey):
        if kind.select(kind.id).where(kind.user == user_id).exists():
            return
    raise Conflict("This is the last way into your account. Set a password first.")
