"""What the sign-in form and the API's login have in common: the password, and the brake on guessing."""

from __future__ import annotations

import time

from sanic import Request

from bulletdrop.core.people import accounts, sessions
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.errors import Rejected
from bulletdrop.web.auth import address_of
from bulletdrop.web.context import web_of
from bulletdrop.web.threads import in_hash_thread, in_thread


async def enter(request: Request, identifier: str, password: str) -> Tokens:
    """Open a session for whoever knows the password.

    Raises: NotSignedIn, Forbidden for a blocked account, TooMany after too many failures.
    """
    attempts, now = web_of(request).attempts, time.monotonic()
    names = (f"address:{address_of(request)}", f"name:{accounts.fold(identifier)}")
    attempts.check(now, *names)
    try:
        user = await in_hash_thread(request, accounts.authenticate, identifier=identifier, password=password)
    except Rejected:
        attempts.failed(now, *names)
        raise
    attempts.succeeded(*names)
    agent = request.headers.get("user-agent", "")
    return await in_thread(request, sessions.open_session, user, user_agent=agent, address=address_of(request))


async def found(request: Request, *, code: str, username: str, email: str, password: str) -> Tokens:
    """Make the first admin and open a session for them.

    Raises: Forbidden for a wrong code, Invalid, Conflict, TooMany after too many wrong codes.
    """
    attempts, now = web_of(request).attempts, time.monotonic()
    name = f"setup:{address_of(request)}"
    attempts.check(now, name)
    try:
        user = await in_hash_thread(
            request, accounts.set_up, code=code, username=username, email=email, password=password
        )
    except Rejected as error:
        if error.field == "code":
            attempts.failed(now, name)
        raise
    agent = request.headers.get("user-agent", "")
    return await in_thread(request, sessions.open_session, user, user_agent=agent, address=address_of(request))
