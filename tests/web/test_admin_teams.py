"""Teams in the administration over HTTP: found, limited at once, silent and heard again, deleted and kept."""

from __future__ import annotations

from typing import Any

from tests.support.server import Server
from tests.web.browser import kept, signed_in
from tests.web.kit import png, problem, upload
from tests.web.rows.admin import id_of
from tests.web.rows.teams import make_team

API = "/api/v1/admin"


def of_team(server: Server, team: dict[str, Any]) -> dict[str, Any]:
    """A drop of bob's in a team."""
    return upload(server.bob, team=team["slug"])


def test_every_team_is_listed_and_one_is_looked_at(server_on: Server) -> None:
    made = [make_team(server_on, name=name) for name in ("Design", "Office")]
    drop = of_team(server_on, made[0])
    found = server_on.alice.get(f"{API}/teams", params={"q": "DESI"}).json()
    (one,) = found["items"]
    assert (one["slug"], one["members"], one["owners"], one["plan"]) == ("design", 2, ["alice"], "home")
    assert one["storage_used"] == drop["size"]
    about = server_on.alice.get(f"{API}/teams/{one['id']}").json()
    assert [(who["username"], who["role"]) for who in about["people"]] == [("alice", "owner"), ("bob", "member")]
    assert (about["uploads"], about["uploads_today"], about["allowed"]["storage"]) == (1, 1, None)
    first = server_on.alice.get(f"{API}/teams", params={"limit": 1}).json()
    second = server_on.alice.get(f"{API}/teams", params={"limit": 1, "cursor": first["next"]}).json()
    assert [one["slug"] for one in first["items"] + second["items"]] == ["design", "office"]
    assert second["next"] is None
    for wrong in ({"state": "odd"}, {"sort": "luck"}, {"limit": "0"}, {"cursor": "%00"}, {"q": "x" * 400}):
        problem(server_on.alice.get(f"{API}/teams", params=wrong), 400)
    problem(server_on.alice.get(f"{API}/teams/%00"), 404)


def test_limits_of_a_team_hold_at_once_and_wrong_ones_change_nothing(server_on: Server) -> None:
    team = make_team(server_on)
    path = f"{API}/teams/{team['id']}"
    changed = server_on.alice.patch(path, json={"plan": "free", "limits": {"storage": 10}}).json()
    assert (changed["plan"], changed["limits"], changed["storage"]) == ("free", {"storage": 10}, 10)
    refused = server_on.bob.post("/api/v1/uploads", files={"file": ("a.png", png())}, data={"team": team["slug"]})
    problem(refused, 507)
    for wrong, field in (
        ({"plan": "golden"}, "plan"),
        ({"plan": "pro\0"}, "plan"),
        ({"limits": {"storage": -5}}, "storage"),
        ({"limits": {"requests_per_hour": 5}}, "requests_per_hour"),
        ({"plan": "pro", "limits": {"cats": 1}}, "cats"),
    ):
        assert problem(server_on.alice.patch(path, json=wrong), 400)["field"] == field
    problem(server_on.alice.patch(path, json={"name": "x"}), 400)
    assert server_on.alice.get(path).json()["plan"] == "free"
    assert server_on.alice.patch(path, json={"limits": {"storage": None}}).json()["limits"] == {}


def test_a_silent_team_is_heard_again_once_it_may_use_more(server: Server) -> None:
    team = make_team(server)
    drop = of_team(server, team)
    address = f"/{drop['direct_url'].rsplit('/', 1)[1]}"
    path = f"{API}/teams/{team['id']}"
    assert server.alice.patch(path, json={"limits": {"bandwidth_per_month": 0}}).json()["silent_until"]
    problem(server.anonymous.get(address), 429)
    assert server.alice.get(f"{API}/teams", params={"state": "silent"}).json()["items"][0]["id"] == team["id"]
    assert server.alice.patch(path, json={"limits": {"bandwidth_per_month": -1}}).json()["silent_until"] is None
    assert server.anonymous.get(address).status_code == 200


def test_a_team_is_deleted_in_seven_days_dark_at_once_and_kept(server_on: Server) -> None:
    team = make_team(server_on)
    drop = of_team(server_on, team)
    address = f"/{drop['direct_url'].rsplit('/', 1)[1]}"
    path = f"{API}/teams/{team['id']}"
    assert server_on.anonymous.get(address).status_code == 200
    answer = server_on.alice.delete(path)
    assert answer.status_code == 202
    assert answer.json()["delete_scheduled_for"] == server_on.alice.get(path).json()["delete_scheduled_for"]
    assert server_on.anonymous.get(address).status_code == 404
    problem(server_on.alice.delete(path), 409)
    assert server_on.alice.post(f"{path}/keep").json()["delete_scheduled_for"] is None
    assert server_on.anonymous.get(address).status_code == 200
    problem(server_on.alice.post(f"{path}/keep"), 409)


def test_a_teams_drops_stay_to_be_seen_when_who_brought_them_is_blocked(server_on: Server) -> None:
    team = make_team(server_on)
    brought, own = of_team(server_on, team), upload(server_on.bob, png(seed=b"own"))
    addresses = [f"/{drop['direct_url'].rsplit('/', 1)[1]}" for drop in (brought, own)]
    assert [server_on.anonymous.get(address).status_code for address in addresses] == [200, 200]
    person = f"{API}/users/{id_of(server_on, 'bob')}"
    server_on.alice.patch(person, json={"is_active": False}).raise_for_status()
    assert [server_on.anonymous.get(address).status_code for address in addresses] == [200, 404]
    listed = kept(server_on, "alice").get("/api/v1/uploads", params={"team": team["slug"]}).json()["items"]
    assert [one["id"] for one in listed] == [brought["id"]]


def test_the_page_of_a_team_says_what_was_wrong_and_what_was_done(server: Server) -> None:
    team = make_team(server, name="<b>Größe</b>")
    with signed_in(server, "alice") as alice:
        listed = alice.get("/admin/teams").text
        assert "&lt;b&gt;Größe&lt;/b&gt;" in listed
        assert "<b>Größe" not in listed
        path = f"/admin/teams/{team['id']}"
        assert f'href="{path}"' in listed
        assert "API requests an hour" not in alice.get(path).text
        wrong = alice.post(f"{path}/limits", data={"storage": "much"})
        assert wrong.status_code == 400
        assert "A size is written as 100 MB" in wrong.text
        assert 'value="much"' in wrong.text
        assert alice.post(f"{path}/limits", data={"storage": "5 GB"}).headers["location"] == f"{path}?said=limits"
        assert 'value="5 GB"' in alice.get(path).text
        assert alice.post(f"{path}/plan", data={"plan": "free"}).status_code == 303
        assert alice.post(f"{path}/explode").status_code == 404
        assert alice.get("/admin/teams/nothing").status_code == 404
        for place in (f"/admin/users/{id_of(server, 'bob')}", "/admin/storage?kind=teams"):
            assert f'href="{path}"' in alice.get(place).text
    said = server.alice.get(f"{API}/audit", params={"subject": team["id"], "category": "admin"}).json()["items"]
    assert sorted(one["action"] for one in said) == ["team.limits", "team.plan"]
    assert {one["actor_name"] for one in said} == {"alice"}
