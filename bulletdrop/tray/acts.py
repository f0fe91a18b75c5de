"""What menu, local page, notifications and a second start can make the tray do: `Steering`, on the real parts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bulletdrop.errors import BulletDropError, NotFound
from bulletdrop.log import get_logger
from bulletdrop.tray.browser import open_page, show_in_folder
from bulletdrop.tray.desk import Item, Report, Status
from bulletdrop.tray.desktop import Desktop
from bulletdrop.tray.notify import Note
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.steering import Connection, Need

log = get_logger("tray")

# How far back an item is looked for: more than any list shows.
FAR_BACK = 1000
NOT_ACCEPTED = (Status.REFUSED, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Ways:
    """What `Acts` asks of the program around it.

    Args:
        need, connection, folders_found: what `Steering` says about them.
        settings_page, gallery_page: the addresses now; the first is None while the tray's own page does not run.
        pair_again, quit: do it, and return at once.
    """

    need: Callable[[], Need | None]
    connection: Callable[[], Connection]
    folders_found: Callable[[], Sequence[tuple[Path, str, bool]]]
    settings_page: Callable[[], str | None]
    gallery_page: Callable[[], str]
    pair_again: Callable[[], None]
    quit: Callable[[], None]


class Acts:
    """`Steering` as the running tray does it.

    Args:
        engine, desktop: the tray's halves.
        chosen: the preferences.
        ways: the rest of the program.
    """

    def __init__(self, *, engine: Any, desktop: Desktop, chosen: Chosen, ways: Ways) -> None:
        self.chosen = chosen
        self._engine = engine
        self._desktop = desktop
        self._ways = ways

    def report(self) -> Report:
        report: Report = self._engine.status()
        return report

    def recent(self, n: int = 10) -> list[Item]:
        items: list[Item] = self._engine.recent(n)
        return items

    def item(self, item_id: int) -> Item:
        found = next((item for item in self.recent(FAR_BACK) if item.id == item_id), None)
        if found is None:
            raise NotFound("This screenshot is not in the list any more.")
        return found

    def need(self) -> Need | None:
        return self._ways.need()

    def connection(self) -> Connection:
        return self._ways.connection()

    def folders_found(self) -> Sequence[tuple[Path, str, bool]]:
        return self._ways.folders_found()

    def copy(self, item_id: int) -> None:
        self._desktop.copy(self._with_link(item_id))

    def copy_last(self) -> None:
        """The newest link to the clipboard; without one, the gallery."""
        newest = next((item for item in self.recent(10) if item.link), None)
        if newest is not None:
            self._desktop.copy(newest)
        else:
            self.open_gallery()

    def open(self, item_id: int) -> None:
        open_page(str(self._with_link(item_id).link))

    def show_file(self, item_id: int) -> None:
        show_in_folder(self.item(item_id).path)

    def retry(self, item_id: int) -> None:
        self._do(item_id, self._engine.retry)

    def retry_all(self) -> None:
        """Try everything again that was not accepted."""
        for item in self.failed():
            self._do(item.id, self._engine.retry)

    def failed(self) -> list[Item]:
        """What was not accepted, newest first."""
        return [item for item in self.recent(FAR_BACK) if item.status in NOT_ACCEPTED]

    def forget(self, item_id: int) -> None:
        self._do(item_id, self._engine.forget)

    def approve(self, item_id: int) -> None:
        self._do(item_id, self._engine.approve)

    def undo(self, item_id: int) -> None:
        self._do(item_id, self._engine.undo)

    def delete_both(self, item_id: int) -> None:
        self._do(item_id, self._engine.delete_both)

    def upload(self, path: Path, *, copy: bool = True) -> str:
        ticket: str = self._engine.upload(path, copy=copy)
        return ticket

    def uploaded(self, ticket: str) -> Item | None:
        item: Item | None = self._engine.uploaded(ticket)
        return item

    def pause(self, until: datetime | None = None) -> None:
        self._aside(lambda: self._engine.pause() if until is None else self._engine.pause(until))

    def resume(self) -> None:
        self._aside(self._engine.resume)

    def rescan(self) -> None:
        self._aside(self._engine.rescan)

    def pair_again(self) -> None:
        self._ways.pair_again()

    def open_gallery(self) -> None:
        open_page(self._ways.gallery_page())

    def choose_file(self) -> None:
        """Let the person choose a file, and send it."""
        self._open_own("#upload")

    def open_settings(self) -> None:
        self._open_own("")

    def open_health(self) -> None:
        """The part of the tray's own page that says how everything stands."""
        self._open_own("#health")

    def quit(self) -> None:
        self._ways.quit()

    def _open_own(self, part: str) -> None:
        page = self._ways.settings_page()
        open_page(f"{page}{part}" if page else self._ways.gallery_page())

    def _with_link(self, item_id: int) -> Item:
        item = self.item(item_id)
        if item.link is None:
            raise NotFound("This screenshot has no link yet.")
        return item

    def _do(self, item_id: int, action: Callable[[int], object]) -> None:
        self.item(item_id)  # NotFound is for the one who asks, here and now
        self._aside(lambda: action(item_id))

    def _aside(self, action: Callable[[], object]) -> None:
        """Do it in a thread of its own; what goes wrong is told to the person, not to who asked."""

        def act() -> None:
            try:
                action()
            except BulletDropError as error:
                self._desktop.tell(Note(f"{error.title}.", error.message))
            except Exception:
                log.exception("What was asked for did not work.")
            self._desktop.changed()

        threading.Thread(target=act, name="tray-action", daemon=True).start()
