"""Security events and the audit log: read page by page, or as a whole, streamed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.audit import CATEGORIES, record
from bulletdrop.core.people import trail
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.trail import Entry, Filter
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid
from bulletdrop.web.api.admin.queries import ADMIN, PAGES, USUAL, by
from bulletdrop.web.api.queries import TIMES, cursor_of, limit_of, moment, parameter, text
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.routes import Parameter, Route
from bulletdrop.web.threads import in_thread

_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


class AuditOut(Struct):
    """One row of the log. `actor` is null for the command line and the server itself."""

    id: str
    at: datetime
    category: str
    action: str
    actor: str | None
    actor_name: str | None
    subject: str
    detail: str
    address: str
    user_agent: str


class TrailOut(Struct):
    """A part of the log, newest first."""

    items: list[AuditOut]
    next: str | None = None


def filter_of(request: Request) -> Filter:
    """The filter in a query. Raises Invalid with the field."""
    return Filter(
        category=text(request, "category"),
        action=text(request, "action"),
        actor=text(request, "actor"),
        subject=text(request, "subject"),
        since=moment(request, "since"),
        until=moment(request, "until"),
    )


async def list_events(request: Request) -> HTTPResponse:
    """Security events: refused sign-ins, copied tokens, revoked keys."""
    return await _answer(request, replace(filter_of(request), category="security"))


async def list_audit(request: Request) -> HTTPResponse:
    """The whole log: who did what, when, from where."""
    return await _answer(request, filter_of(request))


async def export_audit(request: Request) -> HTTPResponse | None:
    """The log, or what the filter leaves of it, as CSV or as lines of JSON, streamed."""
    caller = await required_caller(request)
    form = trail.check_format(text(request, "format") or "csv")
    wanted = filter_of(request)
    rows, cursor = await in_thread(request, _first, by(request, caller), wanted, form)
    headers = {"content-disposition": f'attachment; filename="audit.{form}"', "cache-control": "no-store"}
    response = await request.respond(headers=headers, content_type=_TYPES[form])
    await response.send(rows)
    while cursor is not None:
        rows, cursor = await in_thread(request, _rows, wanted, form, cursor)
        await response.send(rows)
    await response.eof()
    return None


def _first(site: Site, by: By, wanted: Filter, form: str) -> tuple[str, str | None]:
    """The head and the first rows: what is wrong with the filter is said before anything is sent."""
    rows, cursor = _rows(site, wanted, form, None)
    record(site, "audit.export", actor=by.actor, subject=form, address=by.address, category="admin")
    return trail.as_text((), form, head=True) + rows, cursor


def _rows(site: Site, wanted: Filter, form: str, cursor: str | None) -> tuple[str, str | None]:
    page = trail.read_trail(site, wanted, cursor=cursor, limit=200)
    return trail.as_text(page.items, form), page.next


async def _answer(request: Request, wanted: Filter) -> HTTPResponse:
    page = await in_thread(request, trail.read_trail, wanted, cursor=cursor_of(request), limit=limit_of(request, USUAL))
    return json_answer(TrailOut([_out(one) for one in page.items], page.next))


def _out(entry: Entry) -> AuditOut:
    row = entry.row
    return AuditOut(
        id=row.id,
        at=milliseconds(row.at),
        category=row.category,
        action=row.action,
        actor=row.actor,
        actor_name=entry.actor_name or None,
        subject=row.subject,
        detail=row.detail,
        address=row.address,
        user_agent=row.user_agent,
    )


_FILTERS = (
    parameter("action", "An action such as user.disable, or the noun alone."),
    parameter("actor", "An account's id or name; `server` for the command line and the server itself."),
    parameter("subject", "Exactly what it was done to."),
    *TIMES,
)
_CATEGORY: Parameter = parameter("category", "One of them.", type="string", enum=list(CATEGORIES))
ROUTES = (
    Route(
        method="GET",
        path="/admin/events",
        handler=list_events,
        summary="List security events",
        who=ADMIN,
        answers={200: TrailOut},
        noun="admin",
        parameters=(*_FILTERS, *PAGES),
        errors=(Invalid,),
    ),
    Route(
        method="GET",
        path="/admin/audit",
        handler=list_audit,
        summary="Read the audit log",
        who=ADMIN,
        answers={200: TrailOut},
        noun="admin",
        parameters=(_CATEGORY, *_FILTERS, *PAGES),
        errors=(Invalid,),
    ),
    Route(
        method="GET",
        path="/admin/audit/export",
        handler=export_audit,
        summary="Take the audit log home",
        who=ADMIN,
        answers={200: None},
        noun="admin",
        parameters=(
            parameter("format", "CSV, or one JSON object per line.", type="string", enum=list(trail.FORMATS)),
            _CATEGORY,
            *_FILTERS,
        ),
        errors=(Invalid,),
    ),
)
