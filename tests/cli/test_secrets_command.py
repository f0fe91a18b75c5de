"""`bulletdrop secret` makes secrets, `bulletdrop secrets rotate-key` exchanges the key beside a running server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Server, binary


def secret(
    server: Server, *words: str, stdin: str | bytes = "", key: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the command against a server with alice's key."""
    return subprocess.run(
        [*binary(), "secret", *words, "--server", server.url, "--data", str(server.data)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env={**server.environ, "BULLETDROP_TOKEN": server.key_of("alice") if key is None else key},
        timeout=150,
        check=False,
        # No terminal to be asked on, wherever the tests run.
        start_new_session=True,
    )


def opened(server: Server, link: str) -> dict[str, Any]:
    """Open a secret by its link."""
    answer = server.anonymous.post(f"/api/v1/secrets/{link.strip().rpartition('/')[2]}/open", json={})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_text_on_standard_input_becomes_a_link(server: Server) -> None:
    done = secret(server, "--views", "2", "--note", "for bob", stdin="the door\nis 4711\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(f"{server.url}/s/")
    assert opened(server, done.stdout.decode())["content"] == "the door\nis 4711"
    listed = server.alice.get("/api/v1/secrets").json()["items"][0]
    assert (listed["note"], listed["max_views"], listed["views"]) == ("for bob", 2, 1)


def test_a_file_becomes_an_attachment(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "plän.bin"
    path.write_bytes(bytes(range(256)) * 2000)
    done = secret(server, str(path), "--json")
    found = opened(server, json.loads(done.stdout)["url"])
    assert [(file["name"], file["size"]) for file in found["files"]] == [("plän.bin", 512_000)]


def test_without_a_terminal_no_passphrase_is_asked_for(server: Server) -> None:
    done = secret(server, "--passphrase", stdin="a text\nsea\nsea\n")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith("bulletdrop: There is no terminal to ask on.")
    assert len(done.stderr.splitlines()) == 1
    assert server.alice.get("/api/v1/secrets").json()["items"] == []


@pytest.mark.parametrize(("stdin", "words", "code"), [("", (), 2), (b"\xff\xfe", (), 2), ("x", ("--views", "0"), 2)])
def test_what_is_no_secret_is_refused_in_one_line(
    server: Server, stdin: str | bytes, words: tuple[str, ...], code: int
) -> None:
    done = secret(server, *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, b"")
    assert len(done.stderr.splitlines()) == 1


def test_a_key_without_the_right_is_told_which_it_lacks(server: Server) -> None:
    server.key_of("alice")
    weak = server.command("key", "add", "alice", "--name", "weak", "--scope", "uploads:write").stdout.strip()
    done = secret(server, stdin="text", key=weak)
    assert done.returncode == 1
    assert b"secrets:write" in done.stderr


def test_the_master_key_is_exchanged_while_the_server_runs(server_on: Server) -> None:
    made = [secret(server_on, stdin=f"text {number}").stdout.decode() for number in range(3)]
    before = (server_on.data / "master.key").read_text()
    said = server_on.command("secrets", "rotate-key").stdout
    assert said == "The master key is a new one; 3 secrets were wrapped anew.\n"
    after = (server_on.data / "master.key").read_text()
    assert after != before
    assert json.loads(before)["keys"][0]["key"] not in after
    assert [opened(server_on, link)["content"] for link in made] == ["text 0", "text 1", "text 2"]
