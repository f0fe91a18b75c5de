"""Every team: looking them up, their plan and limits, deleting and keeping them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import plans, team_administration, team_directory, usage
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.team_directory import ListedTeam
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Invalid, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, PAGES, USUAL, by
from bulletdrop.web.api.admin.user_acts import LeavingOut
from bulletdrop.web.api.queries import cursor_of, limit_of, parameter, text
from bulletdrop.web.api.schemas import milliseconds, milliseconds_or_none
from bulletdrop.web.api.team_shapes import MemberOut, member_out
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import given, json_answer, json_of
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class AnyTeamOut(Struct):
    """A team as an admin sees it. `limits` are its own, over the plan's; -1 is no limit.

    `storage` is what it may keep in bytes, null is no limit. Until `silent_until` its drops are not given out, because
    the month's bandwidth is used up.
    """

    id: str
    name: str
    slug: str
    members: int
    owners: list[str]
    plan: str
    limits: dict[str, int]
    storage_used: int
    storage: int | None
    created_at: datetime
    silent_until: datetime | None
    delete_scheduled_for: datetime | None


class AnyTeamsOut(Struct):
    """A part of the list of teams."""

    items: list[AnyTeamOut]
    next: str | None = None


class TeamDossierOut(AnyTeamOut, kw_only=True):
    """All about one team. `allowed` is what the plan and its own limits together make; null is no limit."""

    people: list[MemberOut]
    uploads: int
    trashed: int
    uploads_today: int
    bandwidth_this_month: int
    allowed: dict[str, int | None]


class AnyTeamPatch(Struct, forbid_unknown_fields=True):
    """Changes to a team: fields that are left out stay. In `limits`, null is the plan's and -1 no limit.

    A team has no `requests_per_hour`: requests are counted for the people who make them.
    """

    plan: Annotated[str, msgspec.Meta(max_length=300)] | UnsetType = UNSET
    limits: dict[str, int | None] | UnsetType = UNSET


async def list_teams(request: Request) -> HTTPResponse:
    """Every team, filtered and in order."""
    page = await in_thread(
        request,
        team_directory.search_teams,
        text=text(request, "q"),
        state=text(request, "state"),
        plan=text(request, "plan"),
        sort=text(request, "sort") or "name",
        cursor=cursor_of(request),
        limit=limit_of(request, USUAL),
    )
    return json_answer(AnyTeamsOut([AnyTeamOut(**_shown(one)) for one in page.items], page.next))


async def get_team(request: Request, team_id: str) -> HTTPResponse:
    """All about one team, by its id or slug."""
    return json_answer(await in_thread(request, _dossier, team_id))


async def change_team(request: Request, team_id: str) -> HTTPResponse:
    """Change a team's plan and limits: they hold at once."""
    caller = await required_caller(request)
    changes = given(json_of(request, AnyTeamPatch))
    return json_answer(await in_thread(request, _change, by(request, caller), team_id, changes))


async def delete_team(request: Request, team_id: str) -> HTTPResponse:
    """Delete a team in seven days; until then nothing of it is shown."""
    caller = await required_caller(request)
    due = await in_thread(request, team_administration.schedule_team_deletion, by(request, caller), team_id)
    return json_answer(LeavingOut(milliseconds(due)), status=202)


async def keep_team(request: Request, team_id: str) -> HTTPResponse:
    """Take a team's deletion back."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _keep, by(request, caller), team_id))


def _change(site: Site, by: By, team_id: str, changes: dict[str, Any]) -> TeamDossierOut:
    return _dossier(site, team_administration.change_team(site, by, team_id, changes).id)


def _keep(site: Site, by: By, team_id: str) -> TeamDossierOut:
    return _dossier(site, team_administration.keep_team(site, by, team_id).id)


def _dossier(site: Site, team_id: str) -> TeamDossierOut:
    about = team_directory.team_dossier(site, team_id)
    known = usage.summary(site, about.team)
    return TeamDossierOut(
        **_shown(team_directory.list_one(site, about.team.id)),
        people=[member_out(row) for row in about.members],
        uploads=about.uploads,
        trashed=about.trashed,
        uploads_today=known.uploads_today,
        bandwidth_this_month=known.bandwidth_this_month,
        allowed={name: getattr(plans.limits_of(site, about.team), name) for name in plans.TEAM_NAMES},
    )


def _shown(one: ListedTeam) -> dict[str, Any]:
    """The fields that the list and the dossier share."""
    team = one.team
    return {
        "id": team.id,
        "name": team.name,
        "slug": team.slug,
        "members": one.members,
        "owners": list(one.owners),
        "plan": team.plan,
        "limits": dict(team.limits),
        "storage_used": team.storage_used,
        "storage": one.limits.storage,
        "created_at": milliseconds(team.created_at),
        "silent_until": milliseconds_or_none(team.silent_until),
        "delete_scheduled_for": milliseconds_or_none(team.delete_scheduled_for),
    }


def _row(method: str, path: str, handler: Any, summary: str, answers: dict[int, Any], *errors: Any) -> Route:
    return Route(
        method=method,
        path=f"/admin/teams/<team_id>{path}",
        handler=handler,
        summary=summary,
        who=ADMIN,
        body=AnyTeamPatch if method == "PATCH" else None,
        answers=answers,
        noun="admin",
        errors=(NotFound, *errors),
    )


_FILTERS = (
    parameter("q", "Part of a team's name or slug, or the whole username of somebody in it."),
    parameter("state", "The teams in this state.", type="string", enum=list(team_directory.STATES)),
    parameter("plan", "The teams on this plan."),
    parameter("sort", "The order.", type="string", enum=list(team_directory.SORTS), default="name"),
)
ROUTES = (
    Route(
        method="GET",
        path="/admin/teams",
        handler=list_teams,
        summary="List every team",
        who=ADMIN,
        answers={200: AnyTeamsOut},
        noun="admin",
        parameters=(*_FILTERS, *PAGES),
        errors=(Invalid,),
    ),
    _row("GET", "", get_team, "Look at any team", {200: TeamDossierOut}),
    _row("PATCH", "", change_team, "Change a team's plan and limits", {200: TeamDossierOut}, Invalid),
    _row("DELETE", "", delete_team, "Delete any team in seven days", {202: LeavingOut}, Conflict),
    _row("POST", "/keep", keep_team, "Take a team's deletion back", {200: TeamDossierOut}, Conflict),
)
