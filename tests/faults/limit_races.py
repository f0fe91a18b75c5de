"""Races on a number of views: two hundred clients at once get exactly what was allowed, also through a kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from tests.faults.product import Product, ProductError
from tests.faults.samples import png
from tests.faults.tables import query

CLIENTS = 200
LIMITS = (1, 10)
WORKERS = (1, 4)
# What is asked for: a share link's page and bytes, and the page and bytes of a drop with a limit of its own.
TARGETS = ("link page", "link bytes", "drop page", "drop bytes")
_PATIENCE = 60.0
_Connection: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class LimitReport:
    """What the races of one server showed.

    cut: kills that came after the first view was counted and before the last was answered.
    lost: views that were counted while the server was killed, and of which no client got an answer.
    """

    workers: int
    rounds: int = 0
    granted: int = 0
    refused: int = 0
    kills: int = 0
    cut: int = 0
    lost: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        names = ("workers", "rounds", "granted", "refused", "kills", "cut", "lost")
        return {
            **{name: getattr(self, name) for name in names},
            "seconds": round(self.seconds, 1),
            "violations": len(self.violations),
        }


class Crowd:
    """Clients without cookies, each with a connection of its own that is open before the race begins.

    Args:
        port: of the server on 127.0.0.1.
    """

    def __init__(self, port: int, clients: int) -> None:
        self._port = port
        self._clients = clients
        self._open: list[_Connection] = []

    async def gather(self) -> None:
        """Open the connections that are missing, and see every one answer."""
        missing = self._clients - len(self._open)
        self._open += await asyncio.gather(*(asyncio.open_connection("127.0.0.1", self._port) for _ in range(missing)))
        if missing:
            answers = await self.ask("/health")
            if answers != Counter({200: self._clients}):
                raise ProductError(f"the crowd could not gather: {answers}")

    async def ask(self, path: str) -> Counter[int]:
        """Ask from all connections: every request is written before the first answer is read.

        Returns: how often each status came; 0 for a connection that ended without one.
        """
        accept = "text/html" if not path.endswith(".png") else "image/png"
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAccept: {accept}\r\n\r\n".encode()
        for _, writer in self._open:
            with contextlib.suppress(OSError):
                writer.write(head)
        answers = await asyncio.gather(*(self._answer(reader) for reader, _ in self._open))
        kept: list[_Connection] = []
        ended: list[_Connection] = []
        for one, (_, lives) in zip(self._open, answers, strict=True):
            (kept if lives else ended).append(one)
        self._open = kept
        await _close(ended)
        return Counter(status for status, _ in answers)

    async def leave(self) -> None:
        """Close the connections."""
        await _close(self._open)
        self._open = []

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bool]:
        """One answer's status, and whether the connection goes on. A status that came counts also when its body broke
        off: what is in the head was given.
        """
        status = 0
        try:
            async with asyncio.timeout(_PATIENCE):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                status = int(head.split(" ", 2)[1])
                length = next((line for line in head.split("\r\n") if line.startswith("content-length:")), ":0")
                await reader.readexactly(int(length.partition(":")[2]))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            return status, False
        return status, "connection: close" not in head


async def _close(connections: Sequence[_Connection]) -> None:
    for _, writer in connections:
        writer.close()
    for _, writer in connections:
        with contextlib.suppress(OSError):
            await writer.wait_closed()


class Field:
    """A server, somebody whose things are looked at, and new things with a limit for each round."""

    def __init__(self, folder: Path, *, workers: int, database_url: str, source: Path | None, seed: int) -> None:
        environ = {"BULLETDROP_WORKERS": str(workers), "BULLETDROP_MIN_FREE_DISK": "0"}
        environ |= {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
        self.product = Product(folder / "data", source=source, environ=environ)
        self.database_url = database_url
        self._key = self.product.person("alice")
        self._picture = png(Random(seed), 4000)
        self._drop = ""

    def begin(self) -> None:
        """Have a drop that links can lead to, on the running server."""
        self._drop = self._upload("")["id"]

    def new(self, target: str, most: int) -> tuple[str, str]:
        """Something that may be seen so often. Returns the path to ask for, and the question for its counted views."""
        if target.startswith("link"):
            body = f'{{"max_views": {most}}}'.encode()
            made = self._made("POST", f"/api/v1/uploads/{self._drop}/share", body, Content_Type="application/json")
            token = made["token"]
            counted = f"SELECT views FROM share_link WHERE token = '{token}'"
            return f"/l/{token}" + ("/file.png" if target.endswith("bytes") else ""), counted
        drop = self._upload(f"?max_views={most}")
        counted = f"SELECT views FROM upload WHERE id = '{drop['id']}'"
        return f"/{drop['slug']}" + (".png" if target.endswith("bytes") else ""), counted

    def views(self, counted: str) -> int:
        """How many views the database says were given."""
        [[row]] = query(self.product.data, self.database_url, counted)
        return int(row[0])

    def wait_for(self, counted: str, views: int, *, seconds: float) -> None:
        """Wait until so many views are counted, or the time is over."""
        until = time.monotonic() + seconds
        while self.views(counted) < views and time.monotonic() < until:
            time.sleep(0.0005)

    def _upload(self, wishes: str) -> dict[str, Any]:
        return self._made("PUT", f"/api/v1/uploads/same.png{wishes}", self._picture)

    def _made(self, method: str, path: str, body: bytes, **headers: str) -> dict[str, Any]:
        status, made = self.product.ask(method, path, self._key, body, **headers)
        if status != 201:
            raise ProductError(f"{method} {path} was answered {status}: {made}")
        answer: dict[str, Any] = made
        return answer


def limit_race(
    folder: Path,
    *,
    workers: int = 1,
    rounds: int = 3,
    clients: int = CLIENTS,
    targets: Sequence[str] = TARGETS,
    limits: Sequence[int] = LIMITS,
    database_url: str = "",
    source: Path | None = None,
) -> LimitReport:
    """All clients ask at once, for each target and limit as many rounds: exactly the limit is granted, the rest is 410.

    Args:
        folder: an empty folder.
        source: a folder with another copy of the package.
    """
    report, began = LimitReport(workers), time.monotonic()
    folder.mkdir(exist_ok=True)
    ground = Field(folder, workers=workers, database_url=database_url, source=source, seed=5)
    with ground.product:
        ground.begin()
        asyncio.run(_races(ground, report, [(t, n) for t in targets for n in limits for _ in range(rounds)], clients))
        ground.product.stop()
    report.seconds = time.monotonic() - began
    return report


async def _races(ground: Field, report: LimitReport, races: list[tuple[str, int]], clients: int) -> None:
    crowd = Crowd(ground.product.port, clients)
    for target, most in races:
        path, counted = await asyncio.to_thread(ground.new, target, most)
        await crowd.gather()
        answers = await crowd.ask(path)
        report.rounds += 1
        report.granted += answers[200]
        report.refused += answers[410]
        if answers != Counter({200: most, 410: clients - most}):
            report.violations.append(f"{target}, {most} allowed: {dict(answers)}")
        if (views := await asyncio.to_thread(ground.views, counted)) != most:
            report.violations.append(f"{target}, {most} allowed: {views} are counted")
    await crowd.leave()


def limit_kills(
    folder: Path,
    *,
    workers: int = 1,
    rounds: int = 20,
    clients: int = CLIENTS,
    targets: Sequence[str] = TARGETS,
    limits: Sequence[int] = (10, 100),
    database_url: str = "",
    source: Path | None = None,
    seed: int = 1,
) -> LimitReport:
    """The server is killed at a random moment of each race, started again and asked until nothing is left.

    Over both lives at most the limit is granted, and as many are counted: a view whose answer was cut off is lost to
    the clients, and never given twice.
    """
    report, began, rng = LimitReport(workers), time.monotonic(), Random(seed)
    folder.mkdir(exist_ok=True)
    ground = Field(folder, workers=workers, database_url=database_url, source=source, seed=6)
    with ground.product:
        ground.begin()
        for number in range(rounds):
            target, most = targets[number % len(targets)], limits[number // len(targets) % len(limits)]
            asyncio.run(_one_kill(ground, report, target, most, clients, rng))
        ground.product.stop()
    report.seconds = time.monotonic() - began
    return report


async def _one_kill(ground: Field, report: LimitReport, target: str, most: int, clients: int, rng: Random) -> None:
    path, counted = await asyncio.to_thread(ground.new, target, most)
    crowd = Crowd(ground.product.port, clients)
    await crowd.gather()
    asking = asyncio.create_task(crowd.ask(path))
    # The answers come some hundredths of a second after their views are counted: a moment in between, or after it.
    await asyncio.to_thread(ground.wait_for, counted, rng.randint(0, most), seconds=10)
    await asyncio.sleep(rng.choice((0.0, rng.uniform(0.0, 0.3))))
    os.killpg(ground.product.pid, signal.SIGKILL)
    await asyncio.to_thread(ground.product.kill)
    before, counted_before = (await asking)[200], await asyncio.to_thread(ground.views, counted)
    await crowd.leave()
    await asyncio.to_thread(ground.product.start)
    crowd, after = Crowd(ground.product.port, clients), 0
    for _ in range(1 + most // clients):
        await crowd.gather()
        after += (await crowd.ask(path))[200]
    await crowd.leave()
    views = await asyncio.to_thread(ground.views, counted)
    report.rounds += 1
    report.kills += 1
    report.cut += counted_before > 0 and before < most
    report.granted += before + after
    report.lost += views - before - after
    if before + after > most:
        report.violations.append(f"{target}, {most} allowed: {before} before the kill and {after} after it")
    if views != most:
        report.violations.append(f"{target}, {most} allowed: {views} are counted after all was asked for")
