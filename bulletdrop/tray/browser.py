"""Opens a page in the person's browser, or shows a file in the file manager, without waiting for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from bulletdrop.log import get_logger
from bulletdrop.paths import child_environment

log = get_logger("browser")


def open_page(url: str) -> threading.Thread:
    """Open `url` in the default browser. Returns at once; that it did not work is logged with the address.

    Returns: the thread that does it, for a command that is about to end and must let it finish first.
    """
    thread = threading.Thread(target=_open, args=(url,), name="browser", daemon=True)
    thread.start()
    return thread


def _open(url: str) -> None:
    # What a "#" brings (a set-up code) is for the browser alone.
    shown = url.partition("#")[0]
    try:
        worked = _by_desktop(url) if sys.platform == "linux" and shutil.which("xdg-open") else _by_python(url)
    except OSError as error:
        log.warning("No browser could be opened (%s). Open %s yourself.", error, shown)
        return
    if not worked:
        log.warning("No browser could be opened. Open %s yourself.", shown)


def show_in_folder(path: Path) -> threading.Thread:
    """Show a file in the system's file manager, marked there; where that is not possible, its folder. At once."""

    def show() -> None:
        try:
            if not _SHOWERS.get(sys.platform, _by_file_manager)(path):
                _run("xdg-open", str(path.parent))
        except OSError as error:
            log.warning("No file manager could be opened (%s). The file is %s.", error, path)

    thread = threading.Thread(target=show, name="file-manager", daemon=True)
    thread.start()
    return thread


def _by_file_manager(path: Path) -> bool:
    # org.freedesktop.FileManager1: the way that GNOME's, KDE's and Xfce's file managers share. xdg-open only knows
    # folders. dbus-send belongs to the bus itself.
    call = ["dbus-send", "--session", "--print-reply", "--reply-timeout=5000", "--dest=org.freedesktop.FileManager1"]
    method = ["/org/freedesktop/FileManager1", "org.freedesktop.FileManager1.ShowItems"]
    commas = path.as_uri().replace(",", "%2C")  # dbus-send parts the members of an array by commas
    return bool(shutil.which("dbus-send")) and _run(*call, *method, f"array:string:{commas}", "string:")


_SHOWERS: dict[str, Callable[[Path], bool]] = {
    "darwin": lambda path: _run("open", "-R", str(path)),
    # Explorer wants the comma and no space, and ends with 1 even when it worked.
    "win32": lambda path: _run("explorer", f"/select,{path}") or True,
}


def _by_desktop(url: str) -> bool:
    # Not the webbrowser module: it hands a frozen program's library path on, which breaks the browser.
    return _run("xdg-open", url)


def _run(*command: str) -> bool:
    process = subprocess.Popen(
        list(command),
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return process.wait() == 0


def _by_python(url: str) -> bool:
    import webbrowser

    return webbrowser.open(url)
