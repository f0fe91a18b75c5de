"""Sign-on over HTTP: out to a provider with a cookie that binds the answer to this browser, and back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.models import Identity, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import identities, sign_on
from bulletdrop.core.people.providers import find_provider
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.sign_on import Begun
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.errors import BadBody
from bulletdrop.web.auth import address_of, caller_of
from bulletdrop.web.context import web_of
from bulletdrop.web.cookies import cookie_name, is_https, read_cookie
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.pages.entrance import agent_of, go_on
from bulletdrop.web.threads import in_remote_thread

_COOKIE = "bd_sign_on"
LINKS = "/account/logins"
# Each costs a row and perhaps a question to the provider. A whole office may come from one address.
_MOST, _WINDOW = 120, 600.0


async def set_out(request: Request, name: str, *, back: str = "/", user: User | None = None, invite: str = "") -> Begun:
    """Begin a sign-on, or with `user` the linking of one. Put `keep` onto the answer.

    Raises: NotFound, TooMany, Unavailable, BadSignOn.
    """
    find_provider(web_of(request).config, name)
    await limit_by_address(request, "sign-on", most=_MOST, window=_WINDOW)
    browser = read_cookie(request, _COOKIE)
    return await in_remote_thread(request, sign_on.begin, name, browser=browser, back=back, user=user, invite=invite)


def keep(request: Request, response: HTTPResponse, begun: Begun) -> HTTPResponse:
    """Leave the secret with the browser. `Lax`, for it comes back by a link on the provider's page."""
    web = web_of(request)
    response.add_cookie(
        cookie_name(web, _COOKIE),
        begun.browser,
        path="/",
        max_age=int(sign_on.LIVES.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=is_https(web),
    )
    return response


def elsewhere(request: Request, name: str, back: str) -> str:
    """Where to begin instead, when this page was opened by another address than the one that the way back leads to.

    Empty when it is the right one. Asked once only: a proxy may say another host to us than people say to it.
    """
    base = public_base(web_of(request).config)
    if request.headers.get("host", "") == urlsplit(base).netloc or request.args.get("here"):
        return ""
    return f"{base}/api/v1/auth/{name}?{urlencode({'next': back, 'here': '1'})}"


async def come_back(request: Request, name: str) -> HTTPResponse:
    """Take the provider's answer: on to the page, to the second factor, or back to the linked logins.

    Raises: what `sign_on.finish` and `identities.come_in` raise; BadBody for a parameter that comes twice.
    """
    find_provider(web_of(request).config, name)
    await limit_by_address(request, "sign-on back", most=_MOST, window=_WINDOW)
    if any(len(values) > 1 for values in request.args.values()):
        raise BadBody("This answer cannot be read: it says something twice. Start again.")
    params = {key: values[0] for key, values in request.args.items()}
    browser, caller = read_cookie(request, _COOKIE), await caller_of(request)
    # A key is nobody's browser.
    caller_id = caller.user_id if caller is not None and caller.session_id is not None else None
    agent, address = agent_of(request), address_of(request)
    done, back = await in_remote_thread(request, _finish, name, params, browser, caller_id, agent, address)
    if isinstance(done, Identity):
        return redirect(f"{LINKS}?said=linked-{name}", status=303)
    return go_on(done, back)


def _finish(
    site: Site,
    name: str,
    params: dict[str, str],
    browser: str | None,
    caller_id: str | None,
    agent: str,
    address: str,
) -> tuple[Tokens | Half | Identity, str]:
    returned = sign_on.finish(site, name, params, browser=browser, address=address)
    done = identities.come_in(site, returned, caller_id=caller_id, user_agent=agent, address=address)
    return done, returned.back
