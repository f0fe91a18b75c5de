"""Security events, and the whole audit log: filters, pages, a way to take it home."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import trail
from bulletdrop.core.people.trail import Filter
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Rejected
from bulletdrop.web.api.admin.trail import filter_of
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import add_routes, more, page, query_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

_FILTERS = ("category", "action", "actor", "subject", "since", "until")


async def show_events(request: Request) -> HTTPResponse:
    """What somebody should look at."""
    return await _page(request, "/admin/events", "security")


async def show_audit(request: Request) -> HTTPResponse:
    """Who did what, when, from where."""
    return await _page(request, "/admin/audit", "")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(app, (("GET", "/admin/events", show_events, "events"), ("GET", "/admin/audit", show_audit, "audit")))


async def _page(request: Request, here: str, category: str) -> HTTPResponse:
    query = query_of(request, *_FILTERS)
    error: BulletDropError | None = None
    try:
        wanted = filter_of(request)
        wanted = replace(wanted, category=category) if category else wanted
        found = await in_thread(request, trail.read_trail, wanted, cursor=request.args.get("cursor"))
        entries, following = found.items, found.next
    except Rejected as problem:
        error, entries, following = problem, [], None
    asked = {name: value for name, value in query.items() if value}
    context = {
        "entries": entries,
        "query": query,
        "error": error,
        "more": more(here, query, following),
        "actions": [("", "Any"), *((one, one) for one in await in_thread(request, _actions, category))],
        "export": urlencode({**asked, **({"category": category} if category else {})}),
        "is_events": bool(category),
    }
    return page(request, "admin-trail.html", here, status=status_of(error) if error else 200, **context)


def _actions(site: Site, category: str) -> list[str]:
    return trail.actions(site, Filter(category=category))
