"""One team's page: who is in it, what it uses, its plan and limits, what was done; deleting and keeping it."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import plans, team_administration, team_directory, trail, usage
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.directory import states_of
from bulletdrop.core.people.team_directory import TeamDossier, states_of_team
from bulletdrop.core.people.trail import Entry, Filter
from bulletdrop.core.people.usage import Summary
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import Act, Notice, Refused, add_routes, done, page_of_acts, posted, try_act
from bulletdrop.web.pages.admin.figures import LABELS, own_limits, plan_limits, read_limits
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Seen:
    """All that the page shows."""

    about: TeamDossier
    states: tuple[str, ...]
    member_states: dict[str, tuple[str, ...]]
    usage: Summary
    own_limits: dict[str, str]
    plan_limits: dict[str, str]
    plans: list[tuple[str, str]]
    trail: list[Entry]


def _plan(site: Site, by: By, team_id: str, form: dict[str, str]) -> object:
    return team_administration.set_team_plan(site, by, team_id, form.get("plan", ""))


def _limits(site: Site, by: By, team_id: str, form: dict[str, str]) -> object:
    return team_administration.set_team_limits(site, by, team_id, read_limits(form, plans.TEAM_NAMES))


def _delete(site: Site, by: By, team_id: str, form: dict[str, str]) -> object:
    return team_administration.schedule_team_deletion(site, by, team_id)


def _keep(site: Site, by: By, team_id: str, form: dict[str, str]) -> object:
    return team_administration.keep_team(site, by, team_id)


# The last part of the address → what it does.
ACTS: dict[str, Act] = {
    "plan": _plan,
    "limits": _limits,
    "delete": _delete,
    "keep": _keep,
}
NOTICES = {
    "plan": Notice("The plan was changed. It holds at once."),
    "limits": Notice("The limits were changed. They hold at once."),
    "delete": Notice("Will be deleted in seven days. Nobody sees its drops meanwhile.", "keep"),
    "keep": Notice("The team stays.", "delete"),
}


async def show(request: Request, team_id: str) -> HTTPResponse:
    """The page of one team."""
    return await _page(request, team_id)


async def act(request: Request, team_id: str, act: str) -> HTTPResponse:
    """Do something to a team, then show it again."""
    if act not in ACTS:
        raise NotFound("There is nothing at this address.")
    form = await posted(request)
    result = await try_act(request, ACTS, act, team_id, form)
    if isinstance(result, Refused):
        return await _page(request, team_id, refused=result)
    return done(f"/admin/teams/{team_id}", act)


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", "/admin/teams/<team_id:str>", show, "team"),
            ("POST", "/admin/teams/<team_id:str>/<act:str>", act, "team_act"),
        ),
    )


async def _page(request: Request, team_id: str, *, refused: Refused | None = None) -> HTTPResponse:
    seen = await in_thread(request, _seen, team_id)
    context = {
        "seen": seen,
        "team": seen.about.team,
        "plans": seen.plans,
        "labels": {name: LABELS[name] for name in plans.TEAM_NAMES},
    }
    return page_of_acts(request, "admin-team.html", "/admin/teams", team_id, NOTICES, refused, **context)


def _seen(site: Site, team_id: str) -> Seen:
    about = team_directory.team_dossier(site, team_id)
    team = about.team
    return Seen(
        about=about,
        states=states_of_team(site, team),
        member_states={row.user_id: states_of(row.user) for row in about.members},
        usage=usage.summary(site, team),
        own_limits=own_limits(team),
        plan_limits=plan_limits(team),
        plans=[(plan.name, plan.title) for plan in plans.list_plans(site)],
        trail=trail.read_trail(site, Filter(subject=team.id), limit=10).items,
    )
