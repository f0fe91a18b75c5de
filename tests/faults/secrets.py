"""Secrets under fire: many openers at once, and openers whose server is killed. N openings allowed are never N + 1."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from tests.faults.product import Product
from tests.faults.races import RaceReport

LIMITS = (1, 10)
TEXT = "kerfuffle-otter-brisk-4711"


def maker(product: Product) -> str:
    """A person with a key that makes secrets."""
    product.person("alice")
    done = product.cli("key", "add", "alice", "--name", "secrets", "--scope", "secrets:read secrets:write")
    return done.stdout.strip().splitlines()[-1]


def make(product: Product, key: str, limit: int) -> str:
    """A secret that opens so many times. Returns its id."""
    body = json.dumps({"content": TEXT, "max_views": limit}).encode()
    status, made = product.ask("POST", "/api/v1/secrets", key, body, Content_Type="application/json")
    if status != 201:
        raise AssertionError(f"making a secret was answered {status}: {made}")
    return str(made["id"])


def secrets_race(
    folder: Path,
    *,
    rounds: int,
    clients: int = 200,
    workers: int = 1,
    database_url: str = "",
    limits: Iterable[int] = LIMITS,
    source: Path | None = None,
) -> RaceReport:
    """All clients open one secret at once, round after round: exactly as many as it allows are given it."""
    report = RaceReport("secrets")
    product = Product(folder / "data", source=source, environ=_settings(workers, database_url))
    key = maker(product)
    granted: dict[int, list[int]] = {limit: [] for limit in limits}
    with product:
        for _ in range(rounds):
            for limit, counts in granted.items():
                secret_id = make(product, key, limit)
                answers = asyncio.run(_open_together(product.url, secret_id, clients))
                counts.append(_judge(answers, limit, report))
        product.stop()
    report.counts |= {"workers": workers, "clients": clients, "rounds": rounds}
    for limit, counts in granted.items():
        report.counts |= {f"limit_{limit}_least": min(counts), f"limit_{limit}_most": max(counts)}
    left = [path.name for path in (product.data / "secrets").rglob("*") if path.is_file()]
    if left:
        report.violations.append(f"{len(left)} ciphertexts lie in the storage after the last opening")
    return report


def secrets_kills(
    folder: Path, *, kills: int, clients: int = 50, workers: int = 1, database_url: str = "", seed: int = 1
) -> RaceReport:
    """As the race, but the server is killed while it answers; then all ask again. Never more than allowed in sum."""
    report = RaceReport("secrets and kills")
    product = Product(folder / "data", environ=_settings(workers, database_url))
    key, rng, counts = maker(product), Random(seed), Counter[str]()
    product.start()
    try:
        for number in range(kills):
            limit = LIMITS[number % len(LIMITS)]
            secret_id = make(product, key, limit)
            first = asyncio.run(_open_and_kill(product, secret_id, clients, rng.random() * 0.15))
            product.kill()
            product.start()
            second = asyncio.run(_open_together(product.url, secret_id, clients))
            given = sum(status == 200 for status, _ in (*first, *second))
            counts["cut off"] += sum(status == 0 for status, _ in first)
            counts["lost openings"] += limit - given
            counts["given before the kill"] += sum(status == 200 for status, _ in first)
            if given > limit:
                report.violations.append(f"kill {number}: limit {limit}, given {given}")
    finally:
        product.kill()
    report.counts |= {"kills": kills, "workers": workers, **counts}
    return report


def _settings(workers: int, database_url: str) -> dict[str, str]:
    return {
        "BULLETDROP_WORKERS": str(workers),
        "BULLETDROP_MIN_FREE_DISK": "0",
        **({"BULLETDROP_DATABASE_URL": database_url} if database_url else {}),
    }


async def _open_together(url: str, secret_id: str, clients: int) -> list[tuple[int, Any]]:
    """The same opening from many clients, each on a connection of its own that is open before the first asks."""
    ready = asyncio.Barrier(clients)

    async def one(session: aiohttp.ClientSession) -> tuple[int, Any]:
        async with session.get("/health") as warm:
            await warm.read()
        await ready.wait()
        try:
            async with session.post(f"/api/v1/secrets/{secret_id}/open", json={}) as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientError as error:
            return 0, repr(error)

    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as session:
        return list(await asyncio.gather(*(one(session) for _ in range(clients))))


async def _open_and_kill(product: Product, secret_id: str, clients: int, seconds: float) -> list[tuple[int, Any]]:
    opening = asyncio.ensure_future(_open_together(product.url, secret_id, clients))
    await asyncio.sleep(0.05 + seconds)
    await asyncio.to_thread(product.kill)
    try:
        return await opening
    except aiohttp.ClientError:
        # It was gone before all connections were open: nobody had asked.
        return []


def _judge(answers: list[tuple[int, Any]], limit: int, report: RaceReport) -> int:
    """Compare what was given with what is allowed. Returns how many were given it."""
    given = [body for status, body in answers if status == 200]
    strange = Counter(status for status, _ in answers if status not in (200, 410))
    if len(given) != limit:
        report.violations.append(f"limit {limit}: given {len(given)}")
    if strange:
        report.violations.append(f"limit {limit}: answers {dict(strange)}")
    if any(body["content"] != TEXT for body in given):
        report.violations.append("another text was given")
    if sorted(body["views_left"] for body in given) != list(range(limit)):
        report.violations.append(f"views left: {sorted(body['views_left'] for body in given)}")
    return len(given)
