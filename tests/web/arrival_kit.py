"""What the tests of links before their bytes share: handing out, filling, listening, and asking meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.support.server import Server, certificates
from tests.web.kit import png

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ROBOT = {"Accept": "*/*", "User-Agent": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"}
WAITING, LATE, ENDED = "On its way.", "This did not arrive.", "Nothing will come."


def reserve(client: httpx.Client, count: int = 1) -> list[dict[str, Any]]:
    """Links for the device behind a client."""
    answer = client.post("/api/v1/reservations", json={"count": count})
    assert answer.status_code == 201, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def held(client: httpx.Client) -> str:
    """One slug that the device behind a client holds."""
    return str(reserve(client)[0]["slug"])


def put(client: httpx.Client, slug: str, data: bytes | None = None, **wishes: str) -> httpx.Response:
    """Send a picture into a slug, as the tray does."""
    headers = {"Idempotency-Key": wishes.pop("key")} if "key" in wishes else {}
    body = png() if data is None else data
    return client.put("/api/v1/uploads/shot.png", params={"slug": slug, **wishes}, content=body, headers=headers)


def look(server: Server, path: str, **headers: str) -> httpx.Response:
    """A stranger's browser asks once."""
    return httpx.get(server.url + path, headers={**HTML, **headers}, trust_env=False, verify=certificates(), timeout=40)


class Later:
    """Something that is done in a thread, with its outcome and how long it took, in seconds."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._outcome: Any = None
        self.seconds = 0.0
        self.ended_at = 0.0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            self._outcome = self._work()
        except Exception as error:
            self._outcome = error
        self.ended_at = time.monotonic()
        self.seconds = self.ended_at - began

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    def outcome(self, seconds: float = 40) -> Any:
        """What came out. Raises what the work raised."""
        self._thread.join(seconds)
        assert self.is_over
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def asking(server: Server, path: str, **headers: str) -> Later:
    """A stranger's request that is on its way."""
    return Later(
        lambda: httpx.get(server.url + path, headers=headers, trust_env=False, verify=certificates(), timeout=40)
    )


def listening(server: Server, slug: str, client: httpx.Client | None = None) -> Later:
    """A page that listens for what becomes of a slug, and has begun to; its outcome is the text of the whole stream."""
    begun = threading.Event()

    def listen() -> str:
        reader = client or httpx.Client(base_url=server.url, trust_env=False, verify=certificates(), timeout=30)
        try:
            with reader, reader.stream("GET", f"/{slug}/arrival", timeout=60) as answer:
                assert answer.status_code == 200, answer.status_code
                assert answer.headers["content-type"] == "text/event-stream"
                begun.set()
                return "".join(answer.iter_text())
        finally:
            begun.set()

    later = Later(listen)
    assert begun.wait(60)
    return later
