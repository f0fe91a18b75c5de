"""The first admin, and the tray beside the server."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.server import Server
from tests.web.browser import browser, cookies_of, signed_in
from tests.web.kit import png, problem

ADMIN = {"username": "alice", "email": "alice@example.org", "password": "correct horse battery"}


def test_the_code_from_the_log_makes_the_admin_once(server: Server) -> None:
    code = (server.data / "setup-code").read_text().strip()
    assert stat.S_IMODE((server.data / "setup-code").stat().st_mode) == 0o600
    with browser(server) as client:
        problem(client.post("/api/v1/setup", json={**ADMIN, "code": "AAAA-AAAA-AAAA"}), 403)
        weak = client.post("/api/v1/setup", json={**ADMIN, "code": code, "password": "short"})
        assert problem(weak, 400)["field"] == "password"
        made = client.post("/api/v1/setup", json={**ADMIN, "code": code})
        assert made.status_code == 201
        assert made.json()["user"]["is_admin"] is True
        assert set(cookies_of(made)) == {"bd_access", "bd_refresh", "bd_csrf"}
        assert client.get("/api/v1/auth/me").json()["username"] == "alice"
        assert not (server.data / "setup-code").exists()
        problem(client.post("/api/v1/setup", json={**ADMIN, "code": code, "username": "eve"}), 409)


def test_a_tray_on_this_machine_gets_a_key_by_reading_the_data_folder(server: Server) -> None:
    announced = json.loads((server.data / "run" / "server.json").read_text())
    assert stat.S_IMODE((server.data / "run" / "server.json").stat().st_mode) == 0o600
    assert announced["url"] == server.url
    assert announced["pid"] == server.pid
    assert announced["instance"] == server.anonymous.get("/health").json()["instance"]
    wanted = {"secret": announced["local_secret"], "device_name": "desk"}
    problem(server.anonymous.post("/api/v1/devices/local", json=wanted), 409, "not_set_up")
    server.key_of("alice")
    problem(server.anonymous.post("/api/v1/devices/local", json={**wanted, "secret": "wrong"}), 403)
    made = server.anonymous.post("/api/v1/devices/local", json=wanted)
    assert made.status_code == 201
    assert made.json()["user"]["username"] == "alice"
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    sent = server.anonymous.put("/api/v1/uploads/a.png", content=png(), headers=headers)
    assert sent.status_code == 201
    assert server.anonymous.get("/api/v1/api-keys", headers=headers).status_code == 403
    problem(server.anonymous.post("/api/v1/devices/local", json=wanted), 403)


def test_the_local_secret_makes_one_key_for_twenty_who_come_at_once(make_server: Callable[..., Server]) -> None:
    # Each from an address of its own, so that the brake on guessing lets all of them through.
    server = make_server(BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    server.key_of("alice")
    announcement = server.data / "run" / "server.json"

    for _ in range(5):
        wanted = {"secret": json.loads(announcement.read_text())["local_secret"], "device_name": "desk"}

        def pair(host: int, wanted: dict[str, str] = wanted) -> int:
            headers = {"X-Forwarded-For": f"203.0.113.{host}"}
            url = f"{server.url}/api/v1/devices/local"
            return httpx.post(url, json=wanted, headers=headers, trust_env=False, timeout=30).status_code

        with ThreadPoolExecutor(20) as threads:
            assert sorted(threads.map(pair, range(20))) == [201] + 19 * [403]
    assert [*announcement.parent.glob(".*")] == []
    with signed_in(server, "alice") as client:
        names = [key["name"] for key in client.get("/api/v1/api-keys").json()["items"]]
    assert {name for name in names if name.startswith("desk")} == {"desk", *(f"desk ({n})" for n in range(2, 6))}
    assert len(names) == 6
