"""Watches one folder, and watches the watching: a folder that goes, comes back, or never was is watched again.

Events are hints and nothing more: created, moved, modified and closed alike put a path on a queue. All judgement lies
elsewhere, because what a handler raises would end the library's dispatch thread in silence.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from bulletdrop.clock import Clock
from bulletdrop.log import get_logger
from bulletdrop.tray.desk import FolderReport
from bulletdrop.tray.mounts import is_network
from bulletdrop.tray.rows import RENAMED, WRITTEN

log = get_logger("watcher")

POLL_SECONDS = 3.0
FILE_EVENTS: list[type[FileSystemEvent]] = [FileCreatedEvent, FileMovedEvent, FileModifiedEvent, FileClosedEvent]
FOLDER_EVENTS: list[type[FileSystemEvent]] = [DirCreatedEvent, DirMovedEvent]

LIMITS = {
    errno.ENOSPC: "max_user_watches=524288",
    errno.EMFILE: "max_user_instances=512",
}


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened to `path`; None: look after the folders.

    Args:
        closed: its writer closed it.
        eager: worth a look at once.
        how: one of the words of `rows`, as far as it is known.
        late: it came while nobody looked.
        wanted: the person named this file; `ticket` is for the answer, `copy` whether the clipboard may have the link.
    """

    path: Path | None
    closed: bool = False
    eager: bool = False
    how: str = ""
    late: bool = False
    wanted: bool = False
    copy: bool = True
    ticket: str = ""


Hints = queue.SimpleQueue[Hint]


class Ear(FileSystemEventHandler):
    """Turns events into hints."""

    def __init__(self, hints: Hints, clock: Clock) -> None:
        self._hints = hints
        self._clock = clock
        self.last_event_at: datetime | None = None

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called in the library's thread; must never raise (see the module's docstring)."""
        try:
            self._hints.put_nowait(self._hint(event))
            self.last_event_at = self._clock.now()
        except Exception:
            log.exception("An event was lost; the next scan will find the file.")

    def _hint(self, event: FileSystemEvent) -> Hint:
        moved = isinstance(event, FileMovedEvent) and event.dest_path
        closed = isinstance(event, FileClosedEvent)
        eager = closed or not isinstance(event, FileModifiedEvent)
        how = RENAMED if moved else WRITTEN if closed or not eager else ""
        path = Path(os.fsdecode(event.dest_path if moved else event.src_path))
        return Hint(path, closed=closed, eager=eager, how=how)


class ParentEar(Ear):
    """Listens for a folder to appear."""

    def _hint(self, event: FileSystemEvent) -> Hint:
        return Hint(None)


class FolderWatch:
    """One folder under watch. Used by one thread; only the hints come from others.

    Args:
        folder: as the person or the system named it; may be a link, may be absent.
        hints: where events go.
        events, polling: make the observers; the tests bring ones that fail.
    """

    def __init__(
        self,
        folder: Path,
        hints: Hints,
        clock: Clock,
        *,
        events: Callable[[], BaseObserver] = Observer,
        polling: Callable[[], BaseObserver] = lambda: PollingObserver(timeout=POLL_SECONDS),
    ) -> None:
        self.folder = folder
        self.real = Path(os.path.realpath(folder))
        self.how = "absent"
        self.problem: str | None = None
        self._clock = clock
        self._ear = Ear(hints, clock)
        self._parent_ear = ParentEar(hints, clock)
        self._make_events = events
        self._make_polling = polling
        self._observer: BaseObserver | None = None
        self._identity: tuple[int, int] | None = None
        self._watched: Path | None = None

    def check(self) -> bool:
        """Make sure that the watch is alive and on the right folder. True: it was (re-)opened, scan the folder."""
        opened = False
        # A folder may appear between the look for it and the watch on its parent: so look again after each change.
        for _ in range(10):
            self.real = Path(os.path.realpath(self.folder))
            identity = _identity(self.real)
            target = self.real if identity else _nearest_parent(self.real)
            if identity == self._identity and target == self._watched and self._alive():
                break
            if self._watched is not None:
                log.info("Watching %s anew.", self.folder)
            self.close()
            self._open(target, present=identity is not None)
            self._identity, self._watched = identity, target
            opened = True
        return opened and self._identity is not None

    def report(self) -> FolderReport:
        """How it goes, for the person."""
        return FolderReport(self.folder, self.how, self.problem, self._ear.last_event_at)

    def close(self) -> None:
        """Stop watching."""
        observer, self._observer = self._observer, None
        if observer is not None:
            with contextlib.suppress(RuntimeError):
                observer.stop()
                observer.join(timeout=5)

    def _alive(self) -> bool:
        observer = self._observer
        if observer is None or not observer.is_alive():
            return False
        return all(emitter.is_alive() for emitter in observer.emitters)

    def _open(self, target: Path, *, present: bool) -> None:
        ear, wanted = (self._ear, FILE_EVENTS) if present else (self._parent_ear, FOLDER_EVENTS)
        self.problem = _unreadable(self.real) if present else f"{self.folder} does not exist yet."
        self.how = "absent"
        if present and is_network(self.real):
            self.how = "polling"
            self._observer = _start(self._make_polling(), ear, target, wanted)
            return
        try:
            self._observer = _start(self._make_events(), ear, target, wanted)
            self.how = "events" if present else "absent"
        except OSError as error:
            if not present:
                # The regular check will find it when it appears.
                return
            self.how, self.problem = "polling", self.problem or _limit_problem(error)
            log.warning(self.problem, extra={"path": str(self.folder)})
            self._observer = _start(self._make_polling(), ear, target, wanted)


def _start(observer: BaseObserver, ear: Ear, target: Path, wanted: list[type[FileSystemEvent]]) -> BaseObserver:
    try:
        observer.schedule(ear, str(target), recursive=False, event_filter=wanted)
        observer.start()
    except BaseException:
        with contextlib.suppress(RuntimeError):
            observer.stop()
        raise
    return observer


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another one of its name; None when there is none."""
    try:
        facts = folder.stat()
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino) if folder.is_dir() else None


def _nearest_parent(folder: Path) -> Path:
    for parent in folder.parents:
        if parent.is_dir():
            return parent
    return Path(folder.anchor or ".")


def _unreadable(folder: Path) -> str | None:
    try:
        with os.scandir(folder):
            return None
    except PermissionError:
        # macOS answers EPERM for Desktop, Documents and Downloads until the person allows it.
        return f"{folder} may not be read. Allow it in the system's privacy settings (Files and Folders)."
    except OSError as error:
        return f"{folder} cannot be read: {error.strerror}."


def _limit_problem(error: OSError) -> str:
    setting = LIMITS.get(error.errno or 0)
    if setting is None:
        return f"The system gives no events for this folder ({error.strerror}); it is read every few seconds instead."
    return (
        "The system's limit for watching folders is used up, so the folder is read every few seconds instead."
        f" To raise it: sudo sysctl fs.inotify.{setting}"
    )
