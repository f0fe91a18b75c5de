"""Where the token lies: in a real keyring, or honestly in a file, and never lost because a keyring hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulletdrop.tray.vault import StoredToken, forget_token, is_paired, load_token, paired_elsewhere, store_token
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


@pytest.fixture
def bare_session(tmp_path: Path) -> Iterator[Screen]:
    """A session bus that starts nothing by itself: what ended is away."""
    requires("dbus-daemon", package="dbus-daemon")
    screen = Screen(tmp_path / "session", with_x=False, services=False).start()
    yield screen
    screen.stop()


def asked(screen: Screen, expression: str) -> Any:
    """What an expression about the vault gives, in a process of that session."""
    code = (
        "import json, sys, os; from pathlib import Path; from bulletdrop.tray.vault import *; import time\n"
        "def why(call):\n    try:\n        call()\n    except VaultLocked as error:\n        return error.message\n"
        f"data = Path(os.environ['HOME'])\nprint(json.dumps({expression}, default=str))"
    )
    return json.loads(screen.run(sys.executable, "-W", "ignore", "-c", code, seconds=120))


def stored(screen: Screen) -> dict[str, str] | None:
    text = "(lambda t: t and {'server': t.server, 'token': t.token, 'where': t.where})(load_token(data, limit=60.0))"
    found: dict[str, str] | None = asked(screen, text)
    return found


def test_the_token_lies_in_the_keyring_and_nowhere_else(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    requires("secret-tool", package="libsecret-tools")
    session.start_keyring()
    where = asked(session, "store_token(data, 'http://drop:8484/', 'bd_secret', limit=60.0).where")
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
    assert asked(session, "probe_keyring(limit=60.0)") == ["keyring.backends.SecretService.Keyring", ""]
    assert session.run("secret-tool", "search", "--all", "service", "bulletdrop", check=False) == ""


def test_a_forgotten_token_is_gone(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    asked(session, "store_token(data, 'http://drop', 'bd_secret', limit=60.0).where")
    assert asked(session, "forget_token(data, limit=60.0)") is None
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
    # It answered, and was not given up.
    found = asked(session, "probe_keyring(limit=60.0)")
    assert found == [None, "the Secret Service has no default keyring yet"]
    path = session.home / "tray" / "token"
    assert asked(session, "store_token(data, 'http://drop', 'bd_secret').where") == str(path)
    assert not session.has_name("org.gnome.keyring.SystemPrompter")
    assert stored(session) == {"server": "http://drop", "token": "bd_secret", "where": str(path)}


def test_a_locked_keyring_is_not_unlocked_unasked(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    asked(session, "store_token(data, 'http://drop', 'bd_secret', limit=60.0).where")
    service = ("org.freedesktop.secrets", "/org/freedesktop/secrets")
    lock = "org.freedesktop.Secret.Service.Lock"
    session.call(*service, lock, "[objectpath '/org/freedesktop/secrets/collection/login']")
    assert asked(session, "probe_keyring(limit=60.0)") == [None, "the default keyring is locked"]
    code = "from bulletdrop.tray.vault import *; from pathlib import Path; load_token(Path.home(), limit=60.0)"
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
    assert seconds < 30


def test_a_token_in_a_keyring_that_hangs_is_locked_and_not_lost(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    asked(session, "store_token(data, 'http://drop', 'bd_secret', limit=60.0).where")
    memory = (session.home / "tray" / "vault.json").read_text()
    session.end("gnome-keyring-daemon")
    session.spawn([sys.executable, "-c", SILENT])
    wait_for_name(session)
    code = "from bulletdrop.tray.vault import *; from pathlib import Path; load_token(Path.home(), limit=1.0)"
    with pytest.raises(AssertionError, match="VaultLocked: Secret Service keyring holds the token"):
        session.run(sys.executable, "-W", "ignore", "-c", code)
    assert (session.home / "tray" / "vault.json").read_text() == memory


def test_keyring_absent_locked_and_hanging_as_the_tray_meets_them(bare_session: Screen) -> None:
    """The real daemon in each state, one after the other, and the same token back in the end."""
    session = bare_session
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    daemon = daemon_of(session)
    asked(session, "store_token(data, 'http://drop', 'bd_secret', username='alice', limit=60.0).where")
    kept = {"server": "http://drop", "token": "bd_secret", "where": "Secret Service keyring"}
    assert stored(session) == kept
    # Hanging: stopped in its tracks, as one that waits for a dialog that nobody sees.
    os.kill(daemon, signal.SIGSTOP)
    try:
        told, seconds = refused(session, limit=1.0)
        assert "no answer within 1 s" in told
        assert seconds < 30
    finally:
        os.kill(daemon, signal.SIGCONT)
    wait_for(lambda: stored(session) == kept, what="the token after the keyring went on")
    # Locked.
    service = ("org.freedesktop.secrets", "/org/freedesktop/secrets")
    lock = "org.freedesktop.Secret.Service.Lock"
    session.call(*service, lock, "[objectpath '/org/freedesktop/secrets/collection/login']")
    # It answered, and no dialog held anything up.
    assert "the default keyring is locked" in refused(session, limit=60.0)[0]
    # Absent: it ended, and the bus starts none in its place.
    session.end("gnome-keyring-daemon")
    wait_for(lambda: not session.has_name("org.freedesktop.secrets"), what="the end of the keyring")
    assert refused(session, limit=5.0)[0]
    # It is back, with the password that opens it: nothing was lost, nothing has to be paired again.
    session.start_keyring()
    assert stored(session) == kept


def test_a_keyring_that_hangs_while_a_token_is_to_be_kept_leaves_it_in_the_file(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    os.kill(daemon_of(session), signal.SIGSTOP)
    try:
        where, seconds = asked(
            session,
            "(lambda t: (store_token(data, 'http://drop', 'bd_secret', limit=1.0).where, time.monotonic() - t))"
            "(time.monotonic())",
        )
    finally:
        os.kill(daemon_of(session), signal.SIGCONT)
    assert where == str(session.home / "tray" / "token")
    assert seconds < 30
    assert stored(session) == {"server": "http://drop", "token": "bd_secret", "where": where}


def test_each_server_has_a_token_of_its_own_in_the_keyring(session: Screen) -> None:
    requires("gnome-keyring-daemon", package="gnome-keyring")
    session.start_keyring()
    for name in ("one", "two", "three"):
        asked(session, f"store_token(data, 'http://{name}', 'bd_{name}', elsewhere=True, limit=60.0).where")
    text = "[load_token(data, f'http://{name}', limit=60.0).token for name in ('one', 'two', 'three')]"
    assert asked(session, text) == ["bd_one", "bd_two", "bd_three"]
    asked(session, "forget_token(data, 'http://two', limit=60.0)")
    text = "[load_token(data, 'http://two', limit=60.0), load_token(data, 'http://three', limit=60.0).token]"
    assert asked(session, text) == [None, "bd_three"]
    kept = session.run("secret-tool", "search", "--all", "service", "bulletdrop", check=False)
    assert kept.count("bd_") == 2


def refused(screen: Screen, *, limit: float) -> tuple[str, float]:
    """What the vault says when it cannot give the token, and how long that took, in seconds."""
    told, seconds = asked(
        screen,
        f"(lambda t: (why(lambda: load_token(data, limit={limit})), time.monotonic() - t))(time.monotonic())",
    )
    return str(told), float(seconds)


def daemon_of(screen: Screen) -> int:
    """The process id of the keyring, as the bus knows it."""
    answer = screen.call(
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus.GetConnectionUnixProcessID",
        "org.freedesktop.secrets",
    )
    return int(answer.split()[1].rstrip(",)"))


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


def test_a_second_server_keeps_its_token_beside_the_first(tmp_path: Path) -> None:
    one = store_token(tmp_path, "http://one/", "bd_1", keyrings=(), elsewhere=True, username="alice")
    two = store_token(tmp_path, "http://two", "bd_2", keyrings=(), elsewhere=True, username="bob")
    assert one.where != two.where
    assert load_token(tmp_path, environ={}) == one
    assert load_token(tmp_path, "http://one", environ={}) == one
    assert load_token(tmp_path, "http://two/", environ={}) == two
    assert load_token(tmp_path, "http://three", environ={}) is None
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tray").iterdir()} == {0o600}
    again = store_token(tmp_path, "http://two", "bd_22", keyrings=(), elsewhere=True)
    assert (again.where, load_token(tmp_path, "http://two", environ={})) == (two.where, again)
    forget_token(tmp_path, "http://one")
    assert is_paired(tmp_path, {})
    assert load_token(tmp_path, "http://one", environ={}) is None
    assert load_token(tmp_path, "http://two", environ={}) == again
    forget_token(tmp_path, "http://two")
    assert list((tmp_path / "tray").iterdir()) == []


def test_a_vault_from_before_there_were_several_servers_is_read(tmp_path: Path) -> None:
    (tmp_path / "tray").mkdir()
    old = {"backend": "file", "server": "http://drop:8484", "account": "ab12", "elsewhere": True}
    (tmp_path / "tray" / "vault.json").write_text(json.dumps(old))
    (tmp_path / "tray" / "token").write_text("bd_old\n")
    found = load_token(tmp_path, environ={})
    assert found is not None
    assert (found.server, found.token) == ("http://drop:8484", "bd_old")
    assert load_token(tmp_path, "http://drop:8484", environ={}) == found
    assert paired_elsewhere(tmp_path) == "http://drop:8484"
    store_token(tmp_path, "http://two", "bd_2", keyrings=(), elsewhere=True)
    assert load_token(tmp_path, environ={}) == found


def test_a_name_in_the_vault_leads_to_no_other_folder(tmp_path: Path) -> None:
    (tmp_path / "tray").mkdir()
    (tmp_path / "secret").write_text("not yours")
    old = {"backend": "file", "server": "http://drop", "file": "../secret"}
    (tmp_path / "tray" / "vault.json").write_text(json.dumps(old))
    assert load_token(tmp_path, environ={}) is None
