"""Seeing: whether the asker may see a drop now, and how: one function for its page, its bytes and all said of it."""

from __future__ import annotations

from sanic import Request

from bulletdrop.core.drops import found
from bulletdrop.core.models import Upload
from bulletdrop.core.sharing import limits
from bulletdrop.errors import NotFound
from bulletdrop.web.admission import Admitted, Look, admit
from bulletdrop.web.auth import caller_of
from bulletdrop.web.context import web_of
from bulletdrop.web.threads import in_thread

NOTHING = "There is nothing at this address. The link may be mistyped, expired or taken back."


async def let_in(request: Request, upload: Upload, look: Look) -> Admitted:
    """Let whoever asks see a drop, and count the view where it counts.

    The caller is looked for, and the database asked, for what is private, limited or silent alone: of a public drop
    without terms nothing is asked.

    Args:
        upload: found alive, with its owner joined.
        look: what is asked for.
    Raises: NotFound for what is not theirs to see, in the same words as for an address that never was; TooMany for a
        silent drop; what `admit` raises.
    """
    theirs = False
    if not upload.is_public or limits.is_guarded(upload):
        theirs = await is_theirs(request, upload)
        if not theirs and not upload.is_public:
            raise NotFound(NOTHING)
    # Before a view is counted: a drop that cannot be shown now must not use one up.
    await check_not_silent(request, upload)
    return await admit(request, upload, theirs=theirs, look=look)


async def is_theirs(request: Request, upload: Upload) -> bool:
    """True when the asker is the drop's owner or in its team."""
    caller = await caller_of(request)
    return caller is not None and await in_thread(request, found.is_one_of_theirs, caller, upload)


async def check_not_silent(request: Request, upload: Upload) -> None:
    """Raise TooMany for a drop of an account whose bandwidth is used up, but for its own people. Mostly free."""
    site = web_of(request).site
    if found.is_silent(site, upload):
        await in_thread(request, found.check_not_silent, await caller_of(request), upload)
