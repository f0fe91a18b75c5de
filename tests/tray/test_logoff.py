"""The end of the session: by real buses and screens on Linux, by recorded messages of Windows and macOS."""

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusObjectPath, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from bulletdrop.tray import logoff
from bulletdrop.tray.logoff import Ending, Nothing
from bulletdrop.tray.logoff_linux import SessionWatch, screen_is_there
from bulletdrop.tray.logoff_macos import PowerOff
from bulletdrop.tray.logoff_windows import answer
from tests.support.needs import requires
from tests.support.screen import Screen, wait_for

CLIENT_PATH = "/org/gnome/SessionManager/Client7"


class Manager(ServiceInterface):
    """As much of gnome-session as a program that registers meets."""

    def __init__(self) -> None:
        super().__init__("org.gnome.SessionManager")
        self.registered: list[str] = []

    @dbus_method(name="RegisterClient")
    def register_client(self, app: DBusStr, startup: DBusStr) -> DBusObjectPath:
        self.registered.append(app)
        return CLIENT_PATH


class Private(ServiceInterface):
    """What gnome-session keeps for one program."""

    def __init__(self) -> None:
        super().__init__("org.gnome.SessionManager.ClientPrivate")
        self.answers: list[tuple[bool, str]] = []

    @dbus_signal(name="QueryEndSession")
    def query_end_session(self) -> DBusUInt32:
        return 0

    @dbus_signal(name="EndSession")
    def end_session(self) -> DBusUInt32:
        return 0

    @dbus_method(name="EndSessionResponse")
    def end_session_response(self, is_ok: DBusBool, reason: DBusStr) -> None:
        self.answers.append((is_ok, reason))


class Logind(ServiceInterface):
    """As much of systemd-logind as tells of shutdown and sleep."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Manager")

    @dbus_signal(name="PrepareForShutdown")
    def shutdown(self, begins: bool) -> DBusBool:
        return begins

    @dbus_signal(name="PrepareForSleep")
    def sleep(self, begins: bool) -> DBusBool:
        return begins


class Session:
    """Both services on a private bus, in a thread."""

    def __init__(self, address: str) -> None:
        self.manager, self.private, self.logind = Manager(), Private(), Logind()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bus: MessageBus = self.do(self._serve(address))

    async def _serve(self, address: str) -> MessageBus:
        bus = await MessageBus(bus_address=address).connect()
        bus.export("/org/gnome/SessionManager", self.manager)
        bus.export(CLIENT_PATH, self.private)
        bus.export("/org/freedesktop/login1", self.logind)
        await bus.request_name("org.gnome.SessionManager")
        await bus.request_name("org.freedesktop.login1")
        return bus

    def do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def say(self, signal: Callable[..., object], *values: object) -> None:
        async def send() -> None:
            signal(*values)

        self.do(send())

    def close(self) -> None:
        async def end() -> None:
            self._bus.disconnect()
            await asyncio.sleep(0)

        self.do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class Noted:
    """What the listener did."""

    def __init__(self) -> None:
        self.begun = 0
        self.woken = 0
        self.ending = Ending(begin=self._begin, woke=self._wake)

    def _begin(self) -> None:
        self.begun += 1

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    requires("dbus-daemon", package="dbus")
    requires("Xvfb", package="xvfb")
    made = Screen(tmp_path / "screen", services=False).start()
    made.environ["DBUS_SYSTEM_BUS_ADDRESS"] = made.environ["DBUS_SESSION_BUS_ADDRESS"]
    yield made
    made.stop()


@pytest.fixture
def session(screen: Screen) -> Iterator[Session]:
    made = Session(screen.environ["DBUS_SESSION_BUS_ADDRESS"])
    yield made
    made.close()


@contextlib.contextmanager
def listening(noted: Noted, screen: Screen, *, screen_seconds: float = 60) -> Iterator[SessionWatch]:
    watch = SessionWatch(noted.ending, environ=screen.environ, screen_seconds=screen_seconds).start()
    assert watch.wait_ready(60)
    try:
        yield watch
    finally:
        watch.close()


def test_the_session_manager_is_answered_and_its_end_is_ours(screen: Screen, session: Session) -> None:
    noted = Noted()
    with listening(noted, screen):
        assert session.manager.registered == ["bulletdrop"]
        session.say(session.private.query_end_session)
        wait_for(lambda: session.private.answers == [(True, "")], what="the answer to the question")
        assert noted.begun == 0, "another program may still say no"
        session.say(session.private.end_session)
        wait_for(lambda: noted.begun == 1, what="the end")
        wait_for(lambda: len(session.private.answers) == 2, what="the answer to the end")


def test_a_machine_that_shuts_down_ends_it_and_one_that_wakes_wakes_it(screen: Screen, session: Session) -> None:
    noted = Noted()
    with listening(noted, screen):
        session.say(session.logind.sleep, True)
        session.say(session.logind.sleep, False)
        wait_for(lambda: noted.woken == 1, what="the waking up")
        session.say(session.logind.shutdown, False)
        session.say(session.logind.shutdown, True)
        wait_for(lambda: noted.begun == 1, what="the end")
        assert noted.woken == 1


def test_a_screen_that_is_gone_is_the_end_of_the_session(screen: Screen) -> None:
    noted = Noted()
    assert screen_is_there(screen.environ)
    with listening(noted, screen, screen_seconds=0.1):
        time.sleep(0.5)
        assert noted.begun == 0
        screen.end("Xvfb")
        wait_for(lambda: noted.begun == 1, what="the end")


def test_a_screen_that_never_was_is_not_missed(screen: Screen) -> None:
    screen.environ["DISPLAY"] = ":9876"
    noted = Noted()
    with listening(noted, screen, screen_seconds=0.05):
        time.sleep(0.5)
    assert noted.begun == 0


def test_without_services_or_buses_it_only_looks_at_the_screen(screen: Screen) -> None:
    noted = Noted()
    with listening(noted, screen):
        pass
    screen.environ["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere"
    screen.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nowhere"
    with listening(noted, screen):
        pass
    assert noted.begun == 0


def test_listening_costs_nothing(screen: Screen, session: Session) -> None:
    with listening(Noted(), screen):
        # Its own thread's time: what other tests have left in this process is not what is asked about.
        (thread,) = [one for one in threading.enumerate() if one.name == "end-of-session"]
        assert thread.ident is not None
        clock = time.pthread_getcpuclockid(thread.ident)
        before = time.clock_gettime(clock)
        time.sleep(2)
        assert time.clock_gettime(clock) - before < 0.1


def test_a_bus_that_says_nothing_holds_up_no_end(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "bus"))
        silent.listen()
        address = f"unix:path={tmp_path}/bus"
        environ = {"DBUS_SESSION_BUS_ADDRESS": address, "DBUS_SYSTEM_BUS_ADDRESS": address, "DISPLAY": ":9876"}
        watch = SessionWatch(Noted().ending, environ=environ).start()
        with silent.accept()[0]:
            watch.close()
            wait_for(lambda: "end-of-session" not in [one.name for one in threading.enumerate()], seconds=20)


def test_a_display_over_the_network_is_left_alone() -> None:
    assert screen_is_there({"DISPLAY": "localhost:10.0"})
    assert not screen_is_there({"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": "/nowhere"})


def test_without_a_desktop_nobody_is_listened_to() -> None:
    assert isinstance(logoff.watch(Noted().ending, environ={}, platform="linux"), Nothing)


def test_where_listening_fails_the_tray_starts_all_the_same() -> None:
    # Neither Cocoa nor user32 are here.
    assert isinstance(logoff.watch(Noted().ending, environ={}, platform="darwin"), Nothing)
    logoff.watch(Noted().ending, environ={}, platform="win32").close()


QUERY, END, POWER = 0x0011, 0x0016, 0x0218


def test_windows_s_question_is_answered_with_yes_and_ends_nothing() -> None:
    noted = Noted()
    assert answer(noted.ending, QUERY, 0) == 1
    assert noted.begun == 0


def test_windows_s_end_waits_until_everything_has_ended() -> None:
    noted = Noted()
    threading.Timer(0.3, noted.ending.done.set).start()
    began = time.monotonic()
    assert answer(noted.ending, END, 1) == 0
    assert noted.begun == 1
    assert 0.25 < time.monotonic() - began < 3.5


def test_an_end_of_session_that_another_program_prevented_is_none() -> None:
    noted = Noted()
    assert answer(noted.ending, END, 0) == 0
    assert noted.begun == 0


def test_windows_waking_up_is_told_and_other_messages_are_windows_s_own() -> None:
    noted = Noted()
    assert answer(noted.ending, POWER, 0x12) == 1
    assert answer(noted.ending, POWER, 0x04) == 1
    assert noted.woken == 1
    assert answer(noted.ending, 0x000F, 0) is None


class Cocoa:
    """As much of PyObjC as is asked: a notification centre, and signals by mach port."""

    def __init__(self) -> None:
        self.blocks: dict[str, Callable[[object], None]] = {}
        self.signals: dict[int, Callable[[int], None]] = {}
        self.removed: list[object] = []
        self.NSWorkspace = self

    def __call__(self, name: str) -> Any:
        assert name in ("AppKit", "PyObjCTools.MachSignals")
        return self

    def sharedWorkspace(self) -> Any:  # noqa: N802  Cocoa's names
        return self

    def notificationCenter(self) -> Any:  # noqa: N802
        return self

    def addObserverForName_object_queue_usingBlock_(  # noqa: N802
        self, name: str, of: None, queue: None, block: Callable[[object], None]
    ) -> object:
        self.blocks[name] = block
        return name

    def removeObserver_(self, observer: object) -> None:  # noqa: N802
        self.removed.append(observer)

    def signal(self, number: int, act: Callable[[int], None]) -> None:
        self.signals[number] = act


def test_macos_s_power_off_wake_and_sigterm_are_heard() -> None:
    cocoa, noted = Cocoa(), Noted()
    watch = PowerOff(noted.ending, load=cocoa).start()
    cocoa.blocks["NSWorkspaceDidWakeNotification"](object())
    assert (noted.begun, noted.woken) == (0, 1)
    cocoa.blocks["NSWorkspaceWillPowerOffNotification"](object())
    cocoa.signals[signal.SIGTERM](signal.SIGTERM)
    assert noted.begun == 2
    watch.close()
    watch.close()
    assert sorted(map(str, cocoa.removed)) == [
        "NSWorkspaceDidWakeNotification",
        "NSWorkspaceWillPowerOffNotification",
    ]
