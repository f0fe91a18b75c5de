"""How a Linux session ends: the session manager says so, logind says so, or the screen is simply gone.

The last one matters most where the others are silent. A tray has no window, so no X server or compositor ends it, and
with `KillUserProcesses=no` (logind.conf, the default of most distributions) nobody else does: it would outlive its
session, keep its lock, and leave the next session without an icon.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulletdrop.log import get_logger
from bulletdrop.tray.logoff import Ending

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

log = get_logger("logoff")

# gnome-session; MATE and Cinnamon answer to the same name.
MANAGER = "org.gnome.SessionManager"
MANAGER_PATH = "/org/gnome/SessionManager"
CLIENT = "org.gnome.SessionManager.ClientPrivate"
LOGIND = "org.freedesktop.login1"
LOGIND_MANAGER = "org.freedesktop.login1.Manager"

SCREEN_SECONDS = 20.0
# A compositor that restarts is away for a moment.
MISSING_SECONDS = 5.0
WAIT_SECONDS = 2.0
# For so long each bus may take to say whether it can be listened to.
LISTEN_SECONDS = 30.0


class SessionWatch:
    """Listens on both buses and looks after the screen, in a thread of its own that sleeps in between.

    Args:
        screen_seconds: how often to look whether the screen is there.
    """

    def __init__(
        self, ending: Ending, *, environ: Mapping[str, str] = os.environ, screen_seconds: float = SCREEN_SECONDS
    ) -> None:
        self._ending = ending
        self._environ = environ
        self._screen_seconds = screen_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._buses: list[MessageBus] = []
        self._replies: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="end-of-session", daemon=True)

    def start(self) -> SessionWatch:
        """Begin to listen, without waiting for the buses."""
        self._thread.start()
        return self

    def wait_ready(self, seconds: float) -> bool:
        """Wait until everything that can be listened to is: for tests."""
        return self._ready.wait(seconds)

    def close(self) -> None:
        """Stop listening."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(stop.set)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(WAIT_SECONDS)

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(self._watch_screen()), asyncio.create_task(self._listen())]
        await self._stop.wait()
        for task in (*tasks, *self._replies):
            task.cancel()
        for bus in self._buses:
            bus.disconnect()
        await asyncio.gather(*tasks, *self._replies, return_exceptions=True)

    async def _listen(self) -> None:
        await asyncio.gather(self._try_to(self._listen_to_manager()), self._try_to(self._listen_to_logind()))
        self._ready.set()

    async def _try_to(self, listen: Coroutine[Any, Any, None]) -> None:
        try:
            # Long: a session begins with everything at once, and who is not listened to then never is.
            await asyncio.wait_for(listen, LISTEN_SECONDS)
        except Exception as error:
            log.debug("Nobody tells about the end of the session here: %s", error)

    async def _connect(self, *, system: bool) -> MessageBus:
        from dbus_fast import BusType
        from dbus_fast.aio import MessageBus

        name = "DBUS_SYSTEM_BUS_ADDRESS" if system else "DBUS_SESSION_BUS_ADDRESS"
        kind = BusType.SYSTEM if system else BusType.SESSION
        bus = MessageBus(bus_address=self._environ.get(name), bus_type=kind)
        self._buses.append(bus)
        await bus.connect()
        return bus

    async def _listen_to_manager(self) -> None:
        bus = await self._connect(system=False)
        # Asked for by name first: a call would start a session manager where there is none.
        if not (await _call(bus, *BUS, "NameHasOwner", "s", MANAGER))[0]:
            return
        own = os.environ.get("DESKTOP_AUTOSTART_ID", "")
        path = (await _call(bus, MANAGER, MANAGER_PATH, MANAGER, "RegisterClient", "ss", "bulletdrop", own))[0]
        await _match(bus, f"type='signal',sender='{MANAGER}',interface='{CLIENT}',path='{path}'")
        bus.add_message_handler(lambda message: self._manager_said(bus, path, message))

    def _manager_said(self, bus: MessageBus, path: str, message: Message) -> None:
        if message.interface != CLIENT or message.path != path:
            return
        if message.member in ("QueryEndSession", "EndSession"):
            if message.member == "EndSession":
                self._ending.now("the session manager says so")
            # Answered at once: what is unfinished is on the disk, and others wait for this word.
            reply = _call(bus, MANAGER, path, CLIENT, "EndSessionResponse", "bs", True, "")
            task = asyncio.ensure_future(_quietly(reply))
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)
        elif message.member == "Stop":
            self._ending.now("the session manager says so")

    async def _listen_to_logind(self) -> None:
        bus = await self._connect(system=True)
        if not (await _call(bus, *BUS, "NameHasOwner", "s", LOGIND))[0]:
            return
        for member in ("PrepareForShutdown", "PrepareForSleep"):
            rule = f"type='signal',sender='{LOGIND}',interface='{LOGIND_MANAGER}',member='{member}'"
            await _match(bus, rule)
        bus.add_message_handler(self._logind_said)

    def _logind_said(self, message: Message) -> None:
        if message.interface != LOGIND_MANAGER or not message.body:
            return
        if message.member == "PrepareForShutdown" and message.body[0]:
            self._ending.now("the machine shuts down")
        elif message.member == "PrepareForSleep" and not message.body[0]:
            self._ending.woke()

    async def _watch_screen(self) -> None:
        if not screen_is_there(self._environ):
            return  # it never was: started by hand, from somewhere else
        while True:
            await self._wait_for_hangup()
            if not screen_is_there(self._environ):
                await asyncio.sleep(min(MISSING_SECONDS, self._screen_seconds))
                if not screen_is_there(self._environ):
                    break
            await asyncio.sleep(min(1.0, self._screen_seconds))  # whoever hangs up at once is not asked without end
        self._ending.now("the screen is gone")

    async def _wait_for_hangup(self) -> None:
        """Wait until it is time to look again: at once when a compositor hangs up on a connection that says nothing.

        An X server hangs up on such a connection by itself after a minute; there only the time counts.
        """
        path = _wayland_socket(self._environ)
        if path is None:
            await asyncio.sleep(self._screen_seconds)
            return
        writer = None
        try:
            reader, writer = await asyncio.open_unix_connection(path)
            async with asyncio.timeout(self._screen_seconds):
                await reader.read(1)
        except (OSError, TimeoutError):
            pass
        finally:
            if writer is not None:
                writer.close()


BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def screen_is_there(environ: Mapping[str, str]) -> bool:
    """Whether the display server listens on its socket. True also where that cannot be told (a display over TCP)."""
    wayland = _wayland_socket(environ)
    if wayland:
        return _listens(wayland)
    host, _, number = environ.get("DISPLAY", "").partition(":")
    if host not in ("", "unix") or not number:
        return True
    path = f"/tmp/.X11-unix/X{number.partition('.')[0]}"
    return _listens(path) or _listens(f"\0{path}")


def _wayland_socket(environ: Mapping[str, str]) -> str | None:
    """The compositor's socket (wl_display_connect(3): a name in the runtime folder, or a whole path)."""
    name = environ.get("WAYLAND_DISPLAY")
    return str(Path(environ.get("XDG_RUNTIME_DIR", "/")) / name) if name else None


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(path)
        except TimeoutError:
            return True  # it is there, and busy
        except OSError:
            return False
        return True


async def _call(
    bus: MessageBus, to: str, path: str, interface: str, member: str, signature: str, *body: object
) -> list[Any]:
    """Call a method and return what it gives. Raises DBusError."""
    from dbus_fast import DBusError, Message, MessageType

    question = Message(
        destination=to, path=path, interface=interface, member=member, signature=signature, body=list(body)
    )
    reply = await bus.call(question)
    assert reply is not None
    if reply.message_type is MessageType.ERROR:
        raise DBusError._from_message(reply)
    return list(reply.body)


async def _match(bus: MessageBus, rule: str) -> None:
    await _call(bus, *BUS, "AddMatch", "s", rule)


async def _quietly(work: Any) -> None:
    with contextlib.suppress(Exception):
        await work
