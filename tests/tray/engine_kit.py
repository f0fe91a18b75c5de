"""For the tray's tests: a desk that remembers, and a running engine."""

from __future__ import annotations

import hashlib
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulletdrop.clock import Clock, SystemClock
from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError
from bulletdrop.tray.candidates import Patience
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import Item, State
from bulletdrop.tray.engine import Engine
from bulletdrop.tray.intake import Rhythm
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.watcher import FolderWatch
from tests.tray.fake_server import FakeServer, Rule, fake_server

__all__ = [
    "LIVELY",
    "QUICK",
    "FakeServer",
    "RememberingDesk",
    "Rule",
    "Tray",
    "eventually",
    "fake_server",
    "png",
    "process_exists",
    "running",
    "stay",
    "wait_for_jiffy",
    "write",
]


def png(seed: object = 0, *, size: int = 3000) -> bytes:
    """A PNG that is whole, about `size` bytes long and different for each seed."""
    noise = hashlib.shake_256(str(seed).encode()).digest(max(16, size - 100))
    lines = [noise[at : at + 64].ljust(64, b"\0") for at in range(0, len(noise), 64)]
    rows = b"".join(b"\0" + line for line in lines)
    header = struct.pack(">IIBBBBB", 64, len(rows) // 65, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def eventually(check: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `check` says as soon as it is true; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.005)
    return value


@dataclass
class RememberingDesk:
    """Keeps what it is told, with the time."""

    links: list[tuple[Item, bool]] = field(default_factory=list)
    refusals: list[tuple[Item, BulletDropError]] = field(default_factory=list)
    held: list[BulletDropError] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)
    over: int = 0
    unpairings: list[int] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    there: list[Item] = field(default_factory=list)
    asked: list[Item] = field(default_factory=list)

    def link_ready(self, item: Item, *, late: bool) -> None:
        self.at.append(time.perf_counter())
        self.links.append((item, late))

    def arrived(self, item: Item) -> None:
        self.there.append(item)

    def asks(self, item: Item) -> None:
        self.asked.append(item)

    def refused(self, item: Item, error: BulletDropError) -> None:
        self.refusals.append((item, error))

    def held_back(self, error: BulletDropError) -> None:
        self.held.append(error)

    def trouble(self, title: str, words: str) -> None:
        self.troubles.append((title, words))

    def trouble_over(self) -> None:
        self.over += 1

    def unpaired(self, promised: int) -> None:
        self.unpairings.append(promised)

    def state_changed(self, state: State) -> None:
        self.states.append(state)


# As in life, but for the minute after which a half file is reported.
QUICK = Patience(stalled=1.5, empty=1.0, quiet_while_held=1.0)
LIVELY = Rhythm(health=0.1)


@dataclass
class Tray:
    """A running engine over a real folder."""

    engine: Engine
    desk: RememberingDesk
    folder: Path
    server: FakeServer
    chosen: Chosen

    def links(self, count: int, seconds: float = 30.0) -> list[str]:
        """Wait until so many links are there, then their file names in order of arrival."""
        eventually(lambda: len(self.desk.links) >= count, seconds)
        return [item.name for item, _ in self.desk.links]


@contextmanager
def running(
    tmp_path: Path,
    server: FakeServer,
    *,
    folder: Path | None = None,
    make: bool = True,
    patience: Patience = QUICK,
    rhythm: Rhythm = LIVELY,
    watch: Callable[..., FolderWatch] = FolderWatch,
    paired: bool = True,
    clock: Clock | None = None,
    **preferences: Any,
) -> Iterator[Tray]:
    """A tray that watches `tmp_path/shots` and sends to the fake server."""
    folder = folder or tmp_path / "shots"
    if make:
        folder.mkdir(parents=True, exist_ok=True)
    desk = RememberingDesk()
    chosen = Chosen(tmp_path / "data")
    if preferences:
        chosen.change(**preferences)
    engine = Engine(
        Config(data=tmp_path / "data"),
        client=Client(server.url, "bd_test", answer_seconds=30.0) if paired else None,
        folders=lambda: [folder],
        desk=desk,
        chosen=chosen,
        clock=clock or SystemClock(),
        watch=watch,
        patience=patience,
        rhythm=rhythm,
    )
    engine.start()
    try:
        yield Tray(engine, desk, folder, server, chosen)
    finally:
        engine.stop(1.0)


def write(path: Path, data: bytes) -> Path:
    """Write a file the plain way: open, write, close."""
    path.write_bytes(data)
    return path


def stay(seconds: float) -> None:
    """Give what must not happen the time to happen."""
    time.sleep(seconds)


def wait_for_jiffy() -> None:
    """Let the file system's clock move on: two files in one tick have the same time."""
    time.sleep(0.012)


def process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
