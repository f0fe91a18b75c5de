"""The icon on a real session bus: registered, clicked, followed over a panel's restart."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bulletdrop.tray.desk import State
from bulletdrop.tray.icon import NoTray, choose_backend
from bulletdrop.tray.menu import LINE, Entry
from bulletdrop.tray.sni import StatusNotifier
from tests.support.needs import requires
from tests.support.screen import Screen, wait_for
from tests.support.watcher import FakePanel


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    requires("dbus-daemon", package="dbus-daemon")
    screen = Screen(tmp_path_factory.mktemp("bus"), with_x=False).start()
    yield screen.environ["DBUS_SESSION_BUS_ADDRESS"]
    screen.stop()


class Shown:
    """One icon, run in a thread, and what came of it."""

    def __init__(self, bus: str, patience: float = 20) -> None:
        self.clicks = 0
        self.presence: list[bool] = []
        self.icon = StatusNotifier(
            on_activate=self._click,
            on_presence=self.presence.append,
            environ={"DBUS_SESSION_BUS_ADDRESS": bus, "XDG_CURRENT_DESKTOP": "GNOME"},
            patience=patience,
        )
        self.thread = threading.Thread(target=self.icon.run)

    def _click(self) -> None:
        self.clicks += 1

    def __enter__(self) -> Shown:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.icon.stop()
        self.thread.join(60)
        assert not self.thread.is_alive(), "the icon did not stop"


def in_loop(work: Awaitable[Any]) -> Any:
    async def run() -> Any:
        return await work

    return asyncio.run(run())


def test_the_icon_registers_and_shows_what_it_is(bus: str) -> None:
    async def look() -> None:
        async with FakePanel(bus) as panel:
            with Shown(bus) as shown:
                shown.icon.show(State.OFFLINE, "Server offline · 3 waiting")
                assert await panel.property("Id") == "bulletdrop"
                assert await panel.property("Category") == "ApplicationStatus"
                assert await panel.property("Status") == "Active"
                assert (await panel.property("ToolTip"))[2:] == ("BulletDrop", "Server offline · 3 waiting")
                pixmaps = await panel.property("IconPixmap")
                assert [pixmap[0] for pixmap in pixmaps] == [16, 22, 24, 32, 48]
                assert await panel.property("Menu") == "/MenuBar"
                await until(lambda: shown.presence == [True])

    in_loop(look())


def test_a_click_on_the_icon_is_heard(bus: str) -> None:
    async def click() -> None:
        async with FakePanel(bus) as panel:
            with Shown(bus) as shown:
                await panel.activate()
                assert shown.clicks == 1

    in_loop(click())


def test_a_chosen_line_runs_and_an_error_in_it_hurts_nobody(bus: str) -> None:
    done: list[str] = []

    def breaks() -> None:
        raise RuntimeError("on purpose")

    menu = [Entry("Breaks", breaks), LINE, Entry("More", children=(Entry("a_b.png", lambda: done.append("inner")),))]

    async def click() -> None:
        async with FakePanel(bus) as panel:
            with Shown(bus) as shown:
                shown.icon.set_menu(menu)
                await panel.item()
                await panel.click("Breaks")
                await panel.click("More/a_b.png")
                assert done == ["inner"]

    in_loop(click())


def test_a_late_click_never_reaches_another_line(bus: str) -> None:
    done: list[str] = []

    async def click() -> None:
        async with FakePanel(bus) as panel:
            with Shown(bus) as shown:
                shown.icon.set_menu([Entry("one.png", lambda: done.append("one")), Entry("Quit", lambda: None)])
                old = (await panel.layout())["one.png"]
                shown.icon.set_menu([Entry("two.png", lambda: done.append("two")), Entry("Quit", lambda: None)])
                await listed(panel, "two.png")
                errors = await panel.menu("EventGroup", "a(isvu)", [[old, "clicked", variant(), 0]])
                assert done == []
                assert errors == [[old]]

    in_loop(click())


def test_a_line_keeps_its_number_while_others_come_and_go(bus: str) -> None:
    async def look() -> None:
        async with FakePanel(bus) as panel:
            with Shown(bus) as shown:
                shown.icon.set_menu([Entry("Quit", lambda: None)])
                before = (await panel.layout())["Quit"]
                shown.icon.set_menu([Entry("Pause", lambda: None), Entry("Quit", lambda: None)])
                await listed(panel, "Pause")
                assert (await panel.layout())["Quit"] == before

    in_loop(look())


def test_a_change_is_signalled_once_and_only_if_it_is_one(bus: str) -> None:
    async def look() -> None:
        async with FakePanel(bus) as panel:
            with Shown(bus) as shown:
                await panel.item()
                await asyncio.sleep(0.2)
                panel.signals.clear()
                shown.icon.show(State.WORKING, "Uploading 1")
                await until(lambda: len(panel.signals) >= 4)
                await asyncio.sleep(0.2)
                assert sorted(panel.signals) == ["NewAttentionIcon", "NewIcon", "NewStatus", "NewToolTip"]
                panel.signals.clear()
                shown.icon.show(State.WORKING, "Uploading 1")
                await asyncio.sleep(0.2)
                assert panel.signals == []
                shown.icon.show(State.NEEDS_YOU, "Pair again")
                await until(lambda: "NewStatus" in panel.signals)
                assert await panel.property("Status") == "NeedsAttention"

    in_loop(look())


def test_a_panel_that_comes_later_gets_the_icon(bus: str) -> None:
    async def look() -> None:
        with Shown(bus) as shown:
            await asyncio.sleep(0.2)
            assert shown.presence == []
            async with FakePanel(bus) as panel:
                assert (await panel.item()).startswith("org.kde.StatusNotifierItem-")
                await until(lambda: shown.presence == [True])

    in_loop(look())


def test_a_panel_that_restarts_gets_the_icon_again(bus: str) -> None:
    async def look() -> None:
        with Shown(bus) as shown:
            async with FakePanel(bus) as panel:
                await panel.item()
                await until(lambda: shown.presence == [True])
            await until(lambda: shown.presence == [True, False])
            async with FakePanel(bus) as panel:
                await panel.item()
                await until(lambda: shown.presence == [True, False, True])

    in_loop(look())


def test_without_a_panel_the_person_is_told_once_and_the_program_lives_on(bus: str) -> None:
    with Shown(bus, patience=0.1) as shown:
        wait_for(lambda: shown.presence == [False])
        time.sleep(0.3)
        assert shown.presence == [False]
        assert shown.thread.is_alive()


def test_a_bus_that_dies_takes_only_the_icon_with_it(tmp_path: Path) -> None:
    requires("dbus-daemon", package="dbus-daemon")
    screen = Screen(tmp_path, with_x=False).start()
    with Shown(screen.environ["DBUS_SESSION_BUS_ADDRESS"]) as shown:
        time.sleep(0.3)
        screen.stop()
        wait_for(lambda: shown.presence == [False])
        assert shown.thread.is_alive()


def test_without_a_bus_there_is_no_icon_and_no_error(tmp_path: Path) -> None:
    with Shown(f"unix:path={tmp_path}/nobody") as shown:
        wait_for(lambda: shown.presence == [False])


def test_a_session_without_any_bus_gets_the_empty_backend() -> None:
    presence: list[bool] = []
    backend = choose_backend(on_activate=lambda: None, on_presence=presence.append, environ={"DISPLAY": ":0"})
    assert isinstance(backend, NoTray)
    backend.show(State.IDLE, "")
    backend.set_menu([])
    thread = threading.Thread(target=backend.run)
    thread.start()
    backend.stop()
    thread.join(60)
    assert presence == [False]


async def until(question: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not question():  # noqa: ASYNC110 -- the answer changes in another thread
            await asyncio.sleep(0.01)


async def listed(panel: FakePanel, label: str, seconds: float = 30) -> None:
    """Wait until the menu has this line."""
    async with asyncio.timeout(seconds):
        while label not in await panel.layout():  # noqa: ASYNC110 -- the menu changes in another thread
            await asyncio.sleep(0.01)


def variant() -> Any:
    from dbus_fast import Variant

    return Variant("i", 0)
