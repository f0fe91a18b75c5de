"""The administration from a shell: the same acts as on the page, each a row of the audit log."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import PASSWORD, Server


@pytest.fixture
def house(tmp_path: Path) -> Server:
    """A data folder without a running server, with alice, who is its admin, and bob."""
    made = Server(tmp_path / "data")
    for name, flags in (("alice", ("--admin",)), ("bob", ())):
        made.quickly("user", "add", name, "--email", f"{name}@example.org", "--password-stdin", *flags, stdin=PASSWORD)
    return made


def audit(house: Server, *options: str) -> list[dict[str, Any]]:
    """The log as the command prints it, newest first."""
    return [json.loads(line) for line in house.quickly("audit", "--json", *options).splitlines()]


def show(house: Server, name: str) -> dict[str, Any]:
    """One person as the command prints them."""
    shown: dict[str, Any] = json.loads(house.quickly("user", "show", name, "--json"))
    return shown


def make_team(house: Server) -> None:
    """A team of bob's, named Design."""
    with contextlib.closing(sqlite3.connect(house.data / "bulletdrop.db")) as database, database:
        database.execute(
            "INSERT INTO team (id, name, slug, slug_key, plan, limits, storage_used, created_at, updated_at)"
            " VALUES ('t1', 'Design', 'design', 'design', 'home', '{}', 0, 0, 0)"
        )
        database.execute(
            "INSERT INTO team_member (team_id, user_id, role, joined_at)"
            " SELECT 't1', id, 'owner', 0 FROM user WHERE username = 'bob'"
        )


def test_people_are_listed_searched_and_shown(house: Server) -> None:
    assert house.command("user", "list", "--search", "BO").stdout.split()[:4] == [
        "bob",
        "bob@example.org",
        "user",
        "home",
    ]
    house.command("user", "disable", "bob", "--reason", "spam")
    assert "blocked" in house.command("user", "list").stdout
    assert [
        one["username"] for one in json.loads(house.command("user", "list", "--state", "active", "--json").stdout)
    ] == ["alice"]
    assert show(house, "bob")["is_active"] is False
    assert "blocked" not in house.command("user", "show", "alice").stdout
    assert house.command("user", "list", "--state", "odd", check=False).returncode == 2


def test_limits_and_plans_are_changed(house: Server) -> None:
    assert house.command("user", "plan", "bob", "free").stdout == "bob is on the plan free.\n"
    said = house.command("user", "limits", "bob", "storage=1000", "uploads_per_day=none").stdout
    assert "storage               1000  (own)\n" in said
    assert "uploads_per_day       no limit  (own)\n" in said
    house.command("user", "limits", "bob", "storage=")
    assert show(house, "bob")["limits"] == {"uploads_per_day": -1}
    for wrong in ("storage", "storage=-5", "storage=much", "cats=1"):
        assert house.command("user", "limits", "bob", wrong, check=False).returncode == 2
    assert house.command("user", "plan", "bob", "golden", check=False).returncode == 2


def test_teams_are_listed_and_their_plans_and_limits_changed(house: Server) -> None:
    assert "No teams yet" in house.command("team", "list").stdout
    make_team(house)
    words = ["design", "1", "members", "home", "0", "bytes", "bob"]
    assert house.command("team", "list").stdout.split() == words
    assert house.command("team", "plan", "Design", "free").stdout == "design is on the plan free.\n"
    said = house.command("team", "limits", "design", "storage=1000", "uploads_per_day=none").stdout
    assert "storage               1000  (own)\n" in said
    assert "uploads_per_day       no limit  (own)\n" in said
    assert "requests_per_hour" not in said
    house.command("team", "limits", "t1", "storage=")
    (listed,) = json.loads(house.command("team", "list", "--search", "bob", "--json").stdout)
    assert (listed["plan"], listed["limits"], listed["owners"]) == ("free", {"uploads_per_day": -1}, ["bob"])
    for wrong in ("storage", "storage=-5", "storage=much", "cats=1", "requests_per_hour=1"):
        assert house.command("team", "limits", "design", wrong, check=False).returncode == 2
    assert house.command("team", "plan", "design", "golden", check=False).returncode == 2
    assert house.command("team", "plan", "nothing", "free", check=False).returncode == 1


def test_a_team_is_deleted_in_seven_days_and_kept(house: Server) -> None:
    make_team(house)
    assert "design will be deleted on" in house.command("team", "delete", "design").stdout
    assert house.command("team", "list", "--state", "leaving").stdout.rstrip().endswith("leaving")
    assert house.command("team", "delete", "design", check=False).returncode == 1
    assert house.command("team", "keep", "design").stdout == "design stays.\n"
    assert house.command("team", "keep", "design", check=False).returncode == 1


def test_a_reset_prints_the_link_alone(house: Server) -> None:
    link = house.command("user", "reset", "bob").stdout
    assert link.count("\n") == 1
    assert "/reset#token=" in link
    assert link.split("token=")[1].strip() not in json.dumps(audit(house))


def test_a_deletion_waits_and_is_taken_back(house: Server) -> None:
    assert "will be deleted on" in house.command("user", "delete", "bob").stdout
    assert show(house, "bob")["delete_scheduled_for"]
    assert house.command("user", "keep", "bob").stdout == "bob stays.\n"
    done = house.command("user", "delete", "bob", "--now", "--confirm", "bab", check=False)
    assert (done.returncode, done.stderr) == (2, "bulletdrop: Type “bob” to delete this account for good.\n")
    done = house.command("user", "delete", "alice", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_an_invite_prints_its_link_alone_and_is_revoked(house: Server) -> None:
    done = house.command("invite", "add", "--uses", "3", "--note", "the office", "--expires", "7d")
    assert "/invite#code=" in done.stdout
    assert done.stdout.count("\n") == 1
    assert "config set registration invite" in done.stderr
    (row,) = json.loads(house.command("invite", "list", "--json").stdout)
    assert (row["link"], row["uses_left"], row["is_open"]) == (done.stdout.strip(), 3, True)
    assert house.command("invite", "revoke", row["id"]).stdout == "Revoked.\n"
    assert house.command("invite", "revoke", row["id"], check=False).returncode == 1
    assert "closed" in house.command("invite", "list").stdout
    assert house.command("invite", "add", "--uses", "0", check=False).returncode == 2


def test_links_begin_as_those_of_the_running_server(server: Server) -> None:
    server.key_of("bob")
    assert server.command("invite", "add").stdout.startswith(f"{server.url}/invite#")
    assert server.command("user", "reset", "bob").stdout.startswith(f"{server.url}/reset#")
    assert json.loads(server.command("config", "--json").stdout)["public_url"] == ""


def test_jobs_are_listed_in_words(house: Server) -> None:
    assert ["measure-thumbnails", "every", "6", "hours"] in [
        line.split() for line in house.command("job").stdout.splitlines()
    ]


def test_settings_are_changed_for_a_running_server(house: Server) -> None:
    assert house.command("config", "set", "registration", "invite").stdout == "registration = invite\n"
    assert house.command("config", "set", "accepted_types", "png,jpeg").stdout == "accepted_types = png, jpeg\n"
    assert json.loads(house.command("config", "--json").stdout)["registration"] == "invite"
    assert house.command("config", "unset", "registration").stdout == "registration = closed\n"
    for wrong in (("registration", "maybe"), ("port", "1"), ("trash_day", "1")):
        done = house.command("config", "set", *wrong, check=False)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    house.environ["BULLETDROP_TRASH_DAYS"] = "3"
    assert "Change it there" in house.command("config", "set", "trash_days", "5", check=False).stderr


def test_the_log_is_printed_and_filtered(house: Server) -> None:
    house.command("user", "disable", "bob", "--reason", "spam")
    (row,) = audit(house, "--action", "user.disable")
    assert (row["subject"], row["detail"], row["actor"], row["category"]) == ("bob", "spam", None, "admin")
    assert {one["category"] for one in audit(house, "--category", "admin")} == {"admin"}
    assert audit(house, "--since", "1h", "--limit", "1") == [row]
    assert audit(house, "--since", "2090-01-01") == []
    assert "user.disable" in house.command("audit").stdout
    assert house.command("audit", "--since", "never", check=False).returncode == 2
    assert house.command("audit", "--category", "odd", check=False).returncode == 2


ACTS: tuple[tuple[str, ...], ...] = (
    ("user", "add", "carla", "--email", "c@example.org", "--password-stdin"),
    ("user", "promote", "bob"),
    ("user", "promote", "bob", "--remove"),
    ("user", "passwd", "bob", "--password-stdin"),
    ("user", "disable", "bob"),
    ("user", "disable", "bob", "--enable"),
    ("user", "plan", "bob", "pro"),
    ("user", "limits", "bob", "storage=5"),
    ("user", "reset", "bob"),
    ("user", "sign-out", "bob"),
    ("user", "sign-out", "bob", "--keys"),
    ("user", "verify", "zoe"),
    ("user", "drop-second-factor", "zoe"),
    ("key", "add", "bob", "--name", "k", "--scope", "uploads:read"),
    ("invite", "add"),
    ("config", "set", "trash_days", "9"),
    ("config", "unset", "trash_days"),
    ("job", "expire"),
    ("team", "plan", "design", "pro"),
    ("team", "limits", "design", "storage=5"),
    ("team", "delete", "design"),
    ("team", "keep", "design"),
    ("user", "delete", "bob"),
    ("user", "keep", "bob"),
)


def test_every_act_of_the_command_line_is_a_row_of_the_log(house: Server) -> None:
    house.command("user", "add", "zoe", "--email", "z@example.org", "--password-stdin", stdin=PASSWORD)
    with contextlib.closing(sqlite3.connect(house.data / "bulletdrop.db")) as database, database:
        database.execute("UPDATE user SET is_verified = 0 WHERE username = 'zoe'")
        database.execute("INSERT INTO totp (user_id, secret, last_step, created_at) SELECT id, 's', 0, 0 FROM user")
    make_team(house)
    silent = []
    rows = audit(house, "--category", "admin", "--limit", "0")
    for act in ACTS:
        before = len(rows)
        house.command(*act, stdin=PASSWORD)
        rows = audit(house, "--category", "admin", "--limit", "0")
        if len(rows) <= before or rows[0]["actor"] is not None:
            silent.append(act)
    assert silent == []
