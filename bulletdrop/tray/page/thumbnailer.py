"""Thumbnails of local files, made by a child process: the tray itself never loads an imaging library.

The child lives while pictures are asked for and ends when none was for a while. It reads one path a line (as JSON) and
answers with four bytes of length and so many bytes of WebP; length 0 means that there is none.
"""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from bulletdrop.log import get_logger
from bulletdrop.paths import program
from bulletdrop.tray.deadline import within

log = get_logger("page")

EDGE = 320
# Of one picture. A child that takes longer is ended, and the next one starts anew.
MAKE_SECONDS = 8.0
IDLE_SECONDS = 15.0
MOST_BYTES = 1024 * 1024
# A picture that claims more pixels is not opened: 16,384 x 16,384 is the largest that the server takes, too.
MOST_PIXELS = 268_435_456
MEMORY_BYTES = 2 * 1024**3


class Thumbnailer:
    """Asks the child, starts and ends it. Safe to use from any thread; one picture at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None
        self._closed = False

    def make(self, path: Path) -> bytes | None:
        """A small WebP of a picture, or None when the file is gone, no picture, or cannot be read. Blocks."""
        if path.suffix.lower() in (".mp4", ".webm", ".mkv", ".mov") or not path.is_file():
            return None
        with self._lock:
            if self._closed:
                return None
            self._rest()
            try:
                child = self._running()
                data = within(MAKE_SECONDS, lambda: _ask(child, path), name=f"thumbnail-{child.pid}")
            except (OSError, TimeoutError, EOFError, ValueError) as error:
                log.info("A thumbnail could not be made: %s", error)
                self._end()
                return None
            self._timer = threading.Timer(IDLE_SECONDS, self._end_idle)
            self._timer.daemon = True
            self._timer.start()
            return data or None

    def close(self) -> None:
        """End the child for good."""
        self._closed = True
        # Not waiting for a picture that is being made: its child is ended under it.
        self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [*program(), "thumbnails"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._child

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_idle(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()

    def _end(self) -> None:
        self._rest()
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(1)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _ask(child: subprocess.Popen[bytes], path: Path) -> bytes:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(str(path)).encode() + b"\n")
    child.stdin.flush()
    head = child.stdout.read(4)
    if len(head) < 4:
        raise EOFError("the helper ended")
    (length,) = struct.unpack(">I", head)
    if length > MOST_BYTES:
        raise ValueError("the helper sent too much")
    data = child.stdout.read(length)
    if len(data) < length:
        raise EOFError("the helper ended")
    return data


def serve(lines: BinaryIO, out: BinaryIO) -> None:
    """The child's side: make one small picture for each line, until the lines end."""
    _limit_memory()
    for line in lines:
        try:
            data = shrink(Path(json.loads(line)))
        except Exception:  # whatever a file may hold: there is no small picture of it
            data = b""
        out.write(struct.pack(">I", len(data)) + data)
        out.flush()


def shrink(path: Path) -> bytes:
    """A WebP of at most EDGE pixels. Raises whatever Pillow raises."""
    import io

    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # Pillow refuses twice as many
    with Image.open(path) as picture:
        picture.draft("RGB", (EDGE, EDGE))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((EDGE, EDGE), Image.Resampling.BOX, reducing_gap=2.0)
        kind = "RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB"
        out = io.BytesIO()
        upright.convert(kind).save(out, "WEBP", quality=72, method=2)
    return out.getvalue()


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
