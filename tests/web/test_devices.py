"""Pairing a device over HTTP: the codes, the owner's yes, the key, and the command that does it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.server import PASSWORD, Server, binary
from tests.web.browser import signed_in
from tests.web.kit import png, problem, upload


def asked(server: Server, **wanted: Any) -> dict[str, Any]:
    answer = server.anonymous.post("/api/v1/devices/code", json={"device_name": "desk", **wanted})
    assert answer.status_code == 201, answer.text
    codes: dict[str, Any] = answer.json()
    return codes


def test_a_device_is_paired_in_the_shape_of_the_rfc(server_on: Server) -> None:
    server = server_on
    codes = asked(server)
    assert set(codes) == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    assert codes["verification_uri_complete"] == f"{codes['verification_uri']}#code={codes['user_code']}"
    question = {
        "device_code": codes["device_code"],
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "tray",
    }
    problem(server.anonymous.post("/api/v1/devices/token", json=question), 400, "authorization_pending")
    problem(server.anonymous.post("/api/v1/devices/token", json=question), 400, "slow_down")
    with signed_in(server, "bob") as bob:
        seen = bob.post("/api/v1/devices/lookup", json={"user_code": codes["user_code"]}).json()
        assert (seen["device_name"], seen["address"]) == ("desk", "127.0.0.1")
        assert seen["scopes"] == ["uploads:read", "uploads:write", "uploads:delete", "links:write", "secrets:write"]
        assert bob.post("/api/v1/devices/approve", json={"user_code": codes["user_code"]}).status_code == 204
    got = server.anonymous.post("/api/v1/devices/token", json=question).json()
    assert got["user"]["username"] == "bob"
    with server.client() as client:
        client.headers["Authorization"] = f"Bearer {got['key']}"
        upload(client)
    problem(server.anonymous.post("/api/v1/devices/token", json=question), 400, "expired_token")


def test_a_no_reaches_the_device(server: Server) -> None:
    codes = asked(server)
    with signed_in(server, "bob") as bob:
        no = {"user_code": codes["user_code"], "approve": False}
        assert bob.post("/api/v1/devices/approve", json=no).status_code == 204
    answer = server.anonymous.post("/api/v1/devices/token", json={"device_code": codes["device_code"]})
    problem(answer, 400, "access_denied")


def test_a_link_for_the_device_starts_with_the_configured_address_whatever_the_request_says(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(BULLETDROP_PUBLIC_URL="https://drop.example.org")
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    problem(server.anonymous.post("/api/v1/devices/code", json={}, headers={"Host": "evil.example"}), 421)
    answer = server.anonymous.post("/api/v1/devices/code", json={}, headers=forged)
    assert "evil" not in answer.text
    assert answer.json()["verification_uri"] == "https://drop.example.org/pair"


def test_one_address_cannot_ask_for_codes_without_end_nor_try_them(server: Server) -> None:
    statuses = [server.anonymous.post("/api/v1/devices/code", json={}).status_code for _ in range(35)]
    assert statuses.count(201) <= 30
    assert statuses[-1] == 429
    with signed_in(server, "bob") as bob:
        tried = [bob.post("/api/v1/devices/lookup", json={"user_code": "BCDF-GHJK"}).status_code for _ in range(70)]
    assert tried.count(404) <= 60
    assert tried[-1] == 429


def test_the_pair_command_shows_a_code_and_stores_the_key_that_uploads_then_use(server: Server, tmp_path: Path) -> None:
    server.key_of("alice")
    data = tmp_path / "desk"
    environ = {**server.environ, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "DISPLAY": ""}
    command = [*binary(), "pair", server.url, "--name", "my desk", "--no-browser", "--json", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    try:
        assert process.stdout is not None
        shown = json.loads(process.stdout.readline())
        with signed_in(server, "alice") as alice:
            answer = alice.post("/api/v1/devices/approve", json={"user_code": shown["user_code"]})
            assert answer.status_code == 204, answer.text
        out, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 0, err
    told = json.loads(out)
    assert (told["username"], told["server"]) == ("alice", server.url)
    picture = tmp_path / "shot.png"
    picture.write_bytes(png())
    # Without naming the server: the paired one is known from now on.
    done = subprocess.run(
        [*binary(), "upload", str(picture), "--json", "--data", str(data)],
        capture_output=True,
        text=True,
        env=environ,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"] == "cli"
    assert "bd_" not in out + err + done.stdout + done.stderr
    mode = (data / "tray" / "token").stat().st_mode & 0o777
    assert mode == 0o600


def test_the_pair_command_says_when_nobody_is_there(tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [*binary(), "pair", "http://127.0.0.1:9", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert time.monotonic() - began < 20
    assert PASSWORD not in done.stderr
