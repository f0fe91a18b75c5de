"""Where this system puts screenshots: candidates, best first, each with the reason why it is one.

Only folders made for screenshots are watched unasked. The desktop, Pictures or Downloads hold much else: they are
listed, and watched when the person names them (`--watch DIR`) or, on macOS, where the system marks each screenshot.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bulletdrop.config import Config
from bulletdrop.paths import child_environment
from bulletdrop.tray import folder_places
from bulletdrop.tray.words import t

ASK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A folder where screenshots may appear. `shared`: it holds other files too, so it is not watched unasked."""

    path: Path
    reason: str
    shared: bool = False

    @property
    def exists(self) -> bool:
        return self.path.is_dir()


def ask_program(command: Sequence[str]) -> str | None:
    """What a small program prints, stripped; None when it is absent, fails, or takes longer than a second."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ASK_SECONDS,
            check=True,
            env=child_environment(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True)
class System:
    """What the search asks about this machine; tests bring recorded facts of other ones."""

    platform: str = sys.platform
    home: Path = field(default_factory=Path.home)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    ask: Callable[[Sequence[str]], str | None] = ask_program
    known_folder: Callable[[str], str | None] = folder_places.windows_known_folder

    @property
    def config_home(self) -> Path:
        """Where Linux programs keep their settings (XDG base directories)."""
        return Path(self.environ.get("XDG_CONFIG_HOME") or self.home / ".config")

    def expand(self, text: str) -> Path | None:
        """A folder as programs write it: a path or file: URL, with ~ or $HOME; None when it names none."""
        text = folder_places.from_url(text.strip().strip("'\""))
        for sign in ("${HOME}", "$HOME"):
            text = text.replace(sign, str(self.home))
        if text == "~" or text.startswith("~/"):
            text = str(self.home) + text[1:]
        if text.startswith("//"):
            # POSIX keeps two slashes at the start as something of their own; here they are a slip in a URL.
            text = "/" + text.lstrip("/")
        path = Path(os.path.normpath(text)) if text else None
        return path if path is not None and path.is_absolute() else None


def watched_folders(config: Config, system: System | None = None) -> list[Path]:
    """The folders to watch: the one that was named, else the system's, as they are now. Asked again now and then."""
    if config.watch is not None:
        return [config.watch]
    own = [one for one in candidates(system or System()) if not one.shared]
    # A default that does not exist is watched for only when there is nothing else.
    return [one.path for one in own if one.exists] or [one.path for one in own[:1]]


def make_default_folder(config: Config, system: System | None = None) -> None:
    """Make the screenshot folder where there is none yet, so that a program which saves into it can.

    Only in the person's home, and only what its parent folder is there for, or the usual Pictures/Screenshots. A folder
    that was named (`--watch`) is waited for: it may be on a disk that comes later. Raises: OSError.
    """
    system = system or System()
    missing = [folder for folder in watched_folders(config, system) if not folder.is_dir()]
    if config.watch is not None or not missing or not system.home.is_dir():
        return
    folder = missing[0]
    usual = folder == system.home / "Pictures" / "Screenshots"
    if usual or (folder.is_relative_to(system.home) and folder.parent.is_dir()):
        folder.mkdir(mode=0o755, parents=usual, exist_ok=True)
        folder.chmod(0o755)  # whatever this process leaves out of modes: other programs write here


def candidates(system: System) -> list[Candidate]:
    """All candidates, best first, each folder once."""
    finders = {"darwin": _on_macos, "win32": _on_windows}
    found: dict[Path, Candidate] = {}
    for path, reason in finders.get(system.platform, _on_linux)(system):
        if path is not None and path not in found:
            found[path] = Candidate(path, reason, shared=is_shared(path, system))
    return list(found.values())


def is_shared(path: Path, system: System) -> bool:
    """Whether a folder holds much else than screenshots: watched only when the person says so."""
    if system.platform == "darwin":
        # There the system marks each screenshot, so that a full desktop may be watched (see marks.py).
        return path in (system.home, Path("/"), Path("/tmp"))
    places = {system.home, system.home.parent, Path("/"), Path("/tmp"), Path("/var/tmp")}
    places |= {system.home / name for name in ("Desktop", "Pictures", "Downloads", "Documents", "Videos")}
    if system.platform == "win32":
        places.add(system.home / "Videos" / "Captures")  # recordings, some of them of hours
    else:
        xdg = folder_places.xdg_folders(system.config_home, system.home)
        places |= {folder for name, folder in xdg.items() if name != folder_places.XDG_SCREENSHOTS}
    return path in places


def _on_linux(system: System) -> Iterator[tuple[Path | None, str]]:
    yield from _by_settings(system)
    xdg = folder_places.xdg_folders(system.config_home, system.home)
    for variable in (folder_places.XDG_SCREENSHOTS, "GRIM_DEFAULT_DIR"):
        if text := system.environ.get(variable):
            yield system.expand(text), t("the environment's {variable}", variable=variable)
    if folder_places.XDG_SCREENSHOTS in xdg:
        yield xdg[folder_places.XDG_SCREENSHOTS], t("the desktop's folder for screenshots")
    pictures = xdg.get("XDG_PICTURES_DIR", system.home / "Pictures")
    for name in folder_places.TRANSLATIONS:
        if (pictures / name).is_dir():
            yield pictures / name, t("the desktop's folder for screenshots")
    yield pictures / "Screenshots", t("where most desktops put screenshots")
    yield pictures, t("Cinnamon, COSMIC and grim put screenshots here")


def _by_settings(system: System) -> Iterator[tuple[Path | None, str]]:
    """What the screenshot programs themselves were told."""
    config = system.config_home
    spectacle = folder_places.read_ini(config / "spectaclerc")
    for place in (("ImageSave", "imageSaveLocation"), ("Save", "defaultSaveLocation")):
        if text := spectacle.get(place):
            yield system.expand(text), t("Spectacle's setting")
    if text := spectacle.get(("ImageSave", "translatedScreenshotsFolder")):
        xdg = folder_places.xdg_folders(config, system.home)
        yield xdg.get("XDG_PICTURES_DIR", system.home / "Pictures") / text, t("Spectacle's folder")
    for schema, who in (("org.gnome.gnome-screenshot", "GNOME Screenshot"), ("org.mate.screenshot", "MATE Screenshot")):
        if text := system.ask(["gsettings", "get", schema, "auto-save-directory"]):
            yield system.expand(text), t("{who}'s setting", who=who)
    for file, section, key, who in (
        ("flameshot/flameshot.ini", "General", "savePath", "Flameshot"),
        ("ksnip/ksnip.conf", "Application", "SaveDirectory", "ksnip"),
        ("xfce4/xfce4-screenshooter", "", "screenshot_dir", "Xfce Screenshooter"),
    ):
        if text := folder_places.read_ini(config / file).get((section, key)):
            yield system.expand(text), t("{who}'s setting", who=who)


def _on_macos(system: System) -> Iterator[tuple[Path | None, str]]:
    text = system.ask(["defaults", "read", "com.apple.screencapture", "location"])
    path = system.expand(text) if text else None
    # A folder that does not exist means the desktop, as it does to macOS itself.
    if path is not None and path.is_dir():
        yield Path(os.path.realpath(path)), t("macOS's setting")
        return
    yield system.home / "Desktop", t("where macOS puts screenshots")


def _on_windows(system: System) -> Iterator[tuple[Path | None, str]]:
    if text := system.known_folder(folder_places.SCREENSHOTS_ID):
        yield Path(text), t("Windows's folder for screenshots")
    for name in ("OneDrive", "OneDriveConsumer", "OneDriveCommercial"):
        if root := system.environ.get(name):
            for path in folder_places.screenshots_below(Path(root)):
                yield path, t("OneDrive's folder for screenshots")
    yield system.home / "Pictures" / "Screenshots", t("where Windows puts screenshots")
    captures = system.home / "Videos" / "Captures"
    if captures.is_dir():
        yield captures, t("the Game Bar puts recordings and screenshots of games here")
