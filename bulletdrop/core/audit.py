"""Who did what, when, and from where."""

from __future__ import annotations

from functools import partial

from bulletdrop.core.models import Audit
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site
from bulletdrop.log import get_logger

logger = get_logger("audit")


def record(site: Site, action: str, *, actor: str | None = None, subject: str = "", address: str = "") -> None:
    """Add one row, and one line to the log.

    Args:
        action: `noun.verb`, such as `key.add`.
        actor: the id of the user who did it; None for the command line and the server itself.
        subject: what it was done to; never a secret.
        address: where the request came from.
    """
    values = {"actor": actor, "action": action, "subject": subject[:200], "address": address[:64]}
    create = partial(Audit.create, at=site.clock.now(), **values)
    if site.db.in_transaction():
        # On a full disk all of the transaction is rolled back, and whoever began it begins it again.
        create()
    else:
        with_reserve(site.config.data, create)
    logger.info(action, extra={"actor": actor, "subject": subject})
