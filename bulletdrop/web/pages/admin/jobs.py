"""Jobs: what runs by itself, what it last said, what failed, and running one now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Job, JobRun
from bulletdrop.core.queue import waiting
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import overview
from bulletdrop.core.upkeep.by_hand import retry_by_hand, run_by_hand
from bulletdrop.core.upkeep.jobs import JOBS, how_often
from bulletdrop.errors import Unavailable
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import (
    Notice,
    add_routes,
    by_of,
    done,
    more,
    notice_of,
    page,
    posted,
    query_of,
)
from bulletdrop.web.threads import in_thread

NOTICES = {
    "ran": Notice("The job ran. What it said stands below."),
    "failed": Notice("The job failed. Why stands below."),
    "retry": Notice("The work that was given up is tried again."),
}


@dataclass(frozen=True)
class Row:
    """A periodic job and its last run, if there was one."""

    name: str
    every: str
    last: JobRun | None


@dataclass(frozen=True)
class Seen:
    """All that the page shows."""

    jobs: list[Row]
    runs: list[JobRun]
    next: str | None
    waiting: int
    stuck: list[Job]


async def show(request: Request) -> HTTPResponse:
    """All jobs, stuck work, and the last runs."""
    query = query_of(request, "name")
    seen = await in_thread(request, _seen, query["name"], request.args.get("cursor"))
    context: dict[str, Any] = {
        "seen": seen,
        "query": query,
        "more": more("/admin/jobs", query, seen.next),
        "did": notice_of(request, NOTICES),
    }
    return page(request, "admin-jobs.html", "/admin/jobs", **context)


async def run(request: Request, job: str) -> HTTPResponse:
    """Run a job now, or let work that was given up be tried again."""
    await posted(request)
    by = await by_of(request)
    if job == "retry":
        await in_thread(request, retry_by_hand, by)
        return done("/admin/jobs", "retry")
    try:
        await in_thread(request, run_by_hand, by, job)
    except Unavailable:
        return done("/admin/jobs", "failed")
    return done("/admin/jobs", "ran")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(app, (("GET", "/admin/jobs", show, "jobs"), ("POST", "/admin/jobs/<job:str>", run, "job_run")))


def _seen(site: Site, name: str, cursor: str | None) -> Seen:
    last = {run.name: run for run in overview.last_runs(site)}
    rows = [Row(job.name, how_often(job.every), last.get(job.name)) for job in JOBS]
    page = overview.list_runs(site, name=name, cursor=cursor, limit=30)
    return Seen(rows, page.items, page.next, waiting(site), overview.stuck_work(site))
