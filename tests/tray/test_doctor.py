"""The doctor finds what was broken on purpose, says the cure, and is content with what is well."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bulletdrop.cli.checks_server import clock
from bulletdrop.paths import make_private_folder
from bulletdrop.tray.instance import InstanceLock
from bulletdrop.tray.vault import store_token
from tests.support.needs import requires
from tests.support.screen import ROOT, Screen
from tests.support.server import Server, binary

Findings = dict[str, dict[str, str]]


def ask(data: Path, *options: str, environ: dict[str, str] | None = None) -> tuple[int, Findings]:
    """The doctor's exit code and findings by name."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(data.parent), "PYTHONPATH": str(ROOT)}
    command = [*binary(), "doctor", "--json", "--data", str(data), *options]
    done = subprocess.run(command, env=environ or bare, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {finding["name"]: finding for finding in json.loads(done.stdout)}


def test_a_machine_before_its_first_start_is_well(tmp_path: Path) -> None:
    code, found = ask(tmp_path / "data")
    assert code == 0
    assert not [finding for finding in found.values() if finding["level"] == "fail"]
    assert found["server"]["what"] == "not running"
    assert found["desktop"]["what"] == "none here: the server alone is used"
    assert not (tmp_path / "data").exists()


def test_a_running_server_is_found_well(server: Server) -> None:
    _ = server.alice
    code, found = ask(server.data)
    assert code == 0
    assert found["server"]["what"].startswith(server.url)
    assert found["database"]["what"].endswith("wal mode, quick check clean")
    assert found["secrets"]["level"] == "ok"
    assert "SQLite 3." in found["versions"]["what"]
    assert found["watcher"]["what"].startswith("by events")


def test_the_doctor_leaves_nothing_in_the_data_folder(server: Server) -> None:
    before = sorted(path for path in server.data.rglob("*") if "bulletdrop.db" not in path.name)
    ask(server.data)
    assert sorted(path for path in server.data.rglob("*") if "bulletdrop.db" not in path.name) == before


def test_a_secret_that_others_may_read_is_a_failure_with_its_cure(server: Server) -> None:
    path = server.data / "secret.key"
    path.chmod(0o644)
    code, found = ask(server.data)
    assert code == 1
    assert found["secrets"] == {
        "level": "fail",
        "name": "secrets",
        "what": f"others may read {path}",
        "cure": f"chmod 600 {path}",
    }


def test_a_damaged_database_is_found(server: Server) -> None:
    _ = server.alice
    server.stop()
    path = server.data / "bulletdrop.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    code, found = ask(server.data)
    assert code == 1
    assert found["database"]["level"] == "fail"
    assert "backups" in found["database"]["cure"]


def test_a_file_that_is_no_database_is_found(tmp_path: Path) -> None:
    (tmp_path / "bulletdrop.db").write_bytes(b"hello" * 1000)
    code, found = ask(tmp_path)
    assert code == 1
    assert "cannot be read" in found["database"]["what"]


def test_a_server_that_fell_without_tidying_up_is_found(server: Server) -> None:
    server.kill()
    code, found = ask(server.data)
    assert code == 1
    assert "does not answer" in found["server"]["what"]


def test_a_stranger_on_the_server_s_port_is_found(server: Server) -> None:
    path = server.data / "run" / "server.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "instance": "another"}))
    path.chmod(0o600)
    code, found = ask(server.data)
    assert code == 1
    assert found["server"]["what"] == f"another server answers at {server.url}"


def test_a_full_disk_is_found(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    code, found = ask(tmp_path, environ={**environ, "BULLETDROP_MIN_FREE_DISK": str(10**18)})
    assert code == 1
    assert "uploads are refused below" in found["disk"]["what"]


def test_a_clock_that_cannot_be_right_is_found() -> None:
    assert clock(datetime(1970, 1, 2, tzinfo=UTC)).level == "fail"
    assert clock(datetime(2027, 1, 2, tzinfo=UTC)).level == "ok"


def test_lines_are_short_and_say_the_cure(tmp_path: Path) -> None:
    command = [*binary(), "doctor", "--data", str(tmp_path / "data")]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    lines = done.stdout.splitlines()
    assert "warn  server        not running — start it with “bulletdrop” or “bulletdrop serve”" in lines
    assert all(line[:4].strip() in ("ok", "warn", "fail") for line in lines)


def test_a_computer_paired_elsewhere_is_not_asked_for_a_server_and_its_key_is_tried(
    tmp_path: Path, server: Server
) -> None:
    data = tmp_path / "mine"
    key = server.key_of("bob")
    make_private_folder(data / "tray")
    store_token(data, server.url, key, keyrings=(), elsewhere=True)
    before = server.bob.get("/api/v1/uploads").json()
    code, found = ask(data)
    assert code == 0
    assert found["server"]["what"] == f"none here: this computer is paired with {server.url}"
    assert not {"database", "address", "certificate", "network", "mail"} & found.keys()
    assert found["servers"]["what"] == server.url
    assert [name for name, one in found.items() if one["level"] != "ok"] == ["token"]  # in a plain file
    assert server.bob.get("/api/v1/uploads").json() == before


def test_a_key_that_was_revoked_is_a_failure_that_says_how_to_pair_again(tmp_path: Path, server: Server) -> None:
    store_token(tmp_path / "mine", server.url, "bd_gone", keyrings=(), elsewhere=True)
    code, found = ask(tmp_path / "mine")
    assert code == 1
    assert found["token"]["what"] == f"the key for {server.url} was revoked"
    assert found["token"]["cure"] == f"bulletdrop pair {server.url}"


def test_a_server_alone_is_not_asked_for_a_tray(server: Server) -> None:
    _, found = ask(server.data)
    assert (found["token"]["level"], found["token"]["what"]) == (
        "ok",
        "none: a server alone, no tray was ever used here",
    )


def test_whether_the_network_hears_of_a_server_is_what_the_running_one_says(server: Server) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(server.data.parent), "PYTHONPATH": str(ROOT)}
    _, found = ask(server.data, environ={**environ, "BULLETDROP_HOST": "0.0.0.0", "BULLETDROP_ANNOUNCE": "on"})
    assert found["network"]["what"].startswith("not announced")


def test_the_data_folder_is_its_owner_s_alone_whoever_makes_it_first(tmp_path: Path) -> None:
    data = tmp_path / "share" / "bulletdrop"
    with umasked(0o022):
        lock = InstanceLock(data)
        lock.take()
    lock.release()
    assert [stat.S_IMODE(one.stat().st_mode) for one in (data, data / "tray")] == [0o700, 0o700]


@contextmanager
def umasked(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    for program, package in (("Xvfb", "xvfb"), ("xfce4-panel", "xfce4-panel"), ("xclip", "xclip")):
        requires(program, package=package)
    made = Screen(tmp_path / "screen", services=False).start()
    yield made
    made.stop()


def test_on_a_desktop_it_looks_at_tray_keyring_notifications_and_clipboard(screen: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    screen.start_keyring()
    shots = screen.home / "Pictures" / "Screenshots"
    shots.mkdir()
    environ = {**screen.environ, "BULLETDROP_WATCH": str(shots)}
    screen.spawn(["xclip", "-i", "-quiet", "-selection", "clipboard"], stdin=b"mine")
    _code, found = ask(screen.home / "data", environ=environ)
    assert found["keyring"]["what"] == "Secret Service keyring: a test secret was kept and deleted"
    assert found["tray"]["what"] == "nothing on this desktop shows icons"
    assert found["notifications"]["level"] == "warn"
    assert found["clipboard"]["what"].startswith("by x11 (upload --copy: xclip), not tested")
    assert found["screenshots"]["what"] == str(shots)
    assert screen.clipboard() == "mine"
    assert list(shots.iterdir()) == []


def test_the_clipboard_is_tested_when_asked(screen: Screen) -> None:
    _code, found = ask(screen.home / "data", "--clipboard", environ=screen.environ)
    assert found["clipboard"]["what"] == "by x11 (upload --copy: xclip), written and read back"


def test_a_token_in_a_plain_file_is_said_plainly(tmp_path: Path) -> None:
    store_token(tmp_path, "http://drop", "bd_x", keyrings=())
    _code, found = ask(tmp_path)
    assert found["token"]["level"] == "warn"
    assert found["token"]["what"] == f"in a plain file, {tmp_path / 'tray' / 'token'}"
