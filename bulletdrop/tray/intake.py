"""From hints to rows: one thread that keeps the watches alive, looks at candidates, hashes, and fills the outbox."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bulletdrop.clock import Clock
from bulletdrop.log import get_logger
from bulletdrop.tray import marks
from bulletdrop.tray.candidates import Candidate, Candidates, Patience, Verdict, open_quietly
from bulletdrop.tray.desk import FolderReport, Item
from bulletdrop.tray.holding import Holder
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.ledger import Manner
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.preferences import Rule
from bulletdrop.tray.ready import HEAD, extension, is_cloud_only, is_ignored
from bulletdrop.tray.rows import MOVED_IN, SCANNED
from bulletdrop.tray.scan import scan
from bulletdrop.tray.telling import Taken
from bulletdrop.tray.watcher import FolderWatch, Hint, Hints

log = get_logger("intake")

AT_ONCE = 64
# Larger files are hashed later, when they are new by their place and size alone.
SMALL = 2 * 1024 * 1024
# And those that are not, aside: the link of what comes behind them does not wait for it. A large screen's picture is
# hashed at once all the same: that takes 4 ms (25 without the processor's own SHA), and a thread may wait for longer.
AT_HAND = 8 * 1024 * 1024
# What came before that is old: its link is only offered.
LATE_SECONDS = 10.0
FLOOD, FLOOD_SECONDS = 1000, 2.0
# macOS writes its mark some moments after the file.
MARK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between regular duties."""

    health: float = 2.0
    rescan: float = 300.0
    # The time of day ran this much more or less than the steady clock: the machine slept, or its clock was set.
    jump: float = 30.0


class Hearer(Protocol):
    """Who is told what was found. Called in the intake's own thread."""

    def whole(self, items: Sequence[Taken]) -> None:
        """These are new, or anew, in the outbox."""

    def in_order(self) -> AbstractContextManager[None]:
        """Held while rows are made and `whole` is told of them."""

    def stalled(self, item: Item) -> None:
        """This one's writer stopped half way."""

    def dropped(self, tickets: Sequence[str], path: Path) -> None:
        """A file that the person named is none, or went away."""

    def woke(self) -> None:
        """The machine slept, or its clock was set."""

    def tick(self) -> None:
        """Every now and then: a time that was waited for may have come."""

    def rule(self, folder: Path) -> Rule:
        """What holds for captures of a folder, as it is called."""

    def holder(self) -> Holder | None:
        """Whose reserved slugs new captures take; None: they take none."""


class Intake:
    """Finds captures, gives each its row and, if there is one, its link."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        folders: Callable[[], Sequence[Path]],
        hearer: Hearer,
        *,
        watch: Callable[[Path, Hints, Clock], FolderWatch] = FolderWatch,
        patience: Patience | None = None,
        rhythm: Rhythm | None = None,
        is_capture: Callable[[Path, Path], bool] = marks.is_capture,
    ) -> None:
        self.hints: Hints = queue.SimpleQueue()
        self._outbox = outbox
        self._clock = clock
        self._folders = folders
        self._hearer = hearer
        self._make_watch = watch
        self._is_capture = is_capture
        self._candidates = Candidates(clock, patience or Patience())
        self._rhythm = rhythm or Rhythm()
        self._watches: dict[Path, FolderWatch] = {}
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._hashing = threading.Lock()
        self._hashed: queue.SimpleQueue[tuple[Path, Sighting, str | None]] = queue.SimpleQueue()
        self._next_health = self._next_rescan = 0.0
        self._drift = 0.0

    def start(self) -> None:
        """Begin to watch; returns once the folders are under watch and scanned."""
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        """Stop watching. Blocks until the thread has ended."""
        self._stopping.set()
        self.hints.put(Hint(None))
        if self._thread.ident is not None:
            self._thread.join(10)

    def recheck(self, path: Path, *, wanted: bool = False) -> None:
        """Look at this file again: it is not what it was. `wanted`: as one that the person named."""
        self.hints.put(Hint(path, eager=True, wanted=wanted))

    def rescan(self) -> None:
        """Scan all folders now."""
        self._next_rescan = 0.0
        self.hints.put(Hint(None))

    def reports(self) -> tuple[FolderReport, ...]:
        """How the watching of each folder goes."""
        return tuple(watch.report() for watch in list(self._watches.values()))

    # -- the thread

    def _run(self) -> None:
        self._drift = self._clock.now().timestamp() - self._clock.monotonic()
        while not self._stopping.is_set():
            try:
                self._duties()
                self._ready.set()
                self._look()
                self._listen()
            except Exception:
                # Nothing may end this thread while the icon says that all is well.
                log.exception("A round of the watcher failed.")
                self._stopping.wait(1.0)
        for watch in self._watches.values():
            watch.close()

    def _listen(self) -> None:
        """Wait for the next hint or duty, then take all hints that are there by now.

        Not those that come meanwhile: where they come as fast as they are taken, nothing would ever be looked at.
        """
        checks = self._candidates.next_check()
        until = min(self._next_health, self._next_rescan, checks if checks is not None else self._next_health)
        heard = 0
        try:
            hint = self.hints.get(timeout=max(0.0, until - self._clock.monotonic()))
            more = min(self.hints.qsize(), FLOOD)
            while True:
                self._hear(hint)
                heard += 1
                if heard > more:
                    break
                hint = self.hints.get_nowait()
        except queue.Empty:
            pass
        if heard >= FLOOD:
            # The kernel drops events when its queue is full, and says so to nobody.
            self._next_rescan = min(self._next_rescan, self._clock.monotonic() + FLOOD_SECONDS)

    def _hear(self, hint: Hint) -> None:
        if hint.path is None:
            self._next_health = 0.0
        elif hint.wanted or not is_ignored(hint.path.name):
            self._candidates.hint(hint)

    def _duties(self) -> None:
        now = self._clock.monotonic()
        if now < min(self._next_health, self._next_rescan):
            return
        drift = self._clock.now().timestamp() - now
        slept = abs(drift - self._drift) > self._rhythm.jump
        self._drift = drift
        scan_all = slept or now >= self._next_rescan
        if scan_all:
            self._choose_folders()
            self._next_rescan = now + self._rhythm.rescan
        # First, for what comes then may fail: where nothing can be written, this is what notices. It may fail itself.
        try:
            self._hearer.tick()
        except Exception:
            log.exception("A look at the pause and the disk failed.")
        for watch in self._watches.values():
            self._care(watch, scan_anyway=scan_all)
        self._next_health = self._clock.monotonic() + self._rhythm.health
        if slept:
            self._hearer.woke()

    def _choose_folders(self) -> None:
        """Ask which folders to watch; they move while the program runs."""
        try:
            wanted = list(dict.fromkeys(self._folders()))
        except Exception:
            log.exception("The folders to watch could not be found out.")
            return
        for folder in self._watches.keys() - set(wanted):
            self._watches.pop(folder).close()
        for folder in wanted:
            if folder not in self._watches:
                self._watches[folder] = self._make_watch(folder, self.hints, self._clock)

    def _care(self, watch: FolderWatch, *, scan_anyway: bool) -> None:
        try:
            # Adopting comes before watching: what is in the folder now must not be taken for new by the first event.
            if self._outbox.folder_since(watch.real) is None:
                self._adopt(watch.real)
            if watch.check() or (scan_anyway and watch.how != "absent"):
                self._scan(watch.real)
        except OSError as error:
            # Tried again at the next look; said once for each reason.
            problem = f"{watch.folder} cannot be watched: {error.strerror or error}."
            if watch.problem != problem:
                watch.problem = problem
                log.warning(problem)

    def _adopt(self, folder: Path) -> None:
        try:
            present = [found.sighting for found in scan(folder)]
        except FileNotFoundError:
            # Many systems make the folder with the first screenshot: then everything in it is new.
            self._outbox.adopt_folder(folder, [])
            log.info("%s does not exist yet; it is watched as soon as it is there.", folder)
            return
        self._outbox.adopt_folder(folder, present)
        log.info("Watching %s; what lies in it already (%d files) stays here.", folder, len(present))

    def _scan(self, folder: Path) -> None:
        since = self._outbox.folder_since(folder)
        if since is None:
            return
        old: list[Sighting] = []
        for found in scan(folder):
            if self._outbox.recognises(found.sighting):
                continue
            # An entry older than our first look came with its folder (a disk plugged in, a folder put here).
            # Two seconds: the coarsest time stamp of a file system (FAT).
            if found.changed < since.timestamp() - 2.0:
                old.append(found.sighting)
            else:
                late = self._clock.now().timestamp() - found.changed > LATE_SECONDS
                self._candidates.hint(Hint(found.sighting.path, eager=True, how=SCANNED if late else "", late=late))
        if old:
            log.info("%d files in %s are older than the watch: they stay here.", len(old), folder)
            self._outbox.leave_unsent(folder, old)

    def _look(self) -> None:
        """Look at the candidates that are due; account for the whole ones in one transaction."""
        while not self._hashed.empty():
            self._candidates.hashed(*self._hashed.get())
        whole: list[tuple[Candidate, Sighting, str | None]] = []
        for one in self._candidates.due(AT_ONCE):
            if self._settled(one):
                continue
            verdict = self._marked(one, self._candidates.look(one))
            if verdict is Verdict.WHOLE and one.last is not None:
                is_known, digest = self._digest(one, one.last)
                if is_known:
                    whole.append((one, one.last, digest))
            elif verdict is Verdict.STALLED:
                self._note_stalled(one)
            elif verdict is Verdict.DROP:
                self._drop(one)
        if whole:
            with self._hearer.in_order():
                self._take_in(whole)
            self._outbox.sync()

    def _take_in(self, whole: Sequence[tuple[Candidate, Sighting, str | None]]) -> None:
        taken: list[Taken] = []
        holder = self._hearer.holder()
        # The links are told before the rows are on the disk, which may be busy: a clipboard is gone with the power as
        # the rows are. A kill takes neither, and nothing leaves this machine before the rows are there.
        with self._outbox.together(sync=False):
            for one, sighting, digest in whole:
                home = self._home(one.folder)
                rule = self._hearer.rule(home)
                manner = Manner(
                    how=one.how or MOVED_IN,
                    home=home,
                    asks=rule.ask,
                    holder=holder,
                    ending=_ending(one.path) if holder is not None else "",
                )
                item = self._outbox.take_in(one.folder, sighting, digest, always=one.wanted, manner=manner)
                if item is not None:
                    copy = one.copy and (rule.copy or one.wanted)
                    taken.append(Taken(item, late=one.late, copy=copy, tickets=one.tickets))
        # Only now: had the rows not reached the disk, the next round would try again.
        for one, _, _ in whole:
            self._candidates.drop(one)
        if taken:
            self._hearer.whole(taken)

    def _digest(self, one: Candidate, sighting: Sighting) -> tuple[bool, str | None]:
        """Whether enough is known of its bytes, and their SHA-256: None for a large file that is new by its place and
        size alone."""
        if sighting.size > SMALL and (one.wanted or self._outbox.is_new(one.folder, sighting)):
            return True, None
        if sighting.size <= AT_HAND:
            digest = _hash(one.path, sighting)
            return digest is not None, digest
        if one.digest is not None and one.digest[0] == sighting:
            return True, one.digest[1]
        if self._hashing.acquire(blocking=False):
            threading.Thread(target=self._hash_aside, args=(one.path, sighting), name="hasher", daemon=True).start()
        return False, None

    def _hash_aside(self, path: Path, sighting: Sighting) -> None:
        try:
            self._hashed.put((path, sighting, _hash(path, sighting)))
        finally:
            self._hashing.release()
            # Wakes the intake.
            self.hints.put(Hint(None))

    def _home(self, folder: Path) -> Path:
        """A watched folder as it is called, by its true place."""
        return next((watch.folder for watch in self._watches.values() if watch.real == folder), folder)

    def _marked(self, one: Candidate, verdict: Verdict) -> Verdict:
        """In a folder where only marked files count, a whole file waits for its mark a while, then is none of ours."""
        if verdict is not Verdict.WHOLE or one.wanted:
            return verdict
        names = self._hearer.rule(self._home(one.folder)).names
        if names and not fnmatch.fnmatchcase(one.path.name.lower(), names.lower()):
            return Verdict.DROP
        if self._is_capture(one.path, one.folder):
            return verdict
        return Verdict.WAIT if self._clock.monotonic() - one.since < MARK_SECONDS else Verdict.DROP

    def _settled(self, one: Candidate) -> bool:
        """Drop what needs no look: unchanged files that we know, cloud files whose reading would download them."""
        try:
            facts = one.path.lstat()
        except OSError:
            self._outbox.forget_stalled(one.path)
            self._drop(one)
            return True
        known = not one.wanted and self._outbox.recognises(Sighting.of(one.path, facts))
        if known or is_cloud_only(facts):
            self._candidates.drop(one)
            return True
        return False

    def _note_stalled(self, one: Candidate) -> None:
        self._drop(one)
        item = self._outbox.stall(one.folder, one.last, wanted=one.wanted) if one.last is not None else None
        if item is not None:
            self._hearer.stalled(item)

    def _drop(self, one: Candidate) -> None:
        self._candidates.drop(one)
        if one.tickets:
            self._hearer.dropped(one.tickets, one.path)


def _ending(path: Path) -> str:
    """The ending of its direct link, by its first bytes."""
    try:
        with open_quietly(path) as file:
            return extension(file.read(HEAD))
    except OSError:
        return ""


def _hash(path: Path, expected: Sighting) -> str | None:
    """Hex SHA-256 of the file, or None when it is, or becomes, another than expected: it will be looked at again."""
    try:
        with open_quietly(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = Sighting.of(path, os.fstat(file.fileno()))
    except OSError:
        return None
    return digest if after.same_file(expected) and after.unchanged(expected) else None
