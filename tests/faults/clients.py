"""The load: asynchronous clients that upload, repeat and delete, and write every acknowledgement into the ledger."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, deque
from random import Random
from typing import Any

import aiohttp

from tests.faults.ledger import Ledger
from tests.faults.samples import Sample, sample

# Answers that are allowed while the server dies and comes back: busy, not broken.
BUSY = {429, 503}
TRIES = 40


class Traffic:
    """Clients against one server.

    Args:
        url: the server.
        keys: API keys by person; each client works for one of them.
        ledger: where acknowledgements go before they count.
        seed: makes the same files and choices again.
        largest: about the largest file, in bytes.
    """

    def __init__(self, url: str, keys: dict[str, str], ledger: Ledger, *, seed: int, largest: int = 3_000_000) -> None:
        self.url = url
        self.keys = keys
        self.ledger = ledger
        self.seed = seed
        self.largest = largest
        self.figures: Counter[str] = Counter()
        self.strange: list[str] = []
        self._recent: deque[Sample] = deque(maxlen=20)
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Let every client finish what it does."""
        self._stop.set()

    async def run(self, clients: int) -> None:
        """Upload from `clients` at once until `stop`."""
        timeout = aiohttp.ClientTimeout(total=60, sock_connect=30)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self.url, timeout=timeout, connector=connector) as session:
            names = list(self.keys)
            each = [(names[number % len(names)], Random(self.seed * 1000 + number)) for number in range(clients)]
            await asyncio.gather(*(self._client(session, user, rng) for user, rng in each))

    async def _client(self, session: aiohttp.ClientSession, user: str, rng: Random) -> None:
        mine: list[str] = []
        while not self._stop.is_set():
            if mine and rng.random() < 0.12:
                await self._delete(session, user, mine.pop(rng.randrange(len(mine))))
                continue
            acked = await self._upload(session, user, self._pick(rng), f"{user}-{rng.getrandbits(64):x}", rng)
            if acked:
                mine.append(acked)

    def _pick(self, rng: Random) -> Sample:
        """Mostly a new file, now and then one that others sent or are sending."""
        if self._recent and rng.random() < 0.15:
            return rng.choice(self._recent)
        made = sample(rng, largest=self.largest)
        self._recent.append(made)
        return made

    async def _upload(
        self, session: aiohttp.ClientSession, user: str, file: Sample, key: str, rng: Random
    ) -> str | None:
        """Send until an answer came, always with one idempotency key; sometimes give up half-way. Returns: the id."""
        digest = hashlib.sha256(file.content).hexdigest()
        headers = {"X-API-Key": self.keys[user], "Idempotency-Key": key, "X-SHA256": digest}
        for _ in range(TRIES):
            form = aiohttp.FormData()
            form.add_field("file", file.content, filename=file.name, content_type=file.mime)
            status, body = await self._send(session, "POST", "/api/v1/uploads", headers=headers, data=form)
            if status == 201:
                ack = self.ledger.acknowledged(body, user=user, idempotency_key=key, sent_sha256=digest)
                self.figures["acked"] += 1
                return ack.id
            if status and status not in BUSY:
                self._note(f"POST {file.name} ({len(file.content)} bytes): {status} {body}")
                return None
            if self._stop.is_set() or rng.random() < 0.1:
                self.figures["given up"] += 1
                return None
        return None

    async def _delete(self, session: aiohttp.ClientSession, user: str, upload_id: str) -> None:
        self.ledger.deleting(upload_id)
        for _ in range(TRIES):
            headers = {"X-API-Key": self.keys[user]}
            status, body = await self._send(session, "DELETE", f"/api/v1/uploads/{upload_id}", headers=headers)
            # 404: an earlier try was answered by a server that died before the answer left.
            if status in (200, 202, 204, 404):
                self.ledger.deleted(upload_id)
                self.figures["deleted"] += 1
                return
            if status and status not in BUSY:
                self._note(f"DELETE {upload_id}: {status} {body}")
                return
            if self._stop.is_set():
                return

    async def _send(self, session: aiohttp.ClientSession, method: str, path: str, **wishes: Any) -> tuple[int, Any]:
        """One request. Returns: status 0 when the server went away, else status and JSON body."""
        self.figures["requests"] += 1
        try:
            async with session.request(method, path, **wishes) as answer:
                content = await answer.read()
                body = await answer.json(content_type=None) if content else None
                if answer.status in BUSY:
                    self.figures["busy"] += 1
                    await asyncio.sleep(0.1)
                return answer.status, body
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            self.figures["cut off"] += 1
            await asyncio.sleep(0.03)
            return 0, None
        except ValueError as error:
            self._note(f"{method} {path}: a body that is no JSON: {error}")
            return 0, None

    def _note(self, text: str) -> None:
        self.figures["strange"] += 1
        if len(self.strange) < 20:
            self.strange.append(text[:400])
