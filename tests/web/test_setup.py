"""The first admin, and the tray beside the server."""

from __future__ import annotations

import json
import stat

from tests.support.server import Server
from tests.web.browser import browser, cookies_of
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
