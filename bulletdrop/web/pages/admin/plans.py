"""Plans: one form each; their figures hold at once for everybody on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from peewee import fn
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Plan, Team, User
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
)
from bulletdrop.web.pages.admin.figures import LABELS, read_figure, write_figure
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

NOTICES = {"changed": Notice("The plan was changed. It holds at once.")}


@dataclass(frozen=True)
class Shown:
    """A plan as its form shows it, and how many accounts and teams are on it."""

    name: str
    title: str
    figures: dict[str, str]
    accounts: int
    teams: int


async def show(request: Request) -> HTTPResponse:
    """All plans."""
    return await _page(request)


async def change(request: Request, plan: str) -> HTTPResponse:
    """Change one plan's title and figures."""
    form = await posted(request)
    try:
        changes: dict[str, Any] = {"title": form.get("title", "")}
        for figure in plans.NAMES:
            changes[figure] = read_figure(figure, form.get(figure, ""))
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
    people, teams = _counted(User), _counted(Team)
    return [
        Shown(plan.name, plan.title, _figures(plan), people[plan.name], teams[plan.name])
        for plan in plans.list_plans(site)
    ]


def _counted(model: Any) -> Counter[str]:
    return Counter(dict(model.select(model.plan, fn.COUNT(model.id)).group_by(model.plan).tuples()))


def _figures(plan: Plan) -> dict[str, str]:
    return {name: write_figure(name, getattr(plan, name)) for name in plans.NAMES}
