"""The way in, for the forms that open a session: the same rules and the same brake on guessing as the API's."""

from __future__ import annotations

from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people import accounts, second_factor, sessions, signing_in
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.web.auth import address_of, set_session_cookies
from bulletdrop.web.cookies import set_half_cookie
from bulletdrop.web.guesses import guess
from bulletdrop.web.threads import in_hash_thread, in_thread


async def enter(request: Request, identifier: str, password: str) -> Tokens | Half:
    """Open a session for whoever knows the password, or half of one where a second factor is due.

    Raises: NotSignedIn, Forbidden for a blocked account, TooMany after too many failures.
    """
    async with guess(request, identifier):
        return await in_hash_thread(request, _enter, identifier, password, agent_of(request), address_of(request))


async def finish(request: Request, ticket: str, code: str, *, kind: str) -> Tokens:
    """Open the session of a half sign-in for whoever has the second factor.

    Args:
        ticket: the half sign-in's.
        kind: "totp" or "recovery".
    Raises: BadTicket, NotSignedIn with field `code`, TooMany after too many wrong codes.
    """
    _, user = await in_thread(request, second_factor.look, ticket)
    agent, address = agent_of(request), address_of(request)
    # Under a name of its own: the right password, which was just typed, must not make wrong codes forgotten.
    async with guess(request, f"second {user.id}"):
        return await in_thread(request, signing_in.finish, ticket, code, kind=kind, user_agent=agent, address=address)


async def found(request: Request, values: dict[str, str]) -> Tokens:
    """Make the first admin and open a session for them.

    Args:
        values: code, username, email, password.
    Raises: Forbidden for a wrong code, Invalid, Conflict, TooMany after too many wrong codes.
    """
    async with guess(request):
        return await in_hash_thread(request, _found, values, agent_of(request), address_of(request))


def go_on(entered: Tokens | Half, back: str) -> HTTPResponse:
    """Where a browser goes after the first step: to where it wanted to, or to the second step, which leads there.

    Args:
        back: a path that `safe_next` has let through.
    """
    if isinstance(entered, Half):
        response = redirect(second_path(back), status=303)
        set_half_cookie(response, entered)
    else:
        response = redirect(back, status=303)
        set_session_cookies(response, entered)
    return response


def second_path(back: str) -> str:
    """The page of the second step."""
    return "/signin/second" + (f"?next={quote(back, safe='')}" if back != "/" else "")


def agent_of(request: Request) -> str:
    """What the browser or program calls itself."""
    return str(request.headers.get("user-agent", ""))


def _enter(site: Site, identifier: str, password: str, agent: str, address: str) -> Tokens | Half:
    user = accounts.authenticate(site, identifier=identifier, password=password)
    return signing_in.enter(site, user, method="password", user_agent=agent, address=address)


def _found(site: Site, values: dict[str, str], agent: str, address: str) -> Tokens:
    user = accounts.set_up(site, **values)
    return sessions.open_session(site, user, user_agent=agent, address=address)
