"""The pages on which people ask others for files: all of their requests, and one with its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.cursors import Page
from bulletdrop.core.drops import albums
from bulletdrop.core.models import UploadRequest
from bulletdrop.core.names import urls
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import limits, requests
from bulletdrop.core.site import Site
from bulletdrop.core.text import size_in_words
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, Rejected
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.pages.terms import KEEP, LIFETIMES, terms_in, whole_number
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_hash_thread, in_thread

PATH = "/links/requests"
_MB = 1024 * 1024
_SAID = {
    "made": "The link is ready. Give it to whoever has files for you.",
    "saved": "Saved.",
    "closed": "Closed: nobody can send anything by it.",
    "opened": "Open again.",
    "deleted": "Deleted. What came by it is still there.",
}
_NUMBERS = ("max_files", "max_bytes", "max_file_size")


@dataclass(frozen=True)
class Asked:
    """One request in the list: its link, what has come, and how it stands, in words."""

    row: UploadRequest
    url: str
    came: str
    state: str


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your requests, and a form for another."""
    return await _list_page(request)


@signed_in
async def create(request: Request) -> HTTPResponse:
    """Make a request and go to its page; or show the form again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("links:write")
    form = await form_of(request)
    try:
        run = in_hash_thread if form.get("password") else in_thread
        made = await run(request, _create, caller, form)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _list_page(request, error, form)
    return go_on(f"{PATH}/{made}", "made")


def _create(site: Site, caller: Caller, form: dict[str, str]) -> str:
    numbers = {name: _number(form, name) for name in _NUMBERS}
    made = requests.create_request(
        site,
        caller,
        album_id=form.get("album") or None,
        title=form.get("title", ""),
        message=form.get("message", ""),
        numbers=numbers,
        terms=limits.check_terms(site, terms_in(site, form)),
    )
    return made.id


@signed_in
async def show_one(request: Request, request_id: str) -> HTTPResponse:
    """One request: its link, what has come, and what can be changed."""
    return await _one_page(request, request_id)


@signed_in
async def act(request: Request, request_id: str) -> HTTPResponse:
    """Do one of ACTS; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("links:write")
    form = await form_of(request)
    path = f"{PATH}/{request_id}"
    found = await in_thread(request, requests.get_request, caller, request_id)
    if form.get("do") == "delete":
        text = "Its link stops working for good. What came by it stays in the album."
        title = f"Delete “{found.title}”?"
        if page := ask_first(request, form, title=title, text=text, label="Delete the request", back=path):
            return page
    try:
        if form.get("do") not in ACTS:
            raise Invalid("This form is too old. Reload the page and try again.")
        run = in_hash_thread if form.get("password") else in_thread
        said = await run(request, ACTS[form["do"]], caller, request_id, form)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _one_page(request, request_id, error, form)
    return go_on(PATH if form["do"] == "delete" else path, said)


def _save(site: Site, caller: Caller, request_id: str, form: dict[str, str]) -> str:
    changes: dict[str, Any] = {name: form[name] for name in ("title", "message") if name in form}
    changes |= {name: _number(form, name) for name in _NUMBERS if name in form}
    terms = limits.check_terms(site, terms_in(site, form))
    requests.change_request(site, caller, request_id, changes, terms=terms)
    return "saved"


def _close(site: Site, caller: Caller, request_id: str, form: dict[str, str]) -> str:
    requests.change_request(site, caller, request_id, {"revoked": True})
    return "closed"


def _open(site: Site, caller: Caller, request_id: str, form: dict[str, str]) -> str:
    requests.change_request(site, caller, request_id, {"revoked": False})
    return "opened"


def _delete(site: Site, caller: Caller, request_id: str, form: dict[str, str]) -> str:
    requests.delete_request(site, caller, request_id)
    return "deleted"


ACTS: dict[str, Callable[[Site, Caller, str, dict[str, str]], str]] = {
    "save": _save,
    "close": _close,
    "open": _open,
    "delete": _delete,
}


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_requests")
    app.add_route(create, PATH, methods=["POST"], name="page_requests_post")
    app.add_route(show_one, f"{PATH}/<request_id:str>", methods=["GET"], name="page_request")
    app.add_route(act, f"{PATH}/<request_id:str>", methods=["POST"], name="page_request_post")


async def _list_page(
    request: Request, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("links:read")
    page, choices = await in_thread(request, _list, caller, request.args.get("cursor"))
    typed = form or {"album": request.args.get("album") or "", "max_files": "100"}
    return render(
        request, "requests.html", status=status_of(error) if error else 200, rows=page.items, next=page.next,
        choices=choices, typed=typed, error=error, wrong={error.field or "": error.message} if error else {},
        lifetimes=LIFETIMES, said=said_of(request, _SAID),
    )  # fmt: skip


def _list(site: Site, caller: Caller, cursor: str | None) -> tuple[Page[Asked], list[tuple[str, str]]]:
    page = requests.list_requests(site, caller, cursor=cursor or None)
    choices = [("", "A new private one")] + [
        (one.id, one.title) for one in albums.albums_of(site, caller, team_id=None)
    ]
    for team in teams.teams_of(site, caller.user_id):
        found = albums.albums_of(site, caller, team_id=team.team.id)
        choices += [(one.id, f"{one.title} ({team.team.name})") for one in found]
    return Page([_asked(site, row) for row in page.items], page.next), choices


async def _one_page(
    request: Request, request_id: str, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("links:read")
    found = await in_thread(request, _one, caller, request_id)
    row = found.row
    typed = form or {
        "title": row.title,
        "message": row.message,
        "max_files": "" if row.max_files is None else str(row.max_files),
        "max_bytes": _megabytes(row.max_bytes),
        "max_file_size": _megabytes(row.max_file_size),
        "expires": KEEP[0] if row.expires_at else "",
    }
    return render(
        request, "request.html", status=status_of(error) if error else 200, it=found, row=row, typed=typed,
        error=error, wrong={error.field or "": error.message} if error else {}, path=f"{PATH}/{row.id}",
        lifetimes=((KEEP, *LIFETIMES) if row.expires_at else LIFETIMES), said=said_of(request, _SAID),
    )  # fmt: skip


def _one(site: Site, caller: Caller, request_id: str) -> Asked:
    return _asked(site, requests.get_request(site, caller, request_id))


def _asked(site: Site, row: UploadRequest) -> Asked:
    files = f"{row.files} {'file' if row.files == 1 else 'files'}"
    came = f"{files}{f' of {row.max_files}' if row.max_files else ''}, {size_in_words(row.bytes)}"
    if row.revoked_at is not None:
        state = "Closed"
    elif row.expires_at is not None and row.expires_at <= site.clock.now():
        state = "Over"
    else:
        state = "Full" if requests.is_full(row) else ""
    return Asked(row, urls.request_url(site, row), came, state)


def _number(form: dict[str, str], name: str) -> int | None:
    """A number in a field; sizes stand there in MB. Raises Invalid."""
    number = whole_number(form.get(name, ""), name)
    return number if number is None or name == "max_files" else number * _MB


def _megabytes(size: int | None) -> str:
    return "" if size is None else str(max(1, round(size / _MB)))
