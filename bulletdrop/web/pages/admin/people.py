"""Everybody with an account: search as you type, filters, and the form for a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.cursors import Page
from bulletdrop.core.models import Plan
from bulletdrop.core.people import directory, plans
from bulletdrop.core.people.directory import Listed, states_of
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Rejected
from bulletdrop.web.api.admin.users import NewPersonOut, add
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import Notice, add_routes, by_of, more, notice_of, page, posted, query_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_hash_thread, in_thread

NOTICES = {"deleted": Notice("The account and everything in it is gone.")}
_FILTERS = ("q", "state", "plan", "role", "sort")


@dataclass(frozen=True)
class Row:
    """One person in the list."""

    listed: Listed
    states: tuple[str, ...]


async def show(request: Request) -> HTTPResponse:
    """The list."""
    query = query_of(request, *_FILTERS)
    found, all_plans = await in_thread(request, _people, query, request.args.get("cursor"))
    rows = [Row(one, states_of(one.user)) for one in found.items]
    titles = [(plan.name, plan.title) for plan in all_plans]
    context: dict[str, Any] = {
        "rows": rows,
        "query": query,
        "more": more("/admin/users", query, found.next),
        "plans": titles,
        "plan_titles": dict(titles),
        "did": notice_of(request, NOTICES),
    }
    return page(request, "admin-people.html", "/admin/users", **context)


async def ask_new(request: Request) -> HTTPResponse:
    """The form for a new account."""
    return await _form(request, {})


async def make_new(request: Request) -> HTTPResponse:
    """Make an account. Without a password the page shows the link to hand over: once, and in no address."""
    form = await posted(request)
    wanted: dict[str, Any] = {
        "username": form.get("username", ""),
        "email": form.get("email", ""),
        "password": form.get("password") or None,
        "is_admin": form.get("is_admin") == "yes",
        "plan": form.get("plan") or None,
    }
    try:
        made = await in_hash_thread(request, add, await by_of(request), wanted)
    except Rejected as error:
        return await _form(request, form, error=error)
    return await _form(request, {}, made=made)


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", "/admin/users", show, "people"),
            ("GET", "/admin/new-user", ask_new, "new_person"),
            ("POST", "/admin/new-user", make_new, "new_person_post"),
        ),
    )


def _people(site: Site, query: dict[str, str], cursor: str | None) -> tuple[Page[Listed], list[Plan]]:
    found = directory.search_users(
        site,
        text=query["q"],
        state=query["state"],
        plan=query["plan"],
        role=query["role"],
        sort=query["sort"] or "name",
        cursor=cursor,
    )
    return found, plans.list_plans(site)


async def _form(
    request: Request, values: dict[str, str], *, error: BulletDropError | None = None, made: NewPersonOut | None = None
) -> HTTPResponse:
    choices = [(plan.name, plan.title) for plan in await in_thread(request, plans.list_plans)]
    context = {"values": values, "error": error, "made": made, "plans": choices}
    return page(request, "admin-new.html", "/admin/users", status=status_of(error) if error else 200, **context)
