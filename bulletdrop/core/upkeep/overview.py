"""Overview: how the whole server is, for its admin: figures, what needs somebody, where the room went."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from peewee import fn

from bulletdrop.core import mail, queue
from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.models import Audit, Blob, Job, JobRun, Mail, Setting, Team, Upload, User, from_microseconds
from bulletdrop.core.models import to_microseconds as microseconds
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid

_MEASURED = "measured:thumbnails"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Needs:
    """What needs somebody's attention, each as a count, or as what there is too little of."""

    mails: int
    failed_jobs: tuple[str, ...]
    stuck_work: int
    disk_is_low: bool
    security_events: int
    leaving: int
    unverified: int

    @property
    def nothing(self) -> bool:
        """True when there is nothing to do."""
        counts = self.mails + self.stuck_work + self.security_events + self.leaving + self.unverified
        return not (counts or self.failed_jobs or self.disk_is_low)


@dataclass(frozen=True)
class Figures:
    """The server in numbers. Sizes in bytes."""

    users: int
    admins: int
    blocked: int
    teams: int
    uploads: int
    uploads_today: int
    trashed: int
    used: int


@dataclass(frozen=True)
class Room:
    """Where the room of the disk went. Sizes in bytes.

    Args:
        blobs, blob_bytes: files that are kept, each once, however many drops point at it.
        named_bytes: what all drops together would take if each had its own file.
        thumbnails, thumbnail_bytes: as they were at `measured_at`; None before the first time.
        waiting: queued work that is not done yet.
        orphans: what the last sweep said, and when.
    """

    disk_total: int
    disk_free: int
    least_free: int
    blobs: int
    blob_bytes: int
    named_bytes: int
    thumbnails: int | None
    thumbnail_bytes: int | None
    measured_at: datetime | None
    waiting: int
    orphans: str
    swept_at: datetime | None


def needs(site: Site) -> Needs:
    """What somebody should look at."""
    now = site.clock.now()
    free = shutil.disk_usage(site.config.data).free
    recent = (Audit.category == "security") & (Audit.at > now - _DAY)
    return Needs(
        mails=len([one for one in mail.waiting(site) if one.link]) if not site.config.smtp_host else _refused_mails(),
        failed_jobs=tuple(run.name for run in last_runs(site) if run.ok is False),
        stuck_work=Job.select().where(Job.attempts >= queue.MOST_ATTEMPTS).count(),
        disk_is_low=free < 2 * site.config.min_free_disk,
        security_events=Audit.select().where(recent).count(),
        leaving=User.select().where(User.delete_scheduled_for.is_null(False)).count(),
        unverified=User.select().where(~User.is_verified).count(),
    )


def figures(site: Site) -> Figures:
    """The server in numbers, counted now."""
    today = site.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Figures(
        users=User.select().count(),
        admins=User.select().where(User.is_admin).count(),
        blocked=User.select().where(~User.is_active).count(),
        teams=Team.select().count(),
        uploads=Upload.select().where(Upload.trashed_at.is_null()).count(),
        uploads_today=Upload.select().where(Upload.created_at >= today).count(),
        trashed=Upload.select().where(Upload.trashed_at.is_null(False)).count(),
        used=_sum(Blob.select(fn.SUM(Blob.size))),
    )


def room(site: Site) -> Room:
    """Where the room of the disk went."""
    disk = shutil.disk_usage(site.config.data)
    measured = _measured()
    sweep = JobRun.select().where((JobRun.name == "sweep-orphans") & JobRun.ended_at.is_null(False))
    last: JobRun | None = sweep.order_by(JobRun.started_at.desc()).first()
    return Room(
        disk_total=disk.total,
        disk_free=disk.free,
        least_free=site.config.min_free_disk,
        blobs=Blob.select().count(),
        blob_bytes=_sum(Blob.select(fn.SUM(Blob.size))),
        named_bytes=_sum(Upload.select(fn.SUM(Blob.size)).join(Blob)),
        thumbnails=measured.get("files"),
        thumbnail_bytes=measured.get("bytes"),
        measured_at=from_microseconds(measured["at"]) if measured else None,
        waiting=queue.waiting(site),
        orphans=(last.result or "") if last else "",
        swept_at=last.ended_at if last else None,
    )


def biggest(site: Site, kind: str, *, cursor: str | None = None, limit: int = 50) -> Page[Any]:
    """Users or teams by what they keep, the most first. Raises Invalid for another kind."""
    models: dict[str, Any] = {"users": User, "teams": Team}
    if kind not in models:
        raise Invalid("kind is users or teams.", field="kind")
    model = models[kind]
    return paged(model.select(), by=model.storage_used, ties=model.id, cursor=cursor, limit=limit)


def measure_thumbnails(site: Site) -> str:
    """Count the thumbnails and their bytes, which no table knows; the overview shows what was found last."""
    root = site.storage.local_path("thumbnails")
    count = total = 0
    for folder, _, names in os.walk(root) if root is not None else ():
        for name in names:
            try:
                total += Path(folder, name).lstat().st_size
            except FileNotFoundError:
                continue
            count += 1
    value = json.dumps({"at": microseconds(site.clock.now()), "files": count, "bytes": total})
    Setting.insert(name=_MEASURED, value=value).on_conflict(
        conflict_target=[Setting.name], update={Setting.value: value}
    ).execute()
    return f"{count} thumbnails, {total} bytes"


def last_runs(site: Site) -> list[JobRun]:
    """The last run of each periodic job that has ended, by name."""
    latest = (
        JobRun.select(JobRun.name, fn.MAX(JobRun.started_at).alias("latest"))
        .where(JobRun.ended_at.is_null(False))
        .group_by(JobRun.name)
    )
    joined = (JobRun.name == latest.c.name) & (JobRun.started_at == latest.c.latest)
    found = {run.name: run for run in JobRun.select().join(latest, on=joined)}
    return [found[name] for name in sorted(found)]


def list_runs(site: Site, *, name: str = "", cursor: str | None = None, limit: int = 50) -> Page[JobRun]:
    """Runs of periodic jobs, last first."""
    query = JobRun.select()
    if name:
        query = query.where(JobRun.name == name.replace("\0", ""))
    return paged(query, by=JobRun.started_at, ties=JobRun.id, cursor=cursor, limit=limit)


def stuck_work(site: Site) -> list[Job]:
    """Queued work that was given up after its last attempt, oldest first; at most 100."""
    given_up = Job.select().where(Job.attempts >= queue.MOST_ATTEMPTS)
    return list(given_up.order_by(Job.created_at, Job.id).limit(100))


def retry_stuck_work(site: Site) -> int:
    """Let all work that was given up be tried again. Returns how much."""
    values = {"attempts": 0, "held_until": None, "due_at": site.clock.now()}
    again = Job.update(values).where(Job.attempts >= queue.MOST_ATTEMPTS).execute()
    site.wake.set()
    return int(again)


def _refused_mails() -> int:
    """With a mail server, only what it did not take needs somebody."""
    return int(Mail.select().where(Mail.error != "").count())


def _measured() -> dict[str, int]:
    row = Setting.get_or_none(Setting.name == _MEASURED)
    return {} if row is None else dict(json.loads(row.value))


def _sum(query: Any) -> int:
    return int(query.scalar() or 0)
