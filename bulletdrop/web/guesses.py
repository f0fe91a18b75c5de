"""The brake on guessing: passwords and set-up codes, counted by address."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from time import monotonic

from sanic import Request

from bulletdrop.errors import Forbidden, NotSignedIn
from bulletdrop.web.auth import address_of
from bulletdrop.web.context import web_of


@contextlib.contextmanager
def guess(request: Request) -> Iterator[None]:
    """Around a check of something that could be guessed. By address only: by name, anybody could lock out anybody.

    Raises: TooMany when this address has guessed wrong too often.
    """
    attempts, address = web_of(request).attempts, address_of(request)
    attempts.check(monotonic(), address)
    try:
        yield
    except (NotSignedIn, Forbidden):
        attempts.failed(monotonic(), address)
        raise
    attempts.succeeded(address)
