"""Notifications: short words with Open and Copy, sent from a thread of their own, never counted as seen."""

from __future__ import annotations

import asyncio
import contextlib
import html
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bulletdrop.log import get_logger
from bulletdrop.tray.pixmaps import app_icon

log = get_logger("notify")

ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Note:
    """One notification. With a link it gets the buttons Open and Copy, and a click on it opens the page."""

    title: str
    message: str = ""
    link: str | None = None
    urgent: bool = False


class Notifier:
    """Sends notes through the desktop's own service. Starts nothing and imports nothing before the first one.

    Args:
        open_page: called with the link when a note or its Open button is chosen.
        copy: called with the link when Copy is chosen.
    Both are called in threads of their own.
    """

    def __init__(self, *, open_page: Callable[[str], object], copy: Callable[[str], object]) -> None:
        self._open_page = open_page
        self._copy = copy
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._service: Any = None
        self._absent = False
        self._closed = False

    def send(self, note: Note) -> None:
        """Show a note, soon. Returns at once; where there is no notification service, that is logged once."""
        if not self._closed:
            self._submit(self._send(note))

    def probe(self) -> frozenset[str]:
        """What the service can do, in lower case, such as "buttons". Blocks.

        Raises: whatever the service or its absence raises. `send` cannot tell: the library swallows its errors.
        """
        future = self._submit(self._capabilities())
        found: frozenset[str] = future.result(ANSWER_SECONDS)
        return found

    def close(self) -> None:
        """End the thread. Notes already on the screen stay there."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
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
        loop.run_forever()
        bus = getattr(getattr(self._service, "_backend", None), "bus", None)
        with contextlib.suppress(Exception):
            if bus is not None:
                bus.disconnect()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        with contextlib.suppress(Exception):
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    async def _capabilities(self) -> frozenset[str]:
        if self._service is None:
            from desktop_notifier import DesktopNotifier, Icon

            self._service = DesktopNotifier(app_name="BulletDrop", app_icon=Icon(path=app_icon()))
        found = await asyncio.wait_for(self._service.get_capabilities(), ANSWER_SECONDS)
        return frozenset(capability.name.lower() for capability in found)

    async def _send(self, note: Note) -> None:
        try:
            can = await self._capabilities()
            await self._show(note, can)
            self._absent = False
        except Exception as error:
            if not self._absent:
                log.info("There is no notification service: %s", error)
            self._absent = True

    async def _show(self, note: Note, can: frozenset[str]) -> None:
        from desktop_notifier import Button, Urgency

        link = note.link
        message, buttons = note.message, []
        if link is not None and "buttons" in can:
            buttons = [
                Button(title="Open", on_pressed=lambda: _aside(self._open_page, link)),
                Button(title="Copy", on_pressed=lambda: _aside(self._copy, link)),
            ]
        elif link is not None and link not in message:
            message = f"{message}\n{link}".strip()
        await self._service.send(
            title=note.title,
            message=_body(message),
            urgency=Urgency.Critical if note.urgent else Urgency.Normal,
            buttons=buttons,
            on_clicked=(lambda: _aside(self._open_page, link)) if link is not None else None,
        )


def _body(message: str) -> str:
    # On Linux the body is read as markup (Desktop Notifications Specification, "Markup"): a file name is none.
    return html.escape(message, quote=False) if sys.platform == "linux" else message


def _aside(action: Callable[[str], object], link: str) -> None:
    # Not in the notifier's loop: copying may take a second, and a browser more.
    threading.Thread(target=action, args=(link,), name="note-action", daemon=True).start()
