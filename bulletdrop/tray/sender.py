"""Takes captures from the outbox to the server: three workers, one gate, no give-up while there is hope."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from bulletdrop.clock import Clock
from bulletdrop.errors import (
    BulletDropError,
    Busy,
    Forbidden,
    NotSetUp,
    NotSignedIn,
    Rejected,
    TooSlow,
    Truncated,
    WrongDigest,
)
from bulletdrop.log import get_logger
from bulletdrop.tray.answers import ServerFault
from bulletdrop.tray.client import Client, FileCut
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.gate import Gate, ladder
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.rows import Job

log = get_logger("sender")

WORKERS = 3
LATE_SECONDS = 10.0
PROBE_SECONDS = 10.0
# A file that is not where it was may have been renamed: the watcher is given this many tries to find it.
MISSES = 4
MISS_SECONDS = 0.75
CHANGED_SECONDS = 1.0


class FileGone(Rejected):
    """The file was deleted, moved away or made unreadable before it could be sent."""

    code = "file_gone"
    title = "The file is gone"


class Hearer(Protocol):
    """Who is told what happened. Called from the workers' threads, without any lock held."""

    def sent(self, item: Item, *, late: bool) -> None: ...

    def given_up(self, item: Item, error: BulletDropError) -> None: ...

    def held_back(self, error: BulletDropError) -> None: ...

    def changed(self) -> None: ...


class Sender:
    """The workers. `recheck` is told of a file that is not what the outbox says, `rescan` of one that is not there."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        hearer: Hearer,
        *,
        client: Client | None,
        recheck: Callable[[Item], None],
        rescan: Callable[[], None],
        workers: int = WORKERS,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._hearer = hearer
        self._client = client
        self._recheck, self._rescan = recheck, rescan
        self._turn = threading.Condition()
        self._delivery = threading.Lock()
        self._gate = Gate(clock)
        self._paused = False
        self._stopping = False
        self._on_the_way: set[int] = set()
        # Captures that wait for themselves alone: id → monotonic time.
        self._not_before: dict[int, float] = {}
        self._misses: dict[int, int] = {}
        # Captures of this run: id → when they were whole (monotonic). What is not here is from before: late.
        self._fresh: dict[int, float] = {}
        self._newest_shown = 0
        self._stopper: set[int] = set()
        self._answers = True
        # The person was told that the account has used up what it may.
        self._told = False
        self._next_probe = 0.0
        self._threads = [threading.Thread(target=self._work, name=f"sender-{n}", daemon=True) for n in range(workers)]

    def start(self) -> None:
        """Begin to send what waits."""
        for thread in self._threads:
            thread.start()

    def stop(self, drain_seconds: float) -> None:
        """Take nothing new, let what is on its way arrive for so long, then break the connections. Blocks."""
        with self._turn:
            self._stopping = True
            self._turn.notify_all()
            self._turn.wait_for(lambda: not self._on_the_way, timeout=drain_seconds)
            client = self._client
        if client is not None:
            client.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(5)

    def add(self, items: Sequence[Item]) -> None:
        """These are new in the outbox."""
        with self._turn:
            now = self._clock.monotonic()
            self._fresh.update((item.id, now) for item in items)
            for item in items:
                self._not_before.pop(item.id, None)
            self._gate.kick()
            self._turn.notify_all()

    def hurry(self, item_id: int | None = None) -> None:
        """Try now: one capture, or all of them (the network came back, the machine woke)."""
        with self._turn:
            if item_id is None:
                self._not_before.clear()
            else:
                self._not_before.pop(item_id, None)
                self._misses.pop(item_id, None)
            self._gate.kick()
            self._turn.notify_all()

    def use(self, client: Client) -> None:
        """Send there from now on."""
        with self._turn:
            old, self._client = self._client, client
            self._gate.reset()
            self._not_before.clear()
            self._turn.notify_all()
        if old is not None and old is not client:
            old.close()
        self._hearer.changed()

    def pause(self, paused: bool) -> None:
        """Hold back, or go on. What is on its way arrives."""
        with self._turn:
            self._paused = paused
            self._turn.notify_all()

    @property
    def sending(self) -> frozenset[int]:
        """The ids on their way now."""
        with self._turn:
            return frozenset(self._on_the_way)

    def obstacle(self) -> tuple[BulletDropError | None, bool]:
        """What keeps all uploads back, if anything, and whether only the person can remove it."""
        with self._turn:
            return self._gate.reason, self._gate.needs_person

    @property
    def has_client(self) -> bool:
        return self._client is not None

    # -- the workers

    def _work(self) -> None:
        warmed: Client | None = None
        while not self._stopping:
            try:
                job, client = self._next(warmed)
                if job is not None and client is not None:
                    self._carry(job, client)
                elif client is not warmed and client is not None:
                    client.warm()
                elif client is not None and not self._stopping:
                    self._probe(client)
                warmed = client
            except Exception:
                # The outbox cannot be read, say. A worker that ends would end the uploads in silence.
                log.exception("A round of a sender failed.")
                with self._turn:
                    self._turn.wait_for(lambda: self._stopping, timeout=1.0)

    def _next(self, warmed: Client | None) -> tuple[Job | None, Client | None]:
        """Wait for something to do: a capture to send, a new client to warm, a probe that is due."""
        with self._turn:
            while True:
                job, client = self._claim(), self._client
                if job is not None or self._stopping or client is not warmed or self._probe_due():
                    return job, client
                self._turn.wait(self._patience())

    def _claim(self) -> Job | None:
        """The next capture for this worker; its id is on the way from now on. Called with the lock held."""
        if self._paused or self._stopping or self._client is None or self._gate.wait() != 0.0:
            return None
        now = self._clock.monotonic()
        for item_id in [item_id for item_id, until in self._not_before.items() if until <= now]:
            del self._not_before[item_id]
        since = self._clock.now() - timedelta(seconds=LATE_SECONDS)
        skip = self._on_the_way | self._not_before.keys()
        # Whatever stopped everything the last time does not go first: it may be the only one that cannot pass.
        job = self._outbox.next_waiting(skip | self._stopper, since) or self._outbox.next_waiting(skip, since)
        if job is None or not self._gate.enter():
            return None
        self._on_the_way.add(job.item.id)
        return job

    def _patience(self) -> float | None:
        """Seconds to sleep at most; None: until somebody calls."""
        if self._paused or self._client is None:
            return None
        waits = [until - self._clock.monotonic() for until in self._not_before.values()]
        gate = self._gate.wait()
        if gate:
            waits.append(gate)
        if self._gate.unreachable:
            waits.append(self._next_probe - self._clock.monotonic())
        return max(0.01, min(waits)) if waits else None

    def _probe_due(self) -> bool:
        """Whether this worker shall ask the server for a sign of life. Called with the lock held."""
        if not self._gate.unreachable or self._clock.monotonic() < self._next_probe or self._paused:
            return False
        self._next_probe = self._clock.monotonic() + PROBE_SECONDS
        return True

    def _probe(self, client: Client) -> None:
        """While offline, a small question every ten seconds finds the network's return before the ladder does."""
        try:
            client.health()
        except BulletDropError:
            self._answers = False
            return
        # Only the change counts: a server that answers this and breaks uploads must not be stormed.
        if not self._answers:
            self._answers = True
            self.hurry()

    def _carry(self, job: Job, client: Client) -> None:
        """Send one capture and account for whatever comes of it."""
        self._hearer.changed()
        try:
            self._send(job, client)
        except Exception:
            log.exception("Sending failed in an unforeseen way.", extra={"path": str(job.item.path)})
            with self._turn:
                self._gate.released()
                self._not_before[job.item.id] = self._clock.monotonic() + 30.0
        finally:
            with self._turn:
                self._on_the_way.discard(job.item.id)
                self._turn.notify_all()
            self._hearer.changed()

    def _send(self, job: Job, client: Client) -> None:
        item = job.item
        now = Sighting.look(item.path)
        if now is None:
            self._missing(job)
            return
        if not (now.same_file(job.at) and now.unchanged(job.at)):
            self._changed(job, replaced=not now.same_file(job.at))
            return
        try:
            answer = client.upload(
                item.path, item.name, size=item.size, sha256=item.sha256, idempotency_key=job.idempotency_key
            )
        except FileCut:
            self._changed(job, replaced=False)
        except OSError:
            self._missing(job)
        except BulletDropError as error:
            self._refused(job, client, error)
        else:
            done = self._outbox.finish(item, answer)
            self._passed()
            if done is None:
                # It changed on the way: what the server has is the older version.
                self._recheck(item)
            else:
                # One at a time: between the judgement and the clipboard no newer link may slip in.
                with self._delivery:
                    self._hearer.sent(done, late=self._is_late(item.id))

    def _is_late(self, item_id: int) -> bool:
        """Whether this link must not go to the clipboard by itself: old, or overtaken by a newer capture."""
        with self._turn:
            whole_at = self._fresh.pop(item_id, None)
            overtaken = item_id < self._newest_shown or any(other > item_id for other in self._fresh)
            late = whole_at is None or self._clock.monotonic() - whole_at > LATE_SECONDS or overtaken
            if not late:
                self._newest_shown = item_id
            return late

    def _refused(self, job: Job, client: Client, error: BulletDropError) -> None:
        """Sort an error by who it concerns: this capture now, this capture for ever, or all of them."""
        if client is not self._client:
            # Paired anew meanwhile: what the old key was told is of no matter.
            with self._turn:
                self._gate.released()
        elif isinstance(error, ServerFault | TooSlow):
            self._later(job, error)
        elif isinstance(error, WrongDigest | Truncated) and job.item.attempts < 3:
            # The bytes changed between our hash and the wire, or on it.
            self._later(job, error)
            self._recheck(job.item)
        elif isinstance(error, Busy | NotSignedIn | Forbidden | NotSetUp):
            with self._turn:
                self._stopper = {job.item.id}
                self._gate.failed(error)
                self._answers = not self._gate.unreachable
                self._next_probe = self._clock.monotonic() + PROBE_SECONDS
                wait = self._gate.wait()
                is_news, self._told = self._gate.used_up and not self._told, self._gate.used_up
            next_at = None if wait is None else self._clock.now() + timedelta(seconds=wait)
            self._outbox.postpone(job.item, error, next_at)
            log.warning("Uploads wait: %s", error.message)
            if is_news:
                self._hearer.held_back(error)
        else:
            self._give_up(job, error, Status.REFUSED)

    def _later(self, job: Job, error: BulletDropError) -> None:
        """This capture alone waits; the others go on."""
        seconds = ladder(job.item.attempts)
        self._outbox.postpone(job.item, error, self._clock.now() + timedelta(seconds=seconds))
        with self._turn:
            self._gate.released()
            self._not_before[job.item.id] = self._clock.monotonic() + seconds

    def _missing(self, job: Job) -> None:
        item_id = job.item.id
        with self._turn:
            self._gate.released()
            misses = self._misses[item_id] = self._misses.get(item_id, 0) + 1
            self._not_before[item_id] = self._clock.monotonic() + MISS_SECONDS
        if misses < MISSES:
            self._rescan()
            return
        self._misses.pop(item_id, None)
        message = f"{job.item.name} was deleted, moved away or made unreadable before it could be sent."
        self._give_up(job, FileGone(message, paths=[job.item.path]), Status.FAILED)

    def _changed(self, job: Job, *, replaced: bool) -> None:
        """The file is not the one we hashed. Its own new bytes take its place; another file under its name is a
        capture of its own, and this one exists no more."""
        with self._turn:
            self._gate.released()
            self._not_before[job.item.id] = self._clock.monotonic() + CHANGED_SECONDS
        if replaced:
            self._outbox.withdraw(job.item)
            with self._turn:
                self._fresh.pop(job.item.id, None)
        self._recheck(job.item)

    def _give_up(self, job: Job, error: BulletDropError, status: Status) -> None:
        with self._turn:
            self._gate.released()
            self._fresh.pop(job.item.id, None)
        item = self._outbox.give_up(job.item, error, status)
        if status is Status.REFUSED:
            self._passed()
        if item is None:
            self._recheck(job.item)
            return
        log.warning("Not uploaded: %s", error.message, extra={"path": str(item.path), "code": error.code})
        self._hearer.given_up(item, error)

    def _passed(self) -> None:
        """The server works: whoever waited for it goes now."""
        with self._turn:
            self._answers, self._told = True, False
            if self._gate.passed():
                self._turn.notify_all()
