"""Audit: who did what, when, and from where; what an admin did, and what somebody should look at."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from bulletdrop.core.models import Audit
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.log import get_logger

logger = get_logger("audit")

CATEGORIES = ("act", "admin", "security")


def record(
    site: Site,
    action: str,
    *,
    actor: str | None = None,
    subject: str = "",
    address: str = "",
    category: str = "act",
    detail: str = "",
    user_agent: str = "",
) -> None:
    """Add one row, and one line to the log.

    Args:
        action: `noun.verb`, such as `key.add`.
        actor: the id of the user who did it; None for the command line and the server itself.
        subject: what it was done to; never a secret.
        address: where the request came from.
        category: `act`; `admin` for what an admin did with an admin's power; `security` for what somebody should
            look at, such as a refused sign-in or a refresh token that came twice.
        detail: more in a sentence, such as the new value; never a secret.
        user_agent: the browser or program, where it matters.
    """
    values = {
        "actor": actor,
        "action": action,
        "subject": subject[:200],
        "address": address[:64],
        "category": category,
        "detail": detail[:1000],
        "user_agent": cleaned(user_agent, most=300),
    }
    create = partial(Audit.create, at=site.clock.now(), **values)
    if site.db.in_transaction():
        # On a full disk all of the transaction is rolled back, and whoever began it begins it again.
        create()
    else:
        with_reserve(site.config.data, create)
    logger.info(action, extra={"actor": actor, "subject": subject, "category": category})


def forget_audit(site: Site) -> str:
    """Remove rows older than `audit_days`."""
    limit = site.clock.now() - timedelta(days=site.config.audit_days)
    return f"{Audit.delete().where(Audit.at < limit).execute()} removed"
