"""Notifications: short words with a picture and buttons, sent from a thread of their own, never counted as seen."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bulletdrop.log import get_logger

log = get_logger("notify")

PLATFORM: str = sys.platform
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a note. `press` is called in a thread of its own."""

    title: str
    press: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Note:
    """One notification.

    Args:
        title, message: plain words; nothing in them is read as markup.
        link: put under the message where the service shows no buttons.
        picture: shown beside the words, where the service shows pictures.
        buttons: what can be done, in order.
        click: called, in a thread of its own, when the note itself is chosen.
        key: a note takes the place of the one with the same key that is still on the screen; "" is never replaced.
        quiet: only takes a place, and is dropped when that note has gone: nothing pops up anew.
        closes: is not shown: the one with its key goes from the screen.
        urgent: stays until the person has seen it, where the service does that.
    """

    title: str
    message: str = ""
    link: str | None = None
    picture: Path | None = None
    buttons: tuple[Button, ...] = ()
    click: Callable[[], object] | None = None
    key: str = ""
    quiet: bool = False
    closes: bool = False
    urgent: bool = False


class Service(Protocol):
    """One system's way of showing notes. All of it in the notifier's own loop, one call after the other."""

    async def capabilities(self) -> frozenset[str]:
        """What it can do, in lower case, such as "buttons". Raises whatever its absence raises."""
        ...

    async def show(self, note: Note) -> None:
        """Show a note. Raises like `capabilities`."""
        ...

    async def close(self) -> None:
        """Let go of the system; what is on the screen stays there."""
        ...


def system_service() -> Service:
    """The service of this system; imports only what it needs."""
    if PLATFORM == "linux":
        from bulletdrop.tray.notify_bus import BusService

        return BusService()
    from bulletdrop.tray.notify_native import NativeService

    return NativeService()


class Notifier:
    """Sends notes through the desktop's own service. Starts nothing and imports nothing before the first one.

    Args:
        service: makes the service, in the notifier's thread.
        otherwise: called with title and message in the notifier's thread when the service cannot show them.
    """

    def __init__(
        self,
        service: Callable[[], Service] = system_service,
        *,
        otherwise: Callable[[str, str], object] = lambda title, message: None,
    ) -> None:
        self._make = service
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._service: Service | None = None
        self._turn: asyncio.Lock | None = None
        self._absent = False
        self._closed = False

    def send(self, note: Note) -> None:
        """Show a note, soon. Returns at once; where there is no notification service, that is logged once."""
        if not self._closed:
            self._submit(self._send(note))

    def probe(self) -> frozenset[str]:
        """What the service can do, in lower case, such as "buttons". Blocks.

        Raises: whatever the service or its absence raises; `send` only logs it.
        """
        future = self._submit(self._capabilities())
        found: frozenset[str] = future.result(ANSWER_SECONDS)
        return found

    def close(self) -> None:
        """Send what was asked for, and end the thread. Notes already on the screen stay there."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._end(), loop)
            thread.join(2)

    def _submit(self, work: Coroutine[Any, Any, Any]) -> Any:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._run, args=(self._loop,), name="notifier", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        # One after the other: a note may take the place of the one before it, whose number has to be known.
        self._turn = asyncio.Lock()
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        with contextlib.suppress(Exception):
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    async def _end(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if others:
            await asyncio.wait(others, timeout=1)
        with contextlib.suppress(Exception):
            if self._service is not None:
                await asyncio.wait_for(self._service.close(), 0.5)
        asyncio.get_running_loop().stop()

    def _ready(self) -> Service:
        if self._service is None:
            self._service = self._make()
        return self._service

    async def _capabilities(self) -> frozenset[str]:
        assert self._turn is not None
        async with self._turn:
            service = self._ready()
            return await asyncio.wait_for(service.capabilities(), ANSWER_SECONDS)

    async def _send(self, note: Note) -> None:
        assert self._turn is not None
        try:
            async with self._turn:
                service = self._ready()
                await asyncio.wait_for(service.show(note), ANSWER_SECONDS)
            self._absent = False
        except Exception as error:
            if not self._absent:
                log.info("There is no notification service: %s", error)
            self._absent = True
            with contextlib.suppress(Exception):
                self._otherwise(note.title, note.message)


def aside(action: Callable[[], object]) -> None:
    """Do what a button asks for. Not in the notifier's loop: copying may take a second, and a browser more."""
    threading.Thread(target=_safely, args=(action,), name="note-action", daemon=True).start()


def _safely(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:
        log.exception("What a notification's button asks for did not work.")
