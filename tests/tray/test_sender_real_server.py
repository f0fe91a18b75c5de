"""The engine with the real server: links that open, each capture once over kills of the server."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from bulletdrop.clock import SystemClock
from bulletdrop.config import Config
from bulletdrop.tray.client import Client
from bulletdrop.tray.engine import Engine
from tests.support.server import Server
from tests.tray.engine_kit import LIVELY, QUICK, RememberingDesk, eventually, png, write


def names_on(server: Server) -> list[str]:
    """The file names of all of alice's drops."""
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = server.alice.get("/api/v1/uploads", params={"limit": 100, **({"cursor": cursor} if cursor else {})})
        fields = page.json()
        names += [one["original_filename"] for one in fields["items"]]
        if not (cursor := fields["next"]):
            return sorted(names)


def engine_for(server: Server, tmp_path: Path, desk: RememberingDesk) -> Engine:
    folder = tmp_path / "shots"
    folder.mkdir(exist_ok=True)
    return Engine(
        Config(data=tmp_path / "tray"),
        client=Client(server.url, server.key_of("alice"), answer_seconds=20),
        folders=lambda: [folder],
        desk=desk,
        clock=SystemClock(),
        patience=QUICK,
        rhythm=LIVELY,
    )


def test_a_screenshot_becomes_a_link_that_opens(server: Server, tmp_path: Path) -> None:
    desk = RememberingDesk()
    engine = engine_for(server, tmp_path, desk)
    engine.start()
    try:
        data = png(size=200_000)
        write(tmp_path / "shots" / "Screenshot from 2026-11-20 12-00-00.png", data)
        eventually(lambda: desk.links)
        item, late = desk.links[0]
        assert late is False
        assert httpx.get(item.link or "", trust_env=False).status_code == 200
        assert httpx.get(item.direct_url or "", trust_env=False).content == data
        assert (item.deletion_url or "").startswith(server.url)
    finally:
        engine.stop(2.0)


def test_captures_over_kills_of_the_server_arrive_once_each(server: Server, tmp_path: Path) -> None:
    desk = RememberingDesk()
    engine = engine_for(server, tmp_path, desk)
    server.alice.get("/api/v1/uploads")
    engine.start()
    try:
        for n in range(60):
            write(tmp_path / "shots" / f"{n:02}.png", png(n, size=60_000))
            time.sleep(0.01)
            if n in (15, 40):
                server.kill()
                server.start()
        eventually(lambda: len(desk.links) >= 60, 60)
        assert names_on(server) == [f"{n:02}.png" for n in range(60)]
    finally:
        engine.stop(2.0)
