"""Start at login: is it on, turn it on, turn it off, and keep its entry pointing at the program where it lies now.

Each system has a place of its own for it, and a switch of its own by which the person can say no behind our back:

    Linux     ~/.config/autostart/bulletdrop.desktop   Hidden=true, X-GNOME-Autostart-enabled=false in it
    Windows   HKCU …\\CurrentVersion\\Run                HKCU …\\Explorer\\StartupApproved\\Run (Task Manager)
    macOS     ~/Library/LaunchAgents/….plist           launchd's list of disabled agents

What was said there holds: the state is then "disabled_by_system", and nothing but the person's own wish changes it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.paths import default_data_folder, is_frozen
from bulletdrop.tray.folders import ask_program
from bulletdrop.tray.registry import Registry, WindowsRegistry
from bulletdrop.tray.words import t

log = get_logger("autostart")

State = Literal["on", "off", "disabled_by_system"]

# What the program's first stage leaves: the file that the person started, not the unpacked one in the cache.
EXECUTABLE = "BULLETDROP_EXECUTABLE"


class CannotStartAtLogin(BulletDropError):
    """The entry could not be written, or would lead nowhere."""

    code = "no_autostart"
    title = "BulletDrop cannot start at login"


@dataclass(frozen=True, slots=True)
class Machine:
    """What start at login asks about this machine; tests bring recorded facts of other ones.

    Args:
        program: the command that starts this program, without arguments.
        frozen: whether that is the built program and not the sources.
        ask: what a small program prints, or None.
    """

    platform: str = sys.platform
    home: Path = field(default_factory=Path.home)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    program: tuple[str, ...] = field(default_factory=lambda: own_program())
    frozen: bool = field(default_factory=is_frozen)
    registry: Registry = field(default_factory=WindowsRegistry)
    ask: Callable[[Sequence[str]], str | None] = ask_program


class Entry(Protocol):
    """One system's place for programs that start at login. All raise OSError when it cannot be reached."""

    @property
    def place(self) -> str:
        """Where it is, as the person finds it: a file, or a value of the registry."""
        ...

    def state(self) -> State:
        """What will happen at the next login."""
        ...

    def command(self) -> list[str] | None:
        """What the entry starts, or None without an entry of ours."""
        ...

    def write(self, command: Sequence[str], *, wished: bool) -> None:
        """Make the entry start this from the next login on.

        Args:
            wished: the person asks for it now, which on Linux also undoes what a program of the desktop switched off.
                Everywhere else, and without it, the system's switch keeps its position.
        """
        ...

    def remove(self) -> None:
        """Take the entry away. One that is not there is no error."""
        ...


def state(machine: Machine | None = None) -> State:
    """What will happen at the next login; "off" where it cannot be told."""
    try:
        return entry(machine or Machine()).state()
    except (OSError, ValueError) as error:
        log.info("Whether BulletDrop starts at login cannot be told: %s", error)
        return "off"


def turn_on(arguments: Sequence[str] = (), machine: Machine | None = None) -> State:
    """Start at every login from now on, with these arguments: none for server and tray, `tray` for the tray alone.

    Returns: "on", or "disabled_by_system" where the system's own switch stands against it; `hint` says where that is.
    Raises: CannotStartAtLogin.
    """
    machine = machine or Machine()
    command = [*machine.program, *arguments]
    if "/AppTranslocation/" in command[0]:
        # macOS runs what was opened in the downloads from a place that is another one each time (App Translocation).
        raise CannotStartAtLogin(t("Move BulletDrop to the Applications folder first, and open it from there."))
    try:
        own = entry(machine)
        own.write(command, wished=True)
        return own.state()
    except (OSError, ValueError) as error:
        raise CannotStartAtLogin(t("The entry could not be written: {why}", why=_why(error))) from error


def arguments_for(data: Path) -> list[str]:
    """What an entry starts for a tray with its server elsewhere: of the usual data folder, or of this one."""
    return ["tray"] if data == default_data_folder() else ["tray", "--data", str(data)]


def turn_off(machine: Machine | None = None) -> State:
    """Do not start at login any more. Returns "off". Raises: CannotStartAtLogin."""
    try:
        own = entry(machine or Machine())
        own.remove()
        return own.state()
    except (OSError, ValueError) as error:
        raise CannotStartAtLogin(t("The entry could not be removed: {why}", why=_why(error))) from error


def refresh(machine: Machine | None = None) -> bool:
    """Point an entry at the program that runs now, if it starts another one: an update may lie elsewhere.

    The sources leave a built program's entry alone while that program is there. Never raises, never turns anything on.
    Returns: whether the entry was rewritten.
    """
    machine = machine or Machine()
    try:
        own = entry(machine)
        command = own.command()
        if command is None or command[: len(machine.program)] == list(machine.program):
            return False
        if not machine.frozen and Path(command[0]).exists():
            return False
        if "/AppTranslocation/" in machine.program[0]:
            return False
        own.write([*machine.program, *arguments_of(command)], wished=False)
    except (OSError, ValueError) as error:
        log.info("The entry for start at login could not be renewed: %s", error)
        return False
    log.info("Start at login now names this program.", extra={"program": machine.program[0]})
    return True


def account(machine: Machine | None = None) -> list[str]:
    """What is written down, where, and when it counts, in sentences; none where it cannot be told."""
    machine = machine or Machine()
    try:
        own = entry(machine)
        command, is_on = own.command(), own.state() == "on"
    except (OSError, ValueError) as error:
        log.info("What starts at login cannot be told: %s", error)
        return []
    if not is_on:
        # Also for an entry that is there and switched off: `hint` says where that was done.
        return [t("Nothing of BulletDrop starts at your next login. What runs now goes on.")]
    said = [t("The entry is {place}.", place=own.place)]
    if command is not None:  # else it is one for everybody
        line = subprocess.list2cmdline(command) if machine.platform == "win32" else shlex.join(command)
        said.append(t("From your next login on it starts: {command}", command=line))
    return [*said, t("Nothing was started or ended now.")]


def hint(platform: str = sys.platform) -> str:
    """Where the person switches on again what the system holds off, in a sentence."""
    if platform == "win32":
        return t("Windows holds it off: switch BulletDrop on in Task Manager, under Startup apps.")
    if platform == "darwin":
        return t("macOS holds it off: switch BulletDrop on in System Settings, General, Login Items.")
    return t("It was switched off in the desktop's list of programs that start at login.")


def own_program(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The command that starts this program at a later time, from anywhere."""
    if not is_frozen():
        script = Path(sys.executable).with_name("bulletdrop")
        return (str(script),) if script.is_file() else (sys.executable, "-m", "bulletdrop")
    named = environ.get(EXECUTABLE)
    if named:
        return (named,)
    # On Windows a twin without a console window lies beside the one for terminals (bulletdrop.spec).
    windowed = Path(sys.executable).with_name("bulletdropw.exe")
    return (str(windowed),) if windowed.is_file() else (sys.executable,)


def arguments_of(command: Sequence[str]) -> list[str]:
    """The arguments in an entry's command: all that follows the program, however that was started."""
    return list(command[3:] if list(command[1:3]) == ["-m", "bulletdrop"] else command[1:])


def entry(machine: Machine) -> Entry:
    """This system's place."""
    from bulletdrop.tray import autostart_entries as entries

    if machine.platform == "win32":
        return entries.RunKey(machine.registry)
    if machine.platform == "darwin":
        return entries.LaunchAgent(machine.home, ask=machine.ask)
    return entries.DesktopEntry(machine.home, machine.environ)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
