"""Templates become answers: one Jinja environment, the built files by name, the error page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.names.places import MAIN_PLACE
from bulletdrop.core.origin import public_base
from bulletdrop.core.people.callers import Caller
from bulletdrop.errors import BulletDropError, NeedsPassword
from bulletdrop.log import get_logger
from bulletdrop.web import copying, words
from bulletdrop.web.auth import csrf_of
from bulletdrop.web.context import web_of
from bulletdrop.web.cookies import REFRESH
from bulletdrop.web.robots import is_prefetch

log = get_logger("render")

_HERE = Path(__file__).parent
_MANIFEST = _HERE / "static" / "manifest.json"
_ZONE_COOKIE = "bd_zone"

# What to do next, by status; what happened is the error's own message.
_ADVICE = {
    401: "Sign in and try again.",
    403: "If this is yours, sign in as its owner.",
    404: "Check the link, or ask whoever sent it.",
    410: "Ask whoever sent the link for a new one.",
    413: "Make the file smaller, or ask the admin to allow larger ones.",
    429: "Wait a moment, then try again.",
    500: "Try again. If it happens again, tell the admin the number below.",
    503: "Try again in a moment.",
    507: "The admin has to make room; nothing of yours was lost.",
}


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTTPResponse:
    """A page as an answer.

    Args:
        template: its name in `templates/`.
        context: what the template shows; `caller`, `csrf`, `asset` and the time are always there.
    """
    caller: Caller | None = getattr(request.ctx, "caller", None)
    web = web_of(request)
    shared = {
        "caller": caller,
        "csrf": csrf_of(request, caller) if caller else "",
        "time": Times(web.site.clock.now(), zone_of(request)),
        "max_file_size": web.config.max_file_size,
        "trash_days": web.config.trash_days,
    }
    return _answer(template, status, {**shared, **context})


def zone_of(request: Request) -> tzinfo:
    """The time zone in which the asker reads and writes times; UTC where the browser said none."""
    return words.zone(_cookie(request, _ZONE_COOKIE))


def error_page(request: Request, status: int, error: BulletDropError) -> HTTPResponse:
    """The page for an error: what happened, then what to do. Works also while the server starts or stops."""
    message = error.message if error.message.rstrip(".") != error.title else ""
    caller = getattr(request.ctx, "caller", None)
    if caller is not None and caller.session_id is None:
        # A key is asked for only where there is something to hide, and the page must not tell that by its buttons.
        caller = None
    # Nobody looked for a caller when there is no such page; a cookie is enough not to offer signing in.
    signed_in = caller is not None or _has_session(request)
    advice = _ADVICE.get(status, "") if len(message) < 60 or status in (500, 503, 507) else ""
    if status == 403 and signed_in:
        # Nothing says whose it would be, or that it is anybody's: a page of the administration is not.
        advice = ""
    context = {
        "caller": caller,
        "csrf": "",
        "signed_in": signed_in,
        "status": status,
        "title": error.title,
        "message": message,
        "advice": advice,
        "request_id": getattr(request.ctx, "request_id", None) if status >= 500 else None,
        "can_retry": status in (429, 500, 503) and request.method == "GET",
        "path": request.path,
        "yours": _at_main(request, request.path) if status in (403, 404, 410) else None,
    }
    return _answer("error.html", status, context)


def password_page(request: Request, error: NeedsPassword, *, back: str = "") -> HTTPResponse:
    """The page that asks for a password. It says nothing of what is behind it, and is the same for everything.

    Args:
        back: where to go on to; the address that was asked for when left out.
    """
    if not back:
        back = request.path + (f"?{request.query_string}" if request.query_string else "")
    wrong = error.message if error.field else ""
    kind, _, subject_id = error.subject.partition(":")
    # A drop's chosen name counts on its domain alone; by its id its people find it everywhere.
    path = f"/info/{quote(subject_id)}" if kind == "upload" else back.partition("?")[0]
    context = {"subject": error.subject, "back": back, "wrong": wrong, "yours": _at_main(request, path)}
    response = render(request, "password.html", status=401, **context)
    response.headers["referrer-policy"] = "no-referrer"
    return response


def protected_page(request: Request) -> HTTPResponse:
    """What robots are told of anything with a password or a number of views: that it is protected, and no more.

    The same for all of them, so that not even its kind can be told from it. A browser that fetches ahead is refused: it
    would show the page that it has to whoever opens the link then, and drops one that came with an error.
    """
    status = 403 if is_prefetch(request) else 200
    response = _answer("protected.html", status, {"caller": None, "csrf": "", "site": web_of(request).config.site_name})
    response.headers["x-robots-tag"] = "noindex"
    return response


def render_for_anybody(template: str, **context: Any) -> HTTPResponse:
    """A page that is the same for whoever looks: no cookie is read for it, and nothing in it is about the asker."""
    text = _environment().get_template(template).render(context)
    return HTTPResponse(text, content_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})


def asset(name: str) -> str:
    """The address of a built file, by its logical name (`app.css`)."""
    return f"/static/{_manifest().get(name, name)}"


class Times:
    """Moments in words, for one reader: the reader's zone, and one now for the whole page."""

    def __init__(self, now: datetime, where: tzinfo) -> None:
        self.now = now
        self.where = where

    def near(self, moment: datetime) -> str:
        """In a sentence, near: "3 minutes ago"."""
        return words.near(moment, self.now, self.where)

    def full(self, moment: datetime) -> str:
        """To the second, with the zone."""
        return words.full(moment, self.where)

    def day(self, moment: datetime) -> str:
        """The heading of its day."""
        return words.day(moment, self.now, self.where)

    def date(self, moment: datetime) -> str:
        """Its day as 2026-11-20, in the reader's zone."""
        return moment.astimezone(self.where).date().isoformat()

    def until(self, moment: datetime) -> str:
        """How long until then: "in 30 days"."""
        return words.until(moment, self.now)


def by_day(drops: Iterable[Any], time: Times) -> list[dict[str, Any]]:
    """Drops in groups of one day each, as {date, heading, drops}; the order stays."""
    groups = []
    for date, members in groupby(drops, key=lambda drop: time.date(drop.created_at)):
        found = list(members)
        groups.append({"date": date, "heading": time.day(found[0].created_at), "drops": found})
    return groups


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = asset
    made.globals["copying_forms"] = copying.forms
    made.globals["qr_svg"] = copying.qr_svg
    made.filters["size"] = words.size
    made.filters["name"] = words.name
    made.filters["days"] = by_day
    return made


@lru_cache(maxsize=1)
def _manifest() -> dict[str, str]:
    try:
        built: dict[str, str] = json.loads(_MANIFEST.read_text(encoding="utf-8"))
    except FileNotFoundError:
        log.warning("the page is not built: it works, but without its looks and its scripts")
        return {}
    return built


def _answer(template: str, status: int, context: dict[str, Any]) -> HTTPResponse:
    text = _environment().get_template(template).render(context)
    headers = {"cache-control": "no-store", "vary": "cookie"}
    return HTTPResponse(text, status=status, content_type="text/html; charset=utf-8", headers=headers)


def _at_main(request: Request, path: str) -> tuple[str, str] | None:
    """A path at the main address, and that address's host: for whose it is, since on a domain nobody is signed in.

    Returns: None where people can be signed in.
    """
    if getattr(request.ctx, "place", MAIN_PLACE).kind != "domain":
        return None
    base = public_base(web_of(request).config)
    return f"{base}{path}", urlsplit(base).netloc


def _has_session(request: Request) -> bool:
    return "cookie" in request.headers and any(name.endswith(REFRESH) for name in request.cookies)


def _cookie(request: Request, name: str) -> str | None:
    if "cookie" not in request.headers:
        return None
    value: str | None = request.cookies.get(name)
    return value
