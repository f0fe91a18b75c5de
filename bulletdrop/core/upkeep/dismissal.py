"""Dismissal: an admin deletes somebody's account, in seven days or at once."""

from __future__ import annotations

from bulletdrop.core.models import User
from bulletdrop.core.people.administration import By, schedule_deletion
from bulletdrop.core.people.directory import get_user
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid


def dismiss(site: Site, by: By, user_id: str, *, at_once: bool = False, confirm: str = "") -> User | None:
    """Delete an account.

    Args:
        at_once: there is no way back; what is too much for one go is finished by the job within the hour.
        confirm: the username, typed by whoever does it; asked for only when it is at once.
    Returns: the account while it is still there, or None.
    Raises: Invalid for another name in `confirm`, and all that `schedule_deletion` raises.
    """
    user = get_user(site, user_id)
    if at_once and confirm.strip() != user.username:
        raise Invalid(f"Type “{user.username}” to delete this account for good.", field="confirm")
    schedule_deletion(site, by, user.id, at_once=at_once)
    if at_once and _finish(site, user.id):
        return None
    return get_user(site, user_id)


def _finish(site: Site, user_id: str) -> bool:
    # Here, because it brings all that deletes a whole account, which an idle server need not load.
    from bulletdrop.core.upkeep.farewell import finish_deletion

    return finish_deletion(site, user_id)
