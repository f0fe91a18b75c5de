"""The parent's side of decoding: a small pool of child processes that read untrusted pictures for us.

Children start when there is work, end after 20 idle seconds, and never outlive this process. What a child does and
how it is caged stands in `decoder` and `cage`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulletdrop.config import Config
from bulletdrop.errors import BadPicture, DiskFull, Rejected, TooManyPixels, Unavailable, UnknownType
from bulletdrop.log import get_logger
from bulletdrop.media.decoding.child import Child, ChildDied, ChildTooSlow
from bulletdrop.paths import make_private_folder

log = get_logger("decoding")

# Thumbnails: the longest side in pixels. The names are the API's `size`.
SIZES: Mapping[str, int] = {"thumb": 320, "small": 640, "medium": 1280, "large": 2048}

# Idle children are kept so long: a burst of screenshots pays one start (0.1 s), an idle server pays no memory.
IDLE_SECONDS = 20.0
# By the clock a child may take so many times what it may take of the processor: background work on a busy machine
# waits through no fault of its picture. Longer than that, something hangs.
_PATIENCE = 4
# What leaks in a decoder stays small.
_WORK_PER_CHILD = 500

_REJECTED: Mapping[str, type[Rejected]] = {
    error.code: error for error in (BadPicture, TooManyPixels, UnknownType, Rejected)
}


@dataclass(frozen=True)
class Decoded:
    """What one full decode found and made.

    Args:
        width: of the picture as it is shown, in pixels; `height` likewise.
        frames: 1 for a still picture.
        files: the thumbnails by the names of `SIZES`.
        placeholder: a ThumbHash in base64.
    """

    width: int
    height: int
    frames: int
    files: dict[str, Path]
    placeholder: str


class Decoder:
    """Decodes, turns and converts pictures in children. Safe to call from several threads; close it at the end.

    Args:
        config: `decode_processes`, `decode_seconds`, `decode_memory_mb` and the caps on pixels and frames. The children
            see of `data` only the uploads and the temporary folder (Linux); without `data` they see the whole disk.
        command: how to start a child; this program's `decode` unless a test passes another.
        idle_seconds: how long an unused child is kept.
    """

    def __init__(
        self, config: Config, *, command: Sequence[str] | None = None, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._config = config
        self._command = command
        self._idle_seconds = idle_seconds
        has_data = config.data != Path()
        self._readable = [config.data / "uploads"] if has_data else []
        self._writable = [config.data / "tmp"] if has_data else []
        self._state = threading.Condition()
        self._idle: list[Child] = []
        self._all: set[Child] = set()
        self._working = 0
        self._in_background = 0
        self._closed = False
        self._names: dict[str, tuple[threading.Lock, int]] = {}
        self._keeper: threading.Thread | None = None
        self._wanted: queue.SimpleQueue[Future[Child] | None] = queue.SimpleQueue()

    def thumbnails(
        self, source: Path, *, mime: str, folder: Path, urgent: bool = False, wait_seconds: float | None = None
    ) -> Decoded:
        """Decode all of a picture and write its thumbnails into `folder`, under names of their own.

        Args:
            urgent: somebody waits. Otherwise the work has the lowest priority, and leaves room for urgent work.
            wait_seconds: the longest to wait for a free child; left out, as long as it takes.

        Returns: what was found, without files where the disk has no room for them.
        Raises: BadPicture (also when it took too much time or memory, or ended the child twice), TooManyPixels,
            UnknownType; Unavailable when no child could do it, DiskFull.
        """
        stem = secrets.token_hex(8)
        request: dict[str, object] = {"do": "thumbnails", "source": str(source), "mime": mime}
        request |= {"folder": str(folder), "stem": stem, "sizes": SIZES}
        try:
            answer = self._ask(request, urgent=urgent, wait_seconds=wait_seconds)
        except BaseException:
            _remove(folder, stem)
            raise
        if not answer["files"]:
            _remove(folder, stem)
        files = {str(name): Path(path) for name, path in answer["files"].items()}
        return Decoded(answer["width"], answer["height"], answer["frames"], files, answer["placeholder"])

    def may_read(self, path: Path) -> bool:
        """Whether the children see this file at all."""
        folders = [*self._readable, *self._writable]
        return not folders or any(path.is_relative_to(folder) for folder in folders)

    def upright(self, source: Path, target: Path, *, mime: str, orientation: int) -> None:
        """Write the picture to `target` with its EXIF orientation (2 to 8) turned into pixels and no metadata but its
        colour profile: without loss, unless it is lossy WebP or AVIF, or a JPEG whose edge is not on a block.

        Raises: as `thumbnails`.
        """
        request = {"do": "upright", "source": str(source), "target": str(target), "mime": mime}
        self._ask({**request, "orientation": orientation}, urgent=True)

    def convert(self, source: Path, target: Path, *, mime: str) -> str:
        """Write a TIFF's first page as PNG, or a HEIC as JPEG (PNG when it has transparency), upright.

        Returns: the MIME type of `target`.
        Raises: as `thumbnails`; UnknownType for HEIC when the extra is not installed.
        """
        request = {"do": "convert", "source": str(source), "target": str(target), "mime": mime}
        return str(self._ask(request, urgent=True)["mime"])

    def colour(self, source: Path, target: Path, *, language: str, seconds: int, wait_seconds: float) -> None:
        """Write a text's pieces with their kinds to `target`: see `colours`.

        Args:
            seconds: of the processor, at most.
        Raises: BadPicture for a text that takes longer or too much memory; Unavailable when no child could do it now.
        """
        request = {"do": "colour", "source": str(source), "target": str(target), "language": language}
        self._ask(request, urgent=False, wait_seconds=wait_seconds, seconds=seconds)

    def close(self) -> None:
        """End all children now. Work under way raises Unavailable; so does every later call."""
        with self._state:
            self._closed = True
            children = list(self._all)
            self._idle.clear()
            self._state.notify_all()
            keeper = self._keeper
        for child in children:
            child.kill()
        if keeper is not None:
            self._wanted.put(None)
            keeper.join()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def alone(self, name: str, *, seconds: float = -1) -> Iterator[bool]:
        """Let one thread of this process at a time do something under a name; the block is told whether it is alone.

        Args:
            seconds: the longest to wait for the others; -1 is as long as it takes.
        """
        with self._state:
            lock, users = self._names.get(name, (threading.Lock(), 0))
            self._names[name] = (lock, users + 1)
        alone = lock.acquire(timeout=seconds)
        try:
            yield alone
        finally:
            if alone:
                lock.release()
            with self._state:
                lock, users = self._names.pop(name)
                if users > 1:
                    self._names[name] = (lock, users - 1)

    def _ask(
        self,
        question: Mapping[str, object],
        *,
        urgent: bool,
        wait_seconds: float | None = None,
        seconds: int | None = None,
    ) -> dict[str, Any]:
        seconds = self._config.decode_seconds if seconds is None else seconds
        request = {**question, "seconds": seconds, "urgent": urgent}
        for attempt in (1, 2):
            with self._slot(urgent, wait_seconds):
                child = self._take()
                try:
                    answer = child.ask(request, seconds=seconds * _PATIENCE)
                except ChildDied as death:
                    self._discard(child)
                    self._judge(death, request, last=attempt == 2)
                    continue
                except ChildTooSlow as error:
                    self._discard(child)
                    raise Unavailable("The server is too busy to decode this picture now.", retry_after=30) from error
                except BaseException:
                    self._discard(child)
                    raise
                self._give_back(child, healthy="error" not in answer or answer["error"] in _REJECTED)
            return self._checked(answer, request)
        raise Unavailable("Pictures cannot be decoded right now.", retry_after=10)

    def _judge(self, death: ChildDied, request: Mapping[str, object], *, last: bool) -> None:
        """Whose fault a child's death is. Returns when the work deserves a second try in a fresh child."""
        log.warning("a decoding child died", extra={"source": request["source"], "exit": death.code})
        if self._closed:
            raise Unavailable("The server is stopping.", retry_after=5)
        if death.code == -getattr(signal, "SIGXCPU", 0):
            seconds = self._config.decode_seconds
            raise BadPicture(f"The picture needs more than {seconds} seconds to decode.")
        if last:
            raise BadPicture("The picture ends the program that decodes it.")

    def _checked(self, answer: Mapping[str, Any], request: Mapping[str, object]) -> dict[str, Any]:
        error = answer.get("error")
        if error is None:
            result: dict[str, Any] = answer["ok"]
            return result
        message = str(answer.get("message", ""))
        if error in _REJECTED:
            raise _REJECTED[error](message)
        if error == "memory":
            raise BadPicture(f"The picture needs more than {self._config.decode_memory_mb} MB of memory to decode.")
        log.error("decoding failed", extra={"source": request["source"], "reason": message})
        if error == "disk" and is_full(answer.get("errno")):
            raise DiskFull(retry_after=60)
        raise Unavailable("The picture cannot be decoded right now.", retry_after=30)

    @contextlib.contextmanager
    def _slot(self, urgent: bool, wait_seconds: float | None) -> Iterator[None]:
        """A place among the children that work at once. Background work leaves one of several to urgent work."""
        most = self._config.decode_processes
        with self._state:
            free = self._state.wait_for(
                lambda: self._closed or (self._working < most and (urgent or self._in_background < max(1, most - 1))),
                timeout=wait_seconds,
            )
            if self._closed:
                raise Unavailable("The server is stopping.", retry_after=5)
            if not free:
                raise Unavailable("Other pictures are being decoded; this one is next.", retry_after=2)
            self._working += 1
            self._in_background += not urgent
        try:
            yield
        finally:
            with self._state:
                self._working -= 1
                self._in_background -= not urgent
                self._state.notify_all()

    def _take(self) -> Child:
        """An idle child, or a new one. Raises Unavailable when none can be started."""
        while True:
            with self._state:
                child = self._idle.pop() if self._idle else None
            if child is None:
                break
            if child.alive():
                return child
            self._discard(child)
        wanted: Future[Child] = Future()
        with self._state:
            if self._closed:
                raise Unavailable("The server is stopping.", retry_after=5)
            if self._keeper is None:
                # Linux ends a child with the *thread* that started it (prctl(2), PR_SET_PDEATHSIG), and threads of
                # a pool come and go; so one thread that stays until `close` starts them all.
                self._keeper = threading.Thread(target=self._keep, name="decoders", daemon=True)
                self._keeper.start()
            self._wanted.put(wanted)
        return wanted.result()

    def _give_back(self, child: Child, *, healthy: bool) -> None:
        if not healthy or child.answered >= _WORK_PER_CHILD:
            self._discard(child)
            return
        with self._state:
            if not self._closed:
                child.idle_since = time.monotonic()
                self._idle.append(child)

    def _discard(self, child: Child) -> None:
        child.kill()
        with self._state:
            self._all.discard(child)

    def _keep(self) -> None:
        """The keeper thread: starts children, and ends those that were idle too long."""
        while True:
            try:
                wanted = self._wanted.get(timeout=self._rest())
            except queue.Empty:
                self._end_idle()
                continue
            if wanted is None:
                break
            try:
                wanted.set_result(self._start())
            except Exception as error:  # whatever it is belongs to the thread that asked
                wanted.set_exception(error)
        with self._state:
            children = list(self._all)
        for child in children:
            self._discard(child)

    def _rest(self) -> float | None:
        """Seconds until there may be something to end; None while there is no child at all."""
        with self._state:
            if not self._idle:
                return self._idle_seconds if self._all else None
            return max(0.0, self._idle[0].idle_since + self._idle_seconds - time.monotonic())

    def _end_idle(self) -> None:
        due = time.monotonic() - self._idle_seconds
        with self._state:
            old = [child for child in self._idle if child.idle_since <= due]
            self._idle = [child for child in self._idle if child.idle_since > due]
        for child in old:
            self._discard(child)

    def _start(self) -> Child:
        config = self._config
        for folder in (*self._readable, *self._writable):
            make_private_folder(folder)  # a wall around what is not there yet would keep it hidden for ever
        settings = {
            "memory_mb": config.decode_memory_mb,
            "parent": os.getpid(),
            "max_pixels": config.max_pixels,
            "max_total_pixels": config.max_total_pixels,
            "max_frames": config.max_frames,
            "readable": [str(folder) for folder in self._readable],
            "writable": [str(folder) for folder in self._writable],
        }
        child = Child.start(settings, command=self._command)
        with self._state:
            self._all.add(child)
            closed = self._closed
        if closed:
            child.kill()
        return child


def _remove(folder: Path, stem: str) -> None:
    for left in folder.glob(f"{stem}.*"):
        left.unlink(missing_ok=True)


def is_full(number: object) -> bool:
    """Whether a system error number says that the disk, or what one may use of it, is full."""
    import errno

    return number in (errno.ENOSPC, errno.EDQUOT)
