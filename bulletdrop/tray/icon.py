"""The icon as the rest of the tray sees it: four methods, and which way of showing it fits this machine."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bulletdrop.log import get_logger
from bulletdrop.tray.desk import State
from bulletdrop.tray.menu import Entry

log = get_logger("icon")

PLATFORM: str = sys.platform


class TrayBackend(Protocol):
    """An icon somewhere. `run` belongs to the main thread; the other three may be called from any thread."""

    def run(self) -> None:
        """Show the icon and serve it until `stop`. Blocks. A tray that is not there yet is waited for, not an error."""
        ...

    def show(self, state: State, tooltip: str, progress: float | None = None) -> None:
        """Change the picture and what it says. `progress`: how much of what is on its way has gone, 0 to 1."""
        ...

    def set_menu(self, entries: Sequence[Entry]) -> None:
        """Change the menu."""
        ...

    def stop(self) -> None:
        """Take the icon away and let `run` return. Calling it twice is fine."""
        ...


class NoTray:
    """The backend where no tray can be: everything else works, by the page and the command line."""

    def __init__(self, on_presence: Callable[[bool], None]) -> None:
        self._on_presence = on_presence
        self._stopped = threading.Event()

    def run(self) -> None:
        self._on_presence(False)
        self._stopped.wait()

    def show(self, state: State, tooltip: str, progress: float | None = None) -> None:
        """Nothing to show it on."""

    def set_menu(self, entries: Sequence[Entry]) -> None:
        """Nothing to show it on."""

    def stop(self) -> None:
        self._stopped.set()


def choose_backend(
    *,
    on_activate: Callable[[], None],
    on_presence: Callable[[bool], None],
    environ: Mapping[str, str] = os.environ,
) -> TrayBackend:
    """The backend for this machine; imports only what it chooses.

    Args:
        on_activate: the icon was clicked (where the system tells us).
        on_presence: called with True when the icon is seen in a tray, with False when there is none.
        environ: the environment.
    """
    if PLATFORM == "linux":
        if "DBUS_SESSION_BUS_ADDRESS" not in environ and "XDG_RUNTIME_DIR" not in environ:
            return NoTray(on_presence)
        from bulletdrop.tray.sni import StatusNotifier

        return StatusNotifier(on_activate=on_activate, on_presence=on_presence, environ=environ)
    try:
        from bulletdrop.tray.pystray_icon import PystrayIcon

        return PystrayIcon(on_activate=on_activate, on_presence=on_presence)
    except Exception as error:  # pystray chooses its toolkit while it is imported, and fails with many errors
        log.warning("No tray icon can be shown: %s", error)
        return NoTray(on_presence)
