"""The tray icon on Linux: our own StatusNotifierItem on the session bus, no toolkit, no X."""

# No `from __future__ import annotations` here: dbus-fast reads the annotations of these methods when the class is made.
import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from dbus_fast import BusType, DBusError, Message, MessageType, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from bulletdrop.log import get_logger
from bulletdrop.tray.dbusmenu import DBusMenu, run_safely
from bulletdrop.tray.desk import State
from bulletdrop.tray.menu import Entry
from bulletdrop.tray.panel import follow_ink
from bulletdrop.tray.pixmaps import Ink, pixmaps, ring_pixmaps
from bulletdrop.tray.ring import step_of

log = get_logger("icon")

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM_PATH = "/StatusNotifierItem"
MENU_PATH = "/MenuBar"
# How long a session may take to bring up its panel before the person is told that there is none.
PATIENCE_SECONDS = 20.0

Pixmaps = Annotated[list[Any], DBusSignature("a(iiay)")]
ToolTip = Annotated[list[Any], DBusSignature("(sa(iiay)ss)")]


class Item(ServiceInterface):
    """org.kde.StatusNotifierItem: the pictures, the words, and the click.

    Source: https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/StatusNotifierItem/
    """

    def __init__(self, on_activate: Callable[[], None]) -> None:
        super().__init__("org.kde.StatusNotifierItem")
        self._on_activate = on_activate
        self.state = State.IDLE
        self.words = ""
        self.ink = Ink.EITHER
        self.step: int | None = None

    def change(self, state: State, words: str, step: int | None) -> None:
        """Take over what changed and send exactly the signals that say so."""
        old, said, drawn = self.state, self.words, self.step
        self.state, self.words, self.step = state, words, step
        if (state, step) != (old, drawn):
            self.new_icon()
        if state is not old:
            self.new_attention_icon()
            self.new_status(self.status_word())
        if words != said or state is not old:
            self.new_tool_tip()

    def colour(self, ink: Ink) -> None:
        """Draw in another ink from now on."""
        if ink is not self.ink:
            self.ink = ink
            self.new_icon()
            self.new_attention_icon()

    def status_word(self) -> str:
        """ "NeedsAttention" makes a panel that hides icons bring this one out."""
        return "NeedsAttention" if self.state is State.NEEDS_YOU else "Active"

    @dbus_method(name="Activate")
    def activate(self, x: DBusInt32, y: DBusInt32) -> None:
        run_safely(self._on_activate, "click on the icon")

    @dbus_method(name="SecondaryActivate")
    def secondary_activate(self, x: DBusInt32, y: DBusInt32) -> None:
        run_safely(self._on_activate, "click on the icon")

    @dbus_method(name="ContextMenu")
    def context_menu(self, x: DBusInt32, y: DBusInt32) -> None:
        """The panel draws the menu from `Menu`; there is none of ours to open."""

    @dbus_method(name="Scroll")
    def scroll(self, delta: DBusInt32, orientation: DBusStr) -> None:
        """Scrolling over the icon means nothing here."""

    @dbus_signal(name="NewIcon")
    def new_icon(self) -> None:
        """The picture changed."""

    @dbus_signal(name="NewAttentionIcon")
    def new_attention_icon(self) -> None:
        """The picture for attention changed."""

    @dbus_signal(name="NewToolTip")
    def new_tool_tip(self) -> None:
        """The words changed."""

    @dbus_signal(name="NewStatus")
    def new_status(self, status: str) -> DBusStr:
        return status

    @dbus_property(access=PropertyAccess.READ, name="Category")
    def category(self) -> DBusStr:
        return "ApplicationStatus"

    @dbus_property(access=PropertyAccess.READ, name="Id")
    def id(self) -> DBusStr:
        return "bulletdrop"

    @dbus_property(access=PropertyAccess.READ, name="Title")
    def title(self) -> DBusStr:
        return "BulletDrop"

    @dbus_property(access=PropertyAccess.READ, name="Status")
    def status(self) -> DBusStr:
        return self.status_word()

    @dbus_property(access=PropertyAccess.READ, name="WindowId")
    def window_id(self) -> DBusInt32:
        return 0

    @dbus_property(access=PropertyAccess.READ, name="IconName")
    def icon_name(self) -> DBusStr:
        return ""

    @dbus_property(access=PropertyAccess.READ, name="IconThemePath")
    def icon_theme_path(self) -> DBusStr:
        return ""

    @dbus_property(access=PropertyAccess.READ, name="IconPixmap")
    def icon_pixmap(self) -> Pixmaps:
        found = pixmaps(self.state, self.ink) if self.step is None else ring_pixmaps(self.ink, self.step)
        return [list(pixmap) for pixmap in found]

    @dbus_property(access=PropertyAccess.READ, name="AttentionIconName")
    def attention_icon_name(self) -> DBusStr:
        return ""

    @dbus_property(access=PropertyAccess.READ, name="AttentionIconPixmap")
    def attention_icon_pixmap(self) -> Pixmaps:
        return [list(pixmap) for pixmap in pixmaps(State.NEEDS_YOU, self.ink)]

    @dbus_property(access=PropertyAccess.READ, name="OverlayIconName")
    def overlay_icon_name(self) -> DBusStr:
        return ""

    @dbus_property(access=PropertyAccess.READ, name="ToolTip")
    def tool_tip(self) -> ToolTip:
        return ["", [], "BulletDrop", self.words]

    @dbus_property(access=PropertyAccess.READ, name="ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        return False

    @dbus_property(access=PropertyAccess.READ, name="Menu")
    def menu(self) -> DBusObjectPath:
        return MENU_PATH


class StatusNotifier:
    """The `TrayBackend` for Linux.

    It owns an asyncio loop in the main thread. A panel that is not there yet, or goes and comes back, is followed by
    the owner of the watcher's name on the bus; while there is none, everything but the icon works.

    Args:
        on_activate: the icon was clicked. Called in the main thread: must return at once.
        on_presence: True when a panel took the icon, False when none has come within PATIENCE_SECONDS or it went.
        environ: the environment, for what kind of desktop this is.
    """

    def __init__(
        self,
        *,
        on_activate: Callable[[], None],
        on_presence: Callable[[bool], None],
        environ: Mapping[str, str] = os.environ,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._on_presence = on_presence
        self._environ = environ
        self._patience = patience
        self._item = Item(on_activate)
        self._menu = DBusMenu()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stopped = False
        self._present: bool | None = None

    def run(self) -> None:
        asyncio.run(self._run())

    def show(self, state: State, tooltip: str, progress: float | None = None) -> None:
        self._soon(lambda: self._item.change(state, tooltip, step_of(progress)))

    def set_menu(self, entries: Sequence[Entry]) -> None:
        self._soon(lambda: self._menu.set_entries(entries))

    def stop(self) -> None:
        self._stopped = True
        self._soon(lambda: self._stop.set() if self._stop else None)

    def _soon(self, change: Callable[[], None]) -> None:
        with self._lock:
            if self._loop is None:
                change()  # nobody reads it yet
            else:
                with contextlib.suppress(RuntimeError):  # the loop has just closed: the icon is gone anyway
                    self._loop.call_soon_threadsafe(change)

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        with self._lock:
            self._loop = asyncio.get_running_loop()
        if self._stopped:
            return
        try:
            address = self._environ.get("DBUS_SESSION_BUS_ADDRESS")
            bus = await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect()
        except Exception as error:
            log.info("There is no session bus, so there is no icon: %s", error)
            self._presence(False)
            await self._stop.wait()
            return
        try:
            await self._serve(bus)
        finally:
            bus.disconnect()

    async def _serve(self, bus: MessageBus) -> None:
        assert self._stop is not None
        bus.export(ITEM_PATH, self._item)
        bus.export(MENU_PATH, self._menu)
        name = f"org.kde.StatusNotifierItem-{os.getpid()}-1"
        await bus.request_name(name)
        bus.add_message_handler(lambda message: self._heard(bus, name, message))
        rule = f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{WATCHER}'"
        await _call(
            bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule]
        )
        await self._register(bus, name)
        patience = asyncio.get_running_loop().call_later(self._patience, self._give_up_waiting)
        inks = asyncio.create_task(follow_ink(bus, self._environ, self._item.colour))
        gone = asyncio.create_task(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({gone, stop}, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        inks.cancel()
        if not stop.done():
            log.warning("The session bus went away, and the icon with it.")
            self._presence(False)
            await stop
        gone.cancel()
        for task in (gone, inks):
            with contextlib.suppress(BaseException):
                await task

    def _heard(self, bus: MessageBus, name: str, message: Message) -> None:
        if message.member != "NameOwnerChanged" or not message.body or message.body[0] != WATCHER:
            return
        if message.body[2]:  # a new owner: a panel has come, or come back
            self._registering = asyncio.ensure_future(self._register(bus, name))
        else:
            self._presence(False)

    async def _register(self, bus: MessageBus, name: str) -> None:
        try:
            await _call(bus, WATCHER, "/StatusNotifierWatcher", WATCHER, "RegisterStatusNotifierItem", "s", [name])
        except DBusError as error:
            log.info("No panel takes the icon yet: %s", error)
        else:
            self._presence(True)

    def _give_up_waiting(self) -> None:
        if self._present is None:
            self._presence(False)

    def _presence(self, present: bool) -> None:
        if present is not self._present:
            self._present = present
            log.info("The icon is in the panel." if present else "No panel shows the icon.")
            self._on_presence(present)


async def _call(
    bus: MessageBus, to: str, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> None:
    reply = await bus.call(
        Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=body)
    )
    if reply is not None and reply.message_type is MessageType.ERROR:
        raise DBusError._from_message(reply)
