"""The first promise: a screenshot is closed in the watched folder, its link is on the X clipboard."""

from __future__ import annotations

import contextlib
import importlib
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from tests.bench.bench import Bench
from tests.bench.stats import Reading, percentile
from tests.faults.display import display
from tests.faults.network import Relay
from tests.faults.product import ROOT, Product, end_group
from tests.faults.samples import movie_header
from tests.faults.tray import Tray

MB = 1024 * 1024
PNG_BEGINS = b"\x89PNG\r\n\x1a\n"
WARM_SECONDS = 30.0
LINK_SECONDS = 10.0
# Screenshots in the long form and in the short one, whose 95th percentile is its second worst: one may go wrong.
ROUNDS = (200, 30)
ARRIVE_SECONDS = 180.0
# The upload beside which screenshots are taken, and what its line carries (bytes, bytes per second).
FILM, SLOW_LINE = 500 * MB, 1_000_000
# While its server is away a tray uses up the links that it holds ready. So many are left when the server comes back,
# and it goes again as soon as there are so many: half of a full pool, below which a tray asks for more.
LINKS_LEFT, LINKS_READY = 2, 20
FLOOR_SECONDS, FLOOR_TRIES = 2.0, 5


class NothingCopied(Exception):
    """Nothing came to the clipboard in time."""


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
            # An owner that is slow to answer, on a busy machine, is asked again: nobody will tell of it a second time.
            while (text := self._read(min(until, time.monotonic() + 2))) is None and time.monotonic() < until:
                time.sleep(0.005)
            if text is not None:
                return text, time.perf_counter()
        return None

    def _read(self, until: float) -> str | None:
        self._window.convert_selection(self._clipboard, self._text, self._place, 0)
        self._display.flush()
        while (event := self._event(until)) is not None:
            if getattr(event, "type", None) == self._notified:
                if not event.property:  # refused: what stands there is the text of the time before
                    return None
                found = self._window.get_full_property(self._place, self._any)
                return None if found is None else bytes(found.value).decode()
        return None


@dataclass
class Desk:
    """A tray under an X server, its server behind a line that can be slow, and what was measured."""

    bench: Bench
    product: Product
    relay: Relay
    tray: Tray
    clipboard: Clipboard
    watched: Path
    spare: Path
    screen: str
    key: str
    ours: list[float] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    resolved: int = 0

    def shoot(self, count: int) -> None:
        """Take screenshots, and beside each of them the floor's. The pauses have no rhythm of their own, and the floor
        has its own: it is not measured while what the tray does after a link takes the machine."""
        rng = Random(len(self.ours) + 2)
        for _ in range(count):
            number = len(self.ours)
            content = self.bench.shot.whole(number + (id(self) << 8) % (1 << 48))
            took, link = _once(self.clipboard, self.watched / f"Screenshot {number}.png", content)
            assert link.startswith(self.relay.url), link
            self.links.append(link)
            self.ours.append(took)
            time.sleep(0.1 + rng.random() * 0.1)
            self.least.append(self._floor(number, content))
            time.sleep(0.1 + rng.random() * 0.1)

    def _floor(self, number: int, content: bytes) -> float:
        # Its library empties its text at a word about the one before, which may come late: about one time in 300.
        for again in range(FLOOR_TRIES):
            path = self.spare / f"{number}-{again}.png"
            with contextlib.suppress(NothingCopied):
                took, name = _once(self.clipboard, path, content, seconds=FLOOR_SECONDS)
                assert name == str(path), name
                return took
        raise NothingCopied(f"floor {number}: nothing in {FLOOR_TRIES} tries")

    def resolve(self) -> None:
        """Every link that was copied leads to its picture, sooner or later."""
        assert len(set(self.links)) == len(self.links), "two screenshots with one link"
        until = time.monotonic() + ARRIVE_SECONDS
        for link in self.links[self.resolved :]:
            path = link.removeprefix(self.relay.url)
            # Its first bytes say that it is there: 200 pictures of 3 MB would take a busy machine minutes.
            while (answer := self.product.ask("GET", f"{path}.png", "", Range="bytes=0-7")) != (206, PNG_BEGINS):
                assert time.monotonic() < until, f"{link}: {answer}; {self.tray.log_tail()}"
                time.sleep(0.2)
        self.resolved = len(self.links)

    def links_ready(self) -> int:
        """How many links the tray holds ready, by its own tables."""
        path = self.tray.data / "tray" / "outbox.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            return int(database.execute("SELECT count(*) FROM reserved").fetchone()[0])

    def wait_for_links(self) -> None:
        """Wait until the tray holds enough links ready for a time without a server."""
        until = time.monotonic() + ARRIVE_SECONDS
        while self.links_ready() < LINKS_READY:
            assert time.monotonic() < until, f"{self.links_ready()} links ready; {self.tray.log_tail()}"
            time.sleep(0.2)

    def reading(self, note: str) -> Reading:
        """The 95th percentiles of both, and the medians in words."""
        medians = f"median {median(self.ours):.1f} ms, floor's median {median(self.least):.1f} ms"
        words = f"{len(self.ours)} screenshots of 2560×1440{note}; all links resolved; {medians}"
        return Reading(percentile(self.ours, 0.95), percentile(self.least, 0.95), note=words)


@contextlib.contextmanager
def _desk(bench: Bench, **environ: str) -> Iterator[Desk]:
    folder = bench.fresh("tray")
    product = Product(folder / "data", environ=environ)
    bench.also_end(product)
    relay = Relay(product.port)
    product.environ["BULLETDROP_PUBLIC_URL"] = relay.url
    key = product.person("alice")
    watched, spare = bench.fresh("watched"), bench.fresh("floor")
    with display() as screen, contextlib.closing(Clipboard(screen)) as clipboard, relay.running(), product:
        tray = Tray(product, watched, screen, elsewhere=(relay.url, key))
        floor = _floor(spare, screen)
        try:
            tray.start()
            desk = Desk(bench, product, relay, tray, clipboard, watched, spare, screen, key)
            _warm_up(desk)
            yield desk
        finally:
            tray.kill()
            end_group(floor)


def _floor(folder: Path, screen: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.bench.floor_clipboard", str(folder)]
    environ = {"DISPLAY": screen, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"watching\n"
    return process


def closed_to_clipboard(bench: Bench) -> Reading:
    """From close() of a screenshot in the watched folder to its link on the clipboard, 95th percentile.

    The floor does what cannot be left out: the file system's event, and the call that sets the clipboard.
    """
    with _desk(bench) as desk:
        desk.shoot(bench.rounds(*ROUNDS))
        _cross_check(desk)
        desk.resolve()
    return desk.reading("")


def closed_to_clipboard_busy(bench: Bench) -> Reading:
    """The same while the same tray sends 500 MB at 1 MB a second."""
    with _desk(bench, BULLETDROP_MAX_FILE_SIZE=str(FILM + MB)) as desk:
        desk.relay.rate = SLOW_LINE
        with (desk.watched / "film.mp4").open("wb") as film:
            film.write(movie_header(FILM, wide=True) + b"\0\0\0\x01mdat" + (FILM + 16).to_bytes(8, "big"))
            film.truncate(film.tell() + FILM)
        before = desk.relay.passed
        _next_link(desk)
        until = time.monotonic() + ARRIVE_SECONDS
        # It is hashed first.
        while desk.relay.passed - before < SLOW_LINE:
            assert time.monotonic() < until, f"the film is not on its way; {desk.tray.log_tail()}"
            time.sleep(0.1)
        desk.shoot(bench.rounds(*ROUNDS))
        assert desk.relay.passed - before < FILM, "the film had gone before the end"
        desk.relay.rate = None
        desk.resolve()
    return desk.reading(" beside an upload of 500 MB at 1 MB/s")


def closed_to_clipboard_offline(bench: Bench) -> Reading:
    """The same while the server is away. It comes back before the links that are held ready are used up, and every link
    then leads to its picture."""
    with _desk(bench) as desk:
        left = bench.rounds(*ROUNDS)
        while left:
            desk.wait_for_links()
            part = min(left, desk.links_ready() - LINKS_LEFT)
            desk.product.kill()
            time.sleep(1.0)
            desk.shoot(part)
            left -= part
            desk.product.start()
            desk.resolve()
    return desk.reading(" without a server")


def _warm_up(desk: Desk) -> None:
    """Write screenshots until the first links come: then the tray watches, and holds links ready."""
    until = time.monotonic() + WARM_SECONDS
    for number in range(10_000):
        (desk.watched / f"warm-{number}.png").write_bytes(desk.bench.shot.whole((1 << 54) + number))
        if desk.clipboard.next_text(3.0) is not None and number > 2:
            break
        assert time.monotonic() < until, f"no link on the clipboard: {desk.tray.log_tail()}"
    while desk.clipboard.next_text(1.5) is not None:
        pass


def _next_link(desk: Desk) -> str:
    found = desk.clipboard.next_text(LINK_SECONDS)
    assert found is not None, desk.tray.log_tail()
    return found[0]


def _once(clipboard: Clipboard, path: Path, content: bytes, *, seconds: float = LINK_SECONDS) -> tuple[float, str]:
    """One screenshot. Returns: milliseconds from its close to the text on the clipboard, and the text.

    Raises: NothingCopied.
    """
    file = path.open("wb")
    file.write(content)
    file.flush()
    began = time.perf_counter()
    file.close()
    found = clipboard.next_text(seconds)
    if found is None:
        raise NothingCopied(f"{path.name}: nothing in {seconds:.0f} s")
    text, at = found
    return (at - began) * 1000, text


def _cross_check(desk: Desk) -> None:
    """Another program sees the same: what xclip reads is what the floor put there last."""
    xclip = shutil.which("xclip")
    if xclip is None:
        return
    command = [xclip, "-selection", "clipboard", "-o", "-display", desk.screen]
    text = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    assert text.startswith(str(desk.spare)), text
