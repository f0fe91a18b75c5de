"""Small pictures of captures for the menu: made by a child that ends at once, kept on disk, never more than a few."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bulletdrop.log import get_logger
from bulletdrop.paths import child_environment, make_private_folder, program
from bulletdrop.tray.desk import Item
from bulletdrop.tray.formats import is_picture

log = get_logger("thumbs")

# Twice what panels draw beside a line, for screens with small pixels. Square: some scale without keeping the shape.
SIDE = 44
# Three menus full. Of what is not shown any more the oldest goes.
KEPT = 30
CHILD_SECONDS = 20.0
# A larger picture than any screen: not decoded for a menu.
MOST_PIXELS = 100_000_000


class Thumbs:
    """The small pictures of one data folder.

    Args:
        data: the data folder.
        ready: called, in a thread of its own, when new ones are there.
    """

    def __init__(self, data: Path, *, ready: Callable[[], object]) -> None:
        self.folder = data / "tray" / "thumbs"
        self._ready = ready
        self._lock = threading.Lock()
        self._wanted: dict[Path, Path] = {}
        self._failed: set[Path] = set()
        self._read: dict[Path, bytes] = {}
        self._thread: threading.Thread | None = None

    def of(self, items: Sequence[Item]) -> dict[int, bytes]:
        """The small pictures that are there, by the id of their capture; those that are not are begun."""
        found: dict[int, bytes] = {}
        keep: dict[Path, bytes] = {}
        missing: dict[Path, Path] = {}
        for item in items:
            if item.sha256 is None or not is_picture(item.path):
                continue
            thumb = self.folder / f"{item.sha256[:32]}.png"
            content = self._read.get(thumb) or _content(thumb)
            if content:
                found[item.id] = keep[thumb] = content
            elif thumb not in self._failed:
                missing[thumb] = item.path
        self._read = keep
        if missing:
            self._make(missing)
        return found

    def _make(self, missing: dict[Path, Path]) -> None:
        with self._lock:
            self._wanted.update(missing)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="thumbs", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, {}
                if not wanted:
                    self._thread = None
                    return
            make_private_folder(self.folder)
            self._run_child(wanted)
            self._failed |= {thumb for thumb in wanted if not thumb.exists()}
            while len(self._failed) > KEPT:
                self._failed.pop()
            self._bound(wanted)
            with contextlib.suppress(Exception):
                self._ready()

    def _run_child(self, wanted: dict[Path, Path]) -> None:
        # Decoding a screenshot takes as much memory as the whole tray; a process gives all of it back.
        pairs = [str(part) for thumb, path in wanted.items() for part in (path, thumb)]
        try:
            subprocess.run(
                [*program(), "thumbnails", *pairs],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=child_environment(),
                timeout=CHILD_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            log.info("The menu's small pictures could not be made: %s", error)

    def _bound(self, new: Iterable[Path]) -> None:
        with contextlib.suppress(OSError):
            kept = sorted(self.folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            for path in set(kept[KEPT:]) - set(new):
                path.unlink(missing_ok=True)


def _content(thumb: Path) -> bytes:
    try:
        return thumb.read_bytes()
    except OSError:
        return b""


def make_thumbnails(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Make small pictures, each whole or not at all; what cannot be read gets none. For the child."""
    for source, target in pairs:
        with contextlib.suppress(Exception):
            _make_one(source, target)


def _make_one(source: Path, target: Path) -> None:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(source, formats=("PNG", "JPEG", "GIF", "WEBP")) as opened:
        opened.draft("RGB", (SIDE * 2, SIDE * 2))
        whole = ImageOps.exif_transpose(opened)
        # Panels give it 16 pixels: of what is much wider or higher than that, the middle says more than all of it.
        width, height = min(whole.width, whole.height * 4 // 3), min(whole.height, whole.width * 4 // 3)
        left, top = (whole.width - width) // 2, (whole.height - height) // 2
        box = (left, top, left + max(1, width), top + max(1, height))
        scale = SIDE / max(width, height, 1)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = whole.convert("RGBA").resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
    square = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    square.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    temporary = target.with_suffix(".tmp")
    square.save(temporary, "PNG")
    temporary.replace(target)
