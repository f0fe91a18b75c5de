"""Which colour a panel probably has, asked of the desktop: dark, light, or nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bulletdrop.tray.pixmaps import Ink

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

# The bar of these desktops is dark whatever the windows are.
ALWAYS_DARK = frozenset({"gnome", "ubuntu", "unity", "pantheon", "budgie"})
ANSWER_SECONDS = 2.0


async def read_ink(bus: MessageBus, environ: Mapping[str, str]) -> Ink:
    """The ink for the icon.

    Asks the settings portal for `color-scheme` (0 no preference, 1 dark, 2 light: XDG Desktop Portal, "Settings").
    Where neither the desktop's name nor the portal says anything, the ink that is seen on both. Never raises.
    """
    names = {name.lower() for name in environ.get("XDG_CURRENT_DESKTOP", "").split(":")}
    if names & ALWAYS_DARK:
        return Ink.LIGHT
    try:
        scheme = await asyncio.wait_for(_color_scheme(bus), ANSWER_SECONDS)
    except Exception:
        return Ink.EITHER
    return {1: Ink.LIGHT, 2: Ink.DARK}.get(scheme, Ink.EITHER)


async def follow_ink(bus: MessageBus, environ: Mapping[str, str], use: Callable[[Ink], None]) -> None:
    """Use the ink of now, and the new one whenever the person changes the desktop's colours. Until cancelled."""
    from dbus_fast import Message, MessageType

    changed = asyncio.Event()

    def heard(message: Message) -> None:
        is_change = message.message_type is MessageType.SIGNAL and message.member == "SettingChanged"
        if is_change and message.body[:2] == ["org.freedesktop.appearance", "color-scheme"]:
            changed.set()

    bus.add_message_handler(heard)
    rule = "type='signal',interface='org.freedesktop.portal.Settings',member='SettingChanged'"
    await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="AddMatch",
            signature="s",
            body=[rule],
        )
    )
    while True:
        use(await read_ink(bus, environ))
        await changed.wait()
        changed.clear()


async def _color_scheme(bus: MessageBus) -> int:
    from dbus_fast import Message, MessageType

    reply = await bus.call(
        Message(
            destination="org.freedesktop.portal.Desktop",
            path="/org/freedesktop/portal/desktop",
            interface="org.freedesktop.portal.Settings",
            member="Read",
            signature="ss",
            body=["org.freedesktop.appearance", "color-scheme"],
        )
    )
    if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
        return 0
    value = reply.body[0]
    while hasattr(value, "value"):  # a variant in a variant, by the portal's own history
        value = value.value
    return int(value)
