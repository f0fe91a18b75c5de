"""Every team: search as you type, filters, and what each keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import plans, team_directory
from bulletdrop.core.people.team_directory import ListedTeam, states_of_team
from bulletdrop.core.site import Site
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import add_routes, more, page, query_of
from bulletdrop.web.threads import in_thread

_FILTERS = ("q", "state", "plan", "sort")


@dataclass(frozen=True)
class Row:
    """One team in the list."""

    listed: ListedTeam
    states: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """All that the page shows: a part of the list, where it goes on, and the plans by name and title."""

    rows: list[Row]
    next: str | None
    plans: list[tuple[str, str]]


async def show(request: Request) -> HTTPResponse:
    """The list."""
    query = query_of(request, *_FILTERS)
    seen = await in_thread(request, _seen, query, request.args.get("cursor"))
    context: dict[str, Any] = {
        "rows": seen.rows,
        "query": query,
        "is_filtered": any(query[name] for name in ("q", "state", "plan")),
        "more": more("/admin/teams", query, seen.next),
        "plans": seen.plans,
        "plan_titles": dict(seen.plans),
    }
    return page(request, "admin-teams.html", "/admin/teams", **context)


def attach(app: App) -> None:
    """Add the address."""
    add_routes(app, (("GET", "/admin/teams", show, "teams"),))


def _seen(site: Site, query: dict[str, str], cursor: str | None) -> Seen:
    found = team_directory.search_teams(
        site,
        text=query["q"],
        state=query["state"],
        plan=query["plan"],
        sort=query["sort"] or "name",
        cursor=cursor,
    )
    rows = [Row(one, states_of_team(site, one.team)) for one in found.items]
    return Seen(rows, found.next, [(plan.name, plan.title) for plan in plans.list_plans(site)])
