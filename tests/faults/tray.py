"""Screenshots while tray and server are killed and the network is cut at random: each is on the server exactly once."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.checker import judge_folder
from tests.faults.display import display
from tests.faults.network import Relay
from tests.faults.product import Product, ProductError, end_group
from tests.faults.samples import png
from tests.faults.tables import read_tables

ARRIVE_SECONDS = 90.0


@dataclass
class TrayReport:
    """What the run showed."""

    screenshots: int = 0
    on_server: int = 0
    tray_kills: int = 0
    server_kills: int = 0
    cuts: int = 0
    half_written: int = 0
    links_first: int = 0
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """Every broken promise, in words."""
        lost = [f"lost: {name}" for name in self.lost]
        return [*lost, *(f"twice: {name}" for name in self.twice), *self.other]

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        mine: dict[str, object] = {
            "screenshots": self.screenshots,
            "on_server": self.on_server,
            "lost": len(self.lost),
            "twice": len(self.twice),
        }
        kills: dict[str, object] = {"tray_kills": self.tray_kills, "server_kills": self.server_kills}
        mine["links_first"] = self.links_first
        others = {"cuts": self.cuts, "half_written": self.half_written, "seconds": round(self.seconds, 1)}
        return mine | kills | others | {"violations": len(self.violations())}


class Tray:
    """A real tray process over a data folder and a watched folder.

    Args:
        elsewhere: the address and key of a server to which it is paired, with a data folder of its own beside the
            product's; without it, it finds the server of its data folder.
    """

    def __init__(
        self, product: Product, watched: Path, screen: str, *, elsewhere: tuple[str, str] | None = None
    ) -> None:
        self.product = product
        self.log = product.data.with_name("tray.log")
        self.data = product.data if elsewhere is None else product.data.with_name("tray-data")
        self.command = [*product.command, "tray", "--data", str(self.data)]
        self.environ = product.environ | {"BULLETDROP_WATCH": str(watched), "DISPLAY": screen}
        if elsewhere is not None:
            self.environ |= {"BULLETDROP_SERVER": elsewhere[0], "BULLETDROP_TOKEN": elsewhere[1]}
        # A home of its own: no keyring, autostart entry or settings of whoever runs the tests.
        home = product.data.with_name("home")
        home.mkdir(exist_ok=True)
        self.environ |= {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_DATA_HOME": str(home),
        }
        self.environ.pop("WAYLAND_DISPLAY", None)
        self.environ.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and do not wait."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.product.source,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_it_watches(self, *, seconds: float = 60.0) -> None:
        """Wait for a first tray, which takes what lies in the folder for old: the promise is about what comes after.

        Raises: ProductError with its last words.
        """
        until = time.monotonic() + seconds
        while not self.log.exists() or "; what lies in it already" not in self.log.read_text(errors="replace"):
            if time.monotonic() > until:
                raise ProductError(f"the tray does not watch its folder: {self.log_tail()}")
            time.sleep(0.05)

    def kill(self) -> bool:
        """SIGKILL. Returns: False when it had ended by itself before."""
        if self.process is None:
            return True
        alive = self.process.poll() is None
        end_group(self.process)
        self.process = None
        return alive

    def log_tail(self) -> str:
        """Its last words."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else "(no log)"


def write_screenshots(folder: Path, count: int, rng: Random, *, pause: float) -> dict[str, str]:
    """Write screenshots as tools do: whole, in pieces, renamed into place, empty first. Returns: SHA-256 to name.

    Beside every tenth one, a file that its writer never finishes.
    """
    written: dict[str, str] = {}
    for number in range(count):
        content = png(rng, rng.randint(5_000, 300_000))
        path = folder / f"Screenshot {number:04}.png"
        way = number % 4
        if way == 0:
            path.write_bytes(content)
        elif way == 1:
            with path.open("wb") as file:
                for start in range(0, len(content), 65_536):
                    file.write(content[start : start + 65_536])
                    file.flush()
                    time.sleep(0.002)
        elif way == 2:
            hidden = folder / f".{path.name}.part"
            hidden.write_bytes(content)
            hidden.rename(path)
        else:
            path.touch()
            time.sleep(0.01)
            path.write_bytes(content)
        if number % 10 == 5:
            (folder / f"Half {number:04}.png").write_bytes(png(rng, 50_000)[:-1000])
        written[hashlib.sha256(content).hexdigest()] = path.name
        time.sleep(pause * 2 * rng.random())
    return written


def run_tray(
    folder: Path,
    *,
    count: int,
    mean_seconds: float = 1.0,
    pause: float = 0.25,
    seed: int = 5,
    environ: dict[str, str] | None = None,
) -> TrayReport:
    """Write `count` screenshots while the tray dies at random, every fifth time with the server, and the network
    between them is cut, in one way or another, and comes back.

    Args:
        folder: an empty folder.
        mean_seconds: mean of the exponential life of a tray.
        pause: mean time between two screenshots, in seconds.
    """
    report = TrayReport(screenshots=count)
    watched = folder / "Screenshots"
    watched.mkdir()
    product = Product(folder / "data", environ=environ)
    key = product.person("alice")
    began = time.monotonic()
    relay = Relay(product.port)
    with display() as screen, product, relay.running():
        tray = Tray(product, watched, screen, elsewhere=(relay.url, key))
        try:
            tray.start()
            tray.wait_until_it_watches()
            rng = Random(seed)
            with _weather(relay, Random(rng.random()), mean=2.5 * mean_seconds):
                written = _under_fire(product, tray, watched, report, rng, count=count, mean=mean_seconds, pause=pause)
            report.cuts, report.half_written = relay.cuts, len(list(watched.glob("Half *")))
            _wait_for(product, count)
            time.sleep(2.0)
            _compare(product, written, report)
            _compare_links(product, tray.data, report)
            if tray.process is not None and tray.process.poll() is not None:
                report.other.append(f"the tray ended by itself: {tray.log_tail()}")
        except ProductError as error:
            report.other.append(str(error))
        finally:
            tray.kill()
        product.stop()
    report.other += judge_folder(product).violations()
    report.seconds = time.monotonic() - began
    return report


def _under_fire(
    product: Product,
    tray: Tray,
    watched: Path,
    report: TrayReport,
    rng: Random,
    *,
    count: int,
    mean: float,
    pause: float,
) -> dict[str, str]:
    written: dict[str, str] = {}
    writer = threading.Thread(
        target=lambda: written.update(write_screenshots(watched, count, Random(rng.random()), pause=pause))
    )
    writer.start()
    while writer.is_alive():
        writer.join(rng.expovariate(1 / mean))
        if not tray.kill():
            report.other.append(f"the tray ended by itself: {tray.log_tail()}")
        report.tray_kills += 1
        if report.tray_kills % 5 == 0:
            product.kill()
            report.server_kills += 1
            product.start()
        if rng.random() < 0.3:
            time.sleep(rng.random())  # some screenshots come while no tray is there
        tray.start()
    return written


@contextlib.contextmanager
def _weather(relay: Relay, rng: Random, *, mean: float) -> Iterator[None]:
    """Cut the network now and then while the block runs, for up to two seconds; at the end it is there."""
    over = threading.Event()

    def blow() -> None:
        while not over.wait(rng.expovariate(1 / mean)):
            rng.choice((relay.reset, relay.stall))()
            over.wait(2 * rng.random())
            relay.restore()

    thread = threading.Thread(target=blow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        relay.restore()


def _wait_for(product: Product, count: int) -> None:
    """Wait until all are there, or until no more come."""
    until = time.monotonic() + ARRIVE_SECONDS
    while time.monotonic() < until and len(read_tables(product.data).uploads) < count:
        time.sleep(0.3)


def _compare(product: Product, written: dict[str, str], report: TrayReport) -> None:
    tables = read_tables(product.data)
    digests = {blob.id: blob.sha256 for blob in tables.blobs}
    found = Counter(digests[upload.blob] for upload in tables.uploads)
    report.on_server = len(tables.uploads)
    report.lost = [name for digest, name in written.items() if not found[digest]]
    report.twice = [written.get(digest, digest) for digest, times in found.items() if times > 1]
    report.other += [f"a drop that nobody wrote: {digest}" for digest in found if digest not in written]


def _compare_links(product: Product, tray: Path, report: TrayReport) -> None:
    """Every link that was told before its bytes had gone leads to the picture that it was told for."""
    tables = read_tables(product.data)
    digests = {blob.id: blob.sha256 for blob in tables.blobs}
    slugs = {digests[upload.blob]: upload.slug for upload in tables.uploads}
    with contextlib.closing(sqlite3.connect(f"file:{tray / 'tray' / 'outbox.db'}?mode=ro", uri=True)) as database:
        told = database.execute("SELECT sha256, slug, path FROM capture WHERE told_at IS NOT NULL AND slug <> ''")
        for digest, slug, path in told.fetchall():
            report.links_first += 1
            if slugs.get(digest) != slug:
                report.other.append(f"{path} was told to be at /{slug}, and is at /{slugs.get(digest)}")
