"""Background work: what ran, what failed, and running one now."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Job, JobRun
from bulletdrop.core.people.administration import By
from bulletdrop.core.queue import waiting
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import overview
from bulletdrop.core.upkeep.by_hand import retry_by_hand, run_by_hand
from bulletdrop.core.upkeep.jobs import JOBS
from bulletdrop.errors import Invalid, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, PAGES, USUAL, by
from bulletdrop.web.api.queries import cursor_of, limit_of, parameter, text
from bulletdrop.web.api.schemas import milliseconds, milliseconds_or_none
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class RunOut(Struct):
    """One run of a job. `ok` is null while it runs."""

    id: str
    name: str
    started_at: datetime
    ended_at: datetime | None
    ok: bool | None
    result: str


class StuckOut(Struct):
    """A piece of queued work that was given up after its last attempt."""

    kind: str
    subject: str
    attempts: int
    error: str
    created_at: datetime


class JobsOut(Struct):
    """Runs, last first; the jobs there are; queued work that waits, and that was given up."""

    items: list[RunOut]
    names: list[str]
    waiting: int
    stuck: list[StuckOut]
    next: str | None = None


class ResultOut(Struct):
    """What a job said."""

    name: str
    result: str


async def list_runs(request: Request) -> HTTPResponse:
    """Runs of the periodic jobs, and queued work that was given up."""
    name, cursor = text(request, "name"), cursor_of(request)
    return json_answer(await in_thread(request, _jobs, name, cursor, limit_of(request, USUAL)))


async def run_now(request: Request, name: str) -> HTTPResponse:
    """Run one now; `retry` lets work that was given up be tried again."""
    caller = await required_caller(request)
    result = await in_thread(request, _run, by(request, caller), name)
    return json_answer(ResultOut(name, result))


def _run(site: Site, by: By, name: str) -> str:
    return f"{retry_by_hand(site, by)} will be tried again" if name == "retry" else run_by_hand(site, by, name)


def _jobs(site: Site, name: str, cursor: str | None, limit: int) -> JobsOut:
    page = overview.list_runs(site, name=name, cursor=cursor, limit=limit)
    stuck = [_stuck(one) for one in overview.stuck_work(site)]
    return JobsOut([_out(one) for one in page.items], [job.name for job in JOBS], waiting(site), stuck, page.next)


def _out(run: JobRun) -> RunOut:
    ended = milliseconds_or_none(run.ended_at)
    return RunOut(run.id, run.name, milliseconds(run.started_at), ended, run.ok, run.result or "")


def _stuck(one: Job) -> StuckOut:
    return StuckOut(one.kind, one.subject, one.attempts, one.error or "", milliseconds(one.created_at))


ROUTES = (
    Route(
        method="GET",
        path="/admin/jobs",
        handler=list_runs,
        summary="List runs of jobs",
        who=ADMIN,
        answers={200: JobsOut},
        noun="admin",
        parameters=(parameter("name", "The runs of this job alone."), *PAGES),
        errors=(Invalid,),
    ),
    Route(
        method="POST",
        path="/admin/jobs/<name>",
        handler=run_now,
        summary="Run a job now",
        who=ADMIN,
        answers={200: ResultOut},
        noun="admin",
        errors=(NotFound,),
    ),
)
