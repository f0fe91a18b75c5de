"""Where the token lies: in a real keyring, or honestly in a file, and never lost because a keyring hangs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulletdrop.tray.vault import StoredToken, load_token, store_token
from tests.support.needs import requires
from tests.support.screen import Screen, wait_for

# Takes the keyring's name and never answers: what a password dialog looks like from outside.
SILENT = """
import asyncio
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
async def main():
    bus = await MessageBus().connect()
    bus.add_message_handler(lambda message: message.message_type is MessageType.METHOD_CALL)
    await bus.request_name("org.freedesktop.secrets")
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Screen]:
    requires("dbus-daemon", package="dbus-daemon")
    screen = Screen(tmp_path / "session", with_x=False).start()
    yield screen
    screen.stop()


def asked(screen: Screen, expression: str) -> Any:
    """What an expression about the vault gives, in a process of that session."""
    code = (
        "import json, sys, os; from pathlib import Path; from bulletdrop.tray.vault import *; import time\n"
        f"data = Path(os.environ['HOME'])\nprint(json.dumps({expression}, default=str))"
    )
    return json.loads(screen.run(sys.executable, "-W", "ignore", "-c", code, seconds=30))


def stored(screen: Screen) -> dict[str, str] | None:
    text = "(lambda t: t and {'server': t.server, 'token': t.token, 'where': t.where})(load_token(data, limit=1.0))"
    found: dict[str, str] | None = asked(screen, text)
    return found


def test_the_token_lies_in_the_keyring_and_nowhere_else(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    requires("secret-tool", package="libsecret-tools")
    session.start_keyring()
    where = asked(session, "store_token(data, 'http://drop:8484/', 'bd_secret').where")
    assert where == "Secret Service keyring"
    assert stored(session) == {"server": "http://drop:8484", "token": "bd_secret", "where": "Secret Service keyring"}
    memory = json.loads((session.home / "tray" / "vault.json").read_text())
    assert memory["backend"] == "keyring.backends.SecretService.Keyring"
    assert not (session.home / "tray" / "token").exists()
    assert "bd_secret" not in (session.home / "tray" / "vault.json").read_text()
    found = session.run("secret-tool", "lookup", "service", "bulletdrop", "username", memory["account"])
    assert found.strip() == "bd_secret"


def test_the_probe_leaves_nothing_behind(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    assert asked(session, "probe_keyring()") == ["keyring.backends.SecretService.Keyring", ""]
    assert session.run("secret-tool", "search", "--all", "service", "bulletdrop", check=False) == ""


def test_a_forgotten_token_is_gone(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    asked(session, "store_token(data, 'http://drop', 'bd_secret').where")
    assert asked(session, "forget_token(data)") is None
    assert stored(session) is None
    assert session.run("secret-tool", "search", "--all", "service", "bulletdrop", check=False) == ""


def test_without_a_keyring_the_token_is_in_a_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    requires("dbus-daemon", package="dbus-daemon")
    screen = Screen(tmp_path / "session", with_x=False, services=False).start()
    try:
        path = screen.home / "tray" / "token"
        assert asked(screen, "store_token(data, 'http://drop', 'bd_secret').where") == str(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert stored(screen) == {"server": "http://drop", "token": "bd_secret", "where": str(path)}
        asked(screen, "forget_token(data)")
        assert not path.exists()
    finally:
        screen.stop()


def test_where_no_default_keyring_exists_no_dialog_is_raised_and_the_token_goes_to_the_file(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.spawn(["gnome-keyring-daemon", "--foreground", "--components=secrets"])
    wait_for(lambda: session.has_name("org.freedesktop.secrets"), what="the keyring")
    name, problem, seconds = asked(session, "(lambda t: (*probe_keyring(), time.monotonic() - t))(time.monotonic())")
    assert (name, problem) == (None, "the Secret Service has no default keyring yet")
    assert seconds < 5  # it answered, and was not given up
    path = session.home / "tray" / "token"
    assert asked(session, "store_token(data, 'http://drop', 'bd_secret').where") == str(path)
    assert not session.has_name("org.gnome.keyring.SystemPrompter")
    assert stored(session) == {"server": "http://drop", "token": "bd_secret", "where": str(path)}


def test_a_locked_keyring_is_not_unlocked_unasked(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    asked(session, "store_token(data, 'http://drop', 'bd_secret').where")
    service = ("org.freedesktop.secrets", "/org/freedesktop/secrets")
    lock = "org.freedesktop.Secret.Service.Lock"
    session.call(*service, lock, "[objectpath '/org/freedesktop/secrets/collection/login']")
    assert asked(session, "probe_keyring()") == [None, "the default keyring is locked"]
    code = "from bulletdrop.tray.vault import *; from pathlib import Path; load_token(Path.home())"
    with pytest.raises(AssertionError, match=r"holds the token: the default keyring is locked\. Unlock it"):
        session.run(sys.executable, "-W", "ignore", "-c", code)
    assert not session.has_name("org.gnome.keyring.SystemPrompter")


def test_a_keyring_that_never_answers_costs_its_limit_and_no_more(session: Screen) -> None:
    session.spawn([sys.executable, "-c", SILENT])
    wait_for_name(session)
    name, problem, seconds = asked(
        session, "(lambda t: (*probe_keyring(limit=1.0), time.monotonic() - t))(time.monotonic())"
    )
    assert name is None
    assert "no answer within 1 s" in problem
    assert seconds < 10


def test_a_token_in_a_keyring_that_hangs_is_locked_and_not_lost(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    asked(session, "store_token(data, 'http://drop', 'bd_secret').where")
    memory = (session.home / "tray" / "vault.json").read_text()
    session.end("gnome-keyring-daemon")
    session.spawn([sys.executable, "-c", SILENT])
    wait_for_name(session)
    code = "from bulletdrop.tray.vault import *; from pathlib import Path; load_token(Path.home(), limit=1.0)"
    with pytest.raises(AssertionError, match="VaultLocked: Secret Service keyring holds the token"):
        session.run(sys.executable, "-W", "ignore", "-c", code)
    assert (session.home / "tray" / "vault.json").read_text() == memory


def wait_for_name(screen: Screen) -> None:
    wait_for(lambda: screen.has_name("org.freedesktop.secrets"), what="the silent keyring")


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environ = {"BULLETDROP_TOKEN": " bd_env ", "BULLETDROP_SERVER": "http://elsewhere/"}
    assert load_token(tmp_path, environ=environ) == StoredToken("http://elsewhere", "bd_env", "environment")


def test_nothing_stored_is_none(tmp_path: Path) -> None:
    assert load_token(tmp_path, environ={}) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"backend": "file"}'])
def test_a_damaged_memory_is_like_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "tray").mkdir()
    (tmp_path / "tray" / "vault.json").write_text(text)
    assert load_token(tmp_path, environ={}) is None


def test_a_token_is_never_printed() -> None:
    assert "bd_secret" not in repr(StoredToken("http://drop", "bd_secret", "environment"))


def test_only_keyrings_that_keep_secrets_are_trusted(tmp_path: Path) -> None:
    (tmp_path / "tray").mkdir()
    plain = {"backend": "keyrings.alt.file.PlaintextKeyring", "server": "http://drop", "account": "x"}
    (tmp_path / "tray" / "vault.json").write_text(json.dumps(plain))
    code = (
        "from bulletdrop.tray.vault import *; from pathlib import Path; import sys\n"
        "load_token(Path(sys.argv[1]), environ={})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "is not a keyring that we trust" in done.stderr


def test_storing_again_replaces(tmp_path: Path) -> None:
    one = store_token(tmp_path, "http://one", "bd_1", keyrings=())
    two = store_token(tmp_path, "http://two", "bd_2", keyrings=())
    assert one.where == two.where == str(tmp_path / "tray" / "token")
    assert load_token(tmp_path, environ={}) == two
