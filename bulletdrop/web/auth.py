"""Who is asking, and whether they may: keys, tokens, cookies, CSRF."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from functools import wraps
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people import keys, sessions
from bulletdrop.core.people.accounts import needs_setup
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.rates import Counted, count_request
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import BadBody, BadCsrf, BulletDropError, NotSignedIn, TooBig, TooMany
from bulletdrop.web.context import web_of
from bulletdrop.web.cookies import ACCESS, REFRESH, clear_session_cookies, read_cookie, set_session_cookies
from bulletdrop.web.limits import refuse_beyond
from bulletdrop.web.peers import client_address
from bulletdrop.web.threads import in_thread

__all__ = [
    "address_of",
    "caller_by_key",
    "caller_of",
    "check_csrf",
    "check_origin",
    "clear_session_cookies",
    "csrf_of",
    "form_of",
    "form_values",
    "leading_to",
    "needs",
    "required_caller",
    "safe_next",
    "set_session_cookies",
    "signed_in",
]

Handler = Callable[..., Coroutine[Any, Any, Any]]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_FORM_BYTES = 64 * 1024
# What programs ask for: our API, and those of others that we answer in (see `foreign`).
_PROGRAMS = ("/api/", "/3/")
# Tabs that wake together all send the same refresh token; for this long they share one refresh, in seconds.
_SHARED = 15.0


async def caller_of(request: Request) -> Caller | None:
    """Who asks, or None for nobody. Asked once a request, however often this is called.

    Raises: NotSignedIn (or ExpiredKey, RevokedKey) for a key or token that was sent on purpose and does not count.
    """
    ctx = request.ctx
    if not ctx.caller_known:
        ctx.caller = await _find_caller(request)
        ctx.caller_known = True
    caller: Caller | None = ctx.caller
    return caller


async def required_caller(request: Request) -> Caller:
    """Who asks. Raises NotSignedIn for nobody."""
    caller = await caller_of(request)
    if caller is None:
        raise NotSignedIn("Sign in, or send an API key.")
    return caller


async def caller_by_key(request: Request, key: str) -> Caller:
    """Who a key speaks for that came as other services' keys come. From now on it is who asks.

    Raises: NotSignedIn for what is no key of ours, ExpiredKey, RevokedKey, Blocked, TooMany.
    """
    if not key.startswith("bd_"):
        raise NotSignedIn("This is no API key of this server.")
    request.ctx.caller = caller = await _checked(request, keys.check_key, key)
    request.ctx.caller_known = True
    return caller


def needs(
    scope: str | None = None, *, person: bool = False, csrf_in_body: bool = False
) -> Callable[[Handler], Handler]:
    """Let only callers with a scope reach an API handler; `caller_of` gives the caller inside it.

    Args:
        scope: what the caller must have; None for anybody who is signed in or has a key.
        person: keys are refused, whatever they may.
        csrf_in_body: without the header, the handler itself checks the CSRF token, which comes in the body.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def wrapped(request: Request, *args: Any, **kwargs: Any) -> Any:
            caller = await required_caller(request)
            if person:
                caller.needs_person()
            if scope is not None:
                caller.needs(scope)
            if request.ctx.by_cookie and request.method not in _SAFE_METHODS:
                check_origin(request, null_counts=False)
                token = request.headers.get("x-csrf-token")
                if token is not None or not csrf_in_body:
                    check_csrf(request, caller, token)
            return await handler(request, *args, **kwargs)

        return wrapped

    return decorate


def signed_in(handler: Handler) -> Handler:
    """Let only signed-in people reach a page; others are sent to sign in, or to set the server up."""

    @wraps(handler)
    async def wrapped(request: Request, *args: Any, **kwargs: Any) -> Any:
        if await caller_of(request) is None:
            first = "/setup" if await in_thread(request, needs_setup) else "/signin"
            back = request.path if request.method in _SAFE_METHODS else "/"
            query = f"?{request.query_string}" if request.query_string and back != "/" else ""
            return redirect(leading_to(back + query, first))
        return await handler(request, *args, **kwargs)

    return wrapped


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a page sent, its CSRF token checked. Of a field that comes twice the last counts.

    Sanic's own `request.form` is never used: it gives an empty form for a malformed one.

    Raises: BadBody, TooBig, BadCsrf.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", ""):
        raise BadBody("This form cannot be read. Reload the page and try again.")
    if len(request.body) > _MOST_FORM_BYTES:
        raise TooBig("This form is too large.")
    try:
        pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError as error:
        raise BadBody("This form cannot be read. Reload the page and try again.") from error
    fields = dict(pairs)
    request.ctx.form_pairs = pairs
    caller = await caller_of(request)
    has_token = caller is not None and request.ctx.by_cookie
    check_origin(request, null_counts=not has_token)
    if caller is not None and has_token:
        check_csrf(request, caller, request.headers.get("x-csrf-token") or fields.get("csrf"))
    return fields


def form_values(request: Request, name: str) -> list[str]:
    """All values of a field that comes several times, such as boxes that are ticked. After `form_of`."""
    return [value for key, value in getattr(request.ctx, "form_pairs", ()) if key == name]


def check_csrf(request: Request, caller: Caller, token: str | None) -> None:
    """Raise BadCsrf unless the token is the one of the caller's session."""
    if caller.session_id is None or not token:
        raise BadCsrf("This page is too old or was opened by another site. Reload it and try again.")
    sessions.check_csrf(web_of(request).site, caller.session_id, token)


def check_origin(request: Request, *, null_counts: bool = True) -> None:
    """Raise BadCsrf for a request that a browser sent from another site's page.

    Programs send neither header. `Host` is only compared with here: a page elsewhere cannot choose it, and a name that
    is not ours has been refused before (see `hosts`). So the forms on a domain come from that domain.

    Args:
        null_counts: whether the origin `null` is another site's. Our own pages with `Referrer-Policy: no-referrer` send
            it too, so where a CSRF token is checked as well, it does not count.
    """
    site_kind = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site_kind is not None and site_kind not in ("same-origin", "none"):
        raise BadCsrf("This request came from another site's page.")
    if site_kind is None and origin is not None:
        own = {urlsplit(web_of(request).config.public_url).netloc, request.headers.get("host", "")}
        if (origin != "null" or null_counts) and _place(origin) not in own - {""}:
            raise BadCsrf("This request came from another site's page.")


def _place(origin: str) -> str:
    """Host and port of an origin; empty for one that cannot be read."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def csrf_of(request: Request, caller: Caller | None) -> str:
    """The CSRF token for a page's forms and scripts; empty for nobody and for keys."""
    if caller is None or caller.session_id is None:
        return ""
    return sessions.csrf_token(web_of(request).site, caller.session_id)


def address_of(request: Request) -> str:
    """The client's address, by the rule about forwarded headers."""
    return client_address(request, web_of(request).proxies)


def safe_next(value: str | None) -> str:
    """A path of our own to go on to after signing in; `/` for anything that could lead elsewhere."""
    if not value or not value.startswith("/") or value.startswith("//") or "\\" in value or not value.isprintable():
        return "/"
    return value


def leading_to(back: str, first: str) -> str:
    """The address of a page that comes first, such as `/signin`, and goes on to another path of ours."""
    return first + (f"?next={quote(back)}" if back != "/" else "")


async def _find_caller(request: Request) -> Caller | None:
    token = _sent_token(request)
    if token is not None:
        if token.startswith("bd_"):
            return await _checked(request, keys.check_key, token)
        return await _checked(request, sessions.check_access, token)
    return await _caller_by_cookie(request)


async def _checked(request: Request, check: Callable[[Site, str], Caller], token: str) -> Caller:
    """Who a key or token speaks for, and one more request under their limits. Raises TooMany beyond them.

    Pages are not counted: who has used up the limit can still look at the gallery and at the plan.
    """
    is_api = request.path.startswith(_PROGRAMS)
    caller, request.ctx.counted = await in_thread(request, _check_and_count, check, token, is_api)
    if caller.key_id is not None:
        web_of(request).uses[caller.key_id] += 1
        web_of(request).used_from[caller.key_id] = address_of(request)
    refuse_beyond(request.ctx.counted)
    if is_api:
        web_of(request).meter.requests[caller.user_id] += 1
    return caller


def _check_and_count(
    site: Site, check: Callable[[Site, str], Caller], token: str, is_api: bool
) -> tuple[Caller, tuple[Counted, ...]]:
    caller = check(site, token)
    return caller, count_request(site, caller, now=monotonic()) if is_api else ()


def _sent_token(request: Request) -> str | None:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    key = request.headers.get("x-api-key")
    return key.strip() if key is not None else None


async def _caller_by_cookie(request: Request) -> Caller | None:
    if not request.ctx.place.is_whole:
        # Our cookies are the main address's alone; what comes under such a name was planted by somebody.
        return None
    access = read_cookie(request, ACCESS)
    if access is not None:
        try:
            caller = await _checked(request, sessions.check_access, access)
        except NotSignedIn:
            pass
        else:
            request.ctx.by_cookie = True
            return caller
    plain = read_cookie(request, REFRESH)
    if plain is None:
        return None
    try:
        tokens, caller = await _rotate(request, plain)
    except NotSignedIn:
        request.ctx.signed_out = True
        return None
    request.ctx.by_cookie = True
    request.ctx.new_tokens = tokens
    return caller


async def _rotate(request: Request, plain: str) -> tuple[Tokens, Caller]:
    """Swap the refresh token, once for all requests that come with it in the same moment.

    The swap is shared, the answer is not: whether the session still lives is asked anew for each request.
    """
    web = web_of(request)
    now = asyncio.get_running_loop().time()
    web.rotations = {key: entry for key, entry in web.rotations.items() if entry[1] > now - _SHARED}
    key = hashlib.sha256(plain.encode()).hexdigest()
    if key not in web.rotations:
        agent = request.headers.get("user-agent", "")
        work = in_thread(request, sessions.refresh, plain, user_agent=agent, address=address_of(request))
        web.rotations[key] = (asyncio.ensure_future(work), now)
    entry: tuple[asyncio.Future[Tokens], float] = web.rotations[key]
    try:
        tokens = await asyncio.shield(entry[0])
        return tokens, await _checked(request, sessions.check_access, tokens.access_token)
    except TooMany:
        # The swap has happened: the browser must get the new token, or the old one it goes on with ends the session.
        request.ctx.new_tokens = tokens
        raise
    except BulletDropError:
        if web.rotations.get(key) is entry:
            del web.rotations[key]
        raise


def finish_cookies(request: Request, response: HTTPResponse) -> None:
    """Put onto an answer what finding the caller has changed about the browser's cookies."""
    if request.ctx.new_tokens is not None:
        set_session_cookies(response, request.ctx.new_tokens)
    elif request.ctx.signed_out:
        clear_session_cookies(response)
