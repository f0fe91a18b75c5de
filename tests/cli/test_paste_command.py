"""`bulletdrop paste` and `bulletdrop shorten`: text and addresses in, links out, over the server's API."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.server import Server, binary


def run(server: Server, *words: str, stdin: bytes = b"", key: str | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a command against a server with alice's key."""
    return subprocess.run(
        [*binary(), *words, "--server", server.url, "--data", str(server.data)],
        input=stdin,
        capture_output=True,
        env={**server.environ, "BULLETDROP_TOKEN": server.key_of("alice") if key is None else key},
        timeout=150,
        check=False,
    )


def test_a_text_on_standard_input_becomes_a_link(server: Server) -> None:
    done = run(server, "paste", "--title", "A note", "--expires", "7d", stdin="one\ntwö\n".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    link = done.stdout.decode().strip()
    assert httpx.get(f"{link}.txt", trust_env=False, timeout=30).text == "one\ntwö\n"
    drop = server.alice.get("/api/v1/uploads").json()["items"][0]
    assert (drop["title"], drop["source"]) == ("A note", "cli")
    assert drop["expires_at"] is not None


def test_the_name_of_a_file_tells_its_colours(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "greet.py"
    path.write_text("def greet():\n    return 1\n")
    done = run(server, "paste", str(path), "--private", "--json")
    made = json.loads(done.stdout)
    assert (made["original_filename"], made["is_public"]) == ("greet.py", False)
    page = server.alice.get(f"/{made['slug']}", headers={"Accept": "text/html"}).text
    assert "Python · 2 lines" in page


def test_an_address_becomes_a_short_one(server: Server) -> None:
    done = run(server, "shorten", "https://example.org/a?b", "--name", "ours", "--views", "1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().strip() == f"{server.url}/ours"
    assert httpx.get(f"{server.url}/ours", trust_env=False, timeout=30).headers["location"] == "https://example.org/a?b"
    assert httpx.get(f"{server.url}/ours", trust_env=False, timeout=30).status_code == 410
    whole = json.loads(run(server, "shorten", "https://example.org", "--ask-first", "--json").stdout)
    assert (whole["asks_first"], whole["url"]) == (True, "https://example.org/")


def test_a_password_comes_on_standard_input_alone(server: Server) -> None:
    done = run(server, "shorten", "https://example.org/", "--password-stdin", stdin=b"open sesame\n")
    link = done.stdout.decode().strip()
    assert httpx.get(link, trust_env=False, timeout=30).status_code == 401
    opened = httpx.get(link, headers={"X-Share-Password": "open sesame"}, trust_env=False, timeout=30)
    assert opened.headers["location"] == "https://example.org/"


@pytest.mark.parametrize(
    ("words", "stdin", "code"),
    [
        (("paste",), b"", 2),
        (("paste",), b"\xff\xfe", 2),
        (("paste", "--language", "klingon"), b"text", 2),
        (("paste", "--views", "0"), b"text", 2),
        (("paste", "--password-stdin"), b"text", 2),
        (("paste", "--expires", "soon"), b"text", 2),
        (("shorten", "javascript:alert(1)"), b"", 2),
        (("shorten",), b"", 2),
        (("shorten", "https://example.org", "--name", "login"), b"", 1),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(server: Server, words: tuple[str, ...], stdin: bytes, code: int) -> None:
    done = run(server, *words, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, b"")
    assert len(done.stderr.splitlines()) == 1


def test_a_key_that_counts_for_nothing_is_said_to(server: Server) -> None:
    for command in (("paste",), ("shorten", "https://example.org")):
        assert run(server, *command, stdin=b"text", key="bd_nonsense").returncode == 4
