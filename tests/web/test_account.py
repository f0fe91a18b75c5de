"""The account over HTTP: profile, avatar, the export as a client gets it, and a deletion that can be taken back."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.support.server import PASSWORD, Server
from tests.web.browser import browser, sign_in, signed_in
from tests.web.kit import path_of, png, problem, upload


def test_somebody_reads_and_changes_their_own_account(server_on: Server) -> None:
    upload(server_on.bob, png())
    with signed_in(server_on, "bob") as bob:
        account = bob.get("/api/v1/account").json()
        assert (account["username"], account["plan"], account["limits"]["storage"]) == ("bob", "home", None)
        assert account["usage"]["storage_used"] > 0
        changed = bob.put("/api/v1/account", json={"display_name": "Bob", "bio": "Hello."}).json()
        assert (changed["display_name"], changed["bio"]) == ("Bob", "Hello.")
        problem(bob.put("/api/v1/account", json={"is_admin": True}), 400)
        problem(bob.put("/api/v1/account", json={"display_name": "a\nb"}), 400)


def test_an_avatar_is_kept_without_what_the_picture_tells_and_shown_to_signed_in_people_alone(server: Server) -> None:
    with signed_in(server, "alice") as alice, signed_in(server, "bob") as bob:
        account = alice.put("/api/v1/account/avatar", content=png(300, 200)).json()
        address = path_of(account["avatar_url"])
        for reader in (alice, bob):
            answer = reader.get(address)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
            assert answer.content[8:12] == b"WEBP"
            assert "private" in answer.headers["cache-control"]
        assert server.anonymous.get(address).status_code in (302, 401, 404)
        problem(alice.put("/api/v1/account/avatar", content=b"<svg onload=alert(1)>"), 415)
        assert alice.delete("/api/v1/account/avatar").status_code == 204
        assert alice.get("/api/v1/account").json()["avatar_url"] is None
        assert alice.get(address).status_code == 404


def test_an_export_unzips_and_its_manifest_verifies(server_on: Server) -> None:
    sent = [png(50, 40) for _ in range(12)]
    for data in sent:
        upload(server_on.alice, data)
    upload(server_on.bob, png())
    with signed_in(server_on, "alice") as alice:
        answer = alice.get("/api/v1/account/export")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="bulletdrop-alice-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for entry in manifest["entries"]:
            data = archive.read(entry["path"])
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"], entry["sha256"])
        drops = [json.loads(line) for line in archive.read("drops.jsonl").splitlines()]
    assert len(drops) == len(sent)
    assert manifest["missing"] == []


def test_an_export_of_half_a_gigabyte_needs_no_memory_for_it(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_MIN_FREE_DISK="0", BULLETDROP_MAX_PIXELS="200000000")
    big = png(2600, 2600)
    for number in range(25):
        # Another picture each: the same bytes would be stored once, but read again all the same.
        upload(server.alice, big + b"" if number == 0 else png(2600, 2600))
    process = psutil.Process(server.pid)
    with signed_in(server, "alice") as alice:
        alice.get("/api/v1/account")
        before = process.memory_info().rss
        peak, size = before, 0
        with alice.stream("GET", "/api/v1/account/export") as answer:
            for piece in answer.iter_bytes(1024 * 1024):
                size += len(piece)
                peak = max(peak, process.memory_info().rss)
    assert size > 400 * 1024 * 1024
    assert peak - before < 32 * 1024 * 1024, f"{(peak - before) / 1e6:.1f} MB more for {size / 1e6:.0f} MB"


def test_a_client_that_leaves_an_export_leaves_nothing_open(server: Server) -> None:
    for _ in range(6):
        upload(server.alice, png(900, 900))
    process = psutil.Process(server.pid)
    with signed_in(server, "alice") as alice:
        for _ in range(8):
            # Each of the threads that read has a connection of its own from then on.
            alice.get("/api/v1/account/export")
        before = process.num_fds()
        for _ in range(10):
            with alice.stream("GET", "/api/v1/account/export") as answer:
                next(answer.iter_raw(1024))
        deadline = time.monotonic() + 30
        while process.num_fds() > before + 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert process.num_fds() <= before + 2


def leave(client: Any) -> Any:
    return client.post("/api/v1/account/delete-request", json={"password": PASSWORD})


def test_asking_for_the_deletion_needs_the_password(server: Server) -> None:
    with signed_in(server, "bob") as bob:
        for wrong in ({}, {"password": ""}, {"password": "wrong"}, {"code": "123456"}):
            problem(bob.post("/api/v1/account/delete-request", json=wrong), 403)
        assert bob.get("/api/v1/account").json()["delete_scheduled_for"] is None


def test_a_leaving_account_is_dark_at_once_and_signing_in_brings_everything_back(server_on: Server) -> None:
    server = server_on
    drop = upload(server.bob, png())
    with signed_in(server, "bob") as bob, signed_in(server, "bob") as other:
        answer = leave(bob)
        assert answer.status_code == 200, answer.text
        assert answer.json()["delete_scheduled_for"]
        began = time.monotonic()
        problem(other.get("/api/v1/auth/me"), 401)
        problem(other.post("/api/v1/auth/refresh", json={}), 401)
        problem(server.bob.get("/api/v1/uploads"), 403, "blocked")
        while server.anonymous.get(path_of(drop["direct_url"])).status_code != 404:
            assert time.monotonic() - began < 30, "its drops are still shown"
            time.sleep(0.05)
    with browser(server) as back:
        assert sign_in(back, "bob").status_code == 200
        assert back.get("/api/v1/account").json()["delete_scheduled_for"] is None
    assert server.bob.get("/api/v1/uploads").json()["items"][0]["id"] == drop["id"]
    time.sleep(1.1)
    assert server.anonymous.get(path_of(drop["direct_url"])).status_code == 200


def test_the_only_admin_cannot_leave(server: Server) -> None:
    with signed_in(server, "alice") as alice:
        problem(leave(alice), 409)
        assert alice.get("/api/v1/auth/me").status_code == 200


def test_an_export_is_for_its_owner_in_person(server: Server, tmp_path: Path) -> None:
    problem(server.alice.get("/api/v1/account/export"), 403)
    problem(server.anonymous.get("/api/v1/account/export"), 401)
