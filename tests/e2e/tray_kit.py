"""The whole program on a private desktop, as a person would have it: `bulletdrop` started once, no configuration."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
from PIL import Image, ImageChops

from tests.support.screen import Screen, wait_for
from tests.support.server import PASSWORD, binary, free_port
from tests.support.watcher import NoAnswer, PanelReader

T = TypeVar("T")

# A browser that only remembers what it was asked to open.
BROWSER = '#!/bin/sh\necho "$1" >> "{log}"\n'


class Desk:
    """One person's desktop with BulletDrop on it.

    Args:
        screen: a started screen with a panel.
    """

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.data = screen.home / "data"
        self.shots = screen.home / "Pictures" / "Screenshots"
        self.shots.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._opened = screen.folder / "opened"
        self._opened.touch()
        folder = screen.folder / "bin"
        folder.mkdir()
        (folder / "xdg-open").write_text(BROWSER.format(log=self._opened))
        (folder / "xdg-open").chmod(0o755)
        screen.environ |= {
            "PATH": f"{folder}:{screen.environ['PATH']}",
            "BULLETDROP_DATA": str(self.data),
            "BULLETDROP_HOST": "127.0.0.1",
            "BULLETDROP_PORT": str(self.port),
            "BULLETDROP_WATCH": str(self.shots),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._links: set[str] = set()

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the program; without arguments, as a person does."""
        self.process = self.screen.spawn([*binary(), *arguments])
        return self.process

    def opened(self) -> list[str]:
        """The addresses that the browser was asked to open."""
        return self._opened.read_text().split()

    def set_up(self) -> None:
        """Do what the set-up page does, with the code that came with its address; then wait for the pairing."""
        page = wait_for(lambda: next(iter(self.opened()), ""), what="the set-up page")
        found = re.fullmatch(rf"{re.escape(self.url)}/setup#code=(\S+)", page)
        assert found, page
        person = {"code": found[1], "username": "alice", "email": "alice@example.org", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/v1/setup", json=person, trust_env=False, timeout=30)
        assert answer.status_code == 201, answer.text
        wait_for(lambda: (self.data / "tray" / "vault.json").exists(), what="the pairing")

    def shoot(self, *command: str) -> str:
        """Take a screenshot with a real tool and return the link that came to the clipboard."""
        self.screen.spawn(command)

        def new_link() -> str:
            now = self.screen.clipboard()
            return now if now not in self._links and now.startswith("http") else ""

        link = wait_for(new_link, what=f"a link on the clipboard after {command[0]}")
        self._links.add(link)
        return link

    def scrot(self, name: str) -> str:
        """A screenshot by scrot under this name."""
        return self.shoot("scrot", "--overwrite", str(self.shots / name))

    def drops(self) -> list[dict[str, Any]]:
        """What alice has on the server, newest first."""
        person = {"identifier": "alice", "password": PASSWORD}
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as client:
            token = client.post("/api/v1/auth/login", json=person).json()["access_token"]
            answer = client.get("/api/v1/uploads", headers={"Authorization": f"Bearer {token}"})
            items: list[dict[str, Any]] = answer.json()["items"]
            return items

    def icon(self) -> tuple[int, int]:
        """Where the icon is seen in the panel: the middle of what is drawn there. Waits for it."""
        found = wait_for(self._find_icon, what="an icon seen in the panel")
        assert found is not None
        return found

    def no_icon(self) -> None:
        """Wait until the panel is empty."""
        wait_for(lambda: self._find_icon() is None, what="an empty panel")

    def _find_icon(self) -> tuple[int, int] | None:
        with Image.open(self.screen.shot(self.screen.folder / "look.png")) as picture:
            panel = picture.convert("RGB").crop((0, 0, picture.width, 30))
        ground = panel.getpixel((5, 15))
        assert isinstance(ground, tuple)
        red, green, blue = ImageChops.difference(panel, Image.new("RGB", panel.size, ground)).split()
        different = ImageChops.lighter(ImageChops.lighter(red, green), blue).point([0] * 51 + [255] * 205)
        box = different.getbbox()
        if box is None or different.histogram()[255] < 10:
            return None
        left, top, right, bottom = box
        return (left + right - 1) // 2, (top + bottom - 1) // 2

    def click(self, button: int = 1) -> None:
        """Click the icon with the mouse, once it stands still: 1 left, 3 right."""

        def still() -> tuple[int, int] | None:
            before = self.icon()
            return before if before == self._find_icon() else None

        x, y = wait_for(still, what="an icon that stands still") or (0, 0)
        self.screen.run("xdotool", "mousemove", str(x), str(y), "sleep", "0.2", "click", str(button))

    def by_bus(self, work: Callable[[PanelReader], Awaitable[T]]) -> T:
        """Do something with the icon over the session bus, as the panel does; again while it is not there yet."""

        async def run() -> T:
            async with PanelReader(self.screen.environ["DBUS_SESSION_BUS_ADDRESS"]) as reader:
                reader.item_name = wait_for(lambda: next(iter(self.screen.tray_items()), "")).partition("/")[0]
                return await work(reader)

        def once() -> tuple[T] | None:
            # In a thread: where a browser is open, this one has an event loop already.
            with ThreadPoolExecutor(1) as thread, contextlib.suppress(NoAnswer):
                return (thread.submit(lambda: asyncio.run(run())).result(),)
            return None

        found = wait_for(once, what="an icon that answers")
        assert found is not None
        return found[0]

    def labels(self) -> list[str]:
        """The menu's lines, submenus as "Recent/name.png"."""
        return list(self.by_bus(lambda reader: reader.layout()))

    def recent(self, name: str) -> str:
        """The line of one capture in the menu, such as "Recent/14:03 · one.png"; "" while it is not there."""
        found = re.compile(rf"Recent/[^/]* · {re.escape(name)}( · [^/]*)?")
        return next((label for label in self.labels() if found.fullmatch(label)), "")

    def menu_icon(self, name: str) -> bytes:
        """The small picture beside a capture in the menu, as PNG; nothing while there is none."""

        async def read(reader: PanelReader) -> bytes:
            numbers = await reader.layout()
            line = next((number for label, number in numbers.items() if re.fullmatch(rf"Recent/[^/]*{name}", label)), 0)
            (found,) = await reader.menu("GetGroupProperties", "aias", [line], ["icon-data"])
            icon = found[0][1].get("icon-data") if found else None
            return bytes(icon.value) if icon is not None else b""

        return self.by_bus(read)

    def choose_of(self, name: str, choice: str) -> None:
        """Choose a line of the menu of one capture, once it is there and has arrived."""
        wait_for(lambda: self.recent(name) and "on its way" not in self.recent(name), what=f"{name} in the menu")
        self.choose(f"{self.recent(name)}/{choice}")

    def choose(self, label: str) -> None:
        """Choose a line of the menu by the bus, once it is there."""
        wait_for(lambda: label in self.labels(), what=f"“{label}” in the menu")
        self.by_bus(lambda reader: reader.click(label))


def save(path: Path, folder: Path | None) -> None:
    """Keep a picture where the person who runs the tests can look at it."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        path.replace(folder / path.name)
