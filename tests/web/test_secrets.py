"""Secrets over HTTP: made as JSON or as a form, opened so many times, and gone."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
import pytest

from tests.support.server import Server
from tests.web.rows.teams import make_team


def make(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A secret; the answer's JSON."""
    answer = client.post("/api/v1/secrets", json={"content": "the door is 4711", **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def open_(server: Server, secret: dict[str, Any], **fields: Any) -> httpx.Response:
    """Open a secret as somebody without an account."""
    return server.anonymous.post(f"/api/v1/secrets/{secret['id']}/open", json=fields)


def test_a_secret_opens_once_and_is_gone(server_on: Server) -> None:
    made = make(server_on.alice, note="for bob")
    assert made["url"] == f"{server_on.url}/s/{made['id']}"
    assert (made["state"], made["max_views"]) == ("open", 1)
    first = open_(server_on, made)
    assert first.status_code == 200
    assert first.json() == {"mode": "server", "content": "the door is 4711", "files": [], "views_left": 0, "pass": ""}
    assert first.headers["cache-control"] == "no-store"
    second, never = open_(server_on, made), open_(server_on, {"id": "1111111111111111111111"})
    assert (second.status_code, never.status_code) == (410, 410)
    assert second.json()["error"]["message"] == never.json()["error"]["message"]
    after = server_on.alice.get(f"/api/v1/secrets/{made['id']}").json()
    assert (after["state"], after["views"]) == ("opened", 1)
    assert not any((server_on.data / "secrets").iterdir())


def with_files(client: httpx.Client, *files: tuple[str, bytes], **fields: str) -> httpx.Response:
    """Send the form of a secret with files."""
    parts = [("file", (name, io.BytesIO(content))) for name, content in files]
    return client.post("/api/v1/secrets", data=fields, files=parts)


def fetched(server: Server, secret: dict[str, Any], opened: dict[str, Any], part: int = 1) -> httpx.Response:
    """Fetch a file of an opened secret."""
    return server.anonymous.post(f"/api/v1/secrets/{secret['id']}/files/{part}", json={"pass": opened["pass"]})


def test_looking_at_the_page_opens_nothing(shared: Server) -> None:
    made = make(shared.alice)
    for method in ("GET", "HEAD"):
        for agent in ("Mozilla/5.0 Firefox/140.0", "Slackbot-LinkExpanding 1.0", "Discordbot/2.0"):
            answer = shared.anonymous.request(method, f"/s/{made['id']}", headers={"User-Agent": agent})
            assert answer.status_code == 200
            assert "4711" not in answer.text
            assert "noindex" in answer.headers["x-robots-tag"]
            assert answer.headers["cache-control"] == "no-store"
            assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert open_(shared, made).status_code == 200
    gone = shared.anonymous.get(f"/s/{made['id']}", headers={"Accept": "text/html"})
    never = shared.anonymous.get("/s/1111111111111111111111", headers={"Accept": "text/html"})
    assert (gone.status_code, gone.text) == (410, never.text.replace("1111111111111111111111", made["id"]))


def test_the_page_opens_it_by_its_button_alone(shared: Server) -> None:
    made = make(shared.alice, content="<script>alert(1)</script>\n\n  two spaces")
    answer = shared.anonymous.post(f"/s/{made['id']}", data={})
    assert answer.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\n\n  two spaces" in answer.text
    assert "This was the last opening." in answer.text
    assert shared.anonymous.post(f"/s/{made['id']}", data={}).status_code == 410


def test_files_come_encrypted_to_the_disk_and_leave_as_downloads(shared: Server) -> None:
    page, content = b"<html><script>alert(1)</script>", bytes(range(256)) * 4000
    made = with_files(shared.alice, ("a.html", page), ("\u00e9 b.bin", content), content="two files").json()
    assert (made["file_count"], made["size"] > len(content)) == (2, True)
    opened = open_(shared, made).json()
    assert [(file["name"], file["type"], file["size"]) for file in opened["files"]] == [
        ("a.html", "text/html", len(page)),
        ("\u00e9 b.bin", "application/octet-stream", len(content)),
    ]
    first = fetched(shared, made, opened)
    assert first.content == page
    assert first.headers["content-type"] == "application/octet-stream"
    assert first.headers["content-disposition"] == 'attachment; filename="a.html"'
    assert first.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in first.headers["content-security-policy"]
    assert first.headers["cache-control"] == "no-store"
    assert fetched(shared, made, opened, 2).content == content
    for part in ("0", "3", "-1", "x", "1111"):
        assert (
            shared.anonymous.post(
                f"/api/v1/secrets/{made['id']}/files/{part}", json={"pass": opened["pass"]}
            ).status_code
            == 410
        )


def test_a_wrong_passphrase_uses_nothing_up_and_is_braked(server: Server) -> None:
    made = make(server.alice, passphrase="open sesame")
    assert made["has_passphrase"]
    assert open_(server, made).json()["error"]["code"] == "password_needed"
    wrong = [open_(server, made, passphrase="open sesam") for _ in range(12)]
    assert [answer.status_code for answer in wrong] == [401] * 10 + [429] * 2
    assert int(wrong[-1].headers["retry-after"]) > 60
    # Somebody else's secret, from the same address.
    other = make(server.alice, passphrase="other")
    assert open_(server, other, passphrase="other").status_code == 200
    log = server.alice.get(f"/api/v1/secrets/{made['id']}/access-log").json()["items"]
    assert {(row["outcome"], row["address"]) for row in log} == {("refused", "127.0.0.0/24")}
    assert server.alice.get(f"/api/v1/secrets/{made['id']}").json()["views"] == 0


def test_a_repeat_with_the_same_key_is_the_same_secret(shared: Server) -> None:
    headers = {"Idempotency-Key": "one-secret"}
    first = shared.alice.post("/api/v1/secrets", json={"content": "a"}, headers=headers)
    again = shared.alice.post("/api/v1/secrets", json={"content": "b"}, headers=headers)
    assert (first.json()["id"], again.headers["idempotency-replayed"]) == (again.json()["id"], "true")
    assert open_(shared, first.json()).json()["content"] == "a"


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"content": ""}, 400, "content"),
        ({"max_views": 0}, 400, "max_views"),
        ({"max_views": None}, 400, "expires_at"),
        ({"expires_at": "yesterday"}, 400, "expires_at"),
        ({"expires_at": "2020-01-01"}, 400, "expires_at"),
        ({"mode": "none"}, 400, "mode"),
        ({"team": "nobodys"}, 404, None),
        ({"more": "x"}, 400, "more"),
        ({"content": "x" * 1_048_577}, 413, "content"),
        ({"content": "x" * 9_000_000}, 413, "file"),
        ({"passphrase": "x" * 1500}, 400, "passphrase"),
        ({"note": "two\nlines"}, 400, "note"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_kept_is_refused_with_the_field(
    shared: Server, fields: dict[str, Any], status: int, field: str | None
) -> None:
    answer = shared.alice.post("/api/v1/secrets", json={"content": "t", **fields})
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field), answer.text


def test_files_have_limits_in_number_and_size(make_server: Any) -> None:
    server = make_server(BULLETDROP_MAX_FILE_SIZE="100000")
    assert with_files(server.alice, ("a", b"a" * 60_000), ("b", b"b" * 30_000)).status_code == 201
    many = [(f"{number}.txt", b"x") for number in range(21)]
    assert with_files(server.alice, *many).status_code == 413
    assert with_files(server.alice, ("a", b"")).status_code == 400
    assert with_files(server.alice, ("a", b"a" * 3_000_000)).status_code == 413
    assert len(list((server.data / "secrets").iterdir())) == 3
    # What was refused is removed after the answer.
    deadline = time.monotonic() + 30
    while list((server.data / "tmp").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_teams_secrets_are_its_members(server: Server) -> None:
    team = make_team(server)
    made = make(server.bob, team=team["slug"], note="for the team")
    assert [row["id"] for row in server.alice.get("/api/v1/secrets").json()["items"]] == [made["id"]]
    assert server.charlie.get("/api/v1/secrets").json()["items"] == []
    assert server.charlie.get(f"/api/v1/secrets?team={team['slug']}").status_code == 404
    assert server.charlie.delete(f"/api/v1/secrets/{made['id']}").status_code == 404
    assert server.alice.delete(f"/api/v1/secrets/{made['id']}").status_code == 204
    assert open_(server, made).status_code == 410
    assert server.bob.get(f"/api/v1/secrets/{made['id']}").json()["state"] == "burned"


def test_a_list_has_pages_and_never_what_is_in_them(server: Server) -> None:
    ids = [make(server.alice, content=f"canary-{number}")["id"] for number in range(5)]
    first = server.alice.get("/api/v1/secrets?limit=3")
    second = server.alice.get(f"/api/v1/secrets?limit=3&cursor={first.json()['next']}")
    assert [row["id"] for row in first.json()["items"] + second.json()["items"]] == ids[::-1]
    assert second.json()["next"] is None
    assert "canary" not in first.text + second.text


def test_the_log_and_the_audit_say_who_and_never_what(server: Server) -> None:
    made = make(server.alice, content="canary-text", passphrase="canary-pass", note="the note")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    path = f"/api/v1/secrets/{made['id']}"
    server.anonymous.post(f"{path}/open", json={"passphrase": "canary-pass"}, headers={"User-Agent": agent})
    (row,) = server.alice.get(f"{path}/access-log").json()["items"]
    assert (row["outcome"], row["address"], row["agent"]) == ("opened", "127.0.0.0/24", "Firefox on Linux")
    audit = server.alice.get("/api/v1/admin/audit").text
    assert "secret.add" in audit
    assert made["id"] in audit
    assert "canary" not in audit
    assert "canary" not in server.log.read_text()
