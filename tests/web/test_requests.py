"""Requests for files over HTTP: what guests may send, what becomes of it, and what they never see."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest

from tests.conftest import both_databases
from tests.support.server import Server
from tests.web.browser import browser, kept
from tests.web.kit import BOUNDARY, form, path_of, png, problem, raw, settled, upload
from tests.web.quota_kit import ask, limit
from tests.web.rows.teams import make_team

JSON = {"Accept": "application/json"}


def make(client: httpx.Client, *, team: str | None = None, **wishes: Any) -> dict[str, Any]:
    """A request into a fresh album, as the API answers it, with the album's slug and the guest's path."""
    album = client.post("/api/v1/albums", json={"title": "Regatta", "team": team, "is_public": False}).json()
    answer = client.post("/api/v1/upload-requests", json={"album_id": album["id"], "title": "Canary title", **wishes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return {**made, "path": path_of(made["url"]), "slug": album["slug"]}


def give(client: httpx.Client, wanted: dict[str, Any], *files: tuple[str, bytes], **headers: str) -> httpx.Response:
    """Send files as a guest's form does."""
    parts = [("file", (name, data, "image/png")) for name, data in files]
    return client.post(wanted["path"], files=parts, headers=headers)


def items(client: httpx.Client, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """What is in the album."""
    found: list[dict[str, Any]] = client.get(f"/api/v1/albums/{wanted['album_id']}/items").json()["items"]
    return found


def now(client: httpx.Client, wanted: dict[str, Any]) -> tuple[int, int]:
    """Files and bytes that are counted."""
    found = client.get(f"/api/v1/upload-requests/{wanted['id']}").json()
    return found["files"], found["bytes"]


def test_what_a_guest_sends_is_the_owners_private_drop_in_the_album(shared: Server) -> None:
    wanted, first, second = make(shared.alice), png(), png()
    with browser(shared) as guest:
        page = guest.get(wanted["path"])
        assert page.status_code == 200
        assert "Canary title" in page.text
        answer = give(guest, wanted, ("a.png", first), ("b.png", second))
        assert answer.status_code == 201, answer.text
        assert "All 2 sent." in answer.text
    rows = items(shared.alice, wanted)
    assert [(row["original_filename"], row["source"], row["is_public"]) for row in rows] == [
        ("a.png", "request", False), ("b.png", "request", False),
    ]  # fmt: skip
    assert now(shared.alice, wanted) == (2, len(first) + len(second))
    assert shared.alice.get(path_of(rows[0]["direct_url"])).content == first


def test_a_guest_sees_a_receipt_of_what_they_sent_now_and_never_what_others_sent(shared: Server) -> None:
    wanted = make(shared.alice)
    with browser(shared) as other:
        give(other, wanted, ("canary-of-another.png", png()))
    drop = items(shared.alice, wanted)[0]
    with browser(shared) as guest:
        answer = give(guest, wanted, ("mine.png", png()))
        assert "mine.png" in answer.text
        texts = [answer.text, guest.get(wanted["path"]).text, give(guest, wanted, ("x.png", png()), **JSON).text]
        for text in texts:
            for secret in ("canary-of-another", drop["id"], drop["slug"], wanted["slug"], wanted["album_id"]):
                assert secret not in text
        assert "mine.png" not in texts[1]
        for path in (
            f"/a/{wanted['slug']}",
            f"/i/{drop['id']}",
            path_of(drop["url"]),
            f"{wanted['path']}/i/{drop['id']}",
        ):
            assert guest.get(path).status_code == 404


def test_a_script_is_answered_in_json_and_its_refusals_too(shared: Server) -> None:
    wanted, data = make(shared.alice, max_files=1), png()
    with browser(shared) as guest:
        answer = give(guest, wanted, ("a.png", data), **JSON)
        assert answer.json() == {"files": [{"name": "a.png", "size": len(data)}], "is_open": False}
        problem(give(guest, wanted, ("b.png", png()), **JSON), 410, "used_up")
        assert "Nothing more can be sent here." in guest.get(wanted["path"]).text
        refused = give(guest, wanted, ("b.png", png()))
        assert refused.status_code == 410
        assert "No more files are taken here" in refused.text
    assert len(items(shared.alice, wanted)) == 1


@both_databases
@pytest.mark.parametrize("workers", [1, 4])
def test_of_fifty_guests_at_once_exactly_ten_are_let_in_where_ten_are_asked_for(
    make_server: Any, database_url: str, workers: int
) -> None:
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    environ |= {"BULLETDROP_MAX_OPEN_UPLOADS_PER_ADDRESS": "200", "BULLETDROP_MAX_OPEN_UPLOADS": "200"}
    server = make_server("--workers", str(workers), **environ)
    wanted, statuses = make(server.alice, max_files=10), list[int]()
    barrier, pictures = threading.Barrier(50), [png() for _ in range(50)]

    def come(data: bytes) -> None:
        with server.client() as guest:
            barrier.wait()
            statuses.append(give(guest, wanted, ("a.png", data), **JSON).status_code)

    guests = [threading.Thread(target=come, args=(data,)) for data in pictures]
    for guest in guests:
        guest.start()
    for guest in guests:
        guest.join()
    assert sorted(statuses) == [201] * 10 + [410] * 40
    rows = items(server.alice, wanted)
    assert len(rows) == 10
    assert now(server.alice, wanted) == (10, sum(row["size"] for row in rows))


def test_what_is_refused_gives_its_room_back_and_leaves_nothing(server: Server) -> None:
    wanted = make(server.alice, max_files=2, max_bytes=40_000, max_file_size=20_000)
    small, large, huge = png(), png(90, 90), png(200, 200)
    assert 20_000 < len(large) < 40_000 < len(huge)
    with browser(server) as guest:
        problem(give(guest, wanted, ("broken.png", small[:-30]), **JSON), 400)
        problem(give(guest, wanted, ("note.xyz", b"what is this"), **JSON), 415)
        assert "A file here has up to" in problem(give(guest, wanted, ("l.png", large), **JSON), 413)["message"]
        assert "There is no room here" in problem(give(guest, wanted, ("h.png", huge), **JSON), 413)["message"]
        problem(give(guest, wanted, *[(f"{n}.png", png()) for n in range(3)], **JSON), 410)
        problem(guest.post(wanted["path"], headers={**JSON, "Content-Type": "text/plain"}, content=b"x"), 400)
        assert settled(server).unfinished == 0
        assert now_soon(server, wanted) == (0, 0)
        assert give(guest, wanted, ("s.png", small), **JSON).status_code == 201
    assert items(server.alice, wanted)[0]["size"] == len(small)
    assert settled(server).uploads == 1


def now_soon(server: Server, wanted: dict[str, Any]) -> tuple[int, int]:
    """What is counted once the room of who was refused is given back, which nobody waits for."""
    deadline = time.monotonic() + 30
    while (found := now(server.alice, wanted)) != (0, 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_a_guest_who_is_cut_off_in_the_middle_keeps_no_room(server: Server) -> None:
    wanted = make(server.alice, max_files=1)
    body = form(png(300, 300))
    with raw(server) as line:
        head = f"POST {wanted['path']} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        line.send(f"{head}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode() + body[:50_000])
        time.sleep(0.3)
    assert now_soon(server, wanted) == (0, 0)
    with browser(server) as guest:
        assert give(guest, wanted, ("a.png", png()), **JSON).status_code == 201


def test_nothing_is_sent_or_read_without_the_password(shared: Server) -> None:
    wanted = make(shared.alice, password="harbour")
    with browser(shared) as guest:
        asked = guest.get(wanted["path"])
        assert asked.status_code == 401
        assert "Canary title" not in asked.text
        problem(give(guest, wanted, ("a.png", png()), **JSON), 401, "password_needed")
        assert give(guest, wanted, ("a.png", png()), **JSON, **{"X-Share-Password": "wrong"}).status_code == 401
        assert guest.get(wanted["path"], headers={"X-Share-Password": "harbour"}).status_code == 200
        assert give(guest, wanted, ("a.png", png()), **JSON).status_code == 201
    assert len(items(shared.alice, wanted)) == 1


def test_a_link_that_was_closed_is_as_one_that_never_was(shared: Server) -> None:
    wanted = make(shared.alice)
    path = f"/api/v1/upload-requests/{wanted['id']}"
    assert shared.alice.patch(path, json={"revoked": True}).json()["is_open"] is False
    never = {**wanted, "path": "/r/nothing-here"}
    with browser(shared) as guest:
        for each in (wanted, never):
            assert guest.get(each["path"]).status_code == 404
            problem(give(guest, each, ("a.png", png()), **JSON), 404)
    shared.alice.patch(path, json={"revoked": False}).raise_for_status()
    assert shared.alice.delete(path).status_code == 204
    problem(shared.alice.get(path), 404)


def test_of_a_blocked_owner_nothing_is_taken_and_a_new_password_locks_out_who_knew_the_old(server: Server) -> None:
    wanted = make(server.bob, password="old")
    with browser(server) as guest:
        assert guest.get(wanted["path"], headers={"X-Share-Password": "old"}).status_code == 200
        assert give(guest, wanted, ("a.png", png()), **JSON).status_code == 201
        changed = server.bob.patch(f"/api/v1/upload-requests/{wanted['id']}", json={"password": "new"})
        assert changed.status_code == 200
        problem(give(guest, wanted, ("b.png", png()), **JSON), 401)
        assert guest.get(wanted["path"], headers={"X-Share-Password": "new"}).status_code == 200
        bob = server.bob.get("/api/v1/auth/me").json()["id"]
        server.alice.patch(f"/api/v1/admin/users/{bob}", json={"is_active": False}).raise_for_status()
        assert guest.get(wanted["path"]).status_code == 404
        problem(give(guest, wanted, ("c.png", png()), **JSON), 404)
    assert settled(server).uploads == 1


def test_what_comes_counts_for_the_owner_whose_numbers_the_guest_does_not_read(server: Server) -> None:
    wanted = make(server.bob)
    limit(server, "bob", storage=30_000)
    with browser(server) as guest:
        assert give(guest, wanted, ("a.png", png()), **JSON).status_code == 201
        full = problem(give(guest, wanted, ("b.png", png(150, 150)), **JSON), 507)["message"]
        assert "no room" in full
        assert "KB" not in full
        limit(server, "bob", uploads_per_day=1)
        told = problem(give(guest, wanted, ("c.png", png()), **JSON), 429)["message"]
        assert "plan" not in told
        limit(server, "bob", max_file_size=5000)
        assert "plan" not in problem(give(guest, wanted, ("d.png", png(60, 60)), **JSON), 413)["message"]
    assert len(items(server.bob, wanted)) == 1


def test_a_guest_cannot_choose_whose_drop_it_becomes_or_what_it_is_called(shared: Server) -> None:
    team, other = make_team(shared), upload(shared.alice)
    wanted = make(shared.alice)
    fields = {"team": team["slug"], "custom_name": "taken-over", "is_public": "true", "tags": "x", "expires_at": "1h"}
    with browser(shared) as guest:
        sent = {"file": ("a.png", png(), "image/png")}
        answer = guest.post(
            f"{wanted['path']}?team={team['slug']}&is_public=true", files=sent, data=fields, headers=JSON
        )
        assert answer.status_code == 201, answer.text
    (row,) = items(shared.alice, wanted)
    assert (row["team"], row["custom_name"], row["is_public"], row["tags"]) == (None, None, False, [])
    assert row["expires_at"] is None
    assert row["id"] != other["id"]


def test_what_is_asked_for_by_a_team_becomes_the_teams(shared: Server) -> None:
    team = make_team(shared)
    wanted = make(shared.bob, team=team["slug"])
    with browser(shared) as guest:
        assert give(guest, wanted, ("a.png", png()), **JSON).status_code == 201
    (row,) = items(shared.alice, wanted)
    assert (row["team"], row["sender"]) == (team["slug"], "bob")


def test_another_sites_page_sends_nothing(shared: Server) -> None:
    wanted = make(shared.alice)
    with shared.client() as guest:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            problem(give(guest, wanted, ("a.png", png()), **JSON, **headers), 403)
    assert items(shared.alice, wanted) == []


def test_a_request_into_somebody_elses_album_is_not_made(shared: Server) -> None:
    wanted = make(shared.alice)
    body = {"album_id": wanted["album_id"], "title": "Mine"}
    shared.key_of("charlie")
    there = problem(shared.charlie.post("/api/v1/upload-requests", json=body), 404)["message"]
    never = problem(shared.charlie.post("/api/v1/upload-requests", json={**body, "album_id": "x" * 22}), 404)["message"]
    assert there == never
    assert ask(shared, "SELECT COUNT(*) FROM upload_request WHERE title = 'Mine'")[0][0] == 0


def test_a_key_without_the_right_to_upload_asks_nobody_for_files(server: Server) -> None:
    wanted = make(server.alice)
    made = kept(server, "alice").post("/api/v1/api-keys", json={"name": "k", "scopes": ["links:read", "links:write"]})
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    path, asked = f"/api/v1/upload-requests/{wanted['id']}", {"album_id": wanted["album_id"], "title": "Mine"}
    with httpx.Client(base_url=server.url, trust_env=False, headers=key, timeout=30) as client:
        problem(client.post("/api/v1/upload-requests", json=asked), 403)
        assert client.patch(path, json={"revoked": True}).status_code == 200
        for changes in ({"revoked": False}, {"revoked": True, "max_files": None}, {"password": None}):
            problem(client.patch(path, json=changes), 403)
        assert client.delete(path).status_code == 204


def test_a_form_that_is_refused_leaves_no_album_behind(shared: Server) -> None:
    asker = kept(shared, "erin")
    refused = ({"max_files": "many"}, {"max_files": "0"}, {"expires": "someday"}, {"message": "x" * 5000})
    for wrong in (*refused, {"password": "x" * 2000}, {"max_bytes": "9" * 15}):
        answer = asker.post("/links/requests", data={"title": "Pictures", **wrong})
        assert answer.status_code == 400, (wrong, answer.status_code)
    assert asker.get("/api/v1/albums").json()["items"] == []
    assert asker.post("/links/requests", data={"title": "Pictures"}).status_code == 303
    found = asker.get("/api/v1/albums").json()["items"]
    assert [(one["title"], one["is_public"]) for one in found] == [("Pictures", False)]


def test_who_sends_the_last_file_that_is_taken_is_told_so_at_once(shared: Server) -> None:
    wanted = make(shared.alice, max_files=2)
    with browser(shared) as guest:
        assert give(guest, wanted, ("a.png", png()), **JSON).json()["is_open"] is True
        last = give(guest, wanted, ("b.png", png())).text
    assert "Sent." in last
    assert "data-guest" not in last
    assert "data-closed>" in last
