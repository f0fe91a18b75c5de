"""`bulletdrop upload` as a person runs it: a real process, real files, a fake and a real server."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bulletdrop.tray import vault
from tests.support.server import Server, binary
from tests.tray.engine_kit import FakeServer, Rule, fake_server, png, write

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with fake_server() as server:
        yield server


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command with an environment of its own."""

    def command(*arguments: object, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BULLETDROP_")}
        clean |= {"BULLETDROP_DATA": str(tmp_path / "data"), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        clean.pop("DISPLAY", None)
        line = [*binary(), "upload", *map(str, arguments)]
        done = subprocess.run(line, input=stdin, capture_output=True, env=clean | environ, timeout=60)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return command


def to(fake: FakeServer) -> dict[str, str]:
    return {"BULLETDROP_SERVER": fake.url, "BULLETDROP_TOKEN": "bd_env"}


def test_each_file_is_one_link_on_a_line_of_its_own(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{n}.png", png(n)) for n in range(3)]
    done = run(*files, **to(fake))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(f"{fake.url}/s{n}\n" for n in range(3))
    assert fake.names() == ["0.png", "1.png", "2.png"]
    assert {one.headers["x-bulletdrop-source"] for one in fake.kept} == {"cli"}
    assert {one.headers["authorization"] for one in fake.kept} == {"Bearer bd_env"}
    assert len({one.key for one in fake.kept}) == 3


def test_json_prints_the_servers_whole_answer(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    done = run("--json", write(tmp_path / "a.png", png()), **to(fake))
    assert json.loads(done.stdout)["direct_url"] == f"{fake.url}/s0.png"


@pytest.mark.parametrize("size", [10, 700_000])
def test_standard_input_is_a_file_too(run: Run, fake: FakeServer, size: int) -> None:
    data = png(size=size)
    done = run("-", "--filename", "piped.png", stdin=data, **to(fake))
    assert done.returncode == 0, done.stderr
    assert (fake.kept[0].name, fake.kept[0].size) == ("piped.png", len(data))


def test_wishes_reach_the_server(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", png())
    done = run(path, "--name", "my-shot", "--private", "--expires", "2030-01-02", **to(fake))
    assert done.returncode == 0, done.stderr
    form = fake.kept[0].form
    assert b'name="custom_name"\r\n\r\nmy-shot\r\n' in form
    assert b'name="is_public"\r\n\r\nfalse\r\n' in form
    assert b'name="expires_at"\r\n\r\n2030-01-02T00:00:00.000Z\r\n' in form


def test_the_token_may_come_on_standard_input_but_never_as_an_argument(
    run: Run, fake: FakeServer, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.png", png())
    done = run(path, "--server", fake.url, "--token-stdin", stdin=b"bd_piped\n")
    assert done.returncode == 0, done.stderr
    assert fake.kept[0].headers["authorization"] == "Bearer bd_piped"
    assert run(path, "--token", "bd_shown").returncode == 2


def test_a_refused_file_is_one_line_and_the_others_go_on(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{n}.png", png(n)) for n in range(2)]
    fake.rules.append(Rule(415, "unknown_type"))
    done = run(*files, **to(fake))
    assert done.returncode == 1
    assert done.stdout == f"{fake.url}/s0\n"
    assert done.stderr == f"bulletdrop: {files[0]}: The fake server says unknown_type.\n"


@pytest.mark.parametrize(
    "rule, code",
    [
        (Rule(401, "not_signed_in"), 4),
        (Rule(503, "unavailable"), 3),
        (Rule(507, "disk_full"), 3),
        (Rule(404, body=b"<html>"), 3),
    ],
)
def test_what_concerns_all_files_ends_the_run_with_its_code(
    run: Run, fake: FakeServer, tmp_path: Path, rule: Rule, code: int
) -> None:
    files = [write(tmp_path / f"{n}.png", png(n)) for n in range(3)]
    fake.rules.append(rule)
    done = run(*files, **to(fake))
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert fake.requests == 1


def test_nobody_there_is_code_three_and_no_token_is_code_four(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", png())
    done = run(path)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "No BulletDrop runs on this machine" in done.stderr
    done = run(path, "--server", fake.url)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    fake.down()
    assert run(path, **to(fake)).returncode == 3


def test_wrong_usage_is_code_two(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", png())
    for arguments in ((), (tmp_path / "nothing.png",), (tmp_path,), (path, path, "--name", "x"), ("-", "-")):
        done = run(*arguments, **to(fake))
        assert done.returncode == 2, arguments
        assert done.stderr.count("\n") == 1
    assert run(path, "--expires", "someday", **to(fake)).returncode == 2


def test_a_clipboard_that_is_not_there_is_said_and_is_no_failure(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    done = run("--copy", write(tmp_path / "a.png", png()), **to(fake))
    assert (done.returncode, done.stdout) == (0, f"{fake.url}/s0\n")
    words = "bulletdrop: the link could not be put on the clipboard: there is no screen here.\n"
    assert done.stderr == words


def test_a_terminal_sees_a_bar_and_the_output_stays_clean(fake: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", png(size=3_000_000))
    terminal, inner = pty.openpty()
    try:
        environ = os.environ | to(fake) | {"TERM": "xterm", "COLUMNS": "100"}
        done = subprocess.run(
            [*binary(), "upload", str(path)], stdout=subprocess.PIPE, stderr=inner, env=environ, timeout=60
        )
        shown = os.read(terminal, 100_000).decode()
    finally:
        os.close(inner)
        os.close(terminal)
    assert done.stdout.decode() == f"{fake.url}/s0\n"
    assert "a.png" in shown
    assert "MB" in shown


def test_the_help_tells_the_exit_codes(run: Run) -> None:
    help_text = " ".join(run("--help").stdout.split())
    for code in ("0 all uploaded", "1 a file was refused", "2 wrong usage", "3 the server", "4 not signed in"):
        assert code in help_text


def test_on_the_servers_machine_no_token_is_needed(run: Run, server: Server, tmp_path: Path) -> None:
    assert server.alice is not None
    path = write(tmp_path / "shot.png", png(size=20_000))
    clean = {"BULLETDROP_DATA": str(server.data)}
    done = run(path, **clean)
    assert done.returncode == 0, done.stderr
    page = httpx.get(done.stdout.strip(), trust_env=False, timeout=30)
    assert page.status_code == 200
    before = len(list((server.data / "tray").iterdir()))
    again = run(path, "--json", **clean)
    fields = json.loads(again.stdout)
    assert (fields["original_filename"], fields["mime_type"]) == ("shot.png", "image/png")
    assert len(list((server.data / "tray").iterdir())) == before, "the key of the first time was used again"


def test_the_real_server_takes_wishes_streams_and_says_no_in_words(run: Run, server: Server, tmp_path: Path) -> None:
    assert server.alice is not None
    clean = {"BULLETDROP_DATA": str(server.data)}
    path = write(tmp_path / "shot.png", png(size=20_000))
    done = run(path, "--name", "my-shot", "--private", "--expires", "7d", "--json", **clean)
    assert done.returncode == 0, done.stderr
    fields = json.loads(done.stdout)
    assert (fields["custom_name"], fields["is_public"]) == ("my-shot", False)
    assert fields["expires_at"]
    assert run("-", stdin=png("piped", size=400_000), **clean).returncode == 0
    taken = run(path, "--name", "my-shot", **clean)
    assert (taken.returncode, taken.stderr.count("\n")) == (1, 1)
    text = run(write(tmp_path / "text.png", b"no picture at all, only words"), **clean)
    assert (text.returncode, text.stderr.count("\n")) == (1, 1)


def test_the_real_server_takes_terms_and_the_password_is_in_no_argument(
    run: Run, server: Server, tmp_path: Path
) -> None:
    assert server.alice is not None
    clean = {"BULLETDROP_DATA": str(server.data)}
    path = write(tmp_path / "Release plan.png", png(size=20_000))
    terms = ("--title", "The plan", "--description", "For all", "--views", "3", "--style", "name", "--domain", "main")
    done = run(path, *terms, "--password-stdin", "--json", stdin="gr\u00fcn wie Gras\n".encode(), **clean)
    assert done.returncode == 0, done.stderr
    fields = json.loads(done.stdout)
    assert (fields["title"], fields["description"], fields["max_views"]) == ("The plan", "For all", 3)
    assert (fields["slug"], fields["has_password"], fields["domain"]) == ("release-plan", True, None)
    for said, status in (("grau wie Gras", 401), ("grün wie Gras", 200)):
        asked = server.anonymous.get("/release-plan.png", headers={b"X-Share-Password": said.encode()})
        assert asked.status_code == status
    for wrong in (("--views", "0"), ("--style", "poem"), ("--password-stdin", "--token-stdin")):
        assert run(path, *wrong, stdin=b"x\n", **clean).returncode == 2


def test_a_refused_text_and_a_revoked_key_say_which_command_helps(run: Run, fake: FakeServer, tmp_path: Path) -> None:
    text = write(tmp_path / "a.txt", b"plain words")
    fake.rules.append(Rule(415, "unknown_type"))
    done = run(text, **to(fake))
    assert f"bulletdrop paste {text}" in done.stderr
    vault.store_token(tmp_path / "data", fake.url, "bd_old", keyrings=(), elsewhere=True)
    fake.rules.append(Rule(401, "revoked_key"))
    done = run(text, "--server", fake.url)
    assert done.returncode == 4
    assert f"Pair this machine again: bulletdrop pair {fake.url}" in done.stderr
