"""The door of the administration's pages, and what all of them share: notices, and figures as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people.administration import By
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Forbidden, Invalid, NotFound, Rejected
from bulletdrop.web.auth import Handler, address_of, form_of, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

# Something that an admin does to one account or team, by its id, as a form says.
Act = Callable[[Site, By, str, dict[str, str]], object]
_UNITS = {"": 1, "b": 1, "bytes": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4}
_SIZE = re.compile(r"(\d{1,15}(?:[.,]\d{1,3})?)\s*([a-z]*)")
# What a form calls a figure without a limit.
NO_LIMIT = "no limit"


@dataclass(frozen=True)
class Notice:
    """What was done, said on the page that comes next; with the address and the words of a form that undoes it."""

    text: str
    undo: str = ""
    undo_words: str = "Undo"


@dataclass(frozen=True)
class Refused:
    """An act that was refused, and what its form held: the page shows both."""

    error: BulletDropError
    act: str
    form: dict[str, str]


def admin_only(handler: Handler) -> Handler:
    """Let only signed-in admins reach a page. Raises Forbidden for others and for keys; nobody is sent to sign in."""

    @wraps(handler)
    async def wrapped(request: Request, *args: Any, **kwargs: Any) -> Any:
        caller = await required_caller(request)
        caller.needs_person()
        if not caller.is_admin:
            raise Forbidden("Only an admin of this server sees this page.")
        return await handler(request, *args, **kwargs)

    return signed_in(wrapped)


async def by_of(request: Request) -> By:
    """Who does it, for the audit log."""
    return By((await required_caller(request)).user_id, address_of(request))


async def posted(request: Request) -> dict[str, str]:
    """The form that a page of the administration sent, its CSRF token checked."""
    return await form_of(request)


def page(request: Request, template: str, at: str, *, status: int = 200, **context: Any) -> HTTPResponse:
    """A page of the administration.

    Args:
        at: the path of its place, whose last part is the name of the place in the layout.
        context: what the template shows; `did` is the Notice of what was just done.
    """
    part = at.removeprefix("/admin").strip("/") or "overview"
    shared = {"at": at, "part": part, "did": None, "undo_path": ""}
    return render(request, template, status=status, **{**shared, **context})


async def try_act(request: Request, acts: Mapping[str, Act], act: str, about: str, form: dict[str, str]) -> object:
    """Do something to what a page is about. Returns what came of it, or Refused.

    Raises: NotFound when it is not there any more; Busy.
    """
    try:
        return await in_thread(request, acts[act], await by_of(request), about, form)
    except NotFound:
        raise
    except Rejected as error:
        return Refused(error, act, form)


def page_of_acts(
    request: Request,
    template: str,
    at: str,
    about: str,
    notices: Mapping[str, Notice],
    refused: Refused | None,
    **context: Any,
) -> HTTPResponse:
    """A page with acts on it, as `page`, with what was done or why it was not.

    Args:
        about: the id of what it is about, the last part of its address.
        notices: by act, what to say when it was done.
    """
    shown = {
        "error": refused.error if refused else None,
        "wrong_act": refused.act if refused else "",
        "form_values": refused.form if refused else {},
        "undo_path": f"{at}/{about}/",
        "did": notice_of(request, notices) if request.method == "GET" else None,
    }
    return page(request, template, at, status=status_of(refused.error) if refused else 200, **shown, **context)


def notice_of(request: Request, notices: Mapping[str, Notice]) -> Notice | None:
    """What to say about what was just done: the query names a notice, so that nobody else's words get onto the page."""
    return notices.get(str(request.args.get("said") or ""))


def done(path: str, said: str, **query: str) -> HTTPResponse:
    """Go on to a page that says what was done."""
    return redirect(f"{path}?{urlencode({**query, 'said': said})}", status=303)


def query_of(request: Request, *names: str) -> dict[str, str]:
    """Some parameters of the query, by name; empty where they are missing."""
    return {name: str(request.args.get(name) or "") for name in names}


def more(path: str, query: Mapping[str, str], cursor: str | None) -> str:
    """The address of the next part of a list; empty at its end."""
    return f"{path}?{urlencode({**{k: v for k, v in query.items() if v}, 'cursor': cursor})}" if cursor else ""


def read_size(text: str, field: str) -> int | None:
    """Bytes as people write them: "100 MB", "1.5 GB", "4096"; None for "no limit". Raises Invalid."""
    plain = text.strip().lower()
    if plain in (NO_LIMIT, "none", "unlimited"):
        return None
    found = _SIZE.fullmatch(plain)
    if found is None or found[2] not in _UNITS:
        raise Invalid("A size is written as 100 MB, 1.5 GB, a number of bytes, or “no limit”.", field=field)
    return round(float(found[1].replace(",", ".")) * _UNITS[found[2]])


def read_count(text: str, field: str) -> int | None:
    """A whole number; None for "no limit". Raises Invalid."""
    plain = text.strip().lower()
    if plain in (NO_LIMIT, "none", "unlimited"):
        return None
    plain = plain.replace(",", "").replace(" ", "")
    if not plain.isascii() or not plain.isdigit() or len(plain) > 18:
        raise Invalid("A figure is a whole number, or “no limit”.", field=field)
    return int(plain)


def write_size(count: int | None) -> str:
    """Bytes as a form shows them: exactly, in the largest unit of which they are a whole number."""
    if count is None:
        return NO_LIMIT
    for unit in ("TB", "GB", "MB", "KB"):
        if count and count % _UNITS[unit.lower()] == 0:
            return f"{count // _UNITS[unit.lower()]} {unit}"
    return str(count)


def add_routes(app: App, rows: tuple[tuple[str, str, Callable[..., Any], str], ...]) -> None:
    """Register rows of method, path, handler and name, each behind the door."""
    for method, path, handler, name in rows:
        app.add_route(admin_only(handler), path, methods=[method], name=f"page_admin_{name}")
