"""The brake on guessing: passwords, set-up codes and local secrets, counted by address and by name."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from time import monotonic

from sanic import Request

from bulletdrop.core.people import guesses
from bulletdrop.core.people.accounts import fold
from bulletdrop.errors import BulletDropError, Forbidden, NotSignedIn, TooMany
from bulletdrop.web.auth import address_of
from bulletdrop.web.peers import neighbours
from bulletdrop.web.threads import in_thread


@contextlib.asynccontextmanager
async def guess(request: Request, identifier: str | None = None) -> AsyncIterator[None]:
    """Around a check of something that could be guessed. It counts before it is checked.

    Args:
        identifier: the username or email address whose password it is; None for a secret of the server's own.
    Raises: TooMany when there were too many wrong guesses from here, under this name, or both.
    """
    # A name can be as long as a request; what is remembered of it is short.
    name = "" if identifier is None else hashlib.sha256(fold(identifier).encode("utf-8", "replace")).hexdigest()
    address = neighbours(address_of(request))
    try:
        attempt = await in_thread(request, guesses.begin, address, name, now=monotonic(), shared=identifier is None)
    except TooMany:
        await in_thread(request, guesses.note_refusal, address, now=monotonic())
        raise
    try:
        yield
    except (NotSignedIn, Forbidden):
        await in_thread(request, guesses.failed, attempt, now=monotonic())
        raise
    except BulletDropError:
        await in_thread(request, guesses.given_back, attempt)
        raise
    except BaseException:
        # Whoever leaves before the answer has had the check all the same.
        await in_thread(request, guesses.failed, attempt, now=monotonic())
        raise
    await in_thread(request, guesses.succeeded, attempt)
