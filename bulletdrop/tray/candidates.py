"""Files that may become captures: each is looked at until it is whole, foreign, gone, or stalled.

An event, a scan and a rescan all only put a path in here. A file that nobody holds open and whose container ends as it
should is whole at the first look; every other one must rest: same size and time over two polls, and no event since.
"""

from __future__ import annotations

import enum
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bulletdrop.clock import Clock
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.ready import End, ending, has_writer, is_recording
from bulletdrop.tray.watcher import Hint


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds. The numbers and their reasons: measurements with real screenshot tools."""

    poll: float = 0.25
    slow_poll: float = 1.0  # for a file that has been growing for more than five seconds
    equal_polls: int = 2
    quiet: float = 0.4
    quiet_while_held: float = 2.0  # a writer keeps a finished picture open
    empty: float = 2.0  # an empty file is looked at this long; then only an event or a scan brings it back
    stalled: float = 60.0


class Verdict(enum.Enum):
    """What one look at a candidate found."""

    WAIT = "wait"
    WHOLE = "whole"
    DROP = "drop"
    STALLED = "stalled"


@dataclass(slots=True)
class Candidate:
    """A path under observation; times are monotonic seconds. `late`: nobody saw it come. `digest` is the SHA-256 of a
    large file, with the state of the file that it is of."""

    path: Path
    folder: Path
    since: float
    event_at: float
    check_at: float
    closed: bool = False
    eager: bool = True
    wanted: bool = False
    how: str = ""
    late: bool = True
    copy: bool = False
    tickets: tuple[str, ...] = ()
    digest: tuple[Sighting, str] | None = None
    last: Sighting | None = None
    changed_at: float = 0.0
    equal: int = 0


class Candidates:
    """The set of paths under observation. Used by one thread."""

    def __init__(self, clock: Clock, patience: Patience) -> None:
        self._clock = clock
        self._patience = patience
        self._all: dict[Path, Candidate] = {}

    def __len__(self) -> int:
        return len(self._all)

    def hint(self, hint: Hint) -> None:
        """Something happened to a path."""
        if hint.path is None:
            return
        path, now = hint.path, self._clock.monotonic()
        one = self._all.get(path)
        if one is None:
            one = self._all[path] = Candidate(path, path.parent, now, now, now + self._patience.poll)
        one.event_at = now
        one.closed = hint.closed
        one.wanted |= hint.wanted
        one.how = hint.how or one.how
        one.late &= hint.late
        one.copy |= hint.copy
        one.tickets += (hint.ticket,) if hint.ticket else ()
        one.eager = one.eager or hint.eager or hint.closed
        one.check_at = now if hint.eager or hint.closed else min(one.check_at, now + self._patience.poll)

    def hashed(self, path: Path, sighting: Sighting, digest: str | None) -> None:
        """The SHA-256 of a large file is known, or could not be had."""
        one = self._all.get(path)
        if one is not None:
            one.digest = (sighting, digest) if digest is not None else None
            one.check_at, one.eager = self._clock.monotonic(), True

    def next_check(self) -> float | None:
        """When the next look is due (monotonic), or None when there is nothing to look at."""
        return min((one.check_at for one in self._all.values()), default=None)

    def due(self, most: int) -> list[Candidate]:
        """The candidates to look at now, those that wait longest first."""
        now = self._clock.monotonic()
        ready = [one for one in self._all.values() if one.check_at <= now]
        ready.sort(key=lambda one: one.check_at)
        return ready[:most]

    def drop(self, one: Candidate) -> None:
        """Stop observing; a later event begins anew."""
        self._all.pop(one.path, None)

    def look(self, one: Candidate) -> Verdict:
        """Look at one file now, and set when to look again."""
        now = self._clock.monotonic()
        patience = self._patience
        growing_for = now - one.since if one.equal == 0 else 0.0
        one.check_at = now + (patience.slow_poll if growing_for > 5 else patience.poll)
        sighting = Sighting.look(one.path)
        if sighting is None:
            return Verdict.DROP
        if one.last is not None and sighting.same_file(one.last) and sighting.unchanged(one.last):
            one.equal += 1
        else:
            one.equal, one.changed_at = 0, now
        one.last = sighting
        quiet = now - max(one.event_at, one.changed_at)
        if sighting.size == 0:
            return Verdict.DROP if quiet >= patience.empty else Verdict.WAIT
        rested = one.equal >= patience.equal_polls and quiet >= patience.quiet
        eager, one.eager = one.eager, False
        if not (eager or rested):
            return Verdict.WAIT
        verdict = self._inspect(one, sighting, quiet, rested)
        if verdict is Verdict.WAIT and quiet >= patience.stalled:
            return Verdict.STALLED
        return verdict

    def _inspect(self, one: Candidate, sighting: Sighting, quiet: float, rested: bool) -> Verdict:
        try:
            with open_quietly(one.path) as file:
                if not sighting.same_file(Sighting.of(one.path, os.fstat(file.fileno()))):
                    return Verdict.WAIT
                return self._judge(one, file, sighting.size, quiet, rested)
        except OSError:
            # Windows: the writer does not share. Elsewhere: no right to read, or gone. The next look tells.
            return Verdict.WAIT

    def _judge(self, one: Candidate, file: BinaryIO, size: int, quiet: float, rested: bool) -> Verdict:
        end = ending(file, size)
        if end is End.FOREIGN and not one.wanted:
            return Verdict.DROP if rested else Verdict.WAIT
        if end is End.PARTIAL and not (one.wanted and rested):
            # What the person named is whole as it rests, whatever it is: the server says what it takes.
            return Verdict.WAIT
        held = has_writer(file.fileno())
        if held:
            limit = self._patience.stalled if is_recording(file) else self._patience.quiet_while_held
            return Verdict.WHOLE if rested and quiet >= limit else Verdict.WAIT
        if rested or (end is End.EXACT and (held is False or one.closed)):
            return Verdict.WHOLE
        return Verdict.WAIT


def open_quietly(path: Path) -> io.BufferedReader:
    """Open for reading. Not through a link, whose target may lie anywhere, and without waiting: a pipe in the folder
    must not hold up everything. Raises OSError."""
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT"):
        flags |= getattr(os, name, 0)
    return io.BufferedReader(io.FileIO(os.open(path, flags), "rb"))
