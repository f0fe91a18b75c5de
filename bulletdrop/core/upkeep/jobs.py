"""JOBS: the one table of background work, and the threads that do it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bulletdrop.core import mail, queue
from bulletdrop.core.audit import forget_audit
from bulletdrop.core.database import using
from bulletdrop.core.drops import intake, pictures
from bulletdrop.core.drops.avatars import sweep_avatars
from bulletdrop.core.drops.deletion import empty_trash, expire
from bulletdrop.core.drops.reservations import sweep_reservations
from bulletdrop.core.models import JobRun, Setting, to_microseconds
from bulletdrop.core.names.chosen import forget_names
from bulletdrop.core.people.pairing import forget_pairings
from bulletdrop.core.people.registration import forget_unverified
from bulletdrop.core.people.sessions import forget_sessions
from bulletdrop.core.people.tickets import forget_tickets
from bulletdrop.core.people.usage import end_silences, forget_usage
from bulletdrop.core.reserve import RESERVE_BYTES, has_room, keep_reserve, with_reserve
from bulletdrop.core.sharing.secrets import sweep_secrets
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.farewell import finish_deletions
from bulletdrop.core.upkeep.overview import measure_thumbnails
from bulletdrop.core.upkeep.sweeps import sweep_orphans, sweep_partials
from bulletdrop.errors import Busy, NotFound
from bulletdrop.log import get_logger

logger = get_logger("jobs")

# A worker looks at the queue this often when nobody wakes it, in seconds: work of other processes, and postponed work.
_LOOK_SECONDS = 5.0
# And whoever sends mail alone, for mail that the workers leave lying because they are all at pictures.
_MAIL_SECONDS = 2.0
_KEEP_RUNS = timedelta(days=30)


@dataclass(frozen=True)
class Periodic:
    """A job that comes again: its name on the command line, what it does, and how often."""

    name: str
    run: Callable[[Site], str]
    every: timedelta


def how_often(span: timedelta) -> str:
    """A span as people say it: "every hour", "every 6 hours"."""
    minutes = int(span.total_seconds()) // 60
    for length, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= length and minutes % length == 0:
            count = minutes // length
            return f"every {unit}" if count == 1 else f"every {count} {unit}s"
    return f"every {span}"


def forget_runs(site: Site) -> str:
    """Remove the records of job runs older than 30 days."""
    return f"{JobRun.delete().where(JobRun.started_at < site.clock.now() - _KEEP_RUNS).execute()} removed"


JOBS: tuple[Periodic, ...] = (
    Periodic("expire", expire, timedelta(minutes=1)),
    Periodic("empty-trash", empty_trash, timedelta(hours=1)),
    Periodic("sweep-orphans", sweep_orphans, timedelta(hours=1)),
    Periodic("sweep-partials", sweep_partials, timedelta(hours=1)),
    Periodic("measure-thumbnails", measure_thumbnails, timedelta(hours=6)),
    Periodic("forget-runs", forget_runs, timedelta(days=1)),
    Periodic("forget-mails", mail.forget_mails, timedelta(hours=1)),
    Periodic("forget-tickets", forget_tickets, timedelta(hours=1)),
    Periodic("forget-sessions", forget_sessions, timedelta(days=1)),
    Periodic("finish-deletions", finish_deletions, timedelta(minutes=5)),
    Periodic("forget-pairings", forget_pairings, timedelta(hours=1)),
    Periodic("forget-unverified", forget_unverified, timedelta(hours=6)),
    Periodic("sweep-avatars", sweep_avatars, timedelta(hours=6)),
    Periodic("forget-audit", forget_audit, timedelta(days=1)),
    Periodic("end-silences", end_silences, timedelta(minutes=1)),
    Periodic("forget-names", forget_names, timedelta(hours=1)),
    Periodic("forget-usage", forget_usage, timedelta(days=1)),
    Periodic("sweep-reservations", sweep_reservations, timedelta(hours=1)),
    Periodic("sweep-secrets", sweep_secrets, timedelta(minutes=1)),
)


def make_thumbnails(site: Site, blob_id: str) -> None:
    """Queue work: decode a picture once and make its thumbnails. One that was deleted meanwhile needs none."""
    with contextlib.suppress(NotFound):
        pictures.make_thumbnails(site, blob_id)


QUEUED: dict[str, Callable[[Site, str], None]] = {intake.THUMBNAILS: make_thumbnails, mail.MAIL: mail.send}


def run_job(site: Site, name: str) -> str:
    """Run a periodic job once, now, and keep a record. Returns what it said. Raises NotFound for an unknown name."""
    job = next((job for job in JOBS if job.name == name), None)
    if job is None:
        raise NotFound(f"There is no job “{name}”. There are: {', '.join(job.name for job in JOBS)}.")
    run = with_reserve(site.config.data, lambda: JobRun.create(name=name, started_at=site.clock.now()))
    result, ok = "", False
    try:
        result, ok = job.run(site), True
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
        raise
    finally:
        JobRun.update(ended_at=site.clock.now(), result=result[:1000], ok=ok).where(JobRun.id == run.id).execute()
    return result


def run_due_jobs(site: Site) -> None:
    """Run each periodic job whose time has come and that no other process has taken."""
    keep_reserve(site.config.data, site.config.min_free_disk)
    for job in JOBS:
        if with_reserve(site.config.data, partial(_take_turn, site, job)):
            try:
                result = run_job(site, job.name)
                # Nothing done is no news: it would bury what is.
                level = logging.DEBUG if result.startswith("0 ") else logging.INFO
                logger.log(level, "job done", extra={"job": job.name, "result": result})
            except Exception:
                logger.exception("job failed", extra={"job": job.name})


def _take_turn(site: Site, job: Periodic) -> bool:
    """Move the job's next time on, by a conditional update: of several processes one succeeds."""
    name, now = f"job:{job.name}", to_microseconds(site.clock.now())
    following = str(now + job.every // timedelta(microseconds=1))
    row = Setting.get_or_none(Setting.name == name)
    if row is None:
        inserted = Setting.insert(name=name, value=following).on_conflict_ignore().as_rowcount().execute()
        return bool(inserted)
    if int(row.value) > now and int(row.value) <= int(following):
        return False
    return bool(Setting.update(value=following).where((Setting.name == name) & (Setting.value == row.value)).execute())


def work_once(site: Site, kinds: tuple[str, ...] = tuple(QUEUED)) -> bool:
    """Do one queued job of these kinds, if there is one. Returns whether there was."""
    # Thumbnails must not take what is kept free for the database; they can wait, and lose no attempt by waiting.
    if not has_room(site.config.data, max(site.config.min_free_disk, 2 * RESERVE_BYTES)):
        return False
    task = queue.claim(site, kinds)
    if task is None:
        return False
    try:
        QUEUED[task.kind](site, task.subject)
    except Busy as error:
        # Not now, such as when the server stops: no fault of the program, whose place a trace would show.
        logger.warning("queued work put off", extra={"kind": task.kind, "subject": task.subject, "why": error.message})
        queue.postpone(site, task, f"{type(error).__name__}: {error}")
    except Exception as error:
        logger.exception("queued work failed", extra={"kind": task.kind, "subject": task.subject})
        queue.postpone(site, task, f"{type(error).__name__}: {error}")
    else:
        queue.finish(site, task)
    return True


class Runner:
    """The threads of the role `jobs`: some that empty the queue, one for mail alone, one for the periodic jobs."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads."""
        count = self._site.config.decode_processes
        targets = [self._work] * count + [self._send_mail, self._keep_time]
        for number, target in enumerate(targets):
            thread = threading.Thread(target=target, name=f"jobs-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, *, seconds: float = 5.0) -> None:
        """Ask the threads to end and wait for them. Work that is cut off is taken up at the next start."""
        self._ended.set()
        self._site.wake.set()
        for thread in self._threads:
            thread.join(seconds)

    def _work(self) -> None:
        while not self._ended.is_set():
            worked = self._guarded(lambda: work_once(self._site))
            if not worked:
                self._site.wake.wait(_LOOK_SECONDS)
                if not self._ended.is_set():
                    self._site.wake.clear()

    def _send_mail(self) -> None:
        """Send what waits behind pictures. A folder full of them takes long, and a busy machine lets them rest."""
        while not self._ended.wait(_MAIL_SECONDS):
            # Without a mail server none is queued, and this thread needs no connection to the database.
            while self._site.config.smtp_host and not self._ended.is_set():
                if not self._guarded(lambda: work_once(self._site, (mail.MAIL,))):
                    break

    def _keep_time(self) -> None:
        while not self._ended.is_set():
            self._guarded(lambda: run_due_jobs(self._site))
            self._ended.wait(20)

    def _guarded(self, work: Callable[[], bool | None]) -> bool:
        """Do a piece of work; whatever goes wrong is logged, and the thread lives on."""
        try:
            with using(self._site.db):
                return bool(work())
        except Exception:
            logger.exception("background work failed")
            self._ended.wait(1)
            return False
