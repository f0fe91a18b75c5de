"""A desktop of its own for a test: X server, session bus, panel, keyring, in a HOME that is thrown away."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

T = TypeVar("T")
ROOT = Path(__file__).parents[2]

NO_SERVICES = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""

# The panel shows nothing but an expanding separator and the tray; it would otherwise ask at its first start.
PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="{dark}"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/><property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/><property name="size" type="uint" value="{size}"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/><property name="style" type="uint" value="0"/></property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/></property>
  </property>
</channel>
"""


def wait_for(question: Callable[[], T], *, seconds: float = 60, pause: float = 0.05, what: str = "") -> T:
    """Ask until the answer is true and return it. Raises AssertionError with `what` when it does not come."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := question():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come within {seconds} s: {what or question}")
        time.sleep(pause)


class Screen:
    """A private desktop. `start` brings up X and the session bus; panel, keyring and notifications come when asked for.

    Args:
        folder: where HOME and the logs lie.
        with_x, with_bus: False leaves the X server or the session bus out.
        services: False for a bus that starts no service of this machine (keyring, notifications).
    """

    def __init__(self, folder: Path, *, with_x: bool = True, with_bus: bool = True, services: bool = True) -> None:
        self.folder = folder
        self._with_bus = with_bus
        self._services = services
        self.home = folder / "home"
        self._with_x = with_x
        self._processes: list[subprocess.Popen[bytes]] = []
        self._logs: dict[int, Path] = {}
        runtime = folder / "runtime"
        for path in (self.home / ".config", self.home / ".local" / "share", self.home / "Pictures", runtime):
            path.mkdir(parents=True, mode=0o700)
        keep = ("PATH", "LANG", "LC_ALL", "BULLETDROP_BINARY", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
        self.environ = {name: os.environ[name] for name in keep if name in os.environ} | {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "XDG_CACHE_HOME": _cache(self.home),
            "XDG_RUNTIME_DIR": str(runtime),
            "PYTHONPATH": str(ROOT),
            "NO_AT_BRIDGE": "1",
            "GTK_A11Y": "none",
        }

    def start(self) -> Screen:
        """Bring up the X server and the session bus, with HOME set before: what the bus starts inherits it."""
        if self._with_x:
            read, write = os.pipe()
            command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]
            self.spawn(command, pass_fds=[write])
            os.close(write)
            with os.fdopen(read) as answer:
                self.environ["DISPLAY"] = f":{answer.readline().strip()}"
        if self._with_bus:
            self._start_bus()
        return self

    def _start_bus(self) -> None:
        address, config = self.folder / "bus.address", self.folder / "bus.conf"
        config.write_text(NO_SERVICES)
        options = ["--session"] if self._services else [f"--config-file={config}"]
        with address.open("wb") as out:
            self.spawn(["dbus-daemon", *options, "--nofork", "--print-address=1"], stdout=out)
        line = wait_for(lambda: address.read_text().strip(), what="the session bus")
        self.environ["DBUS_SESSION_BUS_ADDRESS"] = line

    def spawn(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        pass_fds: Sequence[int] = (),
        stdout: IO[bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program on this desktop; it and what it starts end with the desktop. Its output is logged."""
        log = (self.folder / f"{Path(command[0]).name}-{len(self._processes)}.log").open("wb")
        process = subprocess.Popen(
            list(command),
            env={**self.environ, **(environ or {})},
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=stdout or log,
            stderr=log,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            cwd=self.home,
        )
        log.close()
        self._processes.append(process)
        self._logs[process.pid] = Path(log.name)
        if stdin is not None and process.stdin is not None:
            process.stdin.write(stdin)
            process.stdin.close()
        return process

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        """What a spawned program has written so far."""
        return self._logs[process.pid].read_text(errors="replace")

    def run(self, *command: str, check: bool = True, stdin: str | None = None, seconds: float = 60) -> str:
        """Run a program on this desktop and return what it prints."""
        done = subprocess.run(
            command,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            cwd=self.home,
        )
        if check and done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def has_name(self, name: str) -> bool:
        """Whether somebody owns this name on the session bus."""
        answer = self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", name)
        return "true" in answer

    def call(self, to: str, path: str, method: str, *arguments: str, check: bool = True) -> str:
        """Call a method on the session bus, arguments in GVariant text; returns the answer as text."""
        command = ["gdbus", "call", "--session", "--timeout", "20", "-d", to, "-o", path, "-m", method, *arguments]
        return self.run(*command, check=check)

    def start_panel(self, *, dark: bool = True, size: int = 32) -> subprocess.Popen[bytes]:
        """Start xfce4-panel with nothing but a tray, and wait until it takes icons."""
        folder = self.home / ".config" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "xfce4-panel.xml").write_text(PANEL.format(dark=str(dark).lower(), size=size))
        panel = self.spawn(["xfce4-panel", "--disable-wm-check"])
        wait_for(lambda: self.has_name("org.kde.StatusNotifierWatcher"), what="the panel's tray")
        return panel

    def start_keyring(self) -> None:
        """Start gnome-keyring with an unlocked login keyring, and wait until it answers."""
        self.spawn(["gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"], stdin=b"a password")
        wait_for(lambda: self.has_name("org.freedesktop.secrets"), what="the keyring")

    def shot(self, path: Path) -> Path:
        """A picture of the whole screen."""
        self.run("import", "-window", "root", str(path))
        return path

    def clipboard(self) -> str:
        """What is on the clipboard, or "" for nothing, or for an owner that does not give it away in five seconds."""
        try:
            return self.run("xclip", "-o", "-selection", "clipboard", check=False, seconds=5)
        except subprocess.TimeoutExpired:
            return ""

    def tray_items(self) -> list[str]:
        """The bus names of the icons that the panel has taken."""
        text = self.call(
            "org.kde.StatusNotifierWatcher",
            "/StatusNotifierWatcher",
            "org.freedesktop.DBus.Properties.Get",
            "org.kde.StatusNotifierWatcher",
            "RegisteredStatusNotifierItems",
            check=False,
        )
        return re.findall(r"'([^']+)'", text)

    def end(self, program: str) -> None:
        """End one of the programs that were started here."""
        for process in self._processes:
            if Path(str(process.args[0])).name == program:  # type: ignore[index]
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(60)

    def stop(self) -> None:
        """End everything that was started here, and what those have started."""
        for number, seconds in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
            for process in reversed(self._processes):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, number)
            deadline = time.monotonic() + seconds
            for process in self._processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.01, deadline - time.monotonic()))
        self._processes.clear()


def _cache(home: Path) -> str:
    """The cache folder: its own, but shared when the built program is tested, which unpacks itself there once."""
    if "BULLETDROP_BINARY" not in os.environ:
        return str(home / ".cache")
    return str(Path(tempfile.gettempdir()) / f"bulletdrop-tests-cache-{os.getuid()}")
