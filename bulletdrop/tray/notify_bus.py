"""Notifications on Linux: org.freedesktop.Notifications on the session bus, spoken to directly.

Source: Desktop Notifications Specification 1.2/1.3, https://specifications.freedesktop.org/notification-spec/
"""

from __future__ import annotations

import contextlib
import html
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from bulletdrop.tray.notify import Note, aside
from bulletdrop.tray.pixmaps import app_icon

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
BUS = "org.freedesktop.DBus"
NORMAL, CRITICAL = 1, 2
# Services that show the click on the note as a button beside the others.
SHOWS_DEFAULT = ("xfce",)
# Notes whose buttons still work. A service keeps old ones in a list for hours; nobody presses the hundredth.
REMEMBERED = 100


class BusService:
    """The `Service` of Linux. Connects at the first question, and again after the bus or the service has gone.

    Shows one note at a time: `Notifier` asks for the next when this one has its number.

    Args:
        environ: where the bus's address is.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._bus: MessageBus | None = None
        self._can: frozenset[str] | None = None
        self._shows_default = False
        self._actions: OrderedDict[int, dict[str, Callable[[], object]]] = OrderedDict()
        self._shown: dict[str, int] = {}  # by key: the note that is on the screen now
        self._services = 0  # how many there have been: a number is good at the one that gave it
        # While a note is being shown, its number is not known: what is heard meanwhile waits here.
        self._asked: list[Message] | None = None

    async def capabilities(self) -> frozenset[str]:
        if self._bus is None or not self._bus.connected:
            await self._connect()
        if self._can is None:
            answer = await self._call(NAME, PATH, NAME, "GetCapabilities", "", [])
            self._can = frozenset(answer[0])
            name = str((await self._call(NAME, PATH, NAME, "GetServerInformation", "", []))[0]).lower()
            self._shows_default = name.startswith(SHOWS_DEFAULT)
        return self._can | ({"buttons"} if "actions" in self._can else set())

    async def show(self, note: Note) -> None:
        can = await self.capabilities()
        replaces = self._shown.get(note.key, 0) if note.key else 0
        if (note.quiet or note.closes) and not replaces:
            return
        if note.closes:
            del self._shown[note.key]
            self._actions.pop(replaces, None)
            await self._call(NAME, PATH, NAME, "CloseNotification", "u", [replaces])
            return
        actions = _actions(note, shows_default=self._shows_default) if "actions" in can else {}
        pairs = [part for key, (title, _) in actions.items() for part in (key, title)]
        # The last, -1: the person chose how long notes stay.
        body = [
            *("BulletDrop", replaces, app_icon().as_uri()),
            *(note.title, _body(note, can), pairs, _hints(note), -1),
        ]
        self._asked, service = [], self._services
        try:
            (number,) = await self._call(NAME, PATH, NAME, "Notify", "susssasa{sv}i", body)
            self._actions.pop(replaces, None)
            if service == self._services:
                self._actions[number] = {key: action for key, (_, action) in actions.items()}
                if note.key:
                    self._shown[note.key] = number
        finally:
            early, self._asked = self._asked, None
            for signal in early:
                self._take(signal)
        while len(self._actions) > REMEMBERED:
            self._actions.popitem(last=False)

    async def close(self) -> None:
        if self._bus is not None:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    async def _connect(self) -> None:
        self._forget()
        address = self._environ.get("DBUS_SESSION_BUS_ADDRESS")
        bus = await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect()
        self._bus = bus
        bus.add_message_handler(self._heard)
        owner = f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{NAME}'"
        for rule in (f"type='signal',interface='{NAME}'", owner):
            await self._call(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", [rule])

    def _forget(self) -> None:
        self._services += 1
        self._can = None
        self._shown.clear()
        self._actions.clear()

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged" and message.body[:1] == [NAME]:
            self._forget()  # another service: it knows none of our numbers
        elif message.interface == NAME and self._asked is not None:
            self._asked.append(message)
        elif message.interface == NAME:
            self._take(message)

    def _take(self, signal: Message) -> None:
        if signal.member == "ActionInvoked":
            number, key = signal.body
            if action := self._actions.get(number, {}).get(key):
                aside(action)
        elif signal.member == "NotificationClosed":
            number = signal.body[0]
            self._shown = {key: shown for key, shown in self._shown.items() if shown != number}

    async def _call(self, to: str, path: str, interface: str, member: str, signature: str, body: list[Any]) -> Any:
        assert self._bus is not None
        reply = await self._bus.call(
            Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=body)
        )
        if reply is None or reply.message_type is MessageType.ERROR:
            with contextlib.suppress(AttributeError):
                raise DBusError._from_message(reply)
            raise ConnectionError("the session bus gave no answer")
        return reply.body


def _actions(note: Note, *, shows_default: bool) -> dict[str, tuple[str, Callable[[], object]]]:
    """By key: title and what to do. "default" is the click on the note itself (specification, "Notify")."""
    buttons = list(note.buttons)
    found = {}
    if note.click is not None:
        # Where it is shown as a button, it stands for the first one, which does the same.
        first = buttons.pop(0).title if shows_default and buttons else note.title
        found["default"] = (first, note.click)
    return found | {f"button-{number}": (button.title, button.press) for number, button in enumerate(buttons)}


def _body(note: Note, can: frozenset[str]) -> str:
    text = note.message
    if note.link is not None and note.link not in text and "actions" not in can:
        text = f"{text}\n{note.link}".strip()
    # Only where the body is read as markup ("Markup" in the specification) does a file name have to be kept from it.
    return html.escape(text, quote=False) if "body-markup" in can else text


def _hints(note: Note) -> dict[str, Variant]:
    hints = {"urgency": Variant("y", CRITICAL if note.urgent else NORMAL), "desktop-entry": Variant("s", "bulletdrop")}
    if note.picture is not None:
        hints["image-path"] = Variant("s", note.picture.absolute().as_uri())
    return hints
