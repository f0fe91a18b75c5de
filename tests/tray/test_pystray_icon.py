"""The icon of macOS and Windows, on an imitation of pystray 0.19.5 that keeps its rules, and toasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bulletdrop.tray import toasts
from bulletdrop.tray.desk import State
from bulletdrop.tray.menu import Entry
from bulletdrop.tray.notify import Note, Notifier, Service
from bulletdrop.tray.pystray_icon import THEME, PystrayIcon
from tests.support.registry import Values
from tests.support.screen import wait_for

QUERYENDSESSION, SETTINGCHANGE, NOTIFY, CHANGES, STOP = 0x11, 0x1A, 0x40B, 0x8000 + 77, 0x40A
RIGHT_BUTTON_UP = 0x0205


class MenuItem:
    def __init__(self, text: str, action: Any, default: bool = False, visible: bool = True, enabled: bool = True):
        self.text, self.action, self.default, self.visible, self.enabled = text, action, default, visible, enabled


class Menu:
    SEPARATOR = MenuItem("- - - -", None)

    def __init__(self, *items: Any) -> None:
        self._items = items

    @property
    def items(self) -> list[MenuItem]:
        first = self._items[0] if self._items else None
        return list(first()) if callable(first) else list(self._items)


class Icon:
    """pystray's: whoever touches it from another thread than the loop's is noted."""

    fails_to_show = 0

    def __init__(self, name: str, icon: Any, title: str, menu: Menu) -> None:
        self.log: list[tuple[str, object]] = []
        self.strangers: list[str] = []
        self._loop: threading.Thread | None = None
        self._message_handlers: dict[int, Callable[[int, int], Any]] = {NOTIFY: self._on_notify}
        self._hwnd = 4711
        self._shown = False
        self.menu = menu
        self.labels: list[str] = []
        self.open_menu: Callable[[], None] | None = None
        self.pump: Callable[[], None] = lambda: None
        self._status_item = self
        self._image: Any = None
        self.icon = icon
        self.title = title

    def run(self, setup: Callable[[Any], None]) -> None:
        self._loop = threading.current_thread()
        threading.Thread(target=setup, args=(self,)).start()
        self.pump()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("icon", "title", "visible"):
            self._touch(name, value)
        super().__setattr__(name, value)
        if name == "icon" and hasattr(self, "_assert_image"):
            self._assert_image()
        if name == "visible" and value and Icon.fails_to_show:
            Icon.fails_to_show -= 1
            raise OSError("Shell_NotifyIcon failed")

    def update_menu(self) -> None:
        self._touch("menu", None)
        self.labels = [item.text for item in self.menu.items]

    def notify(self, message: str, title: str) -> None:
        self._touch("balloon", (title, message))

    def stop(self) -> None:
        self._touch("stop", None)

    def button(self) -> Any:
        return self

    def setImage_(self, image: Any) -> None:  # noqa: N802
        self._image = image

    def _on_notify(self, wparam: int, lparam: int) -> None:
        if lparam == RIGHT_BUTTON_UP and self.open_menu:
            self.open_menu()

    def _touch(self, what: str, value: object) -> None:
        self.log.append((what, value))
        if self._loop is not None and threading.current_thread() is not self._loop:
            self.strangers.append(what)


class System:
    """pystray, its Windows part and PyObjC's helper as modules; posted messages wait in a list like Windows's own."""

    def __init__(self) -> None:
        self.posted: list[Any] = []
        self.wake = threading.Condition()
        self.images: list[dict[str, Any]] = []
        self.Icon, self.Menu, self.MenuItem = Icon, Menu, MenuItem
        self.NSImage = self.NSBitmapImageRep = self

    def load(self, name: str) -> Any:
        assert name in ("pystray", "pystray._util.win32", "PyObjCTools.AppHelper", "AppKit"), name
        return self

    def PostMessage(self, handle: int, message: int, wparam: int, lparam: int) -> None:  # noqa: N802
        assert handle == 4711
        self._post(message)

    def callAfter(self, act: Callable[[], None]) -> None:  # noqa: N802
        self._post(act)

    def _post(self, what: Any) -> None:
        with self.wake:
            self.posted.append(what)
            self.wake.notify_all()

    def pump(self, icon: Icon) -> None:
        """The main loop: takes what is posted until the icon is stopped."""
        while ("stop", None) not in icon.log:
            with self.wake:
                assert self.wake.wait_for(lambda: self.posted, timeout=60)
                one = self.posted.pop(0)
            if callable(one):
                one()
            elif one in icon._message_handlers:
                icon._message_handlers[one](0, 0)

    # AppKit
    def alloc(self) -> Any:
        return self

    def initWithSize_(self, size: tuple[int, int]) -> Any:  # noqa: N802
        image = Image(size)
        self.images.append(image.facts)
        return image

    def imageRepWithContentsOfFile_(self, path: str) -> Any:  # noqa: N802
        assert Path(path).is_file()
        return Drawn(path)


class Drawn:
    def __init__(self, path: str) -> None:
        self.path = path

    def setSize_(self, size: tuple[int, int]) -> None:  # noqa: N802
        self.size = size


class Image:
    def __init__(self, size: tuple[int, int]) -> None:
        self.facts: dict[str, Any] = {"size": size, "files": [], "template": False}

    def addRepresentation_(self, drawn: Drawn) -> None:  # noqa: N802
        self.facts["files"].append((Path(drawn.path).name, drawn.size))

    def setTemplate_(self, value: bool) -> None:  # noqa: N802
        self.facts["template"] = value


class Running:
    """An icon whose loop runs in a thread that plays the main one."""

    def __init__(self, platform: str, registry: Values | None = None) -> None:
        self.system = System()
        self.presence: list[bool] = []
        self.clicks = 0
        self.icon = PystrayIcon(
            on_activate=self._click,
            on_presence=self.presence.append,
            platform=platform,
            load=self.system.load,
            registry=registry or Values(),
            try_seconds=0.05,
        )
        self.shown: Icon = self.icon._icon
        self.shown.pump = lambda: self.system.pump(self.shown)
        self.thread = threading.Thread(target=self.icon.run)

    def start(self) -> Running:
        self.thread.start()
        wait_for(lambda: self.presence == [True], what="the icon")
        return self

    def stop(self) -> None:
        self.icon.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()

    def _click(self) -> None:
        self.clicks += 1


@pytest.fixture(params=["darwin", "win32"])
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    made = Running(request.param).start()
    yield made
    if made.thread.is_alive():
        made.stop()


def test_all_changes_are_made_by_the_main_loop_whoever_asks(running: Running) -> None:
    def ask(number: int) -> None:
        for step in range(20):
            running.icon.show(State.WORKING if step % 2 else State.IDLE, f"{number} {step}")
            running.icon.set_menu([Entry(f"line {number} {step}", print)])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running.icon.set_menu([Entry("last", print)])
    wait_for(lambda: running.shown.labels[-1:] == ["last"], what="the last menu")
    running.stop()
    assert running.shown.strangers == []


def test_what_is_asked_before_the_loop_runs_is_done_when_it_does() -> None:
    early = Running("darwin")
    early.icon.set_menu([Entry("early", print)])
    early.icon.show(State.PAUSED, "Paused")
    assert early.shown.labels == []
    early.start()
    wait_for(lambda: early.shown.labels == ["Copy last link", "early"], what="the menu")
    assert early.shown.title == "BulletDrop: Paused"
    early.stop()


def test_a_change_that_fails_does_not_end_the_loop(running: Running) -> None:
    running.icon._soon(lambda: 1 / 0)  # type: ignore[arg-type]
    running.icon.set_menu([Entry("after", print)])
    wait_for(lambda: running.shown.labels[-1:] == ["after"], what="the menu")


def test_a_taskbar_that_comes_up_late_gets_its_icon() -> None:
    Icon.fails_to_show = 3
    late = Running("win32").start()
    assert Icon.fails_to_show == 0
    late.stop()


def test_on_macos_the_picture_is_a_template_in_both_sizes() -> None:
    mac = Running("darwin").start()
    mac.icon.show(State.NEEDS_YOU, "needs you")
    wait_for(lambda: mac.system.images[-1]["files"][0][0] == "needs-you-22.png", what="the picture")
    assert mac.system.images[-1] == {
        "size": (22, 22),
        "template": True,
        "files": [("needs-you-22.png", (22, 22)), ("needs-you-44.png", (22, 22))],
    }
    assert mac.shown._image is not None
    mac.stop()


def test_a_menu_of_windows_is_not_replaced_while_it_is_open() -> None:
    windows = Running("win32").start()
    shown = windows.shown
    seen: list[list[str]] = []

    def open_menu() -> None:
        windows.icon.set_menu([Entry("new", print)])
        # The open menu has a loop of its own, in which posted messages are delivered.
        shown._message_handlers[CHANGES](0, 0)
        seen.append(list(shown.labels))

    windows.icon.set_menu([Entry("old", print)])
    wait_for(lambda: shown.labels == ["Copy last link", "old"], what="the menu")
    shown.open_menu = open_menu
    shown._loop = None  # this test plays the loop now
    shown._message_handlers[NOTIFY](0, RIGHT_BUTTON_UP)
    assert seen == [["Copy last link", "old"]]
    assert shown.labels == ["Copy last link", "new"]
    windows.stop()


def test_windows_may_end_the_session() -> None:
    # pystray answers 0 to what it does not know, and 0 to this question keeps Windows from shutting down.
    handlers = Running("win32").shown._message_handlers
    assert handlers[QUERYENDSESSION](0, 0) == 1


def test_the_picture_follows_the_colour_of_the_taskbar() -> None:
    registry = Values()
    one = Running("win32", registry)
    dark = one.shown.icon.getextrema()
    registry.all[THEME, "SystemUsesLightTheme"] = 1
    one.shown._message_handlers[SETTINGCHANGE](0, 0)
    light = one.shown.icon.getextrema()
    assert (dark[0][1], light[0][1]) == (255, 0)
    registry.closed = True
    one.shown._message_handlers[SETTINGCHANGE](0, 0)
    assert one.shown.icon.getextrema() == dark


def test_words_fit_into_what_windows_takes() -> None:
    windows = Running("win32").start()
    windows.icon.show(State.OFFLINE, "x" * 500)
    windows.icon.balloon("t" * 100, "m" * 500)
    windows.icon.set_menu([Entry("Cats & dogs", print), Entry(separator=True), Entry("more", children=(Entry("in"),))])
    wait_for(lambda: len(windows.shown.labels) == 4, what="the menu")
    assert windows.shown.labels[1] == "Cats && dogs"
    assert len(windows.shown.title) == 127
    balloon = dict(windows.shown.log)["balloon"]
    assert isinstance(balloon, tuple)
    assert [len(part) for part in balloon] == [63, 255]
    windows.stop()


def test_what_no_toast_can_show_becomes_a_balloon() -> None:
    def no_toasts() -> Service:
        raise OSError("the notification platform is not there")

    windows = Running("win32").start()
    notifier = Notifier(no_toasts, otherwise=windows.icon.balloon)
    notifier.send(Note("Link copied.", "http://drop/abc"))
    wait_for(lambda: ("balloon", ("Link copied.", "http://drop/abc")) in windows.shown.log, what="the balloon")
    notifier.close()
    windows.stop()


def test_a_click_reaches_us_where_windows_tells_it() -> None:
    one = Running("win32")
    default = one.shown.menu.items[0]
    assert (default.default, default.visible) == (True, False)
    default.action()
    assert one.clicks == 1


def test_the_name_for_toasts_is_registered_with_a_path_once(tmp_path: Path) -> None:
    registry = Values()
    named: list[str] = []
    icon = tmp_path / "app.png"
    key = r"Software\Classes\AppUserModelId\BulletDrop"
    registry.all[key, "IconUri"] = icon.as_uri()  # as desktop-notifier writes it
    assert toasts.register(icon, registry=registry, set_process_id=named.append)
    assert registry.all == {(key, "DisplayName"): "BulletDrop", (key, "IconUri"): str(icon)}
    assert named == ["BulletDrop"]
    writes = registry.writes
    assert toasts.register(icon, registry=registry, set_process_id=named.append)
    assert registry.writes == writes


def test_where_the_registry_is_closed_balloons_are_left(tmp_path: Path) -> None:
    registry = Values()
    registry.closed = True
    assert toasts.register(tmp_path / "app.png", registry=registry) is False
