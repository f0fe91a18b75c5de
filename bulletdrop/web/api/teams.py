"""Teams: making them, who is in them and as what, invitations, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import User
from bulletdrop.core.people import teams
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, BulletDropError, Conflict, Forbidden, Gone, Invalid, NameTaken, NotFound, TooMany
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.api.team_shapes import (
    InvitationIn,
    InvitationOut,
    JoinIn,
    MemberOut,
    MembersOut,
    OwnerIn,
    RoleIn,
    TeamDeleteIn,
    TeamDetailOut,
    TeamIn,
    TeamInviteIn,
    TeamInviteOut,
    TeamInvitesOut,
    TeamOut,
    TeamPatch,
    TeamsOut,
    detail_out,
    invite_out,
    member_out,
    mine_out,
    team_out,
)
from bulletdrop.web.auth import Handler, address_of, required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.routes import PERSON, Route
from bulletdrop.web.threads import in_thread

P = ParamSpec("P")
T = TypeVar("T")

# Each may send a mail.
_INVITES_AN_HOUR = 60


async def list_teams(request: Request) -> HTTPResponse:
    """The teams that you are in; for people also the invitations that wait for them."""
    return json_answer(await _do(request, _list))


def _list(site: Site, user_id: str) -> TeamsOut:
    found = [team_out(one) for one in teams.teams_of(site, user_id)]
    return TeamsOut(found, [mine_out(one) for one in teams.invitations_of(site, user_id)])


async def create_team(request: Request) -> HTTPResponse:
    """Make a team."""
    wanted = json_of(request, TeamIn)
    made = await _act(request, teams.create_team, name=wanted.name)
    return json_answer(team_out(made), status=201)


async def get_team(request: Request, team_id: str) -> HTTPResponse:
    """One of your teams, by its id or slug, with what it uses."""
    return json_answer(await _do(request, _detail, team_id))


def _detail(site: Site, user_id: str, team_id: str) -> TeamDetailOut:
    return detail_out(site, teams.find_team(site, user_id, team_id))


async def change_team(request: Request, team_id: str) -> HTTPResponse:
    """Give a team another name, or another slug."""
    wanted = json_of(request, TeamPatch)
    return json_answer(team_out(await _act(request, teams.change_team, team_id, name=wanted.name, slug=wanted.slug)))


async def delete_team(request: Request, team_id: str) -> HTTPResponse:
    """Begin a team's deletion. For seven days an owner can take it back; meanwhile nothing of it is shown."""
    wanted = json_of(request, TeamDeleteIn)
    await _act(request, teams.delete_team, team_id, confirm=wanted.confirm)
    return json_answer(team_out(await _do(request, teams.find_team, team_id)))


async def restore_team(request: Request, team_id: str) -> HTTPResponse:
    """Take a team's deletion back."""
    return json_answer(team_out(await _act(request, teams.restore_team, team_id)))


async def list_members(request: Request, team_id: str) -> HTTPResponse:
    """Everybody in a team, owners first."""
    return json_answer(MembersOut([member_out(row) for row in await _do(request, teams.list_members, team_id)]))


async def change_member(request: Request, team_id: str, user_id: str) -> HTTPResponse:
    """Give a member another role; it holds from the next request on."""
    wanted = json_of(request, RoleIn)
    return json_answer(member_out(await _act(request, teams.change_role, team_id, user_id, wanted.role)))


async def remove_member(request: Request, team_id: str, user_id: str) -> HTTPResponse:
    """Take somebody out of a team. What they brought stays in it."""
    await _act(request, teams.remove_member, team_id, user_id)
    return nothing()


async def list_invites(request: Request, team_id: str) -> HTTPResponse:
    """The open invitations of a team, with their links."""
    return json_answer(await _do(request, _invites, team_id))


def _invites(site: Site, user_id: str, team_id: str) -> TeamInvitesOut:
    return TeamInvitesOut([invite_out(site, row) for row in teams.list_invitations(site, user_id, team_id)])


async def create_invite(request: Request, team_id: str) -> HTTPResponse:
    """Invite somebody. Whether there is such an account, the answer does not tell."""
    wanted = json_of(request, TeamInviteIn)
    await limit_by_address(request, "team-invite", most=_INVITES_AN_HOUR, window=3600)
    address = address_of(request)
    made = await _do(request, _invite, team_id, role=wanted.role, whom=wanted.whom, address=address)
    return json_answer(made, status=201)


def _invite(site: Site, user_id: str, team_id: str, *, role: str, whom: str, address: str) -> TeamInviteOut:
    made = teams.invite(site, user_id, team_id, role=role, whom=whom, address=address)
    made.created_by = User.get_by_id(user_id)
    return invite_out(site, made)


async def withdraw_invite(request: Request, team_id: str, invite_id: str) -> HTTPResponse:
    """Take an invitation back."""
    await _act(request, teams.withdraw, team_id, invite_id)
    return nothing()


async def look_at_invitation(request: Request) -> HTTPResponse:
    """What an invitation's code is for. It stays good."""
    wanted = json_of(request, InvitationIn)
    found = await in_thread(request, teams.look_at_invitation, wanted.code)
    return json_answer(InvitationOut(found.team_name, found.role, found.inviter, milliseconds(found.invite.expires_at)))


async def join(request: Request) -> HTTPResponse:
    """Join a team: with an invitation's code, or by the id of an invitation that is addressed to you."""
    wanted = json_of(request, JoinIn)
    if bool(wanted.code) == bool(wanted.invite_id):
        raise Invalid("Send either the code of an invitation or the id of one.", field="code")
    if wanted.invite_id:
        return json_answer(team_out(await _act(request, teams.accept_invitation, wanted.invite_id)))
    return json_answer(team_out(await _act(request, teams.accept, wanted.code)))


async def decline(request: Request, invite_id: str) -> HTTPResponse:
    """Say no to an invitation that is addressed to you."""
    await _act(request, teams.decline, invite_id)
    return nothing()


async def leave(request: Request, team_id: str) -> HTTPResponse:
    """Leave a team. What you brought stays in it."""
    await _act(request, teams.leave, team_id)
    return nothing()


async def hand_over(request: Request, team_id: str) -> HTTPResponse:
    """Make another member the owner in your place; you are an admin afterwards."""
    wanted = json_of(request, OwnerIn)
    return json_answer(team_out(await _act(request, teams.hand_over, team_id, wanted.user_id)))


async def _do(
    request: Request, use_case: Callable[Concatenate[Site, str, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """A use case for the caller."""
    caller = await required_caller(request)
    return await in_thread(request, use_case, caller.user_id, *args, **kwargs)


async def _act(request: Request, use_case: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """As `_do`, for what is audited with the address that it came from."""
    return await _do(request, use_case, *args, **kwargs, address=address_of(request))


def _row(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *errors: type[BulletDropError],
    answer: Any = None,
    body: Any = None,
    status: int = 0,
    who: str = PERSON,
) -> Route:
    """A row of this noun: an answer of 200, or 204 where there is nothing to say."""
    answers = {status or (204 if answer is None else 200): answer}
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        who=who,
        body=body,
        answers=answers,
        noun="teams",
        errors=errors,
    )


_READ = "account:read"
_CHANGE = (NotFound, Forbidden, Conflict)
_TEAM, _MEMBER, _INVITES = "/teams/<team_id>", "/teams/<team_id>/members/<user_id>", "/teams/<team_id>/invites"

# What is fixed stands before `<team_id>`, which would take it for a team's name.
ROUTES = (
    _row("GET", "/teams", list_teams, "The teams that you are in", answer=TeamsOut, who=_READ),
    _row("POST", "/teams", create_team, "Make a team", BadName, Conflict, answer=TeamOut, body=TeamIn, status=201),
    _row("POST", "/teams/join", join, "Join a team", Gone, Conflict, NotFound, answer=TeamOut, body=JoinIn),
    _row(
        "POST",
        "/teams/invitation",
        look_at_invitation,
        "What an invitation is for",
        Gone,
        answer=InvitationOut,
        body=InvitationIn,
    ),
    _row("DELETE", "/teams/invitations/<invite_id>", decline, "Say no to an invitation", NotFound),
    _row("GET", _TEAM, get_team, "One of your teams", NotFound, answer=TeamDetailOut, who=_READ),
    _row("PATCH", _TEAM, change_team, "Rename a team", BadName, NameTaken, *_CHANGE, answer=TeamOut, body=TeamPatch),
    _row("DELETE", _TEAM, delete_team, "Delete a team", Invalid, *_CHANGE, answer=TeamOut, body=TeamDeleteIn),
    _row("POST", _TEAM + "/restore", restore_team, "Take a team's deletion back", *_CHANGE, answer=TeamOut),
    _row("GET", _TEAM + "/members", list_members, "Who is in a team", NotFound, answer=MembersOut, who=_READ),
    _row("PATCH", _MEMBER, change_member, "Give a member another role", *_CHANGE, answer=MemberOut, body=RoleIn),
    _row("DELETE", _MEMBER, remove_member, "Take somebody out of a team", *_CHANGE),
    _row("GET", _INVITES, list_invites, "The open invitations of a team", *_CHANGE, answer=TeamInvitesOut),
    _row(
        "POST",
        _INVITES,
        create_invite,
        "Invite somebody into a team",
        Invalid,
        TooMany,
        *_CHANGE,
        answer=TeamInviteOut,
        body=TeamInviteIn,
        status=201,
    ),
    _row("DELETE", _INVITES + "/<invite_id>", withdraw_invite, "Take an invitation back", *_CHANGE),
    _row("POST", _TEAM + "/leave", leave, "Leave a team", NotFound, Conflict),
    _row("POST", _TEAM + "/owner", hand_over, "Hand a team over", *_CHANGE, answer=TeamOut, body=OwnerIn),
)
