"""The system's dialog for files: the desktop's portal, a program for it, or the word that there is none."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from bulletdrop.tray.chooser import PORTAL, NoChooser, choose_files
from tests.support.needs import requires
from tests.support.screen import Screen

CHOOSE = "from bulletdrop.tray.chooser import choose_files; print(*choose_files(), sep='\\n')"


class Portal:
    """The portal's half: answers OpenFile with a handle, and some time later with what was chosen."""

    def __init__(self, address: str, code: int, uris: Sequence[str], *, own_handle: bool = False) -> None:
        self._answer = [code, {"uris": Variant("as", list(uris))} if uris else {}]
        self._own_handle = own_handle
        self.options: dict[str, Any] = {}
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._up.wait(60)

    def _run(self) -> None:
        self._loop.run_until_complete(self._start())
        self._up.set()
        self._loop.run_forever()
        self._bus.disconnect()
        self._loop.run_until_complete(self._bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
        self._loop.close()

    async def _start(self) -> None:
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.add_message_handler(self._heard)
        await self._bus.request_name(PORTAL)

    def _heard(self, message: Message) -> Message | None:
        if message.member != "OpenFile" or message.message_type is not MessageType.METHOD_CALL:
            return None
        self.options = {name: value.value for name, value in message.body[2].items()}
        sender = str(message.sender).removeprefix(":").replace(".", "_")
        token = "theirs" if self._own_handle else self.options["handle_token"]
        path = f"/org/freedesktop/portal/desktop/request/{sender}/{token}"
        self._loop.call_later(0.2, self._bus.send, Message.new_signal(
            path, "org.freedesktop.portal.Request", "Response", "ua{sv}", self._answer
        ))  # fmt: skip
        return Message.new_method_return(message, "o", [path])

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    requires("dbus-daemon", package="dbus-daemon")
    made = Screen(tmp_path / "screen", with_x=False, services=False).start()
    yield made
    made.stop()


def chosen(screen: Screen) -> list[str]:
    return screen.run(sys.executable, "-c", CHOOSE).split("\n")[:-1]


@pytest.mark.parametrize("own_handle", [False, True])
def test_the_portal_is_asked_and_its_answer_read(screen: Screen, *, own_handle: bool) -> None:
    uris = ["file:///home/a%20b/%C3%A4.png", "file:///two.txt", "https://elsewhere/x"]
    portal = Portal(screen.environ["DBUS_SESSION_BUS_ADDRESS"], 0, uris, own_handle=own_handle)
    try:
        assert chosen(screen) == ["/home/a b/ä.png", "/two.txt"]
        assert portal.options["multiple"] is True
    finally:
        portal.close()


def test_a_closed_dialog_chooses_nothing(screen: Screen) -> None:
    portal = Portal(screen.environ["DBUS_SESSION_BUS_ADDRESS"], 1, [])
    try:
        assert chosen(screen) == [""]
    finally:
        portal.close()


def fake(folder: Path, name: str, script: str) -> dict[str, str]:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize(("name", "option"), [("zenity", "--file-selection"), ("kdialog", "--getopenfilename")])
def test_without_a_portal_a_program_of_the_desktop_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, option: str
) -> None:
    environ = fake(tmp_path, name, f'case "$*" in *{option}*) printf "/p/a b.png\\n/p/c.txt\\n";; *) exit 9;; esac')
    monkeypatch.setenv("PATH", environ["PATH"])
    assert choose_files(environ=environ, platform="linux") == [Path("/p/a b.png"), Path("/p/c.txt")]


def test_a_cancelled_program_chooses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = fake(tmp_path, "zenity", "exit 1")
    monkeypatch.setenv("PATH", environ["PATH"])
    assert choose_files(environ=environ, platform="linux") == []


def test_a_bus_without_a_portal_falls_back(screen: Screen, tmp_path: Path) -> None:
    environ = fake(tmp_path, "zenity", "echo /p/one.png")
    screen.environ["PATH"] = environ["PATH"]
    assert chosen(screen) == ["/p/one.png"]


def test_where_nothing_can_ask_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoChooser, match="Drop the file on the gallery's page"):
        choose_files(environ={"PATH": str(tmp_path)}, platform="linux")


@pytest.mark.parametrize(("platform", "program"), [("darwin", "osascript"), ("win32", "powershell")])
def test_macos_and_windows_ask_by_their_own_scripts(platform: str, program: str) -> None:
    asked: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> str:
        asked.append(command)
        return "/Users/a/one two.png\r\n/Users/a/b.txt\r\n\r\n"

    found = choose_files(environ=os.environ, platform=platform, run=run)
    assert found == [Path("/Users/a/one two.png"), Path("/Users/a/b.txt")]
    assert asked[0][0] == program
