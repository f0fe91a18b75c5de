"""Start at login on three systems: for real on Linux, by recorded facts of registries and launchd elsewhere."""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bulletdrop.tray import autostart
from bulletdrop.tray.autostart import CannotStartAtLogin, Machine
from bulletdrop.tray.autostart_entries import (
    AGENT_ID,
    APPROVED_KEY,
    RUN_KEY,
    RUN_NAME,
    join_exec,
    split_exec,
    split_windows,
)
from tests.support.registry import Values


def linux(home: Path, *program: str, frozen: bool = True, **environ: str) -> Machine:
    environ = {"XDG_CONFIG_DIRS": str(home / "etc"), **environ}
    return Machine("linux", home, environ, program or ("/opt/bulletdrop",), frozen)


def windows(registry: Values, *program: str) -> Machine:
    return Machine("win32", Path("/"), {}, program or (r"C:\Program Files\BulletDrop\bulletdropw.exe",), True, registry)


def macos(home: Path, *program: str, ask: Callable[[Sequence[str]], str | None] = lambda command: None) -> Machine:
    own = program or ("/Applications/BulletDrop.app/Contents/MacOS/bulletdrop",)
    return Machine("darwin", home, {}, own, True, Values(), ask)


def desktop_file(home: Path) -> Path:
    return home / ".config" / "autostart" / "bulletdrop.desktop"


def test_on_linux_it_is_a_file_in_the_autostart_folder_and_goes_again(tmp_path: Path) -> None:
    machine = linux(tmp_path)
    assert autostart.state(machine) == "off"
    assert autostart.turn_on(["tray"], machine) == "on"
    text = desktop_file(tmp_path).read_text()
    assert text.startswith("[Desktop Entry]\nType=Application\nName=BulletDrop\n")
    assert 'Exec="/opt/bulletdrop" "tray"\n' in text
    assert desktop_file(tmp_path).stat().st_mode & 0o777 == 0o644
    assert autostart.turn_off(machine) == "off"
    assert not desktop_file(tmp_path).exists()
    assert autostart.turn_off(machine) == "off"


def test_who_turns_it_on_is_told_what_was_written_where_and_when_it_counts(tmp_path: Path) -> None:
    machine = linux(tmp_path, "/opt/my programs/bulletdrop")
    off = ["Nothing of BulletDrop starts at your next login. What runs now goes on."]
    assert autostart.account(machine) == off
    autostart.turn_on(["tray"], machine)
    assert autostart.account(machine) == [
        f"The entry is {desktop_file(tmp_path)}.",
        "From your next login on it starts: '/opt/my programs/bulletdrop' tray",
        "Nothing was started or ended now.",
    ]
    autostart.turn_off(machine)
    assert autostart.account(machine) == off
    registry = windows(Values())
    autostart.turn_on(["tray"], registry)
    assert autostart.account(registry)[:2] == [
        rf"The entry is HKEY_CURRENT_USER\{RUN_KEY}\{RUN_NAME}.",
        r'From your next login on it starts: "C:\Program Files\BulletDrop\bulletdropw.exe" tray',
    ]
    agent = macos(tmp_path)
    autostart.turn_on([], agent)
    assert autostart.account(agent)[0] == f"The entry is {tmp_path}/Library/LaunchAgents/{AGENT_ID}.plist."


def test_the_command_says_on_to_programs_and_the_rest_to_people(tmp_path: Path) -> None:
    config = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CONFIG_DIRS": str(tmp_path)}
    said = {}
    for wish in ("on", "state", "off"):
        command = [sys.executable, "-m", "bulletdrop", "tray", "--autostart", wish, "--data", str(tmp_path / "data")]
        said[wish] = subprocess.run(command, env=os.environ | config, capture_output=True, text=True, timeout=60)
    assert [one.stdout for one in said.values()] == ["on\n", "on\n", "off\n"]
    place = str(tmp_path / "config" / "autostart" / "bulletdrop.desktop")
    for wish in ("on", "state"):
        assert place in said[wish].stderr
        assert "From your next login on it starts:" in said[wish].stderr
    assert "What runs now goes on." in said["off"].stderr


def test_a_tray_of_another_data_folder_starts_with_that_one(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    config = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CONFIG_DIRS": str(tmp_path)}
    command = [sys.executable, "-m", "bulletdrop", "tray", "--autostart", "on", "--data", str(data)]
    environ = os.environ | config | {"BULLETDROP_SERVER": "https://pictures.example.org"}
    told = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert told.stdout == "on\n"
    assert f"tray --data '{data}'" in told.stderr


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_what_the_desktop_switched_off_is_shown_and_stays_off_until_the_person_wishes(
    tmp_path: Path, line: str
) -> None:
    machine = linux(tmp_path)
    autostart.turn_on((), machine)
    file = desktop_file(tmp_path)
    file.write_text(file.read_text().replace("X-GNOME-Autostart-enabled=true", line))
    assert autostart.state(machine) == "disabled_by_system"
    assert autostart.refresh(machine) is False
    assert autostart.state(machine) == "disabled_by_system"
    assert autostart.turn_on((), machine) == "on"


def test_a_program_that_moved_takes_its_entry_along_with_its_arguments(tmp_path: Path) -> None:
    autostart.turn_on(["tray", "--data", "/a b"], linux(tmp_path, "/old/bulletdrop"))
    moved = linux(tmp_path, "/new place/bullet$drop")
    assert autostart.refresh(moved) is True
    assert autostart.entry(moved).command() == ["/new place/bullet$drop", "tray", "--data", "/a b"]
    assert autostart.refresh(moved) is False


def test_a_switched_off_entry_of_a_moved_program_is_not_switched_on_by_renewing_it(tmp_path: Path) -> None:
    autostart.turn_on((), linux(tmp_path, "/old/bulletdrop"))
    file = desktop_file(tmp_path)
    file.write_text(file.read_text().replace("X-GNOME-Autostart-enabled=true", "Hidden=true"))
    autostart.refresh(linux(tmp_path, "/new/bulletdrop"))
    assert autostart.state(linux(tmp_path)) == "disabled_by_system"


def test_without_an_entry_nothing_is_renewed(tmp_path: Path) -> None:
    assert autostart.refresh(linux(tmp_path)) is False
    assert not desktop_file(tmp_path).exists()


def test_the_sources_leave_the_entry_of_a_built_program_alone_while_it_is_there(tmp_path: Path) -> None:
    program = tmp_path / "bulletdrop"
    program.touch()
    autostart.turn_on((), linux(tmp_path, str(program)))
    from_source = linux(tmp_path, "/venv/python", "-m", "bulletdrop", frozen=False)
    assert autostart.refresh(from_source) is False
    program.unlink()
    assert autostart.refresh(from_source) is True
    assert autostart.entry(from_source).command() == ["/venv/python", "-m", "bulletdrop"]
    assert autostart.refresh(linux(tmp_path, "/opt/bulletdrop")) is True
    assert autostart.entry(from_source).command() == ["/opt/bulletdrop"]


def test_an_entry_for_everybody_is_turned_off_for_this_person_alone(tmp_path: Path) -> None:
    shared = tmp_path / "etc" / "autostart" / "bulletdrop.desktop"
    shared.parent.mkdir(parents=True)
    shared.write_text("[Desktop Entry]\nType=Application\nName=BulletDrop\nExec=bulletdrop\n")
    machine = linux(tmp_path)
    assert autostart.state(machine) == "on"
    assert autostart.turn_off(machine) == "off"
    assert "Hidden=true\n" in desktop_file(tmp_path).read_text()
    assert shared.exists()
    assert autostart.turn_on((), machine) == "on"


def test_the_config_folder_that_is_named_counts(tmp_path: Path) -> None:
    machine = linux(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "conf"))
    autostart.turn_on((), machine)
    assert (tmp_path / "conf" / "autostart" / "bulletdrop.desktop").exists()


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("a file where a folder should be")
    machine = linux(tmp_path)
    assert autostart.state(machine) == "off"
    with pytest.raises(CannotStartAtLogin, match="could not be written"):
        autostart.turn_on((), machine)
    assert autostart.refresh(machine) is False


@pytest.mark.parametrize(
    "command",
    [["/opt/bulletdrop"], ["/a b/c", "tray"], ['/quo"te', "$HOME", "`x`", "100%", "back\\slash", "%U"], ["/ä/ö", ""]],
)
def test_a_command_survives_the_rules_of_desktop_files(command: list[str]) -> None:
    assert split_exec(join_exec(command)) == command


def test_the_desktop_s_own_library_reads_our_command_as_we_meant_it(tmp_path: Path) -> None:
    # The rules' own example (Desktop Entry Specification): a quoted argument whose string value doubles backslashes.
    assert join_exec(["/opt/a$b"]) == '"/opt/a\\\\$b"'
    assert split_exec("bulletdrop tray %U") == ["bulletdrop", "tray"]


def test_on_windows_it_is_a_value_in_the_run_key_with_the_program_in_quotes() -> None:
    registry = Values()
    machine = windows(registry)
    assert autostart.state(machine) == "off"
    assert autostart.turn_on(["tray"], machine) == "on"
    assert registry.all == {(RUN_KEY, RUN_NAME): r'"C:\Program Files\BulletDrop\bulletdropw.exe" tray'}
    assert autostart.refresh(machine) is False
    moved = windows(registry, r"D:\BulletDrop\bulletdropw.exe")
    assert autostart.refresh(moved) is True
    assert registry.all == {(RUN_KEY, RUN_NAME): r'"D:\BulletDrop\bulletdropw.exe" tray'}
    assert autostart.turn_off(moved) == "off"
    assert registry.all == {}


# As Windows 10 and 11 write them: the first byte, three zeros, and when it was switched off (zeros: it is on).
@pytest.mark.parametrize(
    "approved, state",
    [
        (None, "on"),
        (b"", "on"),
        (bytes.fromhex("020000000000000000000000"), "on"),
        (bytes.fromhex("060000000000000000000000"), "on"),
        (bytes.fromhex("0300000040b5fd1ae1c5d901"), "disabled_by_system"),
        (bytes.fromhex("0700000040b5fd1ae1c5d901"), "disabled_by_system"),
    ],
)
def test_task_manager_has_the_last_word(approved: bytes | None, state: str) -> None:
    registry = Values()
    machine = windows(registry)
    if approved is not None:
        registry.all[APPROVED_KEY, RUN_NAME] = approved
    assert autostart.state(machine) == "off"
    assert autostart.turn_on((), machine) == state
    assert autostart.state(machine) == state
    assert registry.all.get((APPROVED_KEY, RUN_NAME)) == approved
    assert autostart.turn_off(machine) == "off"
    assert registry.all.get((APPROVED_KEY, RUN_NAME)) == approved


def test_a_command_that_windows_would_not_run_is_refused() -> None:
    registry = Values()
    with pytest.raises(CannotStartAtLogin, match="260"):
        autostart.turn_on((), windows(registry, "C:\\" + "x" * 260))
    assert registry.all == {}


def test_command_lines_of_the_registry_are_read() -> None:
    assert split_windows(r'"C:\Program Files\B\b.exe" tray --data "D:\my data"') == [
        r"C:\Program Files\B\b.exe",
        "tray",
        "--data",
        r"D:\my data",
    ]
    assert split_windows(r"C:\b.exe") == [r"C:\b.exe"]


def test_on_macos_it_is_a_launch_agent_that_belongs_to_the_bundle(tmp_path: Path) -> None:
    machine = macos(tmp_path)
    assert autostart.state(machine) == "off"
    assert autostart.turn_on((), machine) == "on"
    (path,) = (tmp_path / "Library" / "LaunchAgents").iterdir()
    agent = plistlib.loads(path.read_bytes())
    assert path.name == f"{agent['Label']}.plist"
    assert agent["ProgramArguments"] == ["/Applications/BulletDrop.app/Contents/MacOS/bulletdrop"]
    assert agent["RunAtLoad"] is True
    assert agent["AssociatedBundleIdentifiers"] == ["org.bulletdrop.BulletDrop"]
    assert "KeepAlive" not in agent, "Quit must mean quit"
    assert autostart.refresh(macos(tmp_path, "/Applications/New.app/Contents/MacOS/bulletdrop")) is True
    assert plistlib.loads(path.read_bytes())["ProgramArguments"] == ["/Applications/New.app/Contents/MacOS/bulletdrop"]
    assert autostart.turn_off(machine) == "off"
    assert not path.exists()


# What `launchctl print-disabled gui/501` prints on macOS 14 and on macOS 11.
@pytest.mark.parametrize(
    "told, state",
    [
        (None, "on"),
        ('disabled services = {\n\t"org.bulletdrop.BulletDrop.login" => disabled\n}', "disabled_by_system"),
        ('disabled services = {\n\t"org.bulletdrop.BulletDrop.login" => enabled\n}', "on"),
        ('disabled services = {\n\t"org.bulletdrop.BulletDrop.login" => true\n}', "disabled_by_system"),
        ('disabled services = {\n\t"org.other.login" => disabled\n}', "on"),
    ],
)
def test_launchd_s_list_of_disabled_agents_counts(tmp_path: Path, told: str | None, state: str) -> None:
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> str | None:
        asked.append(command)
        return told

    assert autostart.turn_on((), macos(tmp_path, ask=ask)) == state
    assert asked[0][:2] == ["launchctl", "print-disabled"]


def test_an_app_in_macos_s_quarantine_is_asked_to_move_first(tmp_path: Path) -> None:
    away = "/private/var/folders/x/AppTranslocation/7C/d/BulletDrop.app/Contents/MacOS/bulletdrop"
    with pytest.raises(CannotStartAtLogin, match="Applications"):
        autostart.turn_on((), macos(tmp_path, away))
    autostart.turn_on((), macos(tmp_path))
    assert autostart.refresh(macos(tmp_path, away)) is False


def test_a_damaged_agent_is_off_and_can_be_written_anew(tmp_path: Path) -> None:
    machine = macos(tmp_path)
    autostart.turn_on((), machine)
    path = next((tmp_path / "Library" / "LaunchAgents").iterdir())
    path.write_bytes(b"not a property list")
    assert autostart.state(machine) == "off"
    assert autostart.refresh(machine) is False
    assert autostart.turn_on((), machine) == "on"


def test_each_system_says_where_its_switch_is() -> None:
    assert "Task Manager" in autostart.hint("win32")
    assert "Login Items" in autostart.hint("darwin")
    assert "desktop" in autostart.hint("linux")


def test_the_program_that_is_named_is_the_one_that_the_person_started() -> None:
    from_source = autostart.own_program({})
    assert from_source[0].startswith(str(Path(sys.executable).parent))
    assert Path(from_source[0]).exists()


def test_a_registry_that_may_not_be_written_is_said_in_words() -> None:
    registry = Values()
    registry.closed = True
    machine = windows(registry)
    assert autostart.state(machine) == "off"
    assert autostart.refresh(machine) is False
    with pytest.raises(CannotStartAtLogin, match="Access is denied"):
        autostart.turn_on((), machine)
    with pytest.raises(CannotStartAtLogin, match="Access is denied"):
        autostart.turn_off(machine)
