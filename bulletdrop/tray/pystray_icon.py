"""The tray icon on macOS and Windows: pystray, every change on its own thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pystray
from PIL import Image

from bulletdrop.tray.desk import State
from bulletdrop.tray.menu import Entry
from bulletdrop.tray.pixmaps import picture_path

PLATFORM: str = sys.platform
SIZE = 44 if PLATFORM == "darwin" else 32


class PystrayIcon:
    """The `TrayBackend` where pystray has a real one. Never its X11 backend, which has no menu and gets no clicks.

    On macOS touching picture or menu from another thread ends the process (AppKit asserts its main thread): there
    all changes go through the main run loop.

    Args:
        on_activate: the icon was clicked; only Windows tells us.
        on_presence: called with True once the icon is there.
    """

    def __init__(self, *, on_activate: Callable[[], None], on_presence: Callable[[bool], None]) -> None:
        self._on_presence = on_presence
        self._entries: Sequence[Entry] = ()
        default = pystray.MenuItem("Copy last link", lambda: on_activate(), default=True, visible=False)
        self._menu = pystray.Menu(lambda: [default, *_items(self._entries)])
        self._icon: Any = pystray.Icon("bulletdrop", _picture(State.IDLE), "BulletDrop", self._menu)
        self._ready = threading.Event()
        self._waiting: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        self._icon.run(setup=self._is_up)

    def show(self, state: State, tooltip: str) -> None:
        def change() -> None:
            self._icon.icon = _picture(state)
            self._icon.title = f"BulletDrop: {tooltip}"

        self._soon(change)

    def set_menu(self, entries: Sequence[Entry]) -> None:
        def change() -> None:
            self._entries = entries
            self._icon.update_menu()

        self._soon(change)

    def stop(self) -> None:
        self._soon(self._icon.stop)

    def _is_up(self, icon: Any) -> None:
        def appear() -> None:
            icon.visible = True

        with self._lock:
            self._ready.set()
            waiting, self._waiting = self._waiting, []
        for change in [appear, *waiting]:
            _in_main_loop(change)
        self._on_presence(True)

    def _soon(self, change: Callable[[], None]) -> None:
        with self._lock:
            if not self._ready.is_set():
                self._waiting.append(change)
                return
        _in_main_loop(change)


def _in_main_loop(change: Callable[[], None]) -> None:
    if PLATFORM == "darwin":
        import importlib

        importlib.import_module("PyObjCTools.AppHelper").callAfter(change)
    else:
        change()  # pystray's Windows backend posts to its own window


def _items(entries: Sequence[Entry]) -> list[Any]:
    return [_item(entry) for entry in entries]


def _item(entry: Entry) -> Any:
    if entry.separator:
        return pystray.Menu.SEPARATOR
    if entry.children:
        return pystray.MenuItem(entry.label, pystray.Menu(*_items(entry.children)))
    action = entry.action
    return pystray.MenuItem(entry.label, (lambda: action()) if action else None, enabled=entry.enabled)


def _picture(state: State) -> Image.Image:
    picture = Image.open(picture_path(state, SIZE)).convert("RGBA")
    if PLATFORM == "darwin":
        return picture
    return _for_taskbar(picture)


def _for_taskbar(picture: Image.Image) -> Image.Image:
    """White on Windows' dark taskbar, black on a light one (registry: SystemUsesLightTheme)."""
    import importlib

    light = 0
    try:
        registry = importlib.import_module("winreg")
        path = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        with registry.OpenKey(registry.HKEY_CURRENT_USER, path) as key:
            light = int(registry.QueryValueEx(key, "SystemUsesLightTheme")[0])
    except (ImportError, OSError):
        pass
    if light:
        return picture
    red, green, blue, alpha = picture.split()
    is_ink = (
        Image.merge("RGB", (red, green, blue)).convert("L").point([255 if value == 0 else 0 for value in range(256)])
    )
    white = Image.merge("RGBA", (*(is_ink for _ in range(3)), alpha))
    return Image.composite(white, picture, is_ink)
