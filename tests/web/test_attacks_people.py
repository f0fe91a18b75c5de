"""Attacks on people's accounts that are made of allowed steps: each was possible once, and is not any more."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import time
import zipfile
from collections.abc import Callable, Iterator

import httpx
import pyotp
import pytest

from tests.support.server import PASSWORD, Server
from tests.support.smtp import Sink, mail_server
from tests.web.browser import browser, sign_in, signed_in
from tests.web.kit import png, problem, upload

NEW = "another good battery"


def rows(server: Server, query: str, *values: object) -> list[tuple[object, ...]]:
    """What the server's database holds."""
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database:
        return list(database.execute(query, values))


def tokens(server: Server, purpose: str, to: str) -> list[str]:
    """The codes of all mails of a kind to somebody, the first one first."""
    query = "SELECT link FROM mail WHERE purpose = ? AND recipient = ? ORDER BY created_at, id"
    return [str(link).rpartition("=")[2] for (link,) in rows(server, query, purpose, to)]


def id_of(admin: httpx.Client, name: str) -> str:
    """An account's id."""
    (found,) = [one for one in admin.get("/api/v1/admin/users").json()["items"] if one["username"] == name]
    return str(found["id"])


def change_address(server: Server, client: httpx.Client, name: str) -> str:
    """Give an account the thief's address, as its owner would. Returns the code with which the old one undoes it."""
    wanted = {"email": f"thief-of-{name}@example.net", "password": PASSWORD}
    client.post("/api/v1/account/email", json=wanted).raise_for_status()
    (confirm,) = tokens(server, "email-change", f"thief-of-{name}@example.net")
    client.post("/api/v1/auth/email/confirm", json={"token": confirm}).raise_for_status()
    (undo,) = tokens(server, "email-changed", f"{name}@example.org")
    return undo


def undone(server: Server, undo: str, name: str) -> None:
    """Undo the change from the old address, and see that the account is there again."""
    with browser(server) as owner:
        assert owner.post("/api/v1/auth/email/undo", json={"token": undo}).status_code == 204
        reset = tokens(server, "reset", f"{name}@example.org")[-1]
        assert owner.post("/api/v1/auth/reset", json={"token": reset, "password": NEW + " mine"}).status_code == 204
    assert rows(server, "SELECT email FROM user WHERE username = ?", name) == [(f"{name}@example.org",)]


@pytest.mark.parametrize("then", ["password", "deletion", "reset"])
def test_a_thief_who_changes_the_address_cannot_take_the_old_ones_word_away(server: Server, then: str) -> None:
    with signed_in(server, "bob") as thief:
        undo = change_address(server, thief, "bob")
        if then == "password":
            values = {"new_password": NEW, "password": PASSWORD}
            thief.post("/api/v1/account/password", json=values).raise_for_status()
        elif then == "deletion":
            thief.post("/api/v1/account/delete-request", json={"password": PASSWORD}).raise_for_status()
        else:
            thief.post("/api/v1/auth/forgot", json={"identifier": "bob"}).raise_for_status()
            to = "thief-of-bob@example.net"
            assert eventually(lambda: tokens(server, "reset", to))
            reset = tokens(server, "reset", to)[0]
            thief.post("/api/v1/auth/reset", json={"token": reset, "password": NEW}).raise_for_status()
    undone(server, undo, "bob")


def test_what_a_thief_adds_to_come_back_goes_when_the_change_of_address_is_undone(server: Server) -> None:
    with signed_in(server, "bob") as thief:
        undo = change_address(server, thief, "bob")
        secret = thief.post("/api/v1/account/totp", json={"password": PASSWORD}).json()["secret"]
        confirmed = thief.post("/api/v1/account/totp/confirm", json={"code": pyotp.TOTP(secret).now()})
        assert len(confirmed.json()["recovery_codes"]) == 10
        user = thief.get("/api/v1/account").json()["id"]
    now = int(time.time() * 1_000_000)
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        # As a provider and an authenticator of the thief's would have left them: one of each, and one from before.
        for number, at in ((1, now), (2, now - 3600 * 1_000_000)):
            values = (f"i{number}", user, f"p{number}", "https://id.example", f"s{number}", "", "", at)
            insert = "INSERT INTO identity (id, user_id, provider, issuer, subject, email, name, created_at) VALUES "
            database.execute(f"{insert}(?, ?, ?, ?, ?, ?, ?, ?)", values)
    undone(server, undo, "bob")
    assert rows(server, "SELECT id FROM identity") == [("i2",)]
    for table in ("totp", "recovery_code"):
        assert rows(server, f"SELECT COUNT(*) FROM {table}") == [(0,)]
    with browser(server) as owner:
        assert sign_in(owner, "bob", NEW + " mine").status_code == 200


def test_a_stranger_can_neither_end_a_link_for_a_new_password_nor_fill_a_mailbox(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    server.key_of("bob")
    with signed_in(server, "alice") as admin:
        link = admin.post(f"/api/v1/admin/users/{id_of(admin, 'bob')}/reset").json()["link"]
    with browser(server) as stranger:
        for number in range(30):
            come_from = {"X-Forwarded-For": f"10.0.0.{number}"}
            answer = stranger.post("/api/v1/auth/forgot", json={"identifier": "bob"}, headers=come_from)
            assert answer.status_code == 202
    assert eventually(lambda: len(tokens(server, "reset", "bob@example.org")) == 3)
    time.sleep(0.3)
    assert len(tokens(server, "reset", "bob@example.org")) == 3
    with browser(server) as bob:
        values = {"token": link.rpartition("=")[2], "password": NEW}
        assert bob.post("/api/v1/auth/reset", json=values).status_code == 204
        assert sign_in(bob, "bob", NEW).status_code == 200


def test_a_stranger_can_neither_end_nor_multiply_the_links_that_confirm_an_address(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(BULLETDROP_REGISTRATION="open", BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    server.key_of("alice")
    with browser(server) as dora:
        values = {"username": "dora", "email": "dora@example.org", "password": PASSWORD}
        dora.post("/api/v1/auth/register", json=values).raise_for_status()
        for number in range(30):
            come_from = {"X-Forwarded-For": f"10.0.0.{number}"}
            dora.post("/api/v1/auth/resend", json={"identifier": "dora"}, headers=come_from).raise_for_status()
        assert eventually(lambda: len(tokens(server, "verify", "dora@example.org")) == 3)
        first = tokens(server, "verify", "dora@example.org")[0]
        assert dora.post("/api/v1/auth/verify-email", json={"token": first}).status_code == 204
        assert len(tokens(server, "verify", "dora@example.org")) == 3
        assert sign_in(dora, "dora").status_code == 200


def test_an_admin_s_key_gets_no_admin_s_account_by_a_link_from_before_the_promotion(server: Server) -> None:
    with signed_in(server, "alice") as admin:
        key = admin.post("/api/v1/api-keys", json={"name": "k", "scopes": ["admin"], "password": PASSWORD}).json()[
            "key"
        ]
        with httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
        ) as program:
            wanted = {"username": "dora", "email": "dora@example.org"}
            made = program.post("/api/v1/admin/users", json=wanted).json()
            admin.patch(f"/api/v1/admin/users/{made['id']}", json={"is_admin": True}).raise_for_status()
            values = {"token": made["link"].rpartition("=")[2], "password": NEW}
            problem(program.post("/api/v1/auth/reset", json=values), 401, "bad_ticket")


def test_two_people_with_limits_cannot_make_teams_for_ever_by_handing_them_over(server: Server) -> None:
    with signed_in(server, "bob") as bob, signed_in(server, "charlie") as charlie, signed_in(server, "alice") as admin:
        for name in ("bob", "charlie"):
            admin.patch(f"/api/v1/admin/users/{id_of(admin, name)}", json={"plan": "free"}).raise_for_status()
        other = id_of(admin, "charlie")
        for number in range(7):
            team = bob.post("/api/v1/teams", json={"name": f"team {number}"}).json()["id"]
            link = bob.post(f"/api/v1/teams/{team}/invites", json={"role": "member"}).json()["link"]
            charlie.post("/api/v1/teams/join", json={"code": link.rpartition("=")[2]}).raise_for_status()
            handed = bob.post(f"/api/v1/teams/{team}/owner", json={"user_id": other})
            if number < 5:
                assert handed.status_code == 200
                continue
            problem(handed, 409, "conflict")
            promoted = bob.patch(f"/api/v1/teams/{team}/members/{other}", json={"role": "owner"})
            problem(promoted, 409, "conflict")
        # What the limit is not about goes on: whoever owns five may still be a member and an admin of others.
        assert bob.patch(f"/api/v1/teams/{team}/members/{other}", json={"role": "admin"}).status_code == 200


def test_whoever_was_taken_out_of_a_team_takes_nothing_of_it_home(server: Server) -> None:
    with signed_in(server, "bob") as bob, signed_in(server, "alice") as alice:
        team = alice.post("/api/v1/teams", json={"name": "north"}).json()["id"]
        link = alice.post(f"/api/v1/teams/{team}/invites", json={"role": "member"}).json()["link"]
        bob.post("/api/v1/teams/join", json={"code": link.rpartition("=")[2]}).raise_for_status()
        own, theirs = upload(bob)["id"], upload(bob, team=team)["id"]
        assert exported(bob) == {own, theirs}
        alice.delete(f"/api/v1/teams/{team}/members/{id_of(alice, 'bob')}").raise_for_status()
        alice.patch(f"/api/v1/uploads/{theirs}", json={"title": "not for bob"}).raise_for_status()
        assert exported(bob) == {own}


def exported(client: httpx.Client) -> set[str]:
    """The ids of the drops in somebody's export, each with its bytes."""
    archive = zipfile.ZipFile(io.BytesIO(client.get("/api/v1/account/export").content))
    drops = [json.loads(line) for line in archive.read("drops.jsonl").splitlines()]
    assert {drop["path"] for drop in drops} == {name for name in archive.namelist() if name.startswith("files/")}
    return {drop["id"] for drop in drops}


def test_nobody_registers_as_somebody_whom_people_would_trust(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_REGISTRATION="open", BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    server.key_of("alice")
    with browser(server) as client:
        for number, name in enumerate(
            ("adm1n", "supp0rt", "r00t", "s-ecurity", "he1p", "Adrnin", "1egal", "bullet.drop")
        ):
            values = {"username": name, "email": f"p{number}@example.org", "password": PASSWORD}
            come_from = {"X-Forwarded-For": f"10.0.0.{number}"}
            answer = client.post("/api/v1/auth/register", json=values, headers=come_from)
            assert problem(answer, 409, "name_reserved")["field"] == "username", name
        fine = {"username": "helper5", "email": "fine@example.org", "password": PASSWORD}
        assert client.post("/api/v1/auth/register", json=fine).status_code == 201


def test_an_admin_sees_that_somebody_guesses_passwords_once_and_without_what_was_typed(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    with signed_in(server, "alice") as admin, browser(server) as thief:
        for name in ("alice", "nobody-here"):
            for number in range(15):
                come_from = {"X-Forwarded-For": "10.9.9.9" if name == "alice" else "10.9.9.10"}
                values = {"identifier": name, "password": f"wrong {number}"}
                assert thief.post("/api/v1/auth/login", json=values, headers=come_from).status_code in (401, 429)
        events = admin.get("/api/v1/admin/events?action=sign-in").json()["items"]
        assert {(one["action"], one["address"]) for one in events} == {
            ("sign-in.braked", "10.9.9.9"),
            ("sign-in.braked", "10.9.9.10"),
        }
        assert len(events) == 2
        assert "nobody-here" not in str(events)


def test_requests_that_are_refused_half_way_leave_no_stuck_work_to_the_admin(server: Server) -> None:
    server.key_of("bob")
    with signed_in(server, "alice") as admin, signed_in(server, "bob") as bob:
        own = {"limits": {"uploads_per_day": 2}}
        admin.patch(f"/api/v1/admin/users/{id_of(admin, 'bob')}", json=own).raise_for_status()
        for _ in range(3):
            files = [("file", (f"{number}.png", png(), "image/png")) for number in range(4)]
            problem(bob.post("/api/v1/uploads", files=files), 429)
    # As such a request leaves it when the work is looked at after the refusal has deleted the picture.
    values = ("j1", "thumbnails", "no such picture", 0, 0)
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        database.execute(
            "INSERT INTO job (id, kind, subject, attempts, due_at, created_at) VALUES (?, ?, ?, 0, ?, ?)", values
        )
    assert eventually(lambda: rows(server, "SELECT COUNT(*) FROM job WHERE kind = 'thumbnails'") == [(0,)])


@pytest.fixture
def sink() -> Iterator[Sink]:
    with mail_server() as server:
        yield server


def test_an_address_that_no_mail_can_be_sent_to_is_refused(make_server: Callable[..., Server], sink: Sink) -> None:
    server = make_server(
        BULLETDROP_REGISTRATION="open",
        BULLETDROP_SMTP_HOST="127.0.0.1",
        BULLETDROP_SMTP_PORT=str(sink.port),
        BULLETDROP_SMTP_SECURITY="none",
        BULLETDROP_SMTP_FROM="drop@example.org",
        BULLETDROP_TRUSTED_PROXIES="127.0.0.1",
    )
    server.key_of("alice")
    wrong: tuple[str, ...] = (
        "<>@x.org",
        "a..b@x.org",
        ".a@x.org",
        "[@x.org",
        "a,b@x.org",
        "a@b..c",
        "a@x.org,b",
        "(x)@x.org",
        "a@-",
    )
    wrong += ("=?utf-8?q?a=0aBcc:b?=@x.org", "a@x.org;b", "a@x.org>", "a\\b@x.org", "a:b@x.org", "a\x7f@x.org")
    good = ("o'neil+drops@mail.example.co.uk", "a_b-c=d@localhost", "dora@bücher.example", "नाम@हिन्दी.example")
    with browser(server) as client:
        for number, email in enumerate((*wrong, *good)):
            values = {"username": f"person{'abcdefghjkmnpqrstuwxyz'[number]}", "email": email, "password": PASSWORD}
            come_from = {"X-Forwarded-For": f"10.0.0.{number}"}
            answer = client.post("/api/v1/auth/register", json=values, headers=come_from)
            if email in good:
                assert answer.status_code == 201, (email, answer.text)
            else:
                assert problem(answer, 400, "invalid")["field"] == "email", email
    assert sink.to(good[0])
    assert sink.to(good[1])


def test_a_mail_to_an_address_from_older_days_that_is_none_is_given_up_at_once(
    make_server: Callable[..., Server], sink: Sink
) -> None:
    environ = {"BULLETDROP_SMTP_HOST": "127.0.0.1", "BULLETDROP_SMTP_PORT": str(sink.port)}
    server = make_server(**environ, BULLETDROP_SMTP_SECURITY="none", BULLETDROP_SMTP_FROM="drop@example.org")
    server.key_of("bob")
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        database.execute("UPDATE user SET email = '<>@x.org', email_key = '<>@x.org' WHERE username = 'bob'")
    with browser(server) as stranger:
        stranger.post("/api/v1/auth/forgot", json={"identifier": "bob"}).raise_for_status()
    assert eventually(lambda: rows(server, "SELECT error FROM mail") == [("This is no email address.",)])
    assert eventually(lambda: rows(server, "SELECT COUNT(*) FROM job WHERE kind = 'mail'") == [(0,)])


def eventually(fits: Callable[[], object], *, seconds: float = 30) -> bool:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fits():
            return True
        time.sleep(0.05)
    return False
