"""What every route of the administration needs: its scope, who acts, and how long its pages are."""

from __future__ import annotations

from sanic import Request

from bulletdrop.core.people.administration import By
from bulletdrop.core.people.callers import Caller
from bulletdrop.web.api.queries import pages
from bulletdrop.web.auth import address_of

ADMIN = "admin"
# Rows on a page of the administration, where the query does not say.
USUAL = 50
PAGES = pages(USUAL)


def by(request: Request, caller: Caller) -> By:
    """Who does it, for the audit log."""
    return By(caller.user_id, address_of(request))
