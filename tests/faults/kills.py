"""kill -9 at random moments under load: nothing that was acknowledged may be missing, wrong or dangling."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.checker import Findings, judge
from tests.faults.clients import Traffic
from tests.faults.ledger import Ledger
from tests.faults.product import Product, ProductError

# The longest that the undisturbed work at the end of a run may take, in seconds.
WORK_SECONDS = 60


@dataclass
class KillReport:
    """What a run of kills showed."""

    kills: int = 0
    seconds: float = 0.0
    restarts: list[float] = field(default_factory=list)
    survivors: int = 0
    traffic: dict[str, int] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    def violations(self) -> list[str]:
        """Every broken promise: the judge's, unexpected answers, and children that outlived the server."""
        left = [f"{self.survivors} children outlived their server"] if self.survivors else []
        return [*self.findings.violations(), *(f"strange: {text}" for text in self.strange), *left]

    def restart_p95(self) -> float:
        """Seconds from exec to the first 200, 95th percentile."""
        return (
            statistics.quantiles(self.restarts, n=20)[-1] if len(self.restarts) > 1 else max(self.restarts, default=0.0)
        )

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        mine: dict[str, object] = {
            "kills": self.kills,
            "seconds": round(self.seconds, 1),
            "restart_p95_s": round(self.restart_p95(), 2),
        }
        return mine | self.traffic | self.findings.figures() | {"survivors": self.survivors}


def run_kills(
    folder: Path,
    *,
    count: int,
    database_url: str = "",
    clients: int = 20,
    mean_seconds: float = 0.7,
    largest: int = 3_000_000,
    seed: int = 1,
    source: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> KillReport:
    """Kill a server `count` times under load and judge what is left.

    Args:
        folder: an empty folder; the data folder and the ledger's folder are made in it.
        database_url: of Postgres; empty for SQLite.
        mean_seconds: mean of the exponential time from a ready server to its death.
        source: a folder with another copy of the package.
    """
    settings = dict(environ or {}) | ({"BULLETDROP_DATABASE_URL": database_url} if database_url else {})
    product = Product(folder / "data", source=source, environ=settings)
    (folder / "ledger").mkdir()
    ledger = Ledger(folder / "ledger" / "ledger.jsonl")
    keys = {"alice": product.person("alice"), "bob": product.person("bob", admin=False)}
    report = KillReport()
    try:
        product.start()
        traffic = Traffic(product.url, keys, ledger, seed=seed, largest=largest)
        asyncio.run(_under_load(product, traffic, report, count=count, clients=clients, mean=mean_seconds, seed=seed))
        report.traffic, report.strange = dict(traffic.figures), traffic.strange
        report.findings = judge(product, ledger, keys, database_url=database_url)
    except ProductError as error:
        report.findings.damaged.append(str(error))
    finally:
        product.kill()
        ledger.close()
    report.survivors = product.survivors
    return report


async def _under_load(
    product: Product, traffic: Traffic, report: KillReport, *, count: int, clients: int, mean: float, seed: int
) -> None:
    began = time.monotonic()
    load = asyncio.create_task(traffic.run(clients))
    rng = Random(seed)
    try:
        for _ in range(count):
            await asyncio.sleep(rng.expovariate(1 / mean))
            await asyncio.to_thread(product.kill)
            report.kills += 1
            report.restarts.append(await asyncio.to_thread(product.start))
        # Some undisturbed work at the end, so that the last restart is seen to take uploads: on a busy machine too.
        enough = traffic.figures["acked"] + 2 * clients
        for _ in range(WORK_SECONDS):
            await asyncio.sleep(1.0)
            if traffic.figures["acked"] >= enough:
                break
    finally:
        traffic.stop()
        report.seconds = time.monotonic() - began
        await load
