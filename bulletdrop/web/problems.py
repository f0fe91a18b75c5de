"""Errors become answers: one table error → status, JSON for programs, a page for browsers."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import msgspec
from sanic import Request
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.response import HTTPResponse

from bulletdrop import errors
from bulletdrop.core.names.places import MAIN_PLACE
from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.web.protocol import BodyCutOff

log = get_logger("web")


class WrongMethod(errors.Rejected):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    title = "This cannot be done here"


class BadRequest(errors.Rejected):
    """The request is no HTTP that we understand."""

    code = "bad_request"
    title = "The request could not be read"


class Broken(BulletDropError):
    """A fault of our own."""

    code = "internal_error"
    title = "Something went wrong here"


STATUS: dict[type[BulletDropError], int] = {
    BulletDropError: 500,
    Broken: 500,
    errors.Rejected: 400,
    BadRequest: 400,
    errors.Invalid: 400,
    errors.EmptyFile: 400,
    errors.Truncated: 400,
    errors.WrongDigest: 400,
    errors.BadName: 400,
    errors.BadBody: 400,
    errors.BadConfig: 400,
    errors.NotSignedIn: 401,
    errors.ExpiredKey: 401,
    errors.RevokedKey: 401,
    errors.NeedsPassword: 401,
    errors.BadTicket: 401,
    errors.BadSignOn: 401,
    errors.Pending: 400,
    errors.SlowDown: 400,
    errors.Denied: 400,
    errors.ExpiredCode: 400,
    errors.Forbidden: 403,
    errors.MissingScope: 403,
    errors.BadCsrf: 403,
    errors.Blocked: 403,
    errors.NotFound: 404,
    errors.MissingObject: 404,
    errors.StillArriving: 404,
    WrongMethod: 405,
    errors.TooSlow: 408,
    errors.Conflict: 409,
    errors.NameTaken: 409,
    errors.NameReserved: 409,
    errors.NotReserved: 409,
    errors.NotSetUp: 409,
    errors.Gone: 410,
    errors.UsedUp: 410,
    errors.Withdrawn: 410,
    errors.TooBig: 413,
    errors.UnknownType: 415,
    # RFC 9110, section 15.5.20: Misdirected Request.
    errors.UnknownHost: 421,
    errors.BadPicture: 422,
    errors.TooManyPixels: 422,
    errors.TooMany: 429,
    errors.Busy: 503,
    errors.Unavailable: 503,
    errors.DiskFull: 507,
    # RFC 4331, section 6: a quota that is used up is Insufficient Storage.
    errors.QuotaFull: 507,
}

# Sanic's own refusals, by their status.
_FROM_SANIC: dict[int, tuple[type[BulletDropError], str]] = {
    400: (BadRequest, "The request could not be read."),
    404: (errors.NotFound, "There is nothing at this address."),
    405: (WrongMethod, "This address does not take this method."),
    408: (errors.TooSlow, "The request took too long to arrive."),
    413: (errors.TooBig, "The request is too large."),
    417: (BadRequest, "This server knows no other expectation than 100-continue."),
    503: (errors.Unavailable, "The server is busy. Try again in a moment."),
}


def status_of(error: BulletDropError) -> int:
    """The status for an error: its class's, or that of the nearest class above."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


class Problems(ErrorHandler):  # type: ignore[misc,unused-ignore]
    """Sanic asks this for the answer to every exception."""

    def response(self, request: Request, exception: Exception) -> Any:
        """The answer to an exception, or something to await that gives it."""
        error = translate(exception)
        if isinstance(error, Broken):
            log.error("unexpected error", exc_info=exception, extra={"path": request.path, "method": request.method})
        elif error.paths:
            log.warning("%s", error.message, extra={"code": error.code, "paths": error.paths})
        return answer(request, error, headers=getattr(exception, "headers", None))


def translate(exception: BaseException) -> BulletDropError:
    """Any exception as one of ours. What we did not expect says nothing about itself."""
    if isinstance(exception, BulletDropError):
        return exception
    if isinstance(exception, BodyCutOff):
        return errors.Truncated("The request ended before it was complete. Nothing was kept.")
    if isinstance(exception, SanicException):
        status = exception.status_code
        kind, message = _FROM_SANIC.get(status, (BadRequest if 400 <= status < 500 else Broken, ""))
        return kind(message)
    return Broken("Something went wrong on the server. Its log has the details under this request's id.")


async def answer(request: Request, error: BulletDropError, *, headers: Any = None) -> HTTPResponse:
    """The response for an error: a page for a browser that looks at a page, JSON for everybody else."""
    status = status_of(error)
    response: HTTPResponse | None = None
    if getattr(request.ctx, "place", MAIN_PLACE).kind == "content":
        # At the files' own address there are no pages.
        response = HTTPResponse(f"{error.message}\n", status=status, content_type="text/plain; charset=utf-8")
    elif wants_page(request):
        response = await _page(request, status, error)
    if response is None:
        response = json_problem(request, status, error)
    for name, value in (headers or {}).items():
        response.headers[name.lower()] = str(value)
    if status == 405:
        response.headers["allow"] = ", ".join(_allowed(request))
    if error.retry_after is not None:
        response.headers["retry-after"] = str(max(1, round(error.retry_after)))
    if status == 401:
        response.headers["www-authenticate"] = 'Bearer realm="BulletDrop"'
    response.headers["cache-control"] = "no-store"
    return response


def _allowed(request: Request) -> list[str]:
    """The methods that this address takes. Sanic's own error names them for some addresses only."""
    found = []
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        with contextlib.suppress(SanicException):
            request.app.router.get(request.path, method, None)
            found.append(method)
    return found


def wants_page(request: Request) -> bool:
    """True for a browser that opens an address outside the API."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def json_problem(request: Request, status: int, error: BulletDropError) -> HTTPResponse:
    """The one error shape of the API."""
    body = {
        "error": {
            "code": error.code,
            "message": error.message,
            "field": error.field,
            "request_id": getattr(request.ctx, "request_id", None),
        }
    }
    return HTTPResponse(msgspec.json.encode(body), status=status, content_type="application/json")


async def _page(request: Request, status: int, error: BulletDropError) -> HTTPResponse | None:
    # Here, because pages use this module's neighbours.
    from bulletdrop.web import render

    try:
        if isinstance(error, errors.NeedsPassword):
            made = render.password_page(request, error)
        else:
            made = render.error_page(request, status, error)
        response: HTTPResponse = await made if inspect.isawaitable(made) else made
    except Exception:
        log.exception("the error page cannot be shown")
        return None
    return response
