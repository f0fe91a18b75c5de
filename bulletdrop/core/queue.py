"""The durable queue: work that must happen, kept in the database until it did, done by one worker at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from peewee import fn

from bulletdrop.core.database import transaction
from bulletdrop.core.models import Job, new_id
from bulletdrop.core.site import Site

# How long a worker may hold a job before another one takes it over: longer than any picture may take.
HELD = timedelta(minutes=5)
# Then it is left alone, with its error, for the admin to see.
MOST_ATTEMPTS = 8


@dataclass(frozen=True)
class Task:
    """A job in a worker's hands."""

    id: str
    kind: str
    subject: str
    attempts: int


def enqueue(site: Site, kind: str, subject: str) -> None:
    """Ask for `kind` to be done to `subject`. Asking twice is asking once. Belongs into the caller's transaction."""
    now = site.clock.now()
    Job.insert(id=new_id(), kind=kind, subject=subject, due_at=now, created_at=now).on_conflict(
        conflict_target=[Job.kind, Job.subject], preserve=[Job.due_at], update={Job.attempts: 0, Job.held_until: None}
    ).execute()


def claim(site: Site, kinds: tuple[str, ...]) -> Task | None:
    """Take the job that has been due longest and that nobody holds, or None."""
    now = site.clock.now()
    free = (Job.held_until.is_null()) | (Job.held_until < now)
    ready = Job.kind.in_(kinds) & (Job.due_at <= now) & (Job.attempts < MOST_ATTEMPTS) & free
    with transaction(site.db):
        job = Job.select().where(ready).order_by(Job.due_at, Job.id).first()
        if job is None:
            return None
        # Conditional: on Postgres another worker may have read the same row.
        taken = Job.update(held_until=now + HELD, attempts=Job.attempts + 1).where((Job.id == job.id) & ready).execute()
    return Task(job.id, job.kind, job.subject, job.attempts + 1) if taken else None


def finish(site: Site, task: Task) -> None:
    """The work is done: forget the job."""
    Job.delete().where(Job.id == task.id).execute()


def postpone(site: Site, task: Task, error: str) -> None:
    """The work failed: try again later, each time after a longer wait (5 s, doubled, up to an hour)."""
    wait = min(5 * 2 ** (task.attempts - 1), 3600)
    later = site.clock.now() + timedelta(seconds=wait)
    Job.update(held_until=None, due_at=later, error=error[:1000]).where(Job.id == task.id).execute()


def waiting(site: Site) -> int:
    """How many jobs are not done yet."""
    return int(Job.select(fn.COUNT(Job.id)).scalar() or 0)
