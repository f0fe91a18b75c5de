"""A notification service for tests: remembers what it was asked to show, and presses buttons."""

# No `from __future__ import annotations` here: dbus-fast reads the annotations of these methods when the class is made.
import asyncio
import threading
from dataclasses import dataclass
from typing import Annotated, Any, Self

from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDict, DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

Names = Annotated[list[str], DBusSignature("as")]
Information = Annotated[tuple[str, str, str, str], DBusSignature("ssss")]
Invoked = Annotated[tuple[int, str], DBusSignature("us")]
Closed = Annotated[tuple[int, int], DBusSignature("uu")]


@dataclass
class Shown:
    """One notification as it was asked for."""

    number: int
    app: str
    icon: str
    title: str
    body: str
    actions: dict[str, str]
    replaces: int
    hints: dict[str, Any]

    @property
    def buttons(self) -> list[str]:
        """The titles of its buttons; the click on the note itself is none."""
        return [title for key, title in self.actions.items() if key != "default"]

    def button(self, title: str) -> str:
        """The key of the button with this title."""
        return next(key for key, shown in self.actions.items() if shown == title)


class _Service(ServiceInterface):
    def __init__(self, capabilities: list[str]) -> None:
        super().__init__("org.freedesktop.Notifications")
        self.capabilities = capabilities
        self.shown: list[Shown] = []
        self.closed: list[int] = []
        self.count = 0

    @dbus_method(name="Notify")
    def notify(
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        title: DBusStr,
        body: DBusStr,
        actions: Names,
        hints: DBusDict,
        timeout: DBusInt32,
    ) -> DBusUInt32:
        pairs = dict(zip(actions[::2], actions[1::2], strict=True))
        self.count += 0 if replaces else 1
        number = replaces or self.count
        found = {name: hint.value for name, hint in hints.items()}
        self.shown.append(Shown(number, app, icon, title, body, pairs, replaces, found))
        return number

    @dbus_method(name="GetCapabilities")
    def get_capabilities(self) -> Names:
        return self.capabilities

    @dbus_method(name="GetServerInformation")
    def get_server_information(self) -> Information:
        return "tests", "bulletdrop", "1", "1.2"

    @dbus_method(name="CloseNotification")
    def close_notification(self, number: DBusUInt32) -> None:
        self.closed.append(number)
        self.notification_closed(number, 3)

    @dbus_signal(name="ActionInvoked")
    def action_invoked(self, number: int, key: str) -> Invoked:
        return number, key

    @dbus_signal(name="NotificationClosed")
    def notification_closed(self, number: int, reason: int) -> Closed:
        return number, reason


class Notifications:
    """The service on a bus, in a thread of its own; used as `with`.

    Args:
        address: the session bus.
        capabilities: what it says it can do.
    """

    def __init__(self, address: str, capabilities: tuple[str, ...] = ("actions", "body", "body-markup")) -> None:
        self._address = address
        self._service = _Service(list(capabilities))
        self._loop = asyncio.new_event_loop()
        self._bus: Any = None
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifications")

    @property
    def shown(self) -> list[Shown]:
        """What it was asked to show, oldest first."""
        return list(self._service.shown)

    @property
    def closed(self) -> list[int]:
        """The numbers of those that it was asked to close."""
        return list(self._service.closed)

    def dismiss(self, note: Shown) -> None:
        """Close it, as the person does."""
        self._loop.call_soon_threadsafe(self._service.notification_closed, note.number, 2)

    def press(self, note: Shown, title: str) -> None:
        """Press the button with this title; "" is a click on the notification itself."""
        key = note.button(title) if title else "default"
        self._loop.call_soon_threadsafe(self._service.action_invoked, note.number, key)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def _run(self) -> None:
        self._loop.run_until_complete(self._start())
        self._up.set()
        self._loop.run_forever()
        self._bus.disconnect()
        self._loop.run_until_complete(self._bus.wait_for_disconnect())
        self._loop.close()

    async def _start(self) -> None:
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.export("/org/freedesktop/Notifications", self._service)
        await self._bus.request_name("org.freedesktop.Notifications")
