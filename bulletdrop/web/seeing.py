"""Seeing: whether the asker may see a drop now; the database is asked for a team's private drops alone."""

from __future__ import annotations

from sanic import Request

from bulletdrop.core.drops import found, uploads
from bulletdrop.core.models import Upload
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import web_of
from bulletdrop.web.threads import in_thread


async def sees(request: Request, upload: Upload) -> bool:
    """True when whoever asks may see the drop."""
    if upload.is_public:
        return True
    caller = await caller_of(request)
    return caller is not None and await in_thread(request, uploads.may_see, caller, upload)


async def check_not_silent(request: Request, upload: Upload) -> None:
    """Raise TooMany for a drop of an account whose bandwidth is used up, but for its own people. Mostly free."""
    site = web_of(request).site
    if found.is_silent(site, upload):
        await in_thread(request, found.check_not_silent, await caller_of(request), upload)
