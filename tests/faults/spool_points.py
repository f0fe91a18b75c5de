"""Every crash point of the tray: kill -9 before each system call on its spool, and its capture is kept exactly once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.points import MOST, TRIES, PointReport, kind_of
from tests.faults.product import Product, end_group
from tests.faults.samples import png
from tests.faults.tables import read_tables
from tests.faults.traced import TracedProduct

READY_SECONDS = 60.0
ARRIVE_SECONDS = 60.0
# After the last capture has arrived: what is to come twice would come within this.
AFTER_SECONDS = 1.0


@dataclass(frozen=True)
class Operation:
    """What happens at the point.

    Attributes:
        broken: the picture is one that the server refuses, and the tray cannot tell.
        rule: what holds for the folder (see `tray/preferences.py`).
    """

    broken: bool = False
    rule: dict[str, Any] | None = None


OPERATIONS = {
    "capture": Operation(),
    "binned": Operation(rule={"bin_after": True}),
    "refused": Operation(broken=True),
}


class TracedTray(TracedProduct):
    """A tray under the tracer, which kills it at its `at`-th call on its data folder after `attach`."""

    def __init__(self, place: Place, *, at: int) -> None:
        super().__init__(place.data, source=place.source, at=at)
        self.place = place
        self.environ |= place.environ()

    def serve_command(self) -> list[str]:
        """The whole command line of the tray."""
        return [*self.launcher, *self.command, "tray", "--data", str(self.data)]


@dataclass(frozen=True)
class Place:
    """One tray's folders, and the server that it is paired with."""

    folder: Path
    server: Product
    key: str
    source: Path | None

    @property
    def data(self) -> Path:
        """The tray's data folder, which holds its spool."""
        return self.folder / "tray-data"

    @property
    def watched(self) -> Path:
        """Where screenshots come."""
        return self.folder / "Screenshots"

    def environ(self) -> dict[str, str]:
        """For a tray without a screen that belongs to nobody's desktop."""
        names = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
        places = dict.fromkeys(names, str(self.folder / "home"))
        server = {"BULLETDROP_SERVER": self.server.url, "BULLETDROP_TOKEN": self.key}
        empty = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "DBUS_SESSION_BUS_ADDRESS": ""}
        return {**places, **server, **empty, "BULLETDROP_WATCH": str(self.watched)}

    def furnish(self, operation: Operation) -> None:
        """Make the folders."""
        for folder in (self.data / "tray", self.watched, self.folder / "home"):
            folder.mkdir(parents=True)
        if operation.rule:
            rule = {"folder": str(self.watched), **operation.rule}
            (self.data / "tray" / "preferences.json").write_text(json.dumps({"folders": [rule]}))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the spool; nothing while it is not there yet."""
        path = self.data / "tray" / "outbox.db"
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def is_ready(self) -> bool:
        """Whether the tray watches, and holds links ready."""
        return bool(self.rows("SELECT 1 FROM folder")) and bool(self.rows("SELECT 1 FROM reserved"))

    def is_over(self, end: str) -> bool:
        """Whether the capture has come to its end, and the tray owes nobody anything for it."""
        ended = self.rows(f"SELECT 1 FROM capture WHERE status = '{end}'")
        return bool(ended) and not self.rows("SELECT 1 FROM owed")


def run_spool(
    folder: Path,
    name: str,
    *,
    source: Path | None = None,
    only: Iterable[int] | None = None,
    workers: int = 2,
    until_red: bool = False,
) -> PointReport:
    """Kill a tray at every point of one capture's life, start it again, and judge.

    Args:
        folder: an empty folder.
        name: one of OPERATIONS.
        source: the tree of the tray, where it is not this one.
        only: the numbers to try, for a gate; those past the last point are left out.
        workers: how many trays at once.
        until_red: stop at the first violation.
    """
    folder = folder.resolve()
    report = PointReport(name)
    server = Product(folder / "server")
    server.person("alice")
    with server:
        report.existing = _one(folder, server, name, source, 0, report)
        numbers = [one for one in (only or range(1, report.existing + 1)) if one <= report.existing]

        def one(number: int) -> bool:
            if until_red and report.violations:
                return False
            return any(_one(folder, server, name, source, number, report) for _ in range(TRIES))

        with ThreadPoolExecutor(workers) as pool:
            reached = list(pool.map(one, numbers))
        if only is None and not (until_red and report.violations):
            number, report.existing = report.existing, sum(reached)
            while number < MOST and one(number + 1):
                number += 1
                report.existing += 1
    return report


def _one(folder: Path, server: Product, name: str, source: Path | None, number: int, report: PointReport) -> int:
    """Kill at one point (0: at none), start again, judge. Returns: how many points it saw, 0 if it was not reached."""
    operation = OPERATIONS[name]
    place = Place(folder / f"{name}-{number}-{time.monotonic_ns()}", server, server.key(), source)
    place.furnish(operation)
    content = _content(operation, time.monotonic_ns())
    traced = TracedTray(place, at=number)
    try:
        traced.spawn()
        _until(place.is_ready, READY_SECONDS, traced)
        traced.attach()
        (place.watched / "Screenshot.png").write_bytes(content)
        traced.settle()
    finally:
        traced.kill()
    told = place.rows("SELECT slug FROM capture WHERE told_at IS NOT NULL")
    where = f"{name} {number} {traced.killed_at}"
    found = [f"{where}: {text}" for text in _judge(place, operation, content, told)]
    report.seen |= {_kind(point) for point in traced.points}
    if traced.killed_at is not None:
        report.tried += 1
        report.killed.add(_kind(traced.killed_at))
    report.violations.extend(found)
    if not found:
        shutil.rmtree(place.folder)
    return len(traced.points) if number == 0 or traced.killed_at is not None else 0


def _kind(point: dict[str, Any]) -> str:
    # Small pictures are named after what they show.
    return re.sub(r"[0-9a-f]{8,}", "*", kind_of(point))


def _content(operation: Operation, seed: int) -> bytes:
    whole = png(Random(seed), 20_000)
    if not operation.broken:
        return whole
    # A checksum that is wrong in the middle: the ends are as they should be, and only the server looks closer.
    at = whole.index(b"IDAT") + 40
    return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]


def _judge(place: Place, operation: Operation, content: bytes, told: list[tuple[Any, ...]]) -> list[str]:
    """What is wrong after a tray that nobody kills has done its work."""
    again = Product(place.data, source=place.source, environ=place.environ())
    process = _spawn_tray(again)
    digest = hashlib.sha256(content).hexdigest()
    end = "refused" if operation.broken else "done"
    try:
        if not _until(lambda: place.is_over(end), ARRIVE_SECONDS):
            return [f"not {end}: {place.rows('SELECT status, error FROM capture')}; {again.log_tail()}"]
        time.sleep(AFTER_SECONDS)
    finally:
        end_group(process)
    tables = read_tables(place.server.data)
    blobs = {blob.id: blob.sha256 for blob in tables.blobs}
    kept = [upload for upload in tables.uploads if blobs[upload.blob] == digest]
    found = [] if len(kept) == (0 if operation.broken else 1) else [f"{len(kept)} times on the server"]
    rows = place.rows("SELECT slug, link FROM capture")
    if len(rows) != 1:
        found.append(f"{len(rows)} rows for one capture")
    if told and rows and not operation.broken and told[0] != rows[0][:1]:
        found.append(f"its link was /{told[0][0]} and became /{rows[0][0]}")
    # What was refused has no link any more; the one that was told says so.
    slugs = [row[0] for row in (told if operation.broken else rows)]
    return found + _judge_page(place, operation, slugs)


def _judge_page(place: Place, operation: Operation, slugs: list[str]) -> list[str]:
    """The link leads to the picture, or says in words that none will come; the file lies where it should."""
    found = []
    for slug in slugs:
        status, _ = place.server.ask("GET", f"/{slug}" if operation.broken else f"/{slug}.png", "")
        if status != (410 if operation.broken else 200):
            found.append(f"/{slug}: {status}")
    lies = (place.watched / "Screenshot.png").exists()
    should = not (operation.rule or {}).get("bin_after")
    if lies != should:
        found.append("the file is still there" if lies else "the file is gone")
    return found


def _spawn_tray(product: Product) -> Any:
    product.serve_command = lambda: [*product.command, "tray", "--data", str(product.data)]  # type: ignore[method-assign]
    return product.spawn()


def _until(check: Callable[[], bool], seconds: float, traced: TracedTray | None = None) -> bool:
    until = time.monotonic() + seconds
    while not check():
        if time.monotonic() > until:
            assert traced is None, f"the tray is not ready: {traced.log_tail()}"
            return False
        time.sleep(0.05)
    return True


__all__ = ["OPERATIONS", "run_spool"]
