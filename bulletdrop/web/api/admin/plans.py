"""Plans: what each lets an account use; the admin changes the figures."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Plan
from bulletdrop.core.people import administration, plans
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, by
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import given, json_answer, json_of
from bulletdrop.web.routes import CALLER, Route
from bulletdrop.web.threads import in_thread


class PlanOut(Struct):
    """A plan. A figure of null is no limit; sizes are in bytes, days and months are those of UTC."""

    name: str
    title: str
    uploads_per_day: int | None
    requests_per_hour: int | None
    storage: int | None
    bandwidth_per_month: int | None
    max_file_size: int | None


class PlansOut(Struct):
    """All plans, the smallest first."""

    items: list[PlanOut]
    next: str | None = None


class PlanPatch(Struct, forbid_unknown_fields=True):
    """Changes to a plan: fields that are left out stay, null is no limit."""

    title: Annotated[str, msgspec.Meta(max_length=300)] | UnsetType = UNSET
    uploads_per_day: int | UnsetType | None = UNSET
    requests_per_hour: int | UnsetType | None = UNSET
    storage: int | UnsetType | None = UNSET
    bandwidth_per_month: int | UnsetType | None = UNSET
    max_file_size: int | UnsetType | None = UNSET


async def list_plans(request: Request) -> HTTPResponse:
    """Every plan with its figures."""
    return json_answer(PlansOut(await in_thread(request, _plans)))


async def change_plan(request: Request, name: str) -> HTTPResponse:
    """Change a plan's figures: they hold at once for everybody on it."""
    caller = await required_caller(request)
    changes = given(json_of(request, PlanPatch))
    return json_answer(
        plan_out(await in_thread(request, administration.change_plan, by(request, caller), name, changes))
    )


def plan_out(plan: Plan) -> PlanOut:
    """A plan as the API shows it."""
    return PlanOut(plan.name, plan.title, **{name: getattr(plan, name) for name in plans.NAMES})


def _plans(site: Site) -> list[PlanOut]:
    return [plan_out(plan) for plan in plans.list_plans(site)]


ROUTES = (
    Route(
        method="GET",
        path="/plans",
        handler=list_plans,
        summary="List the plans",
        who=CALLER,
        answers={200: PlansOut},
        noun="plans",
    ),
    Route(
        method="PATCH",
        path="/admin/plans/<name>",
        handler=change_plan,
        summary="Change a plan's figures",
        who=ADMIN,
        body=PlanPatch,
        answers={200: PlanOut},
        noun="admin",
        errors=(Invalid, NotFound),
    ),
)
