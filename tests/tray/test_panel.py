"""The icon's ink: what the desktop says about its colours, now and when the person changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from bulletdrop.tray.panel import follow_ink, read_ink
from bulletdrop.tray.pixmaps import Ink
from tests.support.needs import requires
from tests.support.screen import Screen

SETTINGS = "org.freedesktop.portal.Settings"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    requires("dbus-daemon", package="dbus-daemon")
    screen = Screen(tmp_path / "screen", with_x=False, services=False).start()
    yield screen.environ["DBUS_SESSION_BUS_ADDRESS"]
    screen.stop()


class Portal:
    """The settings portal, which knows one setting."""

    def __init__(self, bus: MessageBus, scheme: int) -> None:
        self._bus = bus
        self.scheme = scheme
        bus.add_message_handler(self._heard)

    def _heard(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.interface != SETTINGS:
            return None
        return Message.new_method_return(message, "v", [Variant("v", Variant("u", self.scheme))])

    async def change(self, scheme: int) -> None:
        self.scheme = scheme
        body = ["org.freedesktop.appearance", "color-scheme", Variant("u", scheme)]
        path = "/org/freedesktop/portal/desktop"
        await self._bus.send(Message.new_signal(path, SETTINGS, "SettingChanged", "ssv", body))


def test_the_ink_follows_the_desktops_colours(address: str) -> None:
    async def play() -> list[Ink]:
        theirs, ours = [await MessageBus(bus_address=address).connect() for _ in range(2)]
        portal = Portal(theirs, 1)
        await theirs.request_name("org.freedesktop.portal.Desktop")
        seen: asyncio.Queue[Ink] = asyncio.Queue()
        following = asyncio.create_task(follow_ink(ours, {}, seen.put_nowait))
        found = []
        for scheme in (2, 0):
            found.append(await asyncio.wait_for(seen.get(), 30))
            await portal.change(scheme)
        found.append(await asyncio.wait_for(seen.get(), 30))
        following.cancel()
        for bus in (theirs, ours):
            bus.disconnect()
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        return found

    assert asyncio.run(play()) == [Ink.LIGHT, Ink.DARK, Ink.EITHER]


@pytest.mark.parametrize(
    ("desktop", "ink"), [("GNOME", Ink.LIGHT), ("ubuntu:GNOME", Ink.LIGHT), ("KDE", Ink.EITHER), ("", Ink.EITHER)]
)
def test_a_bar_that_is_always_dark_is_known_by_name_and_without_a_word_both_are_served(
    address: str, desktop: str, ink: Ink
) -> None:
    async def ask() -> Ink:
        bus = await MessageBus(bus_address=address).connect()
        found = await read_ink(bus, {"XDG_CURRENT_DESKTOP": desktop})
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        return found

    assert asyncio.run(ask()) is ink
