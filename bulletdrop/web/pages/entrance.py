"""The way in, for the two forms that open a session: the same rules and the same brake on guessing as the API's."""

from __future__ import annotations

from sanic import Request

from bulletdrop.core.people import accounts, sessions
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.web.auth import address_of
from bulletdrop.web.guesses import guess
from bulletdrop.web.threads import in_hash_thread


async def enter(request: Request, identifier: str, password: str) -> Tokens:
    """Open a session for whoever knows the password.

    Raises: NotSignedIn, Forbidden for a blocked account, TooMany after too many failures.
    """
    async with guess(request, identifier):
        return await in_hash_thread(request, _enter, identifier, password, _agent(request), address_of(request))


async def found(request: Request, values: dict[str, str]) -> Tokens:
    """Make the first admin and open a session for them.

    Args:
        values: code, username, email, password.
    Raises: Forbidden for a wrong code, Invalid, Conflict, TooMany after too many wrong codes.
    """
    async with guess(request):
        return await in_hash_thread(request, _found, values, _agent(request), address_of(request))


def _enter(site: Site, identifier: str, password: str, agent: str, address: str) -> Tokens:
    user = accounts.authenticate(site, identifier=identifier, password=password)
    return sessions.open_session(site, user, user_agent=agent, address=address)


def _found(site: Site, values: dict[str, str], agent: str, address: str) -> Tokens:
    user = accounts.set_up(site, **values)
    return sessions.open_session(site, user, user_agent=agent, address=address)


def _agent(request: Request) -> str:
    return str(request.headers.get("user-agent", ""))
