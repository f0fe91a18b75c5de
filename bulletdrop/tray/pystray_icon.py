"""The tray icon on macOS and Windows: pystray's, with every change made by the main loop, one after the other."""

from __future__ import annotations

import importlib
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from bulletdrop.log import get_logger
from bulletdrop.tray.desk import State
from bulletdrop.tray.menu import Entry
from bulletdrop.tray.pixmaps import picture_path
from bulletdrop.tray.registry import Registry, WindowsRegistry
from bulletdrop.tray.words import t

log = get_logger("icon")

# WinUser.h. WM_APP and above are a program's own.
WM_QUERYENDSESSION = 0x0011
WM_SETTINGCHANGE = 0x001A
WM_USER = 0x0400
WM_CHANGES = 0x8000 + 77
WM_NOTIFY = WM_USER + 11  # pystray's own number for clicks on the icon

# At login the taskbar may come up after this program does.
TRIES, TRY_SECONDS = 30, 2.0
MAC_POINTS = 22
WINDOWS_SIZE = 32
THEME = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"


class PystrayIcon:
    """The `TrayBackend` where pystray has a real one. Never its X11 backend, which has no menu and gets no clicks.

    Picture and menu belong to the main loop alone. On macOS touching them from another thread ends the process (AppKit
    asserts its main thread); on Windows a menu that is replaced while it is open takes its handles away. So all changes
    wait in one queue, which the main loop empties when it is woken, and not while a menu is open.

    Args:
        on_activate: the icon was clicked; only Windows tells us.
        on_presence: called with True once the icon is there.
        platform, load, registry, try_seconds: what the tests bring of other systems.
    """

    def __init__(
        self,
        *,
        on_activate: Callable[[], None],
        on_presence: Callable[[bool], None],
        platform: str = sys.platform,
        load: Callable[[str], Any] = importlib.import_module,
        registry: Registry | None = None,
        try_seconds: float = TRY_SECONDS,
    ) -> None:
        self._try_seconds = try_seconds
        self._platform = platform
        self._load = load
        self._registry = registry or WindowsRegistry()
        self._pystray: Any = load("pystray")
        self._on_presence = on_presence
        self._entries: Sequence[Entry] = ()
        self._state = State.IDLE
        self._changes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._menu_is_open = False
        item, menu = self._pystray.MenuItem, self._pystray.Menu
        default = item(t("Copy last link"), lambda: on_activate(), default=True, visible=False)
        made = menu(lambda: [default, *self._items(self._entries)])
        kind = self._template_icon() if platform == "darwin" else self._pystray.Icon
        self._icon: Any = kind("bulletdrop", self._picture(), "BulletDrop", made)
        if platform == "win32":
            self._hear_windows()

    def run(self) -> None:
        self._icon.run(setup=self._is_up)

    def show(self, state: State, tooltip: str, progress: float | None = None) -> None:
        def change() -> None:
            if state is not self._state:
                self._state = state
                self._icon.icon = self._picture()
            # Windows cuts at 127 characters and fails above (NOTIFYICONDATA, szTip).
            self._icon.title = f"BulletDrop: {tooltip}"[:127]

        self._soon(change)

    def set_menu(self, entries: Sequence[Entry]) -> None:
        def change() -> None:
            self._entries = entries
            self._icon.update_menu()

        self._soon(change)

    def balloon(self, title: str, message: str) -> None:
        """Windows's older kind of notification, by the icon itself: for where no toast can be shown."""
        if self._platform == "win32":
            # NOTIFYICONDATA: 63 and 255 characters.
            self._soon(lambda: self._icon.notify(message[:255] or " ", title[:63]))

    def stop(self) -> None:
        self._soon(self._icon.stop)

    def _is_up(self, icon: Any) -> None:
        """Called by pystray in a thread of its own when the loop is about to run."""
        self._ready.set()
        self._soon(lambda: self._appear(TRIES))

    def _appear(self, tries: int) -> None:
        try:
            self._icon.visible = True
        except Exception as error:
            if tries > 1:
                again = threading.Timer(self._try_seconds, lambda: self._soon(lambda: self._appear(tries - 1)))
                again.daemon = True
                again.start()
                return
            log.warning("The icon cannot be shown: %s", error)
            self._on_presence(False)
            return
        self._on_presence(True)

    def _soon(self, change: Callable[[], None]) -> None:
        self._changes.put(change)
        if not self._ready.is_set():
            return  # the loop takes them when it begins
        if self._platform == "darwin":
            self._load("PyObjCTools.AppHelper").callAfter(self._drain)
        else:
            self._load("pystray._util.win32").PostMessage(self._icon._hwnd, WM_CHANGES, 0, 0)

    def _drain(self) -> None:
        """Make all changes that wait. Only ever called by the main loop."""
        while not self._menu_is_open:
            try:
                change = self._changes.get_nowait()
            except queue.Empty:
                return
            try:
                change()
            except Exception:
                log.exception("The icon could not be changed.")

    def _hear_windows(self) -> None:
        """Add to what pystray's window understands."""
        handlers = self._icon._message_handlers
        clicked = handlers[WM_NOTIFY]

        def click(wparam: int, lparam: int) -> Any:
            # Blocks while the menu is open, and Windows delivers messages meanwhile.
            self._menu_is_open = True
            try:
                return clicked(wparam, lparam)
            finally:
                self._menu_is_open = False
                self._drain()

        def theme(wparam: int, lparam: int) -> int:
            self._icon.icon = self._picture()
            return 0

        def changes(wparam: int, lparam: int) -> int:
            self._drain()
            return 0

        handlers[WM_NOTIFY] = click
        handlers[WM_CHANGES] = changes
        handlers[WM_SETTINGCHANGE] = theme
        # pystray answers 0 to all it does not know, which here would mean "no, the session may not end".
        handlers[WM_QUERYENDSESSION] = lambda wparam, lparam: 1

    def _items(self, entries: Sequence[Entry]) -> list[Any]:
        return [self._item(entry) for entry in entries]

    def _item(self, entry: Entry) -> Any:
        menu, item = self._pystray.Menu, self._pystray.MenuItem
        if entry.separator:
            return menu.SEPARATOR
        # In a menu of Windows "&" underlines the next letter; doubled, it is itself.
        label = entry.label.replace("&", "&&") if self._platform == "win32" else entry.label
        if entry.children:
            return item(label, menu(*self._items(entry.children)))
        action = entry.action
        return item(label, (lambda: action()) if action else None, enabled=entry.enabled)

    def _picture(self) -> Any:
        if self._platform == "darwin":
            return picture_path(self._state, MAC_POINTS)  # read by the icon itself, in both sizes
        from PIL import Image

        picture = Image.open(picture_path(self._state, WINDOWS_SIZE)).convert("RGBA")
        return picture if self._taskbar_is_light() else _with_white_ink(picture)

    def _taskbar_is_light(self) -> bool:
        try:
            return self._registry.read(THEME, "SystemUsesLightTheme") == 1
        except OSError:
            return False

    def _template_icon(self) -> Any:
        """pystray's icon with a picture that macOS colours for the bar, sharp on every screen.

        0.19.5 makes one of a single size and in the picture's own black, which a dark bar swallows.
        """
        kit, outer = self._load("AppKit"), self

        class TemplateIcon(self._pystray.Icon):  # type: ignore[misc, name-defined]
            def _assert_image(self) -> None:
                image = kit.NSImage.alloc().initWithSize_((MAC_POINTS, MAC_POINTS))
                for pixels in (MAC_POINTS, 2 * MAC_POINTS):
                    path = str(picture_path(outer._state, pixels))
                    drawn = kit.NSBitmapImageRep.imageRepWithContentsOfFile_(path)
                    drawn.setSize_((MAC_POINTS, MAC_POINTS))
                    image.addRepresentation_(drawn)
                image.setTemplate_(True)
                self._icon_image = image
                self._status_item.button().setImage_(image)

        return TemplateIcon


def _with_white_ink(picture: Any) -> Any:
    """For a dark taskbar: what is black becomes white, all else stays."""
    from PIL import Image

    red, green, blue, alpha = picture.split()
    is_ink = (
        Image.merge("RGB", (red, green, blue)).convert("L").point([255 if value == 0 else 0 for value in range(256)])
    )
    white = Image.merge("RGBA", (*(is_ink for _ in range(3)), alpha))
    return Image.composite(white, picture, is_ink)
