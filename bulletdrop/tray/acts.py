"""What menu, local page, notifications and a second start can make the tray do: `Steering`, on the real parts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bulletdrop.errors import BulletDropError, NotFound
from bulletdrop.log import get_logger
from bulletdrop.tray.browser import open_page, show_in_folder
from bulletdrop.tray.chooser import NoChooser, choose_files
from bulletdrop.tray.desk import Item, Report, Status
from bulletdrop.tray.desktop import Desktop
from bulletdrop.tray.engine import Engine
from bulletdrop.tray.ledger import check_decline, check_forget, check_retry
from bulletdrop.tray.notify import Note
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.steering import Connection, Need
from bulletdrop.tray.words_said import told

log = get_logger("tray")


@dataclass(frozen=True, slots=True)
class Ways:
    """What `Acts` asks of the program around it.

    Args:
        need, connection, folders_found: what `Steering` says about them.
        own_page: the address of a part of the tray's own page, for one use; None while it does not run.
        gallery_page: the address of the gallery.
        pair_again, quit: do it, and return at once.
    """

    need: Callable[[], Need | None]
    connection: Callable[[], Connection]
    folders_found: Callable[[], Sequence[tuple[Path, str, bool]]]
    own_page: Callable[[str], str | None]
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

    def __init__(self, *, engine: Engine, desktop: Desktop, chosen: Chosen, ways: Ways) -> None:
        self.chosen = chosen
        self._engine = engine
        self._desktop = desktop
        self._ways = ways

    def report(self) -> Report:
        return self._engine.status()

    def recent(self, n: int = 10) -> list[Item]:
        return self._engine.recent(n)

    def item(self, item_id: int) -> Item:
        return self._engine.item(item_id)

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
        check_retry(self.item(item_id))
        self._do(item_id, self._engine.retry)

    def retry_all(self) -> None:
        """Try everything again that was not accepted."""
        for item in self.failed():
            self._do(item.id, self._engine.retry)

    def failed(self) -> list[Item]:
        """What was not accepted, newest first."""
        return [item for item in self._engine.failed() if item.status is not Status.STALLED]

    def forget(self, item_id: int) -> None:
        check_forget(self.item(item_id))
        self._do(item_id, self._engine.forget)
        self._desktop.answered(item_id)

    def decline(self, item_id: int) -> None:
        """Do not send what asked first. Where that was answered already, nothing happens but these words."""

        def act(item_id: int) -> None:
            check_decline(self.item(item_id))
            self._engine.forget(item_id)

        self._do(item_id, act)
        self._desktop.answered(item_id)

    def approve(self, item_id: int) -> None:
        self._do(item_id, self._engine.approve)
        self._desktop.answered(item_id)

    def undo(self, item_id: int) -> None:
        self._take_back(item_id, self._engine.undo)

    def delete_both(self, item_id: int) -> None:
        self._take_back(item_id, self._engine.delete_both, file_too=True)

    def _take_back(self, item_id: int, how: Callable[[int], object], *, file_too: bool = False) -> None:
        item = self.item(item_id)

        def act() -> None:
            how(item_id)
            self._desktop.took_back(item, file_too=file_too)

        self._aside(act)

    def upload(self, path: Path, *, copy: bool = True) -> str:
        return self._engine.upload(path, copy=copy)

    def uploaded(self, ticket: str) -> Item | None:
        return self._engine.uploaded(ticket)

    def pause(self, until: datetime | None = None) -> None:
        self._aside(lambda: self._engine.pause(until))

    def resume(self) -> None:
        self._aside(self._engine.resume)

    def rescan(self) -> None:
        self._aside(self._engine.rescan)

    def pair_again(self) -> None:
        self._ways.pair_again()

    def open_gallery(self) -> None:
        open_page(self._ways.gallery_page())

    def choose_file(self) -> None:
        """Let the person choose files, and send them. Where there is no dialog, the gallery takes them."""
        self._aside(self._choose)

    def _choose(self) -> None:
        try:
            found = choose_files()
        except NoChooser as error:
            self._desktop.tell(_sorry(error))
            self.open_gallery()
            return
        for path in found:
            self._engine.upload(path)

    def open_settings(self) -> None:
        self._open_own("")

    def open_health(self) -> None:
        """The part of the tray's own page that says how everything stands."""
        self._open_own("health")

    def open_pairing(self) -> None:
        """The part about servers. One on this machine gives another key by itself."""
        if self.connection().server not in {one.url.rstrip("/") for one in self.chosen.now.servers}:
            self.pair_again()
        self._open_own("servers")

    def quit(self) -> None:
        self._ways.quit()

    def _open_own(self, place: str) -> None:
        open_page(self._ways.own_page(place) or self._ways.gallery_page())

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
                self._desktop.tell(_sorry(error))
            except Exception:
                log.exception("What was asked for did not work.")
            self._desktop.changed()

        threading.Thread(target=act, name="tray-action", daemon=True).start()


def _sorry(error: BulletDropError) -> Note:
    title, sentence = told(error)
    return Note(f"{title}.", sentence)
