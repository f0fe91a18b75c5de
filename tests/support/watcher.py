"""A panel's half of the tray protocol, without a panel: reads icons and menus, clicks; and takes icons."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

WATCHER = "org.kde.StatusNotifierWatcher"


class NoAnswer(AssertionError):
    """The other one answered with an error, or has gone."""


class PanelReader:
    """Reads one icon and its menu, and clicks. Everything is asynchronous; used as `async with`.

    Args:
        address: the session bus.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._bus: MessageBus | None = None
        self.item_name = ""

    async def __aenter__(self) -> Self:
        self._bus = await MessageBus(bus_address=self._address).connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.bus.disconnect()
        await self.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    @property
    def bus(self) -> MessageBus:
        """The connection."""
        assert self._bus is not None
        return self._bus

    async def item(self) -> str:
        """The bus name of the icon."""
        return self.item_name

    async def ask(self, to: str, path: str, interface: str, member: str, signature: str, body: list[Any]) -> list[Any]:
        """Call a method and return the answer's body. Raises NoAnswer for an error."""
        reply = await self.bus.call(
            Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=body)
        )
        if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
            raise NoAnswer(member, reply and (reply.error_name, reply.body))
        return list(reply.body)

    async def property(self, name: str) -> Any:
        """A property of the newest icon."""
        properties = "org.freedesktop.DBus.Properties"
        body = ["org.kde.StatusNotifierItem", name]
        answer = await self.ask(await self.item(), "/StatusNotifierItem", properties, "Get", "ss", body)
        return answer[0].value

    async def menu(self, member: str, signature: str, *body: Any) -> list[Any]:
        """Call a method of the newest icon's menu."""
        return await self.ask(await self.item(), "/MenuBar", "com.canonical.dbusmenu", member, signature, list(body))

    async def layout(self) -> dict[str, int]:
        """Every line of the menu as "label" or "label/label", with its number."""
        _revision, root = await self.menu("GetLayout", "iias", 0, -1, [])
        found: dict[str, int] = {}

        def walk(branch: Sequence[Any], path: str) -> None:
            number, properties, children = branch
            label = properties["label"].value if "label" in properties else ""
            here = f"{path}/{label}" if path else label
            if number:
                found[here.replace("__", "_")] = number
            for child in children:
                walk(child.value, here)

        walk(root, "")
        return found

    async def click(self, label: str) -> None:
        """Choose a line of the menu."""
        number = (await self.layout())[label]
        await self.menu("Event", "isvu", number, "clicked", Variant("i", 0), 0)

    async def activate(self) -> None:
        """Click the icon itself."""
        name = await self.item()
        await self.ask(name, "/StatusNotifierItem", "org.kde.StatusNotifierItem", "Activate", "ii", [0, 0])


class FakePanel(PanelReader):
    """Owns the watcher's name on a bus and remembers which icons registered and what they signalled."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.items: list[str] = []
        self.signals: list[str] = []
        self._came = asyncio.Event()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.bus.add_message_handler(self._heard)
        rule = "type='signal',path='/StatusNotifierItem'"
        await self.ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule])
        await self.bus.request_name(WATCHER)
        return self

    async def item(self) -> str:
        """The bus name of the newest icon, waited for."""
        async with asyncio.timeout(30):
            await self._came.wait()
        return self.items[-1]

    def _heard(self, message: Message) -> Message | None:
        if message.message_type is MessageType.SIGNAL and message.path == "/StatusNotifierItem":
            self.signals.append(str(message.member))
        if message.member == "RegisterStatusNotifierItem":
            self.items.append(str(message.body[0]))
            self._came.set()
            return Message.new_method_return(message)
        return None
