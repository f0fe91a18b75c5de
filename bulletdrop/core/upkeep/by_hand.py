"""By hand: jobs that an admin runs now, each recorded with who did it."""

from __future__ import annotations

from bulletdrop.core.audit import record
from bulletdrop.core.people.administration import By
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.jobs import JOBS, run_job
from bulletdrop.core.upkeep.overview import retry_stuck_work
from bulletdrop.errors import NotFound, Unavailable
from bulletdrop.log import get_logger

logger = get_logger("jobs")


def run_by_hand(site: Site, by: By, name: str) -> str:
    """Run a periodic job once, now. Returns what it said.

    Raises: NotFound for an unknown name, Unavailable with the reason when it failed.
    """
    if name not in {job.name for job in JOBS}:
        raise NotFound(f"There is no job “{name[:40]}”. There are: {', '.join(job.name for job in JOBS)}.")
    record(site, "job.run", actor=by.actor, subject=name, address=by.address, category="admin")
    try:
        return run_job(site, name)
    except Exception as error:
        logger.exception("job failed", extra={"job": name})
        raise Unavailable(f"The job {name} failed. Its last run on the page of the jobs says why.") from error


def retry_by_hand(site: Site, by: By) -> int:
    """Let queued work that was given up be tried again. Returns how much."""
    again = retry_stuck_work(site)
    record(site, "job.retry", actor=by.actor, address=by.address, category="admin", detail=f"{again} tried again")
    return again
