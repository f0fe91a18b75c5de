"""A small tray for the tests of control server and page: a real engine, and acts that are remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bulletdrop.clock import SystemClock
from bulletdrop.config import Config
from bulletdrop.errors import NotFound
from bulletdrop.tray.control import Control
from bulletdrop.tray.desk import Item, Report
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.steering import Connection, Need
from tests.tray.engine_kit import FakeServer, Tray, fake_server, running


@dataclass
class SmallTray:
    """A `Steering` around a running engine. What would reach the desktop is noted in `did` instead."""

    tray: Tray
    chosen: Chosen
    did: list[tuple[str, object]] = field(default_factory=list)
    needs: Need | None = None
    tickets: dict[str, Path] = field(default_factory=dict)

    def report(self) -> Report:
        return self.tray.engine.status()

    def recent(self, n: int = 10) -> list[Item]:
        return self.tray.engine.recent(n)

    def item(self, item_id: int) -> Item:
        found = next((item for item in self.recent(500) if item.id == item_id), None)
        if found is None:
            raise NotFound(f"There is no capture {item_id}.")
        return found

    def need(self) -> Need | None:
        return self.needs

    def connection(self) -> Connection:
        return Connection(self.tray.server.url, "alice", "Secret Service keyring", reserved=12)

    def folders_found(self) -> Sequence[tuple[Path, str, bool]]:
        pictures = self.tray.folder.parent / "Pictures"
        return [(self.tray.folder, "GNOME Screenshot's setting", True), (pictures, "grim puts screenshots here", False)]

    def copy(self, item_id: int) -> None:
        self.did.append(("copy", self.item(item_id).id))

    def open(self, item_id: int) -> None:
        self.did.append(("open", self.item(item_id).id))

    def show_file(self, item_id: int) -> None:
        self.did.append(("show", self.item(item_id).id))

    def retry(self, item_id: int) -> None:
        self.tray.engine.retry(item_id)

    def forget(self, item_id: int) -> None:
        self.tray.engine.forget(item_id)

    def approve(self, item_id: int) -> None:
        self.did.append(("approve", self.item(item_id).id))

    def undo(self, item_id: int) -> None:
        self.did.append(("undo", self.item(item_id).id))

    def delete_both(self, item_id: int) -> None:
        self.did.append(("delete-both", self.item(item_id).id))

    def upload(self, path: Path, *, copy: bool = True) -> str:
        self.tray.engine.upload(path)
        self.tickets[f"t{len(self.tickets)}"] = path
        self.did.append(("upload", copy))
        return f"t{len(self.tickets) - 1}"

    def uploaded(self, ticket: str) -> Item | None:
        if ticket not in self.tickets:
            raise NotFound("There is no such ticket.")
        return next((item for item in self.recent(50) if item.path == self.tickets[ticket]), None)

    def pause(self, until: datetime | None = None) -> None:
        self.did.append(("pause", until))
        self.tray.engine.pause()

    def resume(self) -> None:
        self.tray.engine.resume()

    def rescan(self) -> None:
        self.did.append(("rescan", None))
        self.tray.engine.rescan()

    def pair_again(self) -> None:
        self.did.append(("pair", None))

    def open_gallery(self) -> None:
        self.did.append(("gallery", None))

    def open_settings(self) -> None:
        self.did.append(("settings", None))

    def quit(self) -> None:
        self.did.append(("quit", None))


@dataclass
class Controlled:
    """A running tray with its control server."""

    small: SmallTray
    control: Control
    data: Path
    server: FakeServer

    @property
    def folder(self) -> Path:
        return self.small.tray.folder


@contextmanager
def controlled(tmp_path: Path) -> Iterator[Controlled]:
    """A tray over `tmp_path/shots` whose control server listens."""
    data = tmp_path / "data"
    with fake_server() as server, running(tmp_path, server) as tray:
        small = SmallTray(tray, Chosen(data))
        control = Control(small, Config(data=data), clock=SystemClock())
        control.start()
        try:
            yield Controlled(small, control, data, server)
        finally:
            control.stop()
