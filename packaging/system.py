"""System packages: what the tests and the build need and why, and how to get it where we may. Standard library only."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

# Debian's and Ubuntu's name of each package, and what needs it.
FOR_BUILD = {
    "binutils": "PyInstaller reads libraries with objdump, and strips them",
}
FOR_TESTS = {
    **FOR_BUILD,
    "chromium": "the page in a real browser",
    "libatomic1": "Playwright's Node",
    "fonts-dejavu-core": "letters in the browser and in the panel",
    "xvfb": "a screen for the tray",
    "xauth": "xvfb-run asks for it",
    "x11-utils": "xdpyinfo: is the screen there yet",
    "openbox": "a window manager for that screen",
    "xfce4-panel": "a real panel that shows the icon",
    "xfconf": "the panel's settings",
    "trayer": "a panel of the old kind",
    "adwaita-icon-theme": "the panel's own icons",
    "xdotool": "clicks on the icon",
    "xclip": "reads the clipboard back",
    "imagemagick": "import: pictures of the screen; also the slow writer among screenshot tools",
    "scrot": "a real screenshot tool",
    "maim": "a real screenshot tool",
    "flameshot": "a real screenshot tool",
    "dbus": "a session bus of the tests' own",
    "dbus-x11": "starts services on that bus",
    "libglib2.0-bin": "gdbus: asks on that bus",
    "dunst": "shows notifications",
    "xfce4-notifyd": "shows notifications with buttons",
    "gnome-keyring": "a real keyring",
    "libsecret-tools": "reads the keyring back",
    "sway": "a Wayland screen",
    "wl-clipboard": "the clipboard of Wayland",
    "grim": "a real screenshot tool of Wayland",
    "slurp": "chooses a part of a Wayland screen",
    "libnotify-bin": "notify-send, with which the scripts for other tools speak",
    "shellcheck": "looks through those scripts",
    "iproute2": "two machines in a network of the tests' own",
    "libimage-exiftool-perl": "exiftool: what is left in a stripped picture",
    "libturbojpeg0": "turns JPEGs upright without loss",
    "strace": "every system call of an upload, for the crash points",
    "nginx-light": "the measure for serving pictures; a proxy of the examples (its package also starts one, not used)",
    "caddy": "a proxy of the examples (its package also starts one on port 80, which is not used)",
    "wrk": "the load of the benchmarks",
    "libfaketime": "programs on a moved clock",
    "curl": "the examples of the README",
    "procps": "looks after the processes of a test",
}


def missing(packages: dict[str, str]) -> dict[str, str]:
    """Those of the packages that dpkg does not know as installed; all of them where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return dict(packages)
    answer = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages],
        capture_output=True, text=True, check=False,
    )
    installed = {line.split()[0] for line in answer.stdout.splitlines() if line.endswith(" installed")}
    # One program may come from several packages, or from none.
    if shutil.which("nginx") or Path("/usr/sbin/nginx").exists():
        installed.add("nginx-light")
    if shutil.which("caddy"):
        installed.add("caddy")
    return {name: why for name, why in packages.items() if name not in installed}


def ensure(packages: dict[str, str]) -> None:
    """Install the packages that are missing where we may, and say which stay missing and how to get them."""
    wanted = missing({**packages, **_libpython()})
    if not wanted:
        return
    _say("System packages still needed:")
    for name, why in wanted.items():
        _say(f"  {name:<24} {why}")
    install(list(wanted))
    left = list(missing(wanted))
    if left:
        _say("What needs them is skipped. To have it too:")
        _say("  sudo apt-get install --no-install-recommends " + " ".join(left))


def _libpython() -> dict[str, str]:
    """Debian's Python is linked without its library, which PyInstaller has to pack."""
    if sysconfig.get_config_var("prefix") != "/usr" or sys.platform != "linux":
        return {}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {f"libpython{version}": "PyInstaller packs Python's library"}


@functools.cache
def _privilege() -> list[str] | None:
    """What goes in front of apt-get: nothing for root, sudo where it asks no password, None without the right."""
    if shutil.which("apt-get") is None or os.name == "nt":
        return None
    if os.geteuid() == 0:
        return []
    asks_nothing = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asks_nothing and asks_nothing.returncode == 0 else None


@functools.cache
def _update() -> None:
    privilege = _privilege()
    if privilege is not None:
        subprocess.run([*privilege, "apt-get", "-qq", "update"], check=False)


def install(packages: list[str]) -> bool:
    """Install packages with apt, if we may. True when all of them are there afterwards."""
    privilege = _privilege()
    if privilege is None or not packages:
        return not packages
    _update()
    known = [name for name in packages if _is_known(name)]
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    command = [*privilege, *environment, "apt-get", "-qq", "install", "-y", "--no-install-recommends", *known]
    if known:
        _say("Installing " + " ".join(known))
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return not missing(dict.fromkeys(packages, ""))


def _is_known(package: str) -> bool:
    """Whether this system's archive has the package at all; one unknown name would fail all the others."""
    answer = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False)
    return "Candidate:" in answer.stdout and "Candidate: (none)" not in answer.stdout


def fetch(package: str, folder: Path) -> Path | None:
    """Download a package and unpack it into a folder, with lists and cache of our own: needs no right to install.

    Returns: the folder it was unpacked in, or None when that cannot be done here.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return None
    for part in ("lists/partial", "cache/archives/partial", "unpacked"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    own = [
        "-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache",
        "-o", "Dir::State::status=/var/lib/dpkg/status", "-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=",
    ]
    for command in (["update"], ["download", package]):
        subprocess.run(["apt-get", "-qq", *own, *command], cwd=folder, capture_output=True, check=False)
    for archive in folder.glob(f"{package}_*.deb"):
        if subprocess.run(["dpkg", "-x", str(archive), str(folder / "unpacked")], check=False).returncode == 0:
            return folder / "unpacked"
    return None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
