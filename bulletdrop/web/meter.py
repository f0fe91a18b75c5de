"""What is counted off the request path: bytes served and API requests by account, written down every few seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import Executor

from bulletdrop.core.database import using
from bulletdrop.core.people import usage
from bulletdrop.core.site import Site
from bulletdrop.log import get_logger

log = get_logger("meter")


class Meter:
    """What this process has counted since it was last written down. For the event loop's thread alone.

    A clean stop writes the rest; a crash loses what is not written yet, at most a few seconds' worth.
    """

    def __init__(self) -> None:
        self.served: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()

    async def write(self, site: Site, pool: Executor) -> None:
        """Write it down. What cannot be written now is kept for the next time."""
        counts: dict[str, dict[str, int]] = {}
        for name, counter in (("bytes_served", self.served), ("api_requests", self.requests)):
            for account_id, count in counter.items():
                counts.setdefault(account_id, {})[name] = count
            counter.clear()
        if not counts:
            return
        await asyncio.get_running_loop().run_in_executor(pool, _write, site, counts)
        for account_id, figures in counts.items():
            self.served[account_id] += figures.get("bytes_served", 0)
            self.requests[account_id] += figures.get("api_requests", 0)


def _write(site: Site, counts: dict[str, dict[str, int]]) -> None:
    try:
        with using(site.db):
            usage.add_many(site, counts)
    except Exception:
        log.exception("what was used cannot be written down yet")
