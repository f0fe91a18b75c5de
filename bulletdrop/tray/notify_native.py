"""Notifications on macOS and Windows, through desktop-notifier."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from bulletdrop.tray import toasts
from bulletdrop.tray.notify import Note, aside
from bulletdrop.tray.pixmaps import app_icon


class NativeService:
    """The `Service` where the system has an interface of its own for notes: Notification Centre, toasts."""

    def __init__(self) -> None:
        from desktop_notifier import DesktopNotifier, Icon

        self._service: Any = DesktopNotifier(app_name=toasts.APP_ID, app_icon=Icon(path=app_icon()))
        if sys.platform == "win32":
            toasts.register(app_icon())
        self._shown: dict[str, str] = {}

    async def capabilities(self) -> frozenset[str]:
        found = await self._service.get_capabilities()
        return frozenset(capability.name.lower() for capability in found)

    async def show(self, note: Note) -> None:
        from desktop_notifier import Attachment, Button, Urgency

        can = await self.capabilities()
        earlier = self._shown.pop(note.key, "") if note.key else ""
        if earlier:
            await self._service.clear(earlier)
        if note.quiet or note.closes:
            return  # there is no taking its place in silence: that the old one goes must do
        buttons = [Button(title=one.title, on_pressed=partial(aside, one.press)) for one in note.buttons]
        click = note.click
        message = note.message
        if note.link is not None and note.link not in message and "buttons" not in can:
            message = f"{message}\n{note.link}".strip()
        number = await self._service.send(
            title=note.title,
            message=message,
            urgency=Urgency.Critical if note.urgent else Urgency.Normal,
            buttons=buttons if "buttons" in can else [],
            on_clicked=(lambda: aside(click)) if click is not None else None,
            attachment=Attachment(path=note.picture) if note.picture is not None and "attachment" in can else None,
        )
        if note.key:
            self._shown[note.key] = str(number)

    async def close(self) -> None:
        """Nothing is held."""
