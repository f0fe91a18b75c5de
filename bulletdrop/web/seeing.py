"""Seeing: whether the asker may see a drop; the database is asked for a team's private drops alone."""

from __future__ import annotations

from sanic import Request

from bulletdrop.core.drops import uploads
from bulletdrop.core.models import Upload
from bulletdrop.web.auth import caller_of
from bulletdrop.web.threads import in_thread


async def sees(request: Request, upload: Upload) -> bool:
    """True when whoever asks may see the drop."""
    if upload.is_public:
        return True
    caller = await caller_of(request)
    return caller is not None and await in_thread(request, uploads.may_see, caller, upload)
