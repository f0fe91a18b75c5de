"""Pairing a device over HTTP: the codes, the owner's yes, the key, and the command that does it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

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


def offered(browser: httpx.Client) -> dict[str, Any]:
    answer = browser.post("/api/v1/devices/offer")
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def redeem(server: Server, code: str) -> httpx.Response:
    return server.anonymous.post("/api/v1/devices/redeem", json={"code": code, "device_name": "phone"})


def test_a_code_that_the_owner_made_pairs_one_device_once(server_on: Server) -> None:
    server = server_on
    with signed_in(server, "bob") as bob:
        made = offered(bob)
    assert made["link"] == f"bulletdrop://pair?{urlencode({'url': server.url, 'code': made['code']})}"
    got = redeem(server, made["code"].lower().replace("-", " "))
    assert got.status_code == 201, got.text
    assert got.json()["user"]["username"] == "bob"
    with server.client() as client:
        client.headers["Authorization"] = f"Bearer {got.json()['key']}"
        upload(client)
        problem(client.get("/api/v1/account"), 403, "missing_scope")
    problem(redeem(server, made["code"]), 400, "expired_token")


def test_of_many_that_come_with_one_code_one_is_paired(server_on: Server) -> None:
    with signed_in(server_on, "bob") as bob:
        code = offered(bob)["code"]
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda _: redeem(server_on, code).status_code, range(8)))
    assert statuses == {201: 1, 400: 7}


def test_a_new_code_of_the_same_person_ends_the_one_before(server: Server) -> None:
    with signed_in(server, "bob") as bob, signed_in(server, "alice") as alice:
        first, other = offered(bob)["code"], offered(alice)["code"]
        second = offered(bob)["code"]
    problem(redeem(server, first), 400, "expired_token")
    assert redeem(server, other).json()["user"]["username"] == "alice"
    assert redeem(server, second).json()["user"]["username"] == "bob"


def test_an_offered_code_is_none_that_a_device_shows_and_the_other_way_round(server: Server) -> None:
    shown = asked(server)
    with signed_in(server, "bob") as bob:
        code = offered(bob)["code"]
        problem(bob.post("/api/v1/devices/lookup", json={"user_code": code}), 404)
        problem(bob.post("/api/v1/devices/approve", json={"user_code": code}), 404)
    problem(server.anonymous.post("/api/v1/devices/token", json={"device_code": code}), 400, "expired_token")
    problem(redeem(server, shown["user_code"]), 400, "expired_token")
    problem(redeem(server, shown["device_code"][:99]), 400, "expired_token")


def test_a_device_is_shown_with_the_system_that_it_named_however_it_was_paired(server_on: Server) -> None:
    server = server_on
    server.key_of("alice")  # whose a device on this machine is
    linux, windows = {"User-Agent": "BulletDrop (Linux)"}, {"User-Agent": "BulletDrop (Windows)"}
    codes = server.anonymous.post("/api/v1/devices/code", json={"device_name": "workshop"}, headers=linux).json()
    with signed_in(server, "bob") as bob:
        assert "BulletDrop on Linux" in page_of(bob, codes["user_code"])
        bob.post("/api/v1/devices/approve", json={"user_code": codes["user_code"]})
        server.anonymous.post("/api/v1/devices/token", json={"device_code": codes["device_code"]}).raise_for_status()
        wanted = {"code": offered(bob)["code"], "device_name": "kitchen"}
        server.anonymous.post("/api/v1/devices/redeem", json=wanted, headers=windows).raise_for_status()
        made = {one["device_name"]: one for one in devices_of(bob)}
        assert {name: one["system"] for name, one in made.items()} == {"workshop": "Linux", "kitchen": "Windows"}
        assert {"Linux", "Windows"} == set(re.findall(r"<small[^>]*>(.*?)</small>", keys_page(bob)))
        # Under another name, its own one stays to be seen.
        bob.patch(f"/api/v1/api-keys/{made['workshop']['id']}", json={"name": "The old one"}).raise_for_status()
        assert ">Linux · workshop</small>" in keys_page(bob)
    secret = json.loads((server.data / "run" / "server.json").read_text())["local_secret"]
    here = {"secret": secret, "device_name": "tower"}
    server.anonymous.post("/api/v1/devices/local", json=here, headers=linux).raise_for_status()
    with signed_in(server, "alice") as alice:
        assert [one["system"] for one in devices_of(alice)] == ["Linux"]


def test_nothing_that_a_device_says_of_itself_is_believed_or_shown_as_it_is(server: Server) -> None:
    said = (
        "",
        "x" * 4000,
        "<b>Amiga</b>",
        "Pay here: https://example.com",
        "Windows" * 900,
        "Lin\u202eux Linux<i>",
    )
    with signed_in(server, "bob") as bob:
        for number, agent in enumerate(said):
            wanted = {"code": offered(bob)["code"], "device_name": f"<u>{number}\u202e</u>"}
            headers = {b"User-Agent": agent.encode()}
            server.anonymous.post("/api/v1/devices/redeem", json=wanted, headers=headers).raise_for_status()
        made = {one["device_name"]: one["system"] for one in devices_of(bob)}
        assert made == {
            f"<u>{number}</u>": system for number, system in enumerate(("", "", "", "", "Windows", "Linux"))
        }
        page = keys_page(bob)
    assert sorted(re.findall(r"<small[^>]*>(.*?)</small>", page)) == ["Linux", "Windows"]
    assert not re.search(r"<[bui]>|Amiga|example\.com|xxxx|\u202e", page)


def page_of(browser: httpx.Client, code: str) -> str:
    """What the owner sees of the device that shows this code."""
    return browser.post("/pair", data={"user_code": code}).raise_for_status().text


def devices_of(browser: httpx.Client) -> list[dict[str, Any]]:
    """Somebody's devices by the API, without their other keys."""
    return [one for one in browser.get("/api/v1/api-keys").json()["items"] if one["device_name"]]


def keys_page(browser: httpx.Client) -> str:
    """The page of keys and devices."""
    return browser.get("/account/keys").raise_for_status().text


def test_a_code_dies_with_its_owners_password(server: Server) -> None:
    with signed_in(server, "bob") as bob:
        code = offered(bob)["code"]
        change = {"password": PASSWORD, "new_password": "another horse entirely"}
        answer = bob.post("/api/v1/account/password", json=change)
        assert answer.status_code in (200, 204), answer.text
    problem(redeem(server, code), 400, "expired_token")


def test_one_address_cannot_try_offered_codes_without_end(server: Server) -> None:
    statuses = [redeem(server, "BCDF-GHJK").status_code for _ in range(40)]
    assert statuses.count(400) <= 30
    assert statuses[-1] == 429


def test_the_page_makes_a_code_with_its_qr_without_script(server: Server) -> None:
    with signed_in(server, "bob") as bob:
        token = bob.cookies["bd_csrf"]
        page = bob.post("/pair", data={"csrf": token, "decision": "offer"})
        assert page.status_code == 200, page.text
    assert "<svg" in page.text
    found = re.search(r"bulletdrop pair (http\S+) ([A-Z]{4}-[A-Z]{4})", page.text)
    assert found is not None
    assert found[1] == server.url
    assert redeem(server, found[2]).json()["user"]["username"] == "bob"


def test_the_pair_command_takes_the_owners_code(server: Server, tmp_path: Path) -> None:
    with signed_in(server, "bob") as bob:
        codes = [offered(bob)]
        done = pair_with(tmp_path, server.url, codes[0]["code"])
        assert done.returncode == 0, done.stderr
        codes.append(offered(bob))
        done = pair_with(tmp_path, codes[1]["link"], "--second")
        assert done.returncode == 0, done.stderr
        # By standard input, where nobody else on this machine sees it.
        codes.append(offered(bob))
        done = pair_with(tmp_path, server.url, "-", stdin=codes[2]["code"] + "\n")
        assert done.returncode == 0, done.stderr
    assert "as bob" in done.stdout
    again = pair_with(tmp_path, server.url, codes[0]["code"])
    assert again.returncode == 1
    assert "used up or too old" in again.stderr
    listed = pair_with(tmp_path, "--list")
    assert listed.stdout.strip() == server.url
    assert pair_with(tmp_path, server.url, "--forget").returncode == 0
    assert pair_with(tmp_path, "--list").stdout == ""
    assert not (tmp_path / "tray" / "token").exists()


def pair_with(data: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run `bulletdrop pair` without a keyring and a screen."""
    bare = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    return subprocess.run(
        [*binary(), "pair", *arguments, "--data", str(data)],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **bare},
        timeout=150,
        check=False,
    )


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
        out, err = process.communicate(timeout=150)
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
        timeout=150,
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
        timeout=150,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert time.monotonic() - began < 20
    assert PASSWORD not in done.stderr
