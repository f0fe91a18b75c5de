"""The administration over HTTP: blocked at once, changed for all processes, exported whole, and every act recorded."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import httpx

from bulletdrop.core.models import new_id
from bulletdrop.web.api import ROUTES
from bulletdrop.web.routes import PREFIX
from tests.support.server import PASSWORD, Server
from tests.web.browser import browser, sign_in, signed_in
from tests.web.kit import png, problem, upload
from tests.web.rows import domains
from tests.web.rows.admin import ROWS, a_mail, id_of, somebody

API = "/api/v1/admin"


def rows(server: Server, **query: str) -> list[dict[str, Any]]:
    """The audit log, newest first."""
    found: list[dict[str, Any]] = server.alice.get(f"{API}/audit", params={"limit": 200, **query}).json()["items"]
    return found


def change(server: Server, name: str, **changes: Any) -> httpx.Response:
    """Change an account by its name, as alice."""
    return server.alice.patch(f"{API}/users/{id_of(server, name)}", json=changes)


def test_people_are_searched_and_one_is_looked_at(server_on: Server) -> None:
    for name in ("alice", "bob", "charlie"):
        server_on.key_of(name)
    found = server_on.alice.get(f"{API}/users", params={"q": "BO"}).json()
    assert [one["username"] for one in found["items"]] == ["bob"]
    one = server_on.alice.get(f"{API}/users/{found['items'][0]['id']}").json()
    assert (one["email"], one["plan"], len(one["keys"]), one["has_totp"]) == ("bob@example.org", "home", 1, False)
    assert server_on.key_of("bob") not in json.dumps(one)
    first = server_on.alice.get(f"{API}/users", params={"limit": 2}).json()
    second = server_on.alice.get(f"{API}/users", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["username"] for one in first["items"] + second["items"]] == ["alice", "bob", "charlie"]
    for wrong in ({"state": "odd"}, {"limit": "many"}, {"limit": "0"}, {"cursor": "%00"}, {"q": "x" * 400}):
        problem(server_on.alice.get(f"{API}/users", params=wrong), 400)
    problem(server_on.alice.get(f"{API}/users/%00"), 404)


def test_who_is_blocked_is_out_at_once_and_back_when_let_in(server_on: Server) -> None:
    server_on.key_of("alice")
    with signed_in(server_on, "bob") as bob:
        assert bob.get("/api/v1/auth/me").status_code == 200
        assert change(server_on, "bob", is_active=False, reason="spam").json()["is_active"] is False
        began = time.monotonic()
        refused = [bob.get("/api/v1/auth/me").status_code, server_on.bob.get("/api/v1/uploads").status_code]
        assert time.monotonic() - began < 5
        assert refused == [401, 403]
        assert bob.get("/trash").headers["location"].startswith("/signin")
        with browser(server_on) as fresh:
            assert sign_in(fresh, "bob").status_code == 403
    assert change(server_on, "bob", is_active=True).status_code == 200
    assert server_on.bob.get("/api/v1/uploads").status_code == 200
    assert [row["detail"] for row in rows(server_on, action="user.disable")] == ["spam"]


def test_an_account_is_made_with_a_link_instead_of_a_password(server: Server) -> None:
    made = server.alice.post(f"{API}/users", json={"username": "dora", "email": "d@example.org", "plan": "free"})
    assert made.status_code == 201
    assert "/reset#token=" in made.json()["link"]
    assert made.json()["plan"] == "free"
    taken = server.alice.post(f"{API}/users", json={"username": "DORA", "email": "e@example.org", "password": PASSWORD})
    assert problem(taken, 409, "name_taken")["field"] == "username"
    weak = server.alice.post(f"{API}/users", json={"username": "ed", "email": "e@example.org", "password": "12345678"})
    assert problem(weak, 400)["field"] == "password"
    odd = {"username": "ed", "email": "e@example.org", "plan": "golden"}
    assert problem(server.alice.post(f"{API}/users", json=odd), 400)["field"] == "plan"


def test_a_key_with_the_scope_makes_no_admin_and_gets_into_no_admins_account(server: Server) -> None:
    server.command("user", "add", "root2", "--email", "r@example.org", "--password-stdin", "--admin", stdin=PASSWORD)
    other = id_of(server, "root2")
    attempts = [
        server.alice.post(f"{API}/users", json={"username": "x1", "email": "x@example.org", "is_admin": True}),
        server.alice.post(f"{API}/users/{other}/reset"),
        server.alice.post(f"{API}/users/{id_of(server, 'alice')}/reset"),
        server.alice.delete(f"{API}/users/{other}/second-factor"),
        server.alice.get(f"{API}/mail"),
    ]
    server.key_of("bob")
    attempts.append(change(server, "bob", is_admin=True))
    assert [answer.status_code for answer in attempts] == [403] * len(attempts)
    with signed_in(server, "alice") as alice:
        assert alice.post(f"{API}/users/{other}/reset").status_code == 201
        assert [mail["purpose"] for mail in alice.get(f"{API}/mail").json()["items"]] == ["reset"]


def test_a_key_with_the_scope_is_nothing_once_its_owner_is_no_admin(server: Server) -> None:
    server.command("user", "add", "root2", "--email", "r@example.org", "--password-stdin", "--admin", stdin=PASSWORD)
    key = server.command("key", "add", "root2", "--name", "k", "--scope", "admin").stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    assert server.anonymous.get(f"{API}/users", headers=headers).status_code == 200
    assert change(server, "root2", is_admin=False).status_code == 200
    assert server.anonymous.get(f"{API}/users", headers=headers).status_code in (401, 403)


def test_the_last_admin_stays_one_and_nobody_shuts_themselves_out(server: Server) -> None:
    me = f"{API}/users/{id_of(server, 'alice')}"
    problem(server.alice.patch(me, json={"is_admin": False}), 409)
    problem(server.alice.patch(me, json={"is_active": False}), 409)
    problem(server.alice.delete(me), 409)
    assert server.alice.get(me).json()["is_admin"] is True


def test_an_account_is_deleted_for_good_with_its_name_typed(server: Server) -> None:
    person = somebody(server)["user_id"]
    path = f"{API}/users/{person}"
    assert problem(server.alice.delete(path, params={"at_once": "true", "confirm": "x"}), 400)["field"] == "confirm"
    name = server.alice.get(path).json()["username"]
    assert server.alice.delete(path, params={"at_once": "true", "confirm": name}).status_code == 204
    problem(server.alice.get(path), 404)


def test_plans_are_shown_to_all_and_changed_by_admins(server: Server) -> None:
    shown = {plan["name"]: plan for plan in server.bob.get("/api/v1/plans").json()["items"]}
    assert list(shown) == ["home", "free", "pro", "enterprise"]
    assert (
        server.alice.patch(f"{API}/plans/free", json={"uploads_per_day": 3, "storage": None}).json()["storage"] is None
    )
    assert problem(server.alice.patch(f"{API}/plans/free", json={"storage": -5}), 400)["field"] == "storage"
    problem(server.alice.patch(f"{API}/plans/golden", json={}), 404)


def test_a_hidden_drop_is_gone_for_strangers_at_once(server: Server) -> None:
    drop = upload(server.bob)
    address = drop["direct_url"].rsplit("/", 1)[1]
    assert server.anonymous.get(f"/{address}").status_code == 200
    acted = server.alice.patch(f"{API}/uploads/{drop['id']}", json={"act": "hide", "reason": "a face"})
    assert acted.json()["hidden_at"]
    assert server.anonymous.get(f"/{address}").status_code == 404
    assert server.bob.get(f"/{address}").status_code == 200
    problem(server.bob.patch(f"/api/v1/uploads/{drop['id']}", json={"is_public": True}), 403)
    assert server.alice.patch(f"{API}/uploads/{drop['id']}", json={"act": "show"}).status_code == 200
    assert server.anonymous.get(f"/{address}").status_code == 200
    problem(server.alice.patch(f"{API}/uploads/{drop['id']}", json={"act": "burn"}), 400)
    assert server.alice.delete(f"{API}/uploads/{drop['id']}", params={"reason": "law"}).status_code == 204
    assert server.anonymous.get(f"/{address}").status_code == 404


def test_a_private_drops_bytes_are_shown_only_after_asking_which_is_recorded(server: Server) -> None:
    drop = upload(server.bob, is_public="false")
    listed = server.alice.get(f"{API}/uploads", params={"owner": "bob"}).json()["items"][0]
    assert drop["sha256"] not in json.dumps(listed)
    with signed_in(server, "alice") as alice:
        path = f"/admin/uploads/{drop['id']}"
        assert alice.get(f"{path}/bytes").status_code == 403
        assert alice.get(f"/i/{drop['id']}").status_code == 404
        assert rows(server, action="upload.look") == []
        assert alice.post(f"{path}/look").status_code == 303
        shown = alice.get(f"{path}/bytes")
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
        assert "public" not in shown.headers["cache-control"]
        assert alice.get(f"{path}/bytes", params={"size": "thumb"}).status_code == 200
        assert [row["subject"] for row in rows(server, action="upload.look")] == [drop["id"]]
    with signed_in(server, "bob") as bob:
        assert bob.get(f"{path}/bytes").status_code == 403


def test_a_teams_drop_is_shown_to_an_admin_who_is_not_in_the_team(server: Server) -> None:
    with signed_in(server, "bob") as bob:
        assert bob.post("/teams", data={"name": "Quiet"}).status_code == 303
    drop = upload(server.bob, team="quiet")
    with signed_in(server, "alice") as alice:
        path = f"/admin/uploads/{drop['id']}/bytes"
        assert [alice.get(path, params={"size": size}).status_code for size in ("thumb", "small")] == [200, 200]


def test_a_setting_changes_at_once_and_what_the_environment_gives_does_not(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(BULLETDROP_TRASH_DAYS="3")
    assert server.alice.patch(f"{API}/settings", json={"max_file_size": 10}).status_code == 200
    answer = server.bob.post("/api/v1/uploads", files={"file": ("a.png", bytes(2000))})
    problem(answer, 413)
    shown = {one["name"]: one for one in server.alice.get(f"{API}/settings").json()["items"]}
    assert (shown["max_file_size"]["value"], shown["max_file_size"]["is_changed"]) == (10, True)
    assert shown["trash_days"]["given_by"] == "BULLETDROP_TRASH_DAYS"
    refused = server.alice.patch(f"{API}/settings", json={"site_name": "x", "trash_days": 5})
    assert problem(refused, 400)["field"] == "trash_days"
    server.command("config", "unset", "max_file_size")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if server.bob.post("/api/v1/uploads", files={"file": ("a.png", png())}).status_code == 201:
            return
        time.sleep(0.1)
    raise AssertionError("what the command line changed was not taken up")


def test_the_types_of_file_as_they_are_saved_again_are_no_change(server: Server) -> None:
    shown = {one["name"]: one["value"] for one in server.alice.get(f"{API}/settings").json()["items"]}
    boxes = {f"accepted_types.{kind}": "yes" for kind in shown["accepted_types"]}
    with signed_in(server, "alice") as alice:
        for less, changed in (((), 0), (("accepted_types.png",), 1)):
            form = {name: value for name, value in boxes.items() if name not in less}
            assert alice.post("/admin/settings", data={"has.accepted_types": "yes", **form}).status_code == 303
            assert len(rows(server, action="setting.change")) == changed


def test_the_log_is_exported_whole_whatever_its_length(server_on: Server) -> None:
    server_on.key_of("alice")
    for _ in range(230):
        server_on.alice.post(f"{API}/jobs/forget-runs").raise_for_status()
    answer = server_on.alice.get(f"{API}/audit/export", params={"action": "job.run"})
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    table = list(csv.reader(io.StringIO(answer.text)))
    assert len(table) == 231
    assert {line[table[0].index("actor_name")] for line in table[1:]} == {"alice"}
    lines = server_on.alice.get(f"{API}/audit/export", params={"format": "jsonl", "category": "admin"}).text
    assert sum(json.loads(line)["action"] == "job.run" for line in lines.splitlines()) == 230
    assert len(rows(server_on, action="audit.export")) == 2
    problem(server_on.alice.get(f"{API}/audit/export", params={"format": "xlsx"}), 400)
    problem(server_on.alice.get(f"{API}/audit/export", params={"since": "yesterday"}), 400)


# Route → what to send so that it does something; the rows of the authorization table say to what.
BODIES: dict[str, dict[str, Any]] = {
    "post_admin_users": {"username": "fresh", "email": "fresh@example.org"},
    "post_admin_invites": {"note": "office"},
    "patch_admin_users_user_id": {"is_active": False},
    "patch_admin_teams_team_id": {"plan": "free"},
    "patch_admin_plans_name": {"uploads_per_day": 77},
    "patch_admin_uploads_upload_id": {"act": "hide"},
    "patch_admin_settings": {"trash_days": 9},
    "post_admin_domains": {"name": "new.example"},
    "patch_admin_domains_domain_id": {"display_name": "New"},
}
# These need a mail server, or somebody with a second factor: they are done by hand below.
ELSEWHERE = {"post_admin_mail_test", "delete_admin_users_user_id_second_factor"}


def test_every_act_over_the_api_is_a_row_of_the_log(server: Server) -> None:
    acts = [route for route in ROUTES if route.path.startswith("/admin") and route.method != "GET"]
    assert len(acts) > 12
    silent = []
    for route in acts:
        if route.name in ELSEWHERE:
            continue
        row = (ROWS | domains.ROWS)[route.name]
        path = PREFIX + route.path
        for name, value in (row.params(server) if row.params else {}).items():
            path = path.replace(f"<{name}>", value)
        before = {one["id"] for one in rows(server, category="admin")}
        sent = {"json": BODIES[route.name]} if route.body is not None else {}
        answer = server.alice.request(route.method, path, **sent)  # type: ignore[arg-type]
        assert answer.status_code < 300, (route.name, answer.text)
        added = [one for one in rows(server, category="admin") if one["id"] not in before]
        if not any(one["actor_name"] == "alice" and one["address"] == "127.0.0.1" for one in added):
            silent.append(route.name)
    assert silent == []


def test_turning_off_a_lost_second_factor_is_an_event_to_look_at(server: Server) -> None:
    person = somebody(server)["user_id"]
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        values = (person, "sealed", 0, 1, 1)
        database.execute(
            "INSERT INTO totp (user_id, secret, last_step, created_at, confirmed_at) VALUES (?,?,?,?,?)", values
        )
    assert server.alice.get(f"{API}/users/{person}").json()["has_totp"] is True
    assert server.alice.delete(f"{API}/users/{person}/second-factor").status_code == 204
    events = server.alice.get(f"{API}/events").json()["items"]
    assert [one["action"] for one in events] == ["user.second-factor-off"]


def test_jobs_and_storage_say_how_the_server_is(server: Server) -> None:
    upload(server.bob)
    assert server.alice.post(f"{API}/jobs/measure-thumbnails").status_code == 200
    problem(server.alice.post(f"{API}/jobs/explode"), 404)
    assert server.alice.get(f"{API}/jobs", params={"name": "measure-thumbnails"}).json()["items"][0]["ok"] is True
    storage = server.alice.get(f"{API}/storage").json()
    assert storage["blobs"] == 1
    assert storage["measured_at"]
    assert storage["items"][0]["name"] == "bob"
    found = server.alice.get(f"{API}/overview").json()
    assert (found["figures"]["uploads"], found["figures"]["users"]) == (1, 2)
    assert found["needs"]["failed_jobs"] == []


def test_an_invite_is_made_shown_and_revoked(server: Server) -> None:
    made = server.alice.post(f"{API}/invites", json={"uses": 2, "note": "office", "plan": "pro"}).json()
    assert (made["uses_left"], made["is_open"], made["created_by"]) == (2, True, "alice")
    assert "/invite#code=" in made["link"]
    for wrong, field in (({"uses": 0}, "uses"), ({"plan": "golden"}, "plan"), ({"email": "x"}, "email")):
        assert problem(server.alice.post(f"{API}/invites", json=wrong), 400)["field"] == field
    assert server.alice.delete(f"{API}/invites/{made['id']}").status_code == 204
    problem(server.alice.delete(f"{API}/invites/{made['id']}"), 404)
    (listed,) = server.alice.get(f"{API}/invites").json()["items"]
    assert (listed["is_open"], bool(listed["revoked_at"])) == (False, True)


def test_a_mail_is_handed_over(server: Server) -> None:
    server.key_of("alice")
    mail_id = a_mail(server)["mail_id"]
    with signed_in(server, "alice") as alice:
        assert [one["id"] for one in alice.get(f"{API}/mail").json()["items"]] == [mail_id]
        assert alice.delete(f"{API}/mail/{mail_id}").status_code == 204
        assert alice.get(f"{API}/mail").json()["items"] == []
    problem(server.alice.delete(f"{API}/mail/{new_id()}"), 404)
