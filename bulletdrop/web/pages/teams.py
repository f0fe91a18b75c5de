"""Teams: the list, joining one, and the page on which its people settle everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import TeamMember
from bulletdrop.core.people import teams, usage
from bulletdrop.core.people.teams import Invitation, TeamOf
from bulletdrop.core.people.usage import Summary
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Busy, Invalid, Rejected
from bulletdrop.web.api.team_shapes import TeamInviteOut, invite_out
from bulletdrop.web.auth import address_of, caller_of, form_of, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

# Each may send a mail; the same count as the API's.
_INVITES_AN_HOUR = 60
_SAID = {
    "saved": "Saved.",
    "invited": "The invitation is open for seven days.",
    "withdrawn": "Withdrawn. Its link lets nobody in.",
    "role": "The new role holds from now on.",
    "removed": "Removed. What they brought stays here.",
    "handed-over": "Handed over. You are an admin of this team now.",
    "restored": "The team stays. Its links work again.",
    "left": "You have left the team. What you brought stays there.",
    "declined": "Declined.",
}


@dataclass(frozen=True)
class Settled:
    """What the settings show: the team, who is in it, open invitations, what it uses; and who looks."""

    mine: TeamOf
    members: list[TeamMember]
    invitations: list[TeamInviteOut]
    known: Summary
    user_id: str

    @property
    def path(self) -> str:
        """The address of this page."""
        return f"/teams/{self.mine.team.slug}/settings"

    def may_decide_over(self, row: TeamMember) -> bool:
        """Whether who looks may change the role of this member, or remove them."""
        return self.mine.may("manage members") and teams.outranks(self.mine.role, row.role)


@signed_in
async def show_all(request: Request) -> HTTPResponse:
    """Your teams, and the invitations that wait for you."""
    return await _list_page(request)


@signed_in
async def create(request: Request) -> HTTPResponse:
    """Make a team and go to its gallery; or show the list again with what is wrong."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    try:
        made = await in_thread(
            request, teams.create_team, caller.user_id, name=form.get("name", ""), address=address_of(request)
        )
    except (Rejected, Busy) as error:
        return await _list_page(request, error, form.get("name", ""))
    return go_on(f"/teams/{made.team.slug}")


@signed_in
async def answer(request: Request, invite_id: str) -> HTTPResponse:
    """Say yes or no to an invitation that is addressed to you."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    address = address_of(request)
    try:
        if form.get("answer") == "yes":
            joined = await in_thread(request, teams.accept_invitation, caller.user_id, invite_id, address=address)
            return go_on(f"/teams/{joined.team.slug}")
        await in_thread(request, teams.decline, caller.user_id, invite_id, address=address)
    except (Rejected, Busy) as error:
        return await _list_page(request, error)
    return go_on("/teams", "declined")


async def ask_to_join(request: Request) -> HTTPResponse:
    """Where an invitation's link leads. Its code stands behind the `#`, and the script puts it into the field."""
    caller = await caller_of(request)
    if caller is not None:
        caller.needs_person()
    return render(request, "team-join.html", code="", invitation=None, error=None)


@signed_in
async def join(request: Request) -> HTTPResponse:
    """Show what an invitation is for, and, once that was seen, join."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    code = form.get("code", "").strip()
    found: Invitation | None = None
    try:
        found = await in_thread(request, teams.look_at_invitation, code)
        if form.get("sure") == "yes":
            joined = await in_thread(request, teams.accept, caller.user_id, code, address=address_of(request))
            return go_on(f"/teams/{joined.team.slug}")
    except (Rejected, Busy) as error:
        return render(request, "team-join.html", status=status_of(error), code=code, invitation=found, error=error)
    return render(request, "team-join.html", code=code, invitation=found, error=None)


@signed_in
async def settings(request: Request, team: str) -> HTTPResponse:
    """A team's people, invitations, storage, and what can be done about it."""
    return await _settings_page(request, team)


@signed_in
async def settle(request: Request, team: str) -> HTTPResponse:
    """Do one of ACTS; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    name = form.get("do", "")
    found = await in_thread(request, teams.find_team, caller.user_id, team)
    if page := _asked(request, found.team.name, f"/teams/{found.team.slug}/settings", form):
        return page
    try:
        if name not in ACTS:
            raise Invalid("This form is too old. Reload the page and try again.")
        if name == "invite":
            await limit_by_address(request, "team-invite", most=_INVITES_AN_HOUR, window=3600)
        said = await in_thread(request, ACTS[name], Act(caller.user_id, found, form, address_of(request)))
    except (Rejected, Busy) as error:
        return await _settings_page(request, team, error, form)
    if name == "leave":
        return go_on("/teams", said)
    slug = (await in_thread(request, teams.find_team, caller.user_id, found.team.id)).team.slug
    return go_on(f"/teams/{slug}" if name in ("delete", "restore") else f"/teams/{slug}/settings", said)


@dataclass(frozen=True)
class Act:
    """One posted form: whose, about which team, its fields, and where it came from."""

    user_id: str
    mine: TeamOf
    form: dict[str, str]
    address: str

    @property
    def args(self) -> tuple[str, str]:
        """What every use case begins with."""
        return self.user_id, self.mine.team.id


def _rename(site: Site, act: Act) -> str:
    teams.change_team(site, *act.args, name=act.form.get("name"), slug=act.form.get("slug"), address=act.address)
    return "saved"


def _invite(site: Site, act: Act) -> str:
    role, whom = act.form.get("role", "member"), act.form.get("whom", "")
    teams.invite(site, *act.args, role=role, whom=whom, address=act.address)
    return "invited"


def _withdraw(site: Site, act: Act) -> str:
    teams.withdraw(site, *act.args, act.form.get("invite_id", ""), address=act.address)
    return "withdrawn"


def _role(site: Site, act: Act) -> str:
    teams.change_role(site, *act.args, act.form.get("user_id", ""), act.form.get("role", ""), address=act.address)
    return "role"


def _remove(site: Site, act: Act) -> str:
    teams.remove_member(site, *act.args, act.form.get("user_id", ""), address=act.address)
    return "removed"


def _hand_over(site: Site, act: Act) -> str:
    teams.hand_over(site, *act.args, act.form.get("user_id", ""), address=act.address)
    return "handed-over"


def _leave(site: Site, act: Act) -> str:
    teams.leave(site, *act.args, address=act.address)
    return "left"


def _delete(site: Site, act: Act) -> str:
    # Typed on the page that asked, or in the dialog.
    teams.delete_team(site, *act.args, confirm=act.form.get("word", ""), address=act.address)
    return ""


def _restore(site: Site, act: Act) -> str:
    teams.restore_team(site, *act.args, address=act.address)
    return "restored"


ACTS: dict[str, Callable[[Site, Act], str]] = {
    "rename": _rename,
    "invite": _invite,
    "withdraw": _withdraw,
    "role": _role,
    "remove": _remove,
    "hand-over": _hand_over,
    "leave": _leave,
    "delete": _delete,
    "restore": _restore,
}
# What is asked before: the question, what it means, the button. `{team}` and `{who}` are filled in.
_QUESTIONS = {
    "remove": ("Remove {who} from {team}?", "They see nothing of it from then on. What they brought stays.", "Remove"),
    "hand-over": ("Hand {team} over to {who}?", "They own it from then on, and you are an admin of it.", "Hand over"),
    "leave": ("Leave {team}?", "You see nothing of it from then on. What you brought stays there.", "Leave"),
    "delete": (
        "Delete {team}?",
        "Its drops are dark at once, and gone for good in seven days. Until then an owner can take this back.",
        "Delete the team",
    ),
}


def _asked(request: Request, team: str, path: str, form: dict[str, str]) -> HTTPResponse | None:
    """The page that asks first, for acts that need it; None when there is nothing to ask any more."""
    if form.get("do") not in _QUESTIONS:
        return None
    title, text, label = (
        words.format(team=f"“{team}”", who=form.get("who") or "this member") for words in _QUESTIONS[form["do"]]
    )
    word = team if form["do"] == "delete" else ""
    return ask_first(request, form, title=title, text=text, label=label, back=path, word=word)


def attach(app: App) -> None:
    """Add the addresses. What is fixed goes before a team's slug."""
    app.add_route(show_all, "/teams", methods=["GET"], name="page_teams")
    app.add_route(create, "/teams", methods=["POST"], name="page_teams_post")
    app.add_route(ask_to_join, "/teams/join", methods=["GET"], name="page_team_join")
    app.add_route(join, "/teams/join", methods=["POST"], name="page_team_join_post")
    app.add_route(answer, "/teams/invitations/<invite_id:str>", methods=["POST"], name="page_team_answer")
    app.add_route(settings, "/teams/<team:str>/settings", methods=["GET"], name="page_team_settings")
    app.add_route(settle, "/teams/<team:str>/settings", methods=["POST"], name="page_team_settings_post")


async def _list_page(request: Request, error: BulletDropError | None = None, name: str = "") -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    mine, invitations = await in_thread(request, _list, caller.user_id)
    status = status_of(error) if error else 200
    return render(
        request, "teams.html", status=status, teams=mine, invitations=invitations, error=error, name=name,
        said=said_of(request, _SAID),
    )  # fmt: skip


def _list(site: Site, user_id: str) -> tuple[list[TeamOf], list[Invitation]]:
    return teams.teams_of(site, user_id), teams.invitations_of(site, user_id)


async def _settings_page(
    request: Request, team: str, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    found = await in_thread(request, _settled, caller.user_id, team)
    status = status_of(error) if error else 200
    # Beside its field where the page has that field, above everything else otherwise.
    beside = error is not None and error.field in ("name", "slug", "whom", "role")
    return render(
        request, "team-settings.html", status=status, it=found, mine=found.mine, team=found.mine.team, typed=form or {},
        wrong={error.field: error.message} if error and beside else {},
        failed=error.message if error and not beside else "",
        given=teams.given_by(found.mine.role), has_mail=bool(web_of(request).config.smtp_host),
        said=said_of(request, _SAID),
    )  # fmt: skip


def _settled(site: Site, user_id: str, team: str) -> Settled:
    mine = teams.find_team(site, user_id, team)
    rows = teams.list_invitations(site, user_id, team) if mine.may("invite") else []
    return Settled(
        mine,
        teams.list_members(site, user_id, team),
        [invite_out(site, row) for row in rows],
        usage.summary(site, mine.team),
        user_id,
    )
