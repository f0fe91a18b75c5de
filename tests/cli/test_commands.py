"""The server's own commands, run as a person runs them."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from bulletdrop import __version__
from tests.support.server import PASSWORD, Server, binary


@pytest.fixture
def house(tmp_path: Path) -> Server:
    """A data folder without a running server; somebody has an account there."""
    made = Server(tmp_path / "data")
    made.command("user", "add", "zoe", "--email", "z@example.org", "--password-stdin", stdin=PASSWORD)
    return made


def test_the_version_is_one_line(house: Server) -> None:
    done = subprocess.run([*binary(), "--version"], capture_output=True, text=True, check=True, env=house.environ)
    assert done.stdout == f"bulletdrop {__version__}\n"


def test_the_first_account_makes_the_data_folder_with_its_secret(house: Server) -> None:
    assert "zoe" in house.command("user", "list").stdout
    assert stat.S_IMODE((house.data / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(house.data.stat().st_mode) == 0o700


def test_a_person_is_added_with_a_password_from_standard_input(house: Server) -> None:
    said = house.command(
        "user", "add", "alice", "--email", "a@example.org", "--admin", "--password-stdin", stdin=PASSWORD
    )
    assert said.stdout == "Added alice (admin).\n"
    row, _ = json.loads(house.command("user", "list", "--json").stdout)
    assert (row["username"], row["is_admin"], row["is_active"]) == ("alice", True, True)
    assert PASSWORD not in "".join(
        path.read_bytes().decode("latin-1") for path in house.data.rglob("*") if path.is_file()
    )


def test_without_a_terminal_a_password_is_not_asked_for(house: Server) -> None:
    done = house.command("user", "add", "alice", "--email", "a@example.org", check=False)
    assert done.returncode == 2
    assert done.stderr == "bulletdrop: There is no terminal to ask on. Use --password-stdin.\n"


def test_a_key_is_printed_alone_and_once(house: Server) -> None:
    key = house.add_person("alice")
    assert key.startswith("bd_")
    assert "\n" not in key
    listed = house.command("key", "list", "alice")
    assert key not in listed.stdout
    (row,) = json.loads(house.command("key", "list", "alice", "--json").stdout)
    assert house.command("key", "revoke", "alice", row["id"]).stdout == "Revoked.\n"
    assert house.command("key", "list", "alice").stdout == "alice has no keys.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("user", "promote", "nobody"), 1, "There is no user “nobody”."),
        (("key", "add", "nobody", "--name", "x", "--scope", "uploads:read"), 1, "There is no user “nobody”."),
        (("job", "nothing"), 1, "There is no job “nothing”."),
        (("key", "add", "x"), 2, "Missing option"),
        (("user", "explode"), 2, "No such command"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(house: Server, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = house.command(*arguments, check=False)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_setting_that_does_not_exist_names_the_nearest_one(house: Server) -> None:
    house.environ["BULLETDROP_PUBLIC_ULR"] = "x"
    done = house.command("user", "list", check=False)
    assert done.returncode == 2
    assert "Did you mean “public_url”?" in done.stderr


def test_config_shows_every_setting_and_no_secret(house: Server) -> None:
    house.environ["BULLETDROP_SECRET_KEY"] = "s" * 40
    shown = json.loads(house.command("config", "--json").stdout)
    assert shown["secret_key"] == "***"
    assert shown["port"] == 8484
    assert "BULLETDROP_MAX_FILE_SIZE" in house.command("config").stdout


def test_verify_and_jobs_run_on_an_empty_house(house: Server) -> None:
    assert house.command("verify", "--read-data").stdout == "0 drops, 0 files: nothing wrong.\n"
    assert house.command("job", "sweep-orphans").stdout == "sweep-orphans: 0 removed\n"
    assert "empty-trash" in house.command("job").stdout


def test_a_folder_that_was_there_before_is_closed_to_others(tmp_path: Path) -> None:
    house = Server(tmp_path / "data")
    house.data.mkdir(mode=0o755)
    house.environ["BULLETDROP_PUBLIC_URL"] = "http://drop.example.org"
    house.add_person("alice", admin=True)
    assert stat.S_IMODE(house.data.stat().st_mode) == 0o700
    assert not [path for path in house.data.rglob("*") if path.stat().st_mode & 0o077]


def test_a_database_that_others_can_read_is_closed_and_a_foreign_folders_mode_is_named(tmp_path: Path) -> None:
    house = Server(tmp_path / "data")
    house.command("user", "add", "alice", "--email", "a@example.org", "--password-stdin", stdin=PASSWORD)
    house.data.chmod(0o755)
    (house.data / "bulletdrop.db").chmod(0o644)
    house.command("user", "list")
    assert stat.S_IMODE((house.data / "bulletdrop.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(house.data.stat().st_mode) == 0o755
    assert f"chmod 700 {house.data}" in house.command("doctor", check=False).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("job", "expire"),
        ("key", "list", "alice"),
        ("user", "list"),
        ("user", "promote", "alice"),
        ("user", "passwd", "alice", "--password-stdin"),
        ("user", "disable", "alice"),
    ],
)
def test_a_mistyped_data_folder_is_said_and_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    nowhere = Server(tmp_path / "typo")
    done = nowhere.command(*arguments, stdin=PASSWORD, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"bulletdrop: There is no data folder at {nowhere.data}.\n"
    assert not nowhere.data.exists()


@pytest.mark.parametrize("arguments", [("verify",), ("serve",), ("user", "list")])
def test_a_file_is_no_data_folder(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    house = Server(tmp_path / "data")
    house.data.write_text("a file")
    done = house.command(*arguments, check=False)
    assert done.returncode == 2
    assert done.stderr == f"bulletdrop: The data folder {house.data} is no folder.\n"


def test_a_password_that_is_no_text_is_refused(house: Server) -> None:
    command = [*binary(), "user", "passwd", "zoe", "--password-stdin", "--data", str(house.data)]
    done = subprocess.run(command, input=b"\xff\xfe password", capture_output=True, check=False, env=house.environ)
    assert done.returncode == 2
    assert done.stderr.decode() == "bulletdrop: The password on standard input is no UTF-8 text.\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "javascript:alert(1)"),
        ("public_url", "drop.example.org"),
        ("public_url", "https://"),
        ("public_url", "http://[bad"),
        ("log_level", "loud"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(house: Server, name: str, value: str) -> None:
    house.environ[f"BULLETDROP_{name.upper()}"] = value
    done = house.command("serve", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"bulletdrop: {name} is ")
    assert done.stderr.count("\n") == 1
