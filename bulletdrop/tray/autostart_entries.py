"""Where programs that start at login are written down: XDG autostart, the Run key, launchd's agents."""

from __future__ import annotations

import os
import plistlib
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bulletdrop.paths import sync_folder
from bulletdrop.tray.registry import Registry

if TYPE_CHECKING:
    from bulletdrop.tray.autostart import State

BUNDLE_ID = "org.bulletdrop.BulletDrop"
AGENT_ID = f"{BUNDLE_ID}.login"

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED_KEY = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
RUN_NAME = "BulletDrop"
# Microsoft, "Run and RunOnce Registry Keys": a longer command line is not run.
RUN_LIMIT = 260

DESKTOP_FILE = "bulletdrop.desktop"
# Says that "Hidden" in the person's file is our own way of turning off an entry that belongs to the whole system.
OWN_OFF = "X-BulletDrop-Off"


class DesktopEntry:
    """Linux and the BSDs: a file in the autostart folder (freedesktop.org, "Desktop Application Autostart")."""

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        config_home = environ.get("XDG_CONFIG_HOME") or str(home / ".config")
        config_dirs = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        self.path = Path(config_home) / "autostart" / DESKTOP_FILE
        # A package of a distribution may start it for everybody; the person's own file wins.
        self._shared = [Path(one) / "autostart" / DESKTOP_FILE for one in config_dirs.split(":") if one]

    @property
    def place(self) -> str:
        files = [self.path, *self._shared]
        return str(next((path for path in files if path.exists()), self.path))

    def state(self) -> State:
        values = next(self._files(), None)
        if values is None or values.get(OWN_OFF) == "true":
            return "off"
        switched_off = values.get("Hidden") == "true" or values.get("X-GNOME-Autostart-enabled") == "false"
        return "disabled_by_system" if switched_off else "on"

    def command(self) -> list[str] | None:
        values = _read_entry(self.path)
        return split_exec(values["Exec"]) if values and values.get("Exec") else None

    def write(self, command: Sequence[str], *, wished: bool) -> None:
        old = _read_entry(self.path) or {}
        kept = ["OnlyShowIn", "NotShowIn"] + ([] if wished else ["Hidden"])
        enabled = "true" if wished else old.get("X-GNOME-Autostart-enabled", "true")
        self._write(
            [
                *("Type=Application", "Name=BulletDrop", "Comment=Puts the link of each screenshot on the clipboard"),
                f"Exec={join_exec(command)}",
                *("Icon=bulletdrop", "Terminal=false", "Categories=Utility;Network;"),
                # The panel that shows the icon comes up first; a later one is waited for all the same.
                *(f"X-GNOME-Autostart-enabled={enabled}", "X-GNOME-Autostart-Delay=2"),
                *(f"{name}={old[name]}" for name in kept if name in old),
            ]
        )

    def remove(self) -> None:
        if any(path.exists() for path in self._shared):
            self._write(["Type=Application", "Name=BulletDrop", "Hidden=true", f"{OWN_OFF}=true"])
        else:
            self.path.unlink(missing_ok=True)

    def _files(self) -> Iterator[dict[str, str]]:
        for path in (self.path, *self._shared):
            values = _read_entry(path)
            if values is not None:
                yield values

    def _write(self, lines: Sequence[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        replace_file(self.path, ("\n".join(["[Desktop Entry]", *lines]) + "\n").encode())


class RunKey:
    """Windows: a value in the Run key, which Task Manager and Settings can switch off in a key of their own."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @property
    def place(self) -> str:
        return rf"HKEY_CURRENT_USER\{RUN_KEY}\{RUN_NAME}"

    def state(self) -> State:
        if self.command() is None:
            return "off"
        approved = self._registry.read(APPROVED_KEY, RUN_NAME)
        # Seen in registries: 02 or 06 and eleven zeros is on; 03 or 07 and the time of switching off is off.
        is_off = isinstance(approved, bytes) and bool(approved) and approved[0] % 2 == 1
        return "disabled_by_system" if is_off else "on"

    def command(self) -> list[str] | None:
        value = self._registry.read(RUN_KEY, RUN_NAME)
        return split_windows(value) if isinstance(value, str) and value else None

    def write(self, command: Sequence[str], *, wished: bool) -> None:
        # The program always in quotes: without them Windows tries each word of "C:\\Program Files" as a program.
        line = f'"{command[0]}"'
        if command[1:]:
            line += f" {subprocess.list2cmdline(command[1:])}"
        if len(line) > RUN_LIMIT:
            raise ValueError(f"the command is longer than the {RUN_LIMIT} characters that Windows runs")
        self._registry.write(RUN_KEY, RUN_NAME, line)

    def remove(self) -> None:
        # StartupApproved stays as it is: that one is between the person and Windows.
        self._registry.delete(RUN_KEY, RUN_NAME)


class LaunchAgent:
    """macOS: an agent of launchd. The bundle's id makes System Settings show it under BulletDrop's name and icon.

    SMAppService, the newer way, works only in a signed bundle; this one works in both.
    """

    def __init__(self, home: Path, *, ask: Callable[[Sequence[str]], str | None]) -> None:
        self.path = home / "Library" / "LaunchAgents" / f"{AGENT_ID}.plist"
        self._ask = ask

    @property
    def place(self) -> str:
        return str(self.path)

    def state(self) -> State:
        if self.command() is None:
            return "off"
        told = self._ask(["launchctl", "print-disabled", f"gui/{_user()}"]) or ""
        # `"org.example" => disabled`; before macOS 13 `=> true`.
        found = re.search(rf'"{re.escape(AGENT_ID)}"\s*=>\s*(\w+)', told)
        return "disabled_by_system" if found and found[1] in ("disabled", "true") else "on"

    def command(self) -> list[str] | None:
        try:
            values = plistlib.loads(self.path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (plistlib.InvalidFileException, ValueError) as error:
            raise ValueError(f"{self.path} cannot be read") from error
        command = values.get("ProgramArguments") if isinstance(values, dict) else None
        return [str(part) for part in command] if isinstance(command, list) and command else None

    def write(self, command: Sequence[str], *, wished: bool) -> None:
        agent = {
            "Label": AGENT_ID,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": "Aqua",
            "AssociatedBundleIdentifiers": [BUNDLE_ID],
            # launchd waits this long after SIGTERM before it kills: the tray needs less.
            "ExitTimeOut": 10,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        # Not loaded now: launchd would start a second one at once. It reads the folder at the next login.
        replace_file(self.path, plistlib.dumps(agent))

    def remove(self) -> None:
        # Not unloaded: launchd would end the tray that it started, which is the one asking.
        self.path.unlink(missing_ok=True)


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _read_entry(path: Path) -> dict[str, str] | None:
    """The values of the `[Desktop Entry]` group; None when there is no such file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    values: dict[str, str] = {}
    group = ""
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("["):
            group = line
        name, equals, value = line.partition("=")
        if equals and group == "[Desktop Entry]" and not line.startswith("#"):
            values[name.strip()] = value.strip()
    return values


def join_exec(command: Sequence[str]) -> str:
    """A command as the value of `Exec` (Desktop Entry Specification, "The Exec key").

    Quoted by its rules, a percent sign doubled, and the backslashes doubled once more because it is a string value.
    """
    parts = [re.sub(r'(["`$\\])', r"\\\1", part).replace("%", "%%") for part in command]
    return " ".join(f'"{part}"' for part in parts).replace("\\", "\\\\")


def split_exec(value: str) -> list[str]:
    """The command in a value of `Exec`: what `join_exec` undoes, and unquoted words. Field codes such as %U go."""
    value = value.replace("\\\\", "\\")
    parts: list[str] = []
    for quoted, plain in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', value):
        if plain and re.fullmatch(r"%[a-zA-Z]", plain):
            continue
        parts.append((plain or re.sub(r"\\(.)", r"\1", quoted)).replace("%%", "%"))
    return parts


def split_windows(line: str) -> list[str]:
    """The words of a command line in the registry. Quotes group; backslashes are only backslashes, as in paths."""
    return [found[1] or found[2] for found in re.finditer(r'"([^"]*)"|([^\s"]+)', line)]


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file that everybody may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        if hasattr(os, "fchmod"):
            # Whatever this process leaves out of modes.
            os.fchmod(descriptor, 0o644)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)
