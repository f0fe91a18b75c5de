"""Takes captures from the outbox to the server: three workers, one gate, no give-up while there is hope."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from bulletdrop.clock import Clock
from bulletdrop.errors import (
    BulletDropError,
    Busy,
    Forbidden,
    NotReserved,
    NotSetUp,
    NotSignedIn,
    Rejected,
    TooSlow,
    Truncated,
    WrongDigest,
)
from bulletdrop.log import get_logger
from bulletdrop.tray.answers import ServerFault
from bulletdrop.tray.candidates import open_quietly
from bulletdrop.tray.client import Client, FileCut, Uploaded
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.gate import ladder
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.line import Line
from bulletdrop.tray.outbox import Choice, Outbox
from bulletdrop.tray.preferences import Rule
from bulletdrop.tray.progress import Progress, Stopped
from bulletdrop.tray.rows import GONE, Job, gone
from bulletdrop.tray.telling import LATE_SECONDS, Telling
from bulletdrop.tray.terms import Terms
from bulletdrop.tray.uplink import Uplink

log = get_logger("sender")

WORKERS = 3
# What is larger leaves the last worker free, so that a screenshot never waits behind recordings.
LARGE = 8 * 1024 * 1024
# The first worker goes by age alone, so that nothing starves behind what is always newer.
BY_AGE, SMALL_ONLY = 0, WORKERS - 1
# A file that is not where it was may have been renamed: the watcher is given this many tries to find it.
MISSES = 4
MISS_SECONDS = 0.75
# One that is written anew meanwhile is waited for, each time twice as long: two minutes in all.
CHANGES = 8
CHANGED_SECONDS = 1.0


class FileGone(Rejected):
    """The file was deleted, moved away or made unreadable before it could be sent."""

    code = GONE
    title = "The file is gone"


class Hearer(Protocol):
    """Who is told what happened, and asked what holds. Called from the workers' threads, without any lock held."""

    def given_up(self, item: Item, error: BulletDropError) -> None:
        """A capture will not be uploaded."""

    def held_back(self, error: BulletDropError) -> None:
        """All captures wait, for longer."""

    def changed(self) -> None:
        """Something began or ended."""

    def progressed(self) -> None:
        """Something large went on."""

    def rule(self, folder: Path) -> Rule:
        """What holds for captures of a folder."""

    def is_private_first(self) -> bool:
        """Whether nobody is to see a drop before its Undo has passed."""

    def away(self) -> Collection[str]:
        """The servers that are known and are not the one of now."""


class Sender:
    """The workers. `recheck` is told of a file that is not what the outbox says, `rescan` of one that is not there."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        line: Line,
        hearer: Hearer,
        telling: Telling,
        *,
        recheck: Callable[[Item], None],
        rescan: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._line = line
        self._hearer = hearer
        self._telling = telling
        self._recheck, self._rescan = recheck, rescan
        self.progress = Progress(hearer.progressed)
        self._paused = False
        # Captures that wait for themselves alone: id → monotonic time.
        self._not_before: dict[int, float] = {}
        self._misses: dict[int, int] = {}
        self._threads = [
            threading.Thread(target=self._work, args=(n,), name=f"sender-{n}", daemon=True) for n in range(WORKERS)
        ]

    def start(self) -> None:
        """Begin to send what waits."""
        for thread in self._threads:
            thread.start()

    def stop(self, drain_seconds: float) -> None:
        """Take nothing new, let what is on its way arrive for so long, then break the connections. Blocks."""
        line = self._line
        with line.turn:
            line.stopping = True
            line.turn.notify_all()
            line.turn.wait_for(lambda: not line.on_the_way, timeout=drain_seconds)
            client = line.client
        if client is not None:
            client.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(5)

    def add(self, items: Sequence[Item]) -> None:
        """These are new in the outbox."""
        with self._line.turn:
            for item in items:
                self._not_before.pop(item.id, None)
            self._line.hope()

    def hurry(self, item_id: int | None = None) -> None:
        """Try now: one capture, or all of them (the network came back, the machine woke)."""
        with self._line.turn:
            if item_id is None:
                self._not_before.clear()
            else:
                self._not_before.pop(item_id, None)
                self._misses.pop(item_id, None)
            self._line.hurry()

    def use(self, client: Uplink | None) -> None:
        """Send there from now on; None: nowhere."""
        with self._line.turn:
            self._not_before.clear()
            old = self._line.use(client)
        if old is not None:
            old.close()
        self._hearer.changed()

    def pause(self, paused: bool) -> None:
        """Hold back, or go on. What is on its way arrives."""
        with self._line.turn:
            self._paused = paused
            self._line.turn.notify_all()

    @property
    def sending(self) -> frozenset[int]:
        """The ids on their way now."""
        with self._line.turn:
            return frozenset(self._line.on_the_way)

    # -- the workers

    def _work(self, number: int) -> None:
        warmed: Uplink | None = None
        while not self._line.stopping:
            try:
                job, client = self._next(number, warmed)
                if job is not None and client is not None:
                    self._carry(job, client)
                elif client is not None and not self._line.stopping:
                    client.warm()
                warmed = client
            except Exception:
                # The outbox cannot be read, say. A worker that ends would end the uploads in silence.
                log.exception("A round of a sender failed.")
                with self._line.turn:
                    self._line.turn.wait_for(lambda: self._line.stopping, timeout=1.0)

    def _next(self, number: int, warmed: Uplink | None) -> tuple[Job | None, Uplink | None]:
        """Wait for something to do: a capture to send, a new client to warm."""
        with self._line.turn:
            while True:
                job, client = self._claim(number), self._line.client
                if job is not None or self._line.stopping or client is not warmed:
                    return job, client
                self._line.turn.wait(self._patience())

    def _claim(self, number: int) -> Job | None:
        """The next capture for this worker; its id is on the way from now on. Called with the lock held."""
        line = self._line
        if self._paused or line.stopping or line.client is None or line.gate.wait() != 0.0:
            return None
        now = self._clock.monotonic()
        for item_id in [item_id for item_id, until in self._not_before.items() if until <= now]:
            del self._not_before[item_id]
        skip = line.on_the_way | self._not_before.keys()
        choice = Choice(
            skip=skip | line.stoppers,
            newest_since=None if number == BY_AGE else self._clock.now() - timedelta(seconds=LATE_SECONDS),
            most=LARGE if number == SMALL_ONLY else None,
            away=self._hearer.away(),
        )
        job = self._outbox.next_waiting(choice)
        if job is None and line.stoppers:
            job = self._outbox.next_waiting(replace(choice, skip=skip))
        if job is None or not line.gate.enter():
            return None
        line.on_the_way.add(job.item.id)
        return job

    def _patience(self) -> float | None:
        """Seconds to sleep at most; None: until somebody calls."""
        if self._paused or self._line.client is None:
            return None
        waits = [until - self._clock.monotonic() for until in self._not_before.values()]
        gate = self._line.gate.wait()
        if gate:
            waits.append(gate)
        return max(0.01, min(waits)) if waits else None

    def _carry(self, job: Job, client: Uplink) -> None:
        """Send one capture and account for whatever comes of it."""
        self._hearer.changed()
        try:
            self._outbox.sync()
            self._send(job, client)
        except Exception:
            log.exception("Sending failed in an unforeseen way.", extra={"path": str(job.item.path)})
            self._wait(job, 30.0)
        finally:
            self.progress.end(job.item.id)
            with self._line.turn:
                self._line.on_the_way.discard(job.item.id)
                self._line.turn.notify_all()
            self._hearer.changed()

    def _send(self, job: Job, client: Uplink) -> None:
        now = Sighting.look(job.item.path)
        if now is None:
            self._missing(job)
        elif not (now.same_file(job.at) and now.unchanged(job.at)):
            self._changed(job)
        elif job.item.slug is not None and job.server != client.server_url:
            # Its server is none of ours any more.
            self._unlink(job)
        else:
            if job.server is not None and job.server != client.server_url:
                self._outbox.leave(job)
            self._upload(job, client)

    def _upload(self, job: Job, client: Uplink) -> None:
        try:
            known = job if job.item.sha256 is not None else self._hashed(job)
            if known is None:
                self._changed(job)
                return
            job = known
            rule = self._hearer.rule(job.item.folder or job.item.path.parent)
            # Somebody else's host can publish nothing later.
            private_first = isinstance(client, Client) and self._hearer.is_private_first()
            terms = Terms.of(job, rule, private_first=private_first, now=self._clock.now())
            answer = client.upload(
                job.item.path,
                job.item.name,
                size=job.item.size,
                sha256=job.item.sha256,
                idempotency_key=job.idempotency_key,
                query=terms.query(job.item),
                progress=self.progress.begin(job.item.id, job.item.size),
            )
        except Stopped:
            self._line.released()
        except FileCut:
            self._changed(job)
        except OSError:
            self._missing(job)
        except BulletDropError as error:
            self._refused(job, client, error)
        else:
            self._arrived(job, client, terms, answer)

    def _arrived(self, job: Job, client: Uplink, terms: Terms, answer: Uploaded) -> None:
        debts = terms.debts(job, answer, self._clock.now())
        done = self._outbox.finish(job, answer, debts, server=client.server_url)
        self._line.passed()
        self._misses.pop(job.item.id, None)
        if done is None:
            # It changed on the way: what the server has is the older version.
            self._recheck(job.item)
        elif done.status is Status.DONE:
            self._telling.sent(done)

    def _hashed(self, job: Job) -> Job | None:
        """The job of a large file with its SHA-256; None when it is another by now."""
        with open_quietly(job.item.path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = Sighting.of(job.item.path, os.fstat(file.fileno()))
        same = after.same_file(job.at) and after.unchanged(job.at)
        return self._outbox.hashed(job, digest) if same else None

    def _refused(self, job: Job, client: Uplink, error: BulletDropError) -> None:
        """Sort an error by who it concerns: this capture now, this capture for ever, or all of them."""
        if client is not self._line.client:
            # Paired anew meanwhile: what the old key was told is of no matter.
            self._line.released()
        elif isinstance(error, NotReserved) and job.item.slug is not None:
            self._unlink(job)
        elif isinstance(error, ServerFault | TooSlow):
            self._later(job, client, error)
        elif isinstance(error, WrongDigest | Truncated) and job.item.attempts < 3:
            # The bytes changed between our hash and the wire, or on it.
            self._later(job, client, error)
            self._recheck(job.item)
        elif isinstance(error, Busy | NotSignedIn | Forbidden | NotSetUp):
            with self._line.turn:
                self._line.stoppers = {job.item.id}
                wait, is_news = self._line.failed(error)
            next_at = None if wait is None else self._clock.now() + timedelta(seconds=wait)
            self._outbox.postpone(job.item, error, next_at, server=client.server_url)
            log.warning("Uploads wait: %s", error.message)
            if is_news:
                self._hearer.held_back(error)
        else:
            self._give_up(job, error, Status.REFUSED)

    def _unlink(self, job: Job) -> None:
        """Its slug cannot be filled, so nothing was kept. It goes again, by the same key, and gets another link."""
        log.warning("The link that was held ready is not: another one follows.", extra={"path": str(job.item.path)})
        self._outbox.unlink(job)
        self._telling.unlinked(job.item.id)
        self._line.released()

    def _later(self, job: Job, client: Uplink, error: BulletDropError) -> None:
        """This capture alone waits; the others go on."""
        seconds = ladder(job.item.attempts)
        next_at = self._clock.now() + timedelta(seconds=seconds)
        self._outbox.postpone(job.item, error, next_at, server=client.server_url)
        self._wait(job, seconds)

    def _wait(self, job: Job, seconds: float) -> None:
        with self._line.turn:
            self._line.released()
            self._not_before[job.item.id] = self._clock.monotonic() + seconds

    def _missing(self, job: Job) -> None:
        self._wait(job, MISS_SECONDS)
        if self._missed(job, MISSES):
            self._rescan()

    def _changed(self, job: Job) -> None:
        """The file is not the one we know: its new bytes, or another file under its name, take its place."""
        self._wait(job, CHANGED_SECONDS * 2 ** self._misses.get(job.item.id, 0))
        if self._missed(job, CHANGES):
            self._recheck(job.item)

    def _missed(self, job: Job, most: int) -> bool:
        """Count one more time that the file was not as it should be. False: that was once too often."""
        with self._line.turn:
            misses = self._misses[job.item.id] = self._misses.get(job.item.id, 0) + 1
        if misses < most:
            return True
        self._misses.pop(job.item.id, None)
        self._give_up(job, FileGone(gone(job.item.name), paths=[job.item.path]), Status.FAILED)
        return False

    def _give_up(self, job: Job, error: BulletDropError, status: Status) -> None:
        item = self._outbox.give_up(job.item, error, status)
        self._telling.gone(job.item.id)
        if status is Status.REFUSED:
            self._line.passed()
        else:
            self._line.released()
        if item is None:
            self._recheck(job.item)
            return
        log.warning("Not uploaded: %s", error.message, extra={"path": str(item.path), "code": error.code})
        self._hearer.given_up(item, error)
