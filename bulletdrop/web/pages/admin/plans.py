"""Plans: one form each; their figures hold at once for everybody on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from peewee import fn
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Plan, User
from bulletdrop.core.people import administration, plans
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, NotFound, Rejected
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import (
    Notice,
    add_routes,
    by_of,
    done,
    notice_of,
    page,
    posted,
    read_count,
    read_size,
    write_size,
)
from bulletdrop.web.pages.admin.person import LABELS, SIZES
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

NOTICES = {"changed": Notice("The plan was changed. It holds at once.")}


@dataclass(frozen=True)
class Shown:
    """A plan as its form shows it, and how many accounts are on it."""

    name: str
    title: str
    figures: dict[str, str]
    accounts: int


async def show(request: Request) -> HTTPResponse:
    """All plans."""
    return await _page(request)


async def change(request: Request, plan: str) -> HTTPResponse:
    """Change one plan's title and figures."""
    form = await posted(request)
    try:
        changes: dict[str, Any] = {"title": form.get("title", "")}
        for figure in plans.NAMES:
            read = read_size if figure in SIZES else read_count
            changes[figure] = read(form.get(figure, ""), figure)
        await in_thread(request, administration.change_plan, await by_of(request), plan, changes)
    except NotFound:
        raise
    except Rejected as error:
        return await _page(request, error=error, wrong=plan, form=form)
    return done("/admin/plans", "changed")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", "/admin/plans", show, "plans"),
            ("POST", "/admin/plans/<plan:str>", change, "plan_change"),
        ),
    )


async def _page(
    request: Request, *, error: BulletDropError | None = None, wrong: str = "", form: dict[str, str] | None = None
) -> HTTPResponse:
    context = {
        "plans": await in_thread(request, _plans),
        "labels": LABELS,
        "error": error,
        "wrong": wrong,
        "values": form or {},
        "did": notice_of(request, NOTICES),
    }
    return page(request, "admin-plans.html", "/admin/plans", status=status_of(error) if error else 200, **context)


def _plans(site: Site) -> list[Shown]:
    counted: Any = User.select(User.plan, fn.COUNT(User.id)).group_by(User.plan).tuples()
    on = Counter(dict(counted))
    return [Shown(plan.name, plan.title, _figures(plan), on[plan.name]) for plan in plans.list_plans(site)]


def _figures(plan: Plan) -> dict[str, str]:
    figures = {}
    for name in plans.NAMES:
        value = getattr(plan, name)
        figures[name] = write_size(value) if name in SIZES else "no limit" if value is None else str(value)
    return figures
