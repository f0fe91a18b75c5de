"""The row that the product exists for: a screenshot is closed in the watched folder, its link is on the X clipboard."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from watchdog.events import FileClosedEvent, FileSystemEventHandler
from watchdog.observers import Observer

from tests.bench.bench import Bench
from tests.bench.shots import sized
from tests.bench.stats import Reading, percentile
from tests.bench.uploading import keep
from tests.faults.display import display
from tests.faults.product import Product
from tests.faults.tray import Tray

SCREENSHOT_BYTES = 500_000
WARM_SECONDS = 30.0
LINK_SECONDS = 10.0


class Clipboard:
    """Notices at once when somebody puts something on the X clipboard (XFIXES), and reads it as any program would."""

    def __init__(self, screen: str) -> None:
        # By name: the package carries no types, and only this row needs it.
        constants, xlib, xfixes = (importlib.import_module(f"Xlib.{name}") for name in ("X", "display", "ext.xfixes"))
        self._any = constants.AnyPropertyType
        self._notified = constants.SelectionNotify
        self._display: Any = xlib.Display(screen)
        self._display.xfixes_query_version()
        self._window = self._display.screen().root.create_window(0, 0, 1, 1, 0, constants.CopyFromParent)
        self._clipboard = self._display.get_atom("CLIPBOARD")
        self._text = self._display.get_atom("UTF8_STRING")
        self._place = self._display.get_atom("BENCH")
        self._display.xfixes_select_selection_input(
            self._window, self._clipboard, xfixes.XFixesSetSelectionOwnerNotifyMask
        )
        self._display.flush()

    def close(self) -> None:
        """Leave the X server."""
        self._display.close()

    def _event(self, until: float) -> Any:
        while not self._display.pending_events():
            wait = until - time.monotonic()
            if wait <= 0 or not select.select([self._display], [], [], wait)[0]:
                return None
        return self._display.next_event()

    def next_text(self, seconds: float) -> tuple[str, float] | None:
        """Wait for a new owner and read its text. Returns: the text, and when it could be read (perf_counter)."""
        until = time.monotonic() + seconds
        while (event := self._event(until)) is not None:
            if getattr(event, "type", None) == self._notified:
                continue
            text = self._read(min(until, time.monotonic() + 2))
            if text is not None:
                return text, time.perf_counter()
        return None

    def _read(self, until: float) -> str | None:
        self._window.convert_selection(self._clipboard, self._text, self._place, 0)
        self._display.flush()
        while (event := self._event(until)) is not None:
            if getattr(event, "type", None) == self._notified:
                found = self._window.get_full_property(self._place, self._any)
                return None if found is None else bytes(found.value).decode()
        return None


def closed_to_clipboard(bench: Bench) -> Reading:
    """From close() of a 500 KB screenshot in the watched folder to its link on the clipboard, 95th percentile.

    The floor does what cannot be left out: the file system's event, read, SHA-256, write, fsync.
    """
    product, _ = bench.start("tray")
    watched, spare = bench.fresh("watched"), bench.fresh("floor")
    shots = sized(SCREENSHOT_BYTES)
    count = bench.rounds(80, 15)
    ours: list[float] = []
    with display() as screen, contextlib.closing(Clipboard(screen)) as clipboard, FloorWatch(spare) as floor:
        tray = Tray(product, watched, screen)
        try:
            tray.start()
            _warm_up(tray, clipboard, watched, shots.whole(1 << 54))
            rng = Random(2)
            for number in range(count):
                content = shots.whole(number)
                ours.append(_once(product, clipboard, watched / f"Screenshot {number}.png", content))
                floor.once(content)
                time.sleep(0.1 + rng.random() * 0.1)
            _cross_check(screen, product)
        finally:
            tray.kill()
    product.kill()
    least = [value for value in floor.taken if value]
    medians = f"median {median(ours):.1f} ms, floor's median {median(least):.1f} ms"
    note = f"{count} screenshots of {len(content)} bytes; {medians}"
    return Reading(percentile(ours, 0.95), percentile(least, 0.95), note=note)


def _warm_up(tray: Tray, clipboard: Clipboard, watched: Path, content: bytes) -> None:
    """Write screenshots until the first link comes: then the tray watches."""
    until = time.monotonic() + WARM_SECONDS
    for number in range(10_000):
        (watched / f"warm-{number}.png").write_bytes(content[:-12] + content[-12:])
        if clipboard.next_text(3.0) is not None:
            break
        assert time.monotonic() < until, f"no link on the clipboard: {tray.log_tail()}"
    while clipboard.next_text(1.0) is not None:
        pass


def _once(product: Product, clipboard: Clipboard, path: Path, content: bytes) -> float:
    """One screenshot. Returns: milliseconds from its close to its link."""
    file = path.open("wb")
    file.write(content)
    file.flush()
    began = time.perf_counter()
    file.close()
    found = clipboard.next_text(LINK_SECONDS)
    assert found is not None, f"{path.name}: no link in {LINK_SECONDS:.0f} s"
    text, at = found
    assert text.startswith(product.url), text
    return (at - began) * 1000


def _cross_check(screen: str, product: Product) -> None:
    """Another program sees the same: what xclip reads is a link that answers."""
    xclip = shutil.which("xclip")
    if xclip is None:
        return
    command = [xclip, "-selection", "clipboard", "-o", "-display", screen]
    text = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    assert text.startswith(product.url), text
    status, _ = product.ask("GET", text.removeprefix(product.url), "")
    assert status == 200, f"{text}: {status}"


class FloorWatch(FileSystemEventHandler):
    """A watcher that reads, hashes, writes and fsyncs each file that is closed in its folder, and takes the time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "in"
        self.target = folder / "kept.png"
        self.folder.mkdir()
        self.taken: list[float] = []
        self._began = 0.0
        self._observer = Observer()

    def __enter__(self) -> FloorWatch:
        self._observer.schedule(self, str(self.folder), event_filter=[FileClosedEvent])
        self._observer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._observer.stop()
        self._observer.join()

    def on_closed(self, event: object) -> None:
        """The file is there: do the least."""
        content = Path(os.fsdecode(getattr(event, "src_path", ""))).read_bytes()
        hashlib.sha256(content).hexdigest()
        keep(content, self.target)
        self.taken.append((time.perf_counter() - self._began) * 1000)

    def once(self, content: bytes) -> None:
        """Write one file and wait until it was kept."""
        expected = len(self.taken) + 1
        file = (self.folder / f"{expected}.png").open("wb")
        file.write(content)
        file.flush()
        self._began = time.perf_counter()
        file.close()
        until = time.monotonic() + 5
        while len(self.taken) < expected and time.monotonic() < until:
            time.sleep(0.001)
