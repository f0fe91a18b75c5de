"""Files for other people's clients: each with a key of its own, and each does what its tool will do with it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulletdrop.core.people.clients import KINDS
from tests.support.needs import requires
from tests.support.server import Server
from tests.support.sxcu import Sxcu
from tests.web.browser import kept as person
from tests.web.browser import signed_in
from tests.web.kit import png, problem


def made(server: Server, kind: str, name: str = "", *, who: str = "alice") -> str:
    """A file of somebody's with a key in it."""
    answer = person(server, who).post("/api/v1/clients", json={"kind": kind, "name": name})
    assert answer.status_code == 201, answer.text
    return answer.text


def key_in(text: str) -> str:
    """The key in a file."""
    (key,) = {str(found) for found in re.findall(r"bd_[A-Za-z0-9_-]{43}", text)}
    return key


def made_there(server: Server, kind: str) -> str:
    """A file of alice's, from the server's own command line: her browser has no https to a server behind a proxy."""
    return server.command("clients", kind, "--user", "alice", "--output", "-").stdout


def keys_of(server: Server, who: str = "alice") -> list[dict[str, Any]]:
    """Somebody's keys."""
    found: list[dict[str, Any]] = person(server, who).get("/api/v1/api-keys").json()["items"]
    return found


def test_the_list_says_what_there_is(shared: Server) -> None:
    listed = shared.alice.get("/api/v1/clients").json()["items"]
    assert [one["kind"] for one in listed] == list(KINDS)
    assert all(one["steps"] and one["about"] and one["filename"] for one in listed)


def test_looking_at_a_file_makes_no_key(shared: Server) -> None:
    before = len(keys_of(shared))
    for name in (*KINDS, "sharex.sxcu", "flameshot.sh", "powershell.ps1"):
        answer = shared.alice.get(f"/api/v1/clients/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert not re.search(r"bd_[A-Za-z0-9_-]{43}", answer.text)
        assert "bd_YOUR_KEY" in answer.text
    assert len(keys_of(shared)) == before
    for name in ("nothing", "sharex.exe", "sharex.sxcu.exe", "sharex.sh"):
        problem(shared.alice.get(f"/api/v1/clients/{name}"), 404, "not_found")


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_has_a_key_of_its_own_that_does_no_more_than_it_needs(shared: Server, kind: str) -> None:
    before = {one["id"] for one in keys_of(shared)}
    text = made(shared, kind, "Anna's  laptop")
    (new,) = [one for one in keys_of(shared) if one["id"] not in before]
    assert new["name"] == f"{KINDS[kind].tool} (Anna's laptop)"
    assert new["scopes"] == list(KINDS[kind].scopes)
    assert not {"admin", "account:read", "secrets:read", "uploads:read", "uploads:delete"} & set(new["scopes"])
    key = key_in(text)
    assert key.startswith(new["prefix"])
    assert key != key_in(made(shared, kind, "Anna's laptop"))
    with httpx.Client(
        base_url=shared.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
    ) as client:
        problem(client.get("/api/v1/api-keys"), 403)
        problem(client.post("/api/v1/clients", json={"kind": kind}), 403)
        problem(client.get("/api/v1/uploads"), 403, "missing_scope")


def test_without_a_device_the_key_is_named_after_the_day(shared: Server) -> None:
    before = {one["id"] for one in keys_of(shared)}
    made(shared, "ishare")
    (new,) = [one for one in keys_of(shared) if one["id"] not in before]
    assert re.fullmatch(r"ishare \(download of \d{4}-\d\d-\d\d\)", new["name"])


@pytest.mark.parametrize(
    ("wanted", "status", "field"),
    [
        ({"kind": "nothing"}, 404, None),
        ({"kind": "sharex", "name": "x" * 61}, 400, "name"),
        ({"kind": "sharex", "name": "a\u202eb"}, 400, "name"),
        ({"kind": "sharex", "scopes": ["admin"]}, 400, None),
        ({}, 400, "kind"),
    ],
)
def test_what_cannot_be_made_is_said_and_leaves_no_key(
    shared: Server, wanted: dict[str, str], status: int, field: str | None
) -> None:
    before = keys_of(shared)
    answer = person(shared, "alice").post("/api/v1/clients", json=wanted)
    error = problem(answer, status)
    if field is not None:
        assert error["field"] == field
    assert keys_of(shared) == before


def test_the_file_for_ishare_says_where_the_link_is(shared: Server) -> None:
    values = json.loads(made(shared, "ishare"))
    assert values["requestBodyType"] == "multipartFormData"
    files = {values["fileFormName"]: ("a.png", png(), "image/png")}
    with shared.client() as client:
        answer = client.post(values["requestURL"], headers=values["headers"], files=files)
    assert answer.status_code == 201
    (name,) = re.fullmatch(r"\{\{(\w+)\}\}", values["responseURL"]).groups()  # type: ignore[union-attr]
    assert answer.json()[name].startswith(shared.url)


def test_curl_sends_with_its_file_and_one_line(shared: Server, tmp_path: Path) -> None:
    requires("curl")
    (tmp_path / "bulletdrop.curl").write_text(made(shared, "curl", 'a "quoted" \\ name'))
    (tmp_path / "picture.png").write_bytes(png())
    line = KINDS["curl"].steps[-1].strip("`").split()
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["filename"] == "picture.png"


def test_the_values_for_a_shortcut_are_those_that_the_server_takes(shared: Server) -> None:
    rows = dict(line.split(":", 1) for line in made(shared, "ios").splitlines() if ":" in line)
    name, _, value = rows["Header"].strip().partition(": ")
    files = {"file": ("IMG_0001.HEIC", png(), "image/heic")}
    with shared.client() as client:
        answer = client.request(rows["Method"].strip(), rows["URL"].strip(), headers={name: value}, files=files)
    assert answer.status_code == 201
    assert answer.json()["link"]


def page(server: Server, who: str = "alice", **form: str) -> httpx.Response:
    """The page, or with a form what it answers to that."""
    client = person(server, who)
    return client.post("/account/clients", data=form) if form else client.get("/account/clients")


def test_the_page_lists_tools_and_teaches_while_there_is_nothing(server: Server) -> None:
    text = page(server).text
    for kind in KINDS.values():
        assert kind.title in text
    assert "No files yet." in text
    assert "<code>/3/image</code> and <code>/api/1/upload</code>, are switched off on this server" in text


def test_the_two_files_for_sharex_have_keys_that_can_be_told_apart(server: Server) -> None:
    for kind in ("sharex", "sharex-links"):
        made(server, kind, "desk")
    assert {one["name"] for one in keys_of(server)} >= {"ShareX (desk)", "ShareX, short links (desk)"}


@pytest.mark.parametrize(
    ("public_url", "said"), [("", True), ("http://localhost:9000", True), ("https://drop.example.org", False)]
)
def test_who_makes_a_file_that_leads_nowhere_else_is_told_so(
    make_server: Callable[..., Server], public_url: str, said: bool
) -> None:
    server = make_server(BULLETDROP_PUBLIC_URL=public_url)
    key = server.key_of("alice")
    made_there = server.command("clients", "curl", "--output", "-")
    assert ("works on this machine alone" in made_there.stderr) is said
    assert key not in made_there.stdout
    if public_url.startswith("https"):
        return  # its cookies come by https alone
    with signed_in(server, "alice") as alice:
        assert "and work on this machine alone. Set public_url" in alice.get("/account/clients").text
        asked = {"csrf": alice.cookies["bd_csrf"], "decision": "offer"}
        assert "works on this machine alone" in alice.post("/pair", data=asked).text


def test_the_pages_button_answers_with_the_file_and_lists_its_key(server: Server) -> None:
    answer = page(server, kind="flameshot", name="desk <b>")
    assert answer.headers["content-disposition"] == 'attachment; filename="bulletdrop-flameshot.sh"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    key = key_in(answer.text)
    listed = page(server).text
    assert "Flameshot (desk &lt;b&gt;)" in listed
    assert key not in listed
    (row,) = [one for one in keys_of(server) if one["name"] == "Flameshot (desk <b>)"]
    assert "Revoke it?" in page(server, revoke=row["id"]).text
    done = page(server, revoke=row["id"], sure="yes")
    assert done.status_code == 303
    assert row["id"] not in {one["id"] for one in keys_of(server)}
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30
    ) as client:
        problem(client.put("/api/v1/uploads/a.png", content=png()), 401, "revoked_key")


def test_the_values_of_a_recipe_stand_on_the_page_once(server: Server) -> None:
    text = page(server, kind="ios").text
    key = key_in(text)
    assert f"{server.url}/api/v1/uploads" in text
    assert text.count("<svg") >= 2
    assert key not in page(server).text


def test_a_wrong_name_is_said_at_its_tool(server: Server) -> None:
    answer = page(server, kind="shell", name="x" * 61)
    assert answer.status_code == 400
    assert "at most 60 characters" in answer.text
    assert answer.text.count('<details class="client"') == len(KINDS)
    assert len(re.findall(r'<details class="client" id="shell" open>', answer.text)) == 1
    assert page(server, kind="nothing").status_code == 404


def test_nobody_sees_the_files_of_others(cast: Any) -> None:
    page(cast.server, kind="curl", name="alices-own")
    assert "alices-own" in page(cast.server).text
    assert "alices-own" not in page(cast.server, "charlie").text


def test_the_command_line_makes_files_that_only_their_owner_reads(server: Server, tmp_path: Path) -> None:
    key_of_alice = server.key_of("alice")
    listed = server.command("clients").stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(KINDS)
    path = tmp_path / "shot.sh"
    done = server.command("clients", "shell", "--name", "desk", "--output", str(path))
    assert done.stdout == ""
    assert "Shell script (desk)" in done.stderr
    assert path.stat().st_mode & 0o777 == 0o700
    assert "chmod" not in done.stderr, "it has these rights already"
    assert "This file leads to 127.0.0.1 and works on this machine alone. Set public_url." in done.stderr
    assert key_in(path.read_text()) != key_of_alice
    again = server.command("clients", "shell", "--output", str(path), check=False)
    assert (again.returncode, "--force" in again.stderr) == (1, True)
    server.command("clients", "sharex.sxcu", "--output", str(path), "--force")
    Sxcu(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    printed = server.command("clients", "curl", "--output", "-")
    assert "chmod 600" in printed.stderr
    out = printed.stdout
    assert out.endswith("show-error\n")
    assert server.command("clients", "nothing", check=False).returncode == 1
    server.key_of("bob")
    assert server.command("clients", "curl", "--output", "-", check=False).returncode == 2
    server.command("clients", "curl", "--user", "bob", "--output", "-")
    assert keys_of(server, "bob")[0]["name"].startswith("curl (")


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.filename.endswith(".sh")])
def test_the_scripts_are_such_as_every_shell_of_posix_takes(shared: Server, tmp_path: Path, kind: str) -> None:
    requires("shellcheck")
    path = tmp_path / "script.sh"
    path.write_text(made(shared, kind, 'it\'s "mine" $(id) `id`'))
    done = subprocess.run(["shellcheck", "-s", "sh", str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0
