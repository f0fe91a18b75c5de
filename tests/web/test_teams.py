"""Teams over HTTP: drops in a team, who sees and changes them, other teams' ids, and many who come at once."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import Server, binary
from tests.web.browser import signed_in
from tests.web.kit import path_of, png, problem, upload
from tests.web.rows.teams import make_team


@dataclass
class People:
    """Browsers in which alice, bob and charlie have signed in; alice's team, and bob in it."""

    server: Server
    alice: httpx.Client
    bob: httpx.Client
    charlie: httpx.Client
    team: dict[str, Any]

    @property
    def path(self) -> str:
        """The API's address of the team."""
        return f"/api/v1/teams/{self.team['id']}"

    @property
    def slug(self) -> str:
        """The team's slug."""
        return str(self.team["slug"])

    def id_of(self, who: httpx.Client) -> str:
        """Somebody's id."""
        return str(who.get("/api/v1/auth/me").json()["id"])

    def make_bob(self, role: str) -> None:
        """Give bob another role."""
        answer = self.alice.patch(f"{self.path}/members/{self.id_of(self.bob)}", json={"role": role})
        assert answer.status_code == 200, answer.text


def gathered(server: Server, stack: ExitStack) -> People:
    alice, bob, charlie = (stack.enter_context(signed_in(server, who)) for who in ("alice", "bob", "charlie"))
    return People(server, alice, bob, charlie, make_team(server))


@pytest.fixture
def people(shared: Server) -> Iterator[People]:
    """A team of its own for each test, on the server of the module."""
    with ExitStack() as stack:
        yield gathered(shared, stack)


@pytest.fixture
def people_on(server_on: Server) -> Iterator[People]:
    """As `people`, on SQLite and on Postgres: for those who come at once."""
    with ExitStack() as stack:
        yield gathered(server_on, stack)


def total(people: People) -> int:
    """The team's storage as the API says it."""
    return int(people.alice.get(people.path).json()["usage"]["storage_used"])


def items(client: httpx.Client, **query: str) -> list[str]:
    return [one["id"] for one in client.get("/api/v1/uploads", params=query).json()["items"]]


def test_a_member_uploads_by_form_by_query_and_by_put_and_everybody_in_the_team_sees_it(people: People) -> None:
    keyed = people.server.bob
    by_form = upload(keyed, team=people.slug, is_public="false")
    by_query = keyed.post(
        "/api/v1/uploads", params={"team": people.team["id"]}, files={"file": ("b.png", png(), "image/png")}
    )
    by_put = keyed.put("/api/v1/uploads/c.png", params={"team": people.slug}, content=png())
    made = [by_form, by_query.json(), by_put.json()]
    assert {(one["team"], one["sender"], one["may_change"]) for one in made} == {(people.slug, "bob", True)}
    assert total(people) == sum(one["size"] for one in made)
    for client in (people.alice, keyed):
        assert sorted(items(client, team=people.slug)) == sorted(one["id"] for one in made)
        assert not {one["id"] for one in made} & set(items(client))
    direct = path_of(by_form["direct_url"])
    for client, status in ((people.alice, 200), (keyed, 200), (people.charlie, 404), (people.server.anonymous, 404)):
        assert client.get(direct).status_code == status
        assert client.get(f"/i/{by_form['id']}?size=thumb").status_code == status
        assert client.get(path_of(by_form["url"]), headers={"Accept": "text/html"}).status_code == status
        assert client.get(f"/info/{by_form['id']}").status_code == status
    # The link of a public one works as any other.
    assert people.server.anonymous.get(path_of(made[1]["direct_url"])).status_code == 200


def test_which_team_a_drop_belongs_to_is_told_to_those_who_are_in_it_alone(people: People) -> None:
    made = upload(people.server.bob, team=people.slug)
    html = {"Accept": "text/html"}
    for path in (path_of(made["url"]), f"/info/{made['id']}"):
        assert "Design" in people.alice.get(path, headers=html).text
        for stranger in (people.charlie, people.server.anonymous):
            page = stranger.get(path, headers=html)
            assert page.status_code == 200
            assert "Design" not in page.text
            assert "bob" not in page.text


def test_a_viewer_and_a_stranger_upload_nothing_and_a_stranger_learns_nothing(people: People) -> None:
    people.make_bob("viewer")
    for name in (people.slug, people.team["id"], "never-was"):
        theirs = problem(people.server.charlie.put(f"/api/v1/uploads/a.png?team={name}", content=png()), 404)
        files = {"file": ("a.png", png(), "image/png")}
        answer = people.server.charlie.post("/api/v1/uploads", data={"team": name}, files=files)
        assert problem(answer, 404)["message"] == theirs["message"]
        assert theirs["message"] == "There is no such team."
    answer = people.server.bob.post(
        "/api/v1/uploads", data={"team": people.slug}, files={"file": ("a.png", png(), "image/png")}
    )
    problem(answer, 403, "forbidden")
    problem(people.server.bob.put(f"/api/v1/uploads/a.png?team={people.slug}", content=png()), 403)
    assert total(people) == 0


@pytest.mark.parametrize("going", ["removed", "left", "demoted"])
def test_a_right_that_was_taken_away_is_refused_with_the_next_request(people: People, going: str) -> None:
    made = upload(people.server.bob, team=people.slug, is_public="false")
    own = {"Idempotency-Key": people.slug}
    first = people.server.bob.put(f"/api/v1/uploads/k.png?team={people.slug}", content=png(), headers=own).json()
    me = people.id_of(people.bob)
    if going == "removed":
        assert people.alice.delete(f"{people.path}/members/{me}").status_code == 204
    elif going == "left":
        assert people.bob.post(f"{people.path}/leave").status_code == 204
    else:
        people.make_bob("viewer")
    for client in (people.bob, people.server.bob):
        assert client.patch(f"/api/v1/uploads/{made['id']}", json={"title": "x"}).status_code in (403, 404)
        assert client.delete(f"/api/v1/uploads/{made['id']}").status_code in (403, 404)
        assert client.put(f"/api/v1/uploads/a.png?team={people.slug}", content=png()).status_code in (403, 404)
        expected = 200 if going == "demoted" else 404
        assert client.get(path_of(made["direct_url"])).status_code == expected
        assert client.get(f"/api/v1/uploads?team={people.slug}").status_code == expected
        assert client.get(people.path).status_code == expected
        # A repeat of an upload that went through is no way around.
        again = client.put(f"/api/v1/uploads/k.png?team={people.slug}", content=png(), headers=own)
        assert again.status_code in (201, 403, 404)
        assert again.status_code != 201 or (going == "demoted" and again.json()["id"] == first["id"])
    assert people.server.anonymous.post(path_of(made["deletion_url"])).status_code == 404
    assert sorted(items(people.alice, team=people.slug)) == sorted([made["id"], first["id"]])


def test_a_deletion_link_is_only_shown_to_whoever_brought_the_drop(people: People) -> None:
    made = upload(people.server.bob, team=people.slug)
    path = f"/api/v1/uploads/{made['id']}"
    assert people.bob.get(path).json()["deletion_url"] == made["deletion_url"]
    assert people.alice.get(path).json()["deletion_url"] is None
    assert people.alice.get(path).json()["may_change"] is True
    assert people.server.anonymous.post(path_of(made["deletion_url"])).status_code == 200
    assert people.alice.get(path).json()["trashed_at"]


def test_a_drop_is_moved_and_a_drop_that_is_in_no_team_of_mine_is_not(people: People) -> None:
    mine = upload(people.server.bob)
    path = f"/api/v1/uploads/{mine['id']}"
    assert problem(people.charlie.patch(path, json={"team": None}), 404)
    hers = people.charlie.post("/api/v1/teams", json={"name": "Hers"}).json()
    problem(people.bob.patch(path, json={"team": hers["slug"]}), 404)
    moved = people.bob.patch(path, json={"team": people.slug}).json()
    assert (moved["team"], total(people)) == (people.slug, mine["size"])
    back = people.bob.patch(path, json={"team": None}).json()
    assert (back["team"], back["sender"], total(people)) == (None, None, 0)


def test_a_team_that_is_being_deleted_is_dark_and_comes_back_whole(people: People) -> None:
    made = upload(people.server.bob, team=people.slug)
    direct = path_of(made["direct_url"])
    assert people.server.anonymous.get(direct).status_code == 200
    problem(people.alice.request("DELETE", people.path, json={"confirm": "Desing"}), 400, "invalid")
    assert people.alice.request("DELETE", people.path, json={"confirm": "Design"}).status_code == 200
    for client in (people.alice, people.bob, people.server.anonymous):
        for path in (direct, f"/i/{made['id']}", path_of(made["url"]), f"/info/{made['id']}"):
            assert client.get(path).status_code == 404
    assert people.server.anonymous.post(path_of(made["deletion_url"])).status_code == 404
    problem(people.bob.get(f"/api/v1/uploads?team={people.slug}"), 409)
    problem(people.bob.get(f"/api/v1/uploads/{made['id']}"), 409)
    page = people.bob.get(f"/teams/{people.slug}")
    assert "will be deleted" in page.text
    assert "Keep the team" not in page.text
    kept = people.alice.post(f"/teams/{people.slug}/settings", data={"do": "restore"})
    assert (kept.status_code, kept.headers["location"]) == (303, f"/teams/{people.slug}?said=restored")
    assert people.server.anonymous.get(direct).status_code == 200


# Every act on a team, with ids of a team of somebody else's in each place.
def foreign(people: People, other: dict[str, str]) -> list[tuple[str, str, Any]]:
    mine, theirs = people.path, f"/api/v1/teams/{other['team']}"
    stranger = other["member"]
    return [
        ("GET", theirs, None),
        ("PATCH", theirs, {"name": "x"}),
        ("DELETE", theirs, {"confirm": "Other"}),
        ("POST", f"{theirs}/restore", None),
        ("GET", f"{theirs}/members", None),
        ("PATCH", f"{theirs}/members/{stranger}", {"role": "viewer"}),
        ("DELETE", f"{theirs}/members/{stranger}", None),
        ("GET", f"{theirs}/invites", None),
        ("POST", f"{theirs}/invites", {"role": "viewer"}),
        ("DELETE", f"{theirs}/invites/{other['invite']}", None),
        ("POST", f"{theirs}/leave", None),
        ("POST", f"{theirs}/owner", {"user_id": stranger}),
        # In her own team, with the others' people and invitations.
        ("PATCH", f"{mine}/members/{stranger}", {"role": "viewer"}),
        ("DELETE", f"{mine}/members/{stranger}", None),
        ("DELETE", f"{mine}/invites/{other['invite']}", None),
        ("POST", f"{mine}/owner", {"user_id": stranger}),
        ("DELETE", f"/api/v1/teams/invitations/{other['invite']}", None),
        ("POST", "/api/v1/teams/join", {"invite_id": other["invite"]}),
        ("GET", f"/api/v1/uploads?team={other['team']}", None),
        ("GET", f"/api/v1/uploads?team={other['team']}&trash=true", None),
        ("GET", f"/api/v1/uploads/{other['drop']}", None),
        ("PATCH", f"/api/v1/uploads/{other['drop']}", {"team": people.slug}),
        ("DELETE", f"/api/v1/uploads/{other['drop']}", None),
        ("POST", f"/api/v1/uploads/{other['drop']}/restore", None),
    ]


def test_ids_of_another_team_open_nothing(people: People) -> None:
    charlie = people.charlie
    team = charlie.post("/api/v1/teams", json={"name": "Other"}).json()
    invite = charlie.post(f"/api/v1/teams/{team['id']}/invites", json={"whom": "somebody"}).json()
    drop = upload(people.server.charlie, team=team["slug"], is_public="false")
    other = {"team": team["id"], "member": people.id_of(charlie), "invite": invite["id"], "drop": drop["id"]}
    tried = foreign(people, other) + foreign(people, {**other, "team": team["slug"]})
    for method, path, body in tried:
        for client in (people.alice, people.bob):
            answer = client.request(method, path, json=body)
            # bob is a member only: in their own team he gets a refusal, which tells him nothing new.
            assert answer.status_code == 404 or (client is people.bob and answer.status_code == 403), (method, path)
    for path in (f"/teams/{team['slug']}", f"/teams/{team['slug']}/settings", f"/trash?team={team['slug']}"):
        assert people.alice.get(path).status_code == 404
    assert people.alice.post(f"/teams/{team['slug']}/settings", data={"do": "rename", "name": "x"}).status_code == 404
    assert people.alice.post(f"/drops/{drop['id']}/move", data={"team": people.slug}).status_code == 404
    after = charlie.get(f"/api/v1/teams/{team['id']}").json()
    assert (after["name"], after["delete_scheduled_for"]) == ("Other", None)
    assert charlie.get(f"/api/v1/uploads/{drop['id']}").json()["trashed_at"] is None


def test_a_key_reads_teams_and_changes_none(people: People) -> None:
    key = people.server.alice
    assert people.slug in [one["slug"] for one in key.get("/api/v1/teams").json()["items"]]
    assert key.get(f"{people.path}/members").status_code == 200
    for method, path, body in (
        ("POST", "/api/v1/teams", {"name": "x"}),
        ("PATCH", people.path, {"name": "x"}),
        ("DELETE", people.path, {"confirm": "Design"}),
        ("POST", f"{people.path}/invites", {}),
        ("GET", f"{people.path}/invites", None),
        ("POST", "/api/v1/teams/join", {"code": "x"}),
    ):
        problem(key.request(method, path, json=body), 403, "forbidden")


def at_once(calls: list[Callable[[], httpx.Response]]) -> Counter[int]:
    """How often each status came when all are sent at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(answer.status_code for answer in pool.map(lambda call: call(), calls))


def test_of_twenty_who_come_with_one_invitation_one_gets_in(people_on: People) -> None:
    people = people_on
    link = people.alice.post(f"{people.path}/invites", json={"role": "member"}).json()["link"]
    code = link.partition("#code=")[2]
    found = at_once([lambda: people.charlie.post("/api/v1/teams/join", json={"code": code})] * 20)
    assert found[200] == 1
    assert found[200] + found[409] + found[410] == 20
    assert len(people.alice.get(f"{people.path}/members").json()["items"]) == 3


@pytest.mark.parametrize("what", ["hand over", "leave", "demote"])
def test_two_owners_who_go_at_once_leave_an_owner_behind(people_on: People, what: str) -> None:
    people = people_on
    alice, bob = people.id_of(people.alice), people.id_of(people.bob)
    for _ in range(4):
        people.make_bob("owner")
        calls = {
            "hand over": [
                lambda: people.alice.post(f"{people.path}/owner", json={"user_id": bob}),
                lambda: people.bob.post(f"{people.path}/owner", json={"user_id": alice}),
            ],
            "leave": [
                lambda: people.alice.post(f"{people.path}/leave"),
                lambda: people.bob.post(f"{people.path}/leave"),
            ],
            "demote": [
                lambda: people.alice.patch(f"{people.path}/members/{alice}", json={"role": "viewer"}),
                lambda: people.bob.patch(f"{people.path}/members/{bob}", json={"role": "viewer"}),
            ],
        }[what]
        found = at_once(calls)
        # One after the other, bob hands over to alice what she has just handed over to him; each ends with one owner.
        assert found[200] + found[204] in ((1, 2) if what == "hand over" else (1,)), found
        members = [
            client.get(f"{people.path}/members").json().get("items", []) for client in (people.alice, people.bob)
        ]
        roles = {one["username"]: one["role"] for one in members[0] or members[1]}
        assert list(roles.values()).count("owner") == 1
        # Put it back as it was.
        owner, other = (people.alice, bob) if roles.get("alice") == "owner" else (people.bob, alice)
        if len(roles) == 1:
            link = owner.post(f"{people.path}/invites", json={"role": "member"}).json()["link"]
            joining = people.bob if other == bob else people.alice
            joined = joining.post("/api/v1/teams/join", json={"code": link.partition("#code=")[2]})
            assert joined.status_code == 200, joined.text
        if owner is people.bob:
            assert owner.post(f"{people.path}/owner", json={"user_id": alice}).status_code == 200


def test_moves_that_cross_leave_every_count_exact(people_on: People) -> None:
    people = people_on
    drops = [upload(people.server.bob, team=people.slug if number % 2 else "") for number in range(8)]

    def moved(drop: dict[str, Any]) -> Callable[[], httpx.Response]:
        target = None if drop["team"] else people.slug
        return lambda: people.bob.patch(f"/api/v1/uploads/{drop['id']}", json={"team": target})

    assert at_once([moved(one) for one in drops]) == Counter({200: 8})
    now = people.bob.get(f"/api/v1/uploads?team={people.slug}").json()["items"]
    assert sorted(one["id"] for one in now) == sorted(one["id"] for one in drops if not one["team"])
    assert total(people) == sum(one["size"] for one in now)
    assert people.server.command("verify").returncode == 0


def test_the_command_line_uploads_into_a_team(server: Server, tmp_path: Path) -> None:
    make_team(server)
    (tmp_path / "a.png").write_bytes(png())
    environ = {**server.environ, "BULLETDROP_SERVER": server.url, "BULLETDROP_TOKEN": server.key_of("bob")}
    line = [*binary(), "upload", str(tmp_path / "a.png"), "--data", str(tmp_path / "none")]
    done = subprocess.run([*line, "--team", "design"], env=environ, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    assert [one["url"] for one in server.alice.get("/api/v1/uploads?team=design").json()["items"]] == [
        done.stdout.strip()
    ]
    refused = subprocess.run([*line, "--team", "nobodys"], env=environ, capture_output=True, text=True, timeout=150)
    assert (refused.returncode, "no such team" in refused.stderr) == (1, True)
