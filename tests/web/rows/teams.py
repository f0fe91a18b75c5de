"""Whom the routes of teams let in. bob is in alice's team; charlie is a stranger, and so is the admin."""

from __future__ import annotations

from typing import Any

from tests.support.server import Server
from tests.web.browser import kept
from tests.web.kit import upload
from tests.web.rows.row import page, persons_only, persons_page, row


def make_team(server: Server, *, role: str = "member", name: str = "Design") -> dict[str, Any]:
    """A fresh team of alice's that bob has joined, as the API answers it."""
    alice = kept(server, "alice")
    made: dict[str, Any] = alice.post("/api/v1/teams", json={"name": name}).json()
    invite = alice.post(f"/api/v1/teams/{made['id']}/invites", json={"role": role}).json()
    joined = kept(server, "bob").post("/api/v1/teams/join", json={"code": invite["link"].partition("#code=")[2]})
    assert joined.status_code == 200, joined.text
    return made


def a_team(server: Server) -> dict[str, str]:
    """alice's team, with bob in it as a member."""
    return {"team_id": make_team(server)["id"]}


def a_member(server: Server) -> dict[str, str]:
    """bob in alice's team."""
    return {**a_team(server), "user_id": server.bob.get("/api/v1/auth/me").json()["id"]}


def an_ending_team(server: Server) -> dict[str, str]:
    """alice's team, which she has deleted a moment ago."""
    found = a_team(server)
    path = f"/api/v1/teams/{found['team_id']}"
    answer = kept(server, "alice").request("DELETE", path, json={"confirm": "Design"})
    assert answer.status_code == 200, answer.text
    return found


def an_invite(server: Server) -> dict[str, str]:
    """An open invitation into alice's team."""
    found = a_team(server)
    path = f"/api/v1/teams/{found['team_id']}/invites"
    made = kept(server, "alice").post(path, json={"whom": "somebody@example.org"}).json()
    return {**found, "invite_id": made["id"]}


def an_invitation(server: Server) -> dict[str, str]:
    """An invitation of bob's that is addressed to alice."""
    server.key_of("alice")
    bob = kept(server, "bob")
    team = bob.post("/api/v1/teams", json={"name": "Bob's"}).json()
    made = bob.post(f"/api/v1/teams/{team['id']}/invites", json={"whom": "alice"}).json()
    return {"invite_id": made["id"]}


def theirs(status: int, **options: Any) -> Any:
    """A route for people, about alice's team: no stranger learns that there is one."""
    return persons_only(status, admin=404, **{"params": a_team, **options})


def a_teams_page(server: Server) -> dict[str, str]:
    """alice's team, as the addresses of pages name it."""
    return {"team": make_team(server)["slug"]}


def a_bare_drop(server: Server) -> dict[str, str]:
    """One of alice's drops."""
    return {"upload_id": upload(server.alice)["id"]}


# What a key that may read the account sees of a team; the other keys of the table have that scope as well.
_SEEN: dict[str, Any] = {"alice": 200, "cookie": 200, "bob": 200, "reader": 403, "params": a_team}
ROWS = {
    "get_teams": row(200, reader=403),
    "post_teams": persons_only(400),
    "post_teams_join": persons_only(400),
    "post_teams_invitation": persons_only(410, body={"code": "nonsense"}),
    "delete_teams_invitations_invite_id": persons_only(204, admin=404, params=an_invitation),
    "get_teams_team_id": row(404, **_SEEN),
    "patch_teams_team_id": theirs(200),
    "delete_teams_team_id": theirs(200, body={"confirm": "design"}),
    "post_teams_team_id_restore": theirs(200, params=an_ending_team),
    "get_teams_team_id_members": row(404, **_SEEN),
    "patch_teams_team_id_members_user_id": theirs(200, body={"role": "viewer"}, params=a_member),
    "delete_teams_team_id_members_user_id": theirs(204, params=a_member),
    "get_teams_team_id_invites": theirs(200),
    "post_teams_team_id_invites": theirs(201),
    "delete_teams_team_id_invites_invite_id": theirs(204, params=an_invite),
    # alice is the only owner.
    "post_teams_team_id_leave": theirs(409),
    "post_teams_team_id_owner": theirs(404, body={"user_id": "nobody"}),
}

_STRANGERS: dict[str, Any] = {"stranger": 404, "admin": 404}
PAGES = {
    "GET /teams": persons_page(200),
    "POST /teams": persons_page(303, form={"name": "Design"}),
    # A stranger reads that signing in comes first: the code behind the `#` would be lost on the way to the form.
    "GET /teams/join": page(200, 200, 200, 403, 403),
    "POST /teams/join": persons_page(410, form={"code": "nonsense"}),
    "POST /teams/invitations/<invite_id:str>": page(302, 303, 404, 403, 403, params=an_invitation),
    "GET /teams/<team:str>": page(302, 200, 200, 200, 200, **_STRANGERS, params=a_teams_page),
    "GET /teams/<team:str>/settings": persons_page(200, **_STRANGERS, params=a_teams_page),
    # bob is a member: he may leave, and alice, the only owner, may not.
    "POST /teams/<team:str>/settings": page(
        302, 409, 303, 403, 403, **_STRANGERS, params=a_teams_page, form={"do": "leave", "sure": "yes"}
    ),
    "POST /drops/<upload_id:str>/move": page(302, 303, 404, 303, 404, reader=403, params=a_bare_drop),
}
