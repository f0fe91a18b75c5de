"""Races over the same bytes and the same key: one blob, true counts, one drop per key, no upload lost to a delete."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from tests.faults.checker import check_folder, sweep
from tests.faults.product import ROOT, Product, end_group
from tests.faults.samples import png
from tests.faults.tables import query, read_tables

# A race by time goes on until so many uploads were acknowledged, for so many seconds more at most.
LEAST, MORE_SECONDS = 12, 60.0


@dataclass
class RaceReport:
    """What one race showed."""

    race: str
    counts: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        return {"race": self.race, **self.counts, "violations": len(self.violations)}


def _settings(database_url: str) -> dict[str, str]:
    return {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}


async def _together(
    url: str, key: str, content: bytes, clients: int, idempotency_key: str | None
) -> list[tuple[int, dict[str, Any]]]:
    """The same upload from many clients, all bodies ready before the first is sent."""
    ready = asyncio.Barrier(clients)

    async def one(session: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
        headers = {"X-API-Key": key} | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        async with session.get("/health") as warm:  # so that every connection is open at the start
            await warm.read()
        await ready.wait()
        async with session.put("/api/v1/uploads/same.png", data=content, headers=headers) as answer:
            return answer.status, json.loads(await answer.read())

    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as session:
        return list(await asyncio.gather(*(one(session) for _ in range(clients))))


def dedupe_race(
    folder: Path, *, rounds: int = 5, clients: int = 50, source: Path | None = None, database_url: str = ""
) -> RaceReport:
    """The same new bytes from all clients at once: one blob, as many rows, as many references."""
    report = RaceReport("dedupe")
    product = Product(folder / "data", source=source, environ=_settings(database_url))
    key = product.person("alice")
    with product:
        for number in range(rounds):
            answers = asyncio.run(_together(product.url, key, png(Random(number), 30_000), clients, None))
            _statuses(report, answers)
            distinct = len({body["id"] for status, body in answers if status == 201})
            if distinct != clients:
                report.violations.append(f"{clients} uploads gave {distinct} drops")
        time.sleep(0.5)
        product.stop()
    tables = read_tables(product.data, database_url)
    report.counts |= {
        "rounds": rounds,
        "blobs": len(tables.blobs),
        "rows": len(tables.uploads),
        "refs": sum(b.refs for b in tables.blobs),
    }
    if len(tables.blobs) != rounds:
        report.violations.append(f"{rounds} different files are {len(tables.blobs)} blobs")
    report.violations += check_folder(product.data, database_url).violations()
    return report


def idempotency_race(
    folder: Path, *, rounds: int = 5, clients: int = 50, source: Path | None = None, database_url: str = ""
) -> RaceReport:
    """One idempotency key from all clients at once: one drop, and every answer names it."""
    report = RaceReport("idempotency")
    product = Product(folder / "data", source=source, environ=_settings(database_url))
    key = product.person("alice")
    with product:
        for number in range(rounds):
            answers = asyncio.run(_together(product.url, key, png(Random(number), 30_000), clients, f"key-{number}"))
            _statuses(report, answers)
            ids = {body["id"] for status, body in answers if status == 201}
            if len(ids) != 1:
                report.violations.append(f"one key gave {len(ids)} drops")
        time.sleep(0.5)
        product.stop()
    tables = read_tables(product.data, database_url)
    report.counts |= {"rounds": rounds, "rows": len(tables.uploads)}
    if len(tables.uploads) != rounds:
        report.violations.append(f"{rounds} keys are {len(tables.uploads)} rows")
    report.violations += check_folder(product.data, database_url).violations()
    return report


def _statuses(report: RaceReport, answers: list[tuple[int, dict[str, Any]]]) -> None:
    for status, body in answers:
        if status != 201:
            report.violations.append(f"answered {status}: {body}")


def delete_race(folder: Path, *, seconds: float, source: Path | None = None, database_url: str = "") -> RaceReport:
    """Bob uploads what Alice deletes for good, again and again: what Bob was told is stored stays.

    The trash is kept for no time here and another process empties it without pause, so that every delete takes
    bytes away.
    """
    report = RaceReport("delete against upload")
    product = Product(folder / "data", source=source, environ={"BULLETDROP_TRASH_DAYS": "0", **_settings(database_url)})
    alice, bob = product.person("alice"), product.person("bob", admin=False)
    rng = Random(3)
    with product, _emptier(product):
        until = time.monotonic() + seconds
        # A busy machine gets less done in the time.
        late = until + MORE_SECONDS
        while time.monotonic() < until or (report.counts.get("acked", 0) < LEAST and time.monotonic() < late):
            _one_delete_race(product, alice, bob, png(rng, 6_000), rng, report)
        product.stop()
    sweep(product)
    report.violations += check_folder(product.data, database_url).violations()
    report.counts["left"] = len(query(product.data, database_url, "SELECT id FROM upload")[0])
    return report


@contextlib.contextmanager
def _emptier(product: Product) -> Iterator[None]:
    """Another process over the same data folder that empties the trash again and again."""
    command = [sys.executable, "-m", "tests.faults.emptier", str(product.data)]
    environ = product.environ | {"PYTHONPATH": f"{product.source}{os.pathsep}{ROOT}"}
    with product.log.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=product.source, env=environ, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
        assert process.poll() is None, product.log_tail()
    finally:
        end_group(process)


def _one_delete_race(product: Product, alice: str, bob: str, content: bytes, rng: Random, report: RaceReport) -> None:
    """Alice has the only copy and deletes it while Bob sends the same bytes."""
    counts = Counter(report.counts)
    status, first = product.put("alice.png", content, alice)
    if status != 201:
        report.violations.append(f"Alice's upload was answered {status}: {first}")
        return
    deleting = threading.Thread(target=product.ask, args=("DELETE", f"/api/v1/uploads/{first['id']}", alice))
    deleting.start()
    time.sleep(rng.random() * 0.06)
    status, second = product.put("bob.png", content, bob)
    deleting.join()
    counts["rounds"] += 1
    if status == 201:
        counts["acked"] += 1
        time.sleep(rng.random() * 0.1)
        seen, got = product.ask("GET", f"/i/{second['id']}", bob)
        if seen != 200 or hashlib.sha256(got).hexdigest() != second["sha256"]:
            counts["acked then gone"] += 1
            report.violations.append(f"Bob was told 201 and then {seen}")
    else:
        report.violations.append(f"Bob's upload was answered {status}: {second}")
    report.counts = dict(counts)
