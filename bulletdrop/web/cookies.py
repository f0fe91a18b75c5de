"""The browser's cookies: access, refresh, the CSRF token that our own scripts may read, and a half sign-in's ticket."""

from __future__ import annotations

from sanic import Request
from sanic.response import BaseHTTPResponse

from bulletdrop.core import origin
from bulletdrop.core.people import sessions
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.web.context import Web, web_of

ACCESS, REFRESH, CSRF, HALF = "bd_access", "bd_refresh", "bd_csrf", "bd_half"


def cookie_name(web: Web, name: str) -> str:
    """The name as the browser keeps it: with `__Host-` on https, so that no other host can plant it."""
    return f"__Host-{name}" if is_https(web) else name


def is_https(web: Web) -> bool:
    """True when people reach this server by https."""
    return origin.is_https(web.config)


def read_cookie(request: Request, name: str) -> str | None:
    """One of our cookies, or None."""
    if "cookie" not in request.headers:
        return None
    value = request.cookies.get(cookie_name(web_of(request), name))
    return value or None


def set_session_cookies(response: BaseHTTPResponse, tokens: Tokens) -> None:
    """Sign the browser in. The refresh cookie is left alone when another tab has the newer one already."""
    web = _decided()
    weeks = web.config.refresh_days * 24 * 3600
    _set(web, response, ACCESS, tokens.access_token, tokens.expires_in, script=False)
    if tokens.refresh_token is not None:
        _set(web, response, REFRESH, tokens.refresh_token, weeks, script=False)
    _set(web, response, CSRF, sessions.csrf_token(web.site, tokens.session_id), weeks, script=True)
    if read_cookie(Request.get_current(), HALF) is not None:
        _set(web, response, HALF, "", 0, script=False)


def set_half_cookie(response: BaseHTTPResponse, half: Half) -> None:
    """Keep the ticket of a half sign-in where no script reads it. Whoever was signed in before is signed out."""
    web = _decided()
    clear_session_cookies(response)
    _set(web, response, HALF, half.ticket, half.expires_in, script=False)


def clear_half_cookie(response: BaseHTTPResponse) -> None:
    """Forget a half sign-in."""
    _set(web_of(Request.get_current()), response, HALF, "", 0, script=False)


def clear_session_cookies(response: BaseHTTPResponse) -> None:
    """Sign the browser out."""
    web = web_of(Request.get_current())
    for name in (ACCESS, REFRESH, CSRF):
        _set(web, response, name, "", 0, script=name == CSRF)


def _decided() -> Web:
    """Let nothing that finding the caller has changed about the cookies come after what is set now."""
    request = Request.get_current()
    request.ctx.new_tokens, request.ctx.signed_out = None, False
    return web_of(request)


def _set(web: Web, response: BaseHTTPResponse, name: str, value: str, seconds: int, *, script: bool) -> None:
    response.add_cookie(
        cookie_name(web, name),
        value,
        path="/",
        max_age=seconds,
        httponly=not script,
        samesite="Lax",
        secure=is_https(web),
    )
