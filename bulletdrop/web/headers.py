"""What every request begins with and every answer ends with: an id, and the headers that protect the page."""

from __future__ import annotations

import re
from typing import Any

from sanic import Request
from sanic.exceptions import BadRequest
from sanic.response import HTTPResponse

from bulletdrop.config import Config
from bulletdrop.core.names.places import MAIN_PLACE
from bulletdrop.log import request_id
from bulletdrop.web.admission import add_given_cookies
from bulletdrop.web.auth import finish_cookies
from bulletdrop.web.context import web_of
from bulletdrop.web.hosts import content_origin
from bulletdrop.web.limits import rate_headers
from bulletdrop.web.peers import is_trusted_peer
from bulletdrop.web.sending import Ready

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{files} blob: data:; "
    "media-src 'self'{files} blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# Of what has no type since it has no bytes, such as an answer that leads elsewhere: Sanic would write `None` there.
_NO_BYTES_TYPE = "text/plain; charset=utf-8"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UPLOADS = "/api/v1/uploads"
_RESERVATIONS = "/api/v1/reservations"


def begin(request: Request) -> None:
    """Give a request its id. One that a configured proxy has chosen is kept, so that its log and ours can be joined."""
    ctx = request.ctx
    if hasattr(ctx, "request_id"):
        return
    web = web_of(request)
    given = request.headers.get("x-request-id") if web.proxies else None
    keep = given is not None and is_trusted_peer(request, web.proxies) and _GIVEN_ID.fullmatch(given)
    ctx.request_id = given if keep else web.next_request_id()
    ctx.caller_known = False
    ctx.by_cookie = False
    ctx.new_tokens = None
    ctx.signed_out = False
    ctx.counted = ()
    ctx.given_cookies = []
    ctx.place = MAIN_PLACE
    request_id.set(ctx.request_id)
    if not request.head.isascii():
        _check_text(request.head)


def _check_text(head: bytes) -> None:
    """Refuse a head that is no UTF-8: its odd bytes would come up later, in a hash, a log or the database."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The request's headers are no UTF-8.") from error


def finish(request: Request, response: HTTPResponse) -> None:
    """Put the common headers onto an answer."""
    if not hasattr(request.ctx, "request_id"):
        begin(request)
    _refuse_early(request, response)
    rates = rate_headers(request.ctx.counted)
    if isinstance(response, Ready):
        if request.ctx.new_tokens is not None or request.ctx.signed_out or request.ctx.given_cookies:
            carrier = HTTPResponse()
            finish_cookies(request, carrier)
            add_given_cookies(request, carrier)
            response.add_cookies(carrier)
        response.add_lines(rates)
        return
    web = web_of(request)
    if not _is_harmless(request):
        web.cache.expire_all()
    headers = response.headers
    finish_cookies(request, response)
    add_given_cookies(request, response)
    headers.update(rates)
    headers["x-request-id"] = request.ctx.request_id
    headers["date"] = web.date_value()
    headers.setdefault("x-content-type-options", "nosniff")
    headers.setdefault("referrer-policy", "same-origin")
    headers.setdefault("cross-origin-resource-policy", "same-origin")
    headers.setdefault("cross-origin-opener-policy", "same-origin")
    is_page = str(response.content_type or "").startswith("text/html")
    headers.setdefault("content-security-policy", page_policy(web.config) if is_page else _DATA_POLICY)
    headers.setdefault("cache-control", "no-store")
    if response.content_type is None and response.status not in (204, 304):
        headers.setdefault("content-type", _NO_BYTES_TYPE)


def page_policy(config: Config) -> str:
    """What a page of ours may load: its own, and people's pictures and films also from the files' own address."""
    origin = content_origin(config)
    return _PAGE_POLICY.format(files=f" {origin}" if origin else "")


def _is_harmless(request: Request) -> bool:
    """True for what changes nothing that a cached answer is made of: looking, signing in, and bringing new drops."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.path.startswith(("/api/v1/auth/", _RESERVATIONS)):
        return True
    return request.path == _UPLOADS or (request.method == "PUT" and request.path.startswith(f"{_UPLOADS}/"))


def _refuse_early(request: Request, response: HTTPResponse) -> None:
    """A client that waits for our word before it sends its body never sends it after a refusal: do not wait for it."""
    stream: Any = request.stream
    if stream is None:
        return
    if web_of(request).stop_at is not None:
        stream.keep_alive = False
    if stream.expecting_continue and response.status >= 400:
        stream.expecting_continue = False
        stream.request_body = None
        stream.keep_alive = False
