"""The engine with the real server: links that are true before the bytes, taking back, each capture once over kills."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bulletdrop.clock import SystemClock
from bulletdrop.config import Config
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import Status
from bulletdrop.tray.engine import Engine
from bulletdrop.tray.preferences import Chosen, Rule
from bulletdrop.tray.reserving import USUAL
from tests.support.server import Server
from tests.tray.engine_kit import LIVELY, QUICK, RememberingDesk, eventually, png, write


def drops_on(server: Server) -> list[dict[str, Any]]:
    """All of alice's drops."""
    drops: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = server.alice.get("/api/v1/uploads", params={"limit": 100, **({"cursor": cursor} if cursor else {})})
        fields = page.json()
        drops += fields["items"]
        if not (cursor := fields["next"]):
            return drops


def names_on(server: Server) -> list[str]:
    return sorted(one["original_filename"] for one in drops_on(server))


@contextmanager
def tray_for(server: Server, tmp_path: Path, **preferences: Any) -> Iterator[tuple[Engine, RememberingDesk]]:
    """A running engine that holds links ready."""
    folder = tmp_path / "shots"
    folder.mkdir(exist_ok=True)
    desk, chosen = RememberingDesk(), Chosen(tmp_path / "tray")
    if preferences:
        chosen.change(**preferences)
    engine = Engine(
        Config(data=tmp_path / "tray"),
        client=Client(server.url, server.key_of("alice"), answer_seconds=20),
        folders=lambda: [folder],
        desk=desk,
        clock=SystemClock(),
        chosen=chosen,
        patience=QUICK,
        rhythm=LIVELY,
    )
    engine.start()
    try:
        eventually(lambda: engine.reserved() == USUAL)
        yield engine, desk
    finally:
        engine.stop(2.0)


def fetch(link: str | None, **options: Any) -> httpx.Response:
    return httpx.get(link or "", trust_env=False, timeout=40, **options)


def test_a_tray_that_lost_its_outbox_six_times_has_links_all_the_same(server: Server, tmp_path: Path) -> None:
    given = ""
    for turn in range(7):
        with tray_for(server, tmp_path) as (_, desk):
            if turn == 6:
                write(tmp_path / "shots" / "shot.png", png())
                eventually(lambda: desk.there)
                given = desk.links[0][0].link or ""
        for lost in (tmp_path / "tray" / "tray").glob("outbox.db*"):
            lost.unlink()
    assert fetch(given).status_code == 200


def test_a_screenshot_becomes_a_link_that_opens(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path) as (_, desk):
        data = png(size=200_000)
        write(tmp_path / "shots" / "Screenshot from 2026-11-20 12-00-00.png", data)
        eventually(lambda: desk.links)
        item, late = desk.links[0]
        assert late is False
        assert fetch(item.link).status_code == 200
        assert fetch(item.direct_url).content == data, "it waits for the bytes, and gets them"
        eventually(lambda: desk.there)
        assert (desk.there[0].link, desk.there[0].direct_url) == (item.link, item.direct_url)
        assert (desk.there[0].deletion_url or "").startswith(server.url)


def test_a_link_that_was_given_away_offline_is_true_once_the_network_is_back(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path) as (engine, desk):
        server.kill()
        data = png(1, size=50_000)
        write(tmp_path / "shots" / "offline.png", data)
        eventually(lambda: desk.links)
        server.start()
        engine.rescan()
        assert fetch(desk.links[0][0].link).status_code == 200
        assert fetch(desk.links[0][0].direct_url).content == data
        assert len(desk.links) == 1


def test_who_asks_for_the_bytes_first_waits_and_gets_them(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path) as (engine, desk):
        server.kill()
        data = png(2, size=50_000)
        write(tmp_path / "shots" / "early.png", data)
        eventually(lambda: desk.links)
        answers: list[httpx.Response] = []
        server.start()
        reader = threading.Thread(target=lambda: answers.append(fetch(desk.links[0][0].direct_url)))
        reader.start()
        time.sleep(0.2)
        engine.rescan()
        reader.join()
        assert answers[0].content == data


def test_undo_over_the_real_server_wherever_the_capture_stands(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path) as (engine, desk):
        write(tmp_path / "shots" / "there.png", png(1))
        eventually(lambda: desk.there)
        engine.undo(desk.links[0][0].id)
        eventually(lambda: names_on(server) == [])
        server.kill()
        write(tmp_path / "shots" / "waits.png", png(2))
        eventually(lambda: len(desk.links) == 2)
        engine.undo(desk.links[1][0].id)
        server.start()
        engine.rescan()
        eventually(lambda: fetch(desk.links[1][0].link).status_code == 410)
        assert names_on(server) == []
        eventually(lambda: engine._outbox.owed.count() == 0)


def test_undo_after_a_lost_answer_finds_the_drop_by_its_key(server: Server, tmp_path: Path) -> None:
    client = Client(server.url, server.key_of("alice"), answer_seconds=20)
    path = write(tmp_path / "a.png", png())
    sent = client.upload(path, "a.png", idempotency_key="the-key")
    found = client.find("the-key")
    assert found is not None
    assert found.id == sent.id
    assert client.find("another-key") is None
    client.delete(found.id)
    again = client.find("the-key")
    if again is not None:
        client.delete(again.id)  # a second time changes nothing
    assert names_on(server) == []
    client.close()


def test_album_expiry_and_privacy_of_a_folder_hold_at_the_real_server(server: Server, tmp_path: Path) -> None:
    album = server.alice.post("/api/v1/albums", json={"title": "Games"}).json()["id"]
    rule = Rule(folder=str(tmp_path / "shots"), album=album, expires="7d", is_public=False)
    with tray_for(server, tmp_path, folders=(rule,)) as (engine, desk):
        write(tmp_path / "shots" / "game.png", png())
        eventually(lambda: desk.there)
        eventually(lambda: engine._outbox.owed.count() == 0)
        drop = drops_on(server)[0]
        assert drop["is_public"] is False
        assert drop["expires_at"] is not None
        items = server.alice.get(f"/api/v1/albums/{album}/items").json()["items"]
        assert [one["id"] for one in items] == [drop["id"]]


def test_private_until_undo_has_passed_strangers_see_it_after_that(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path, undo_private=True) as (engine, desk):
        data = png(size=20_000)
        write(tmp_path / "shots" / "soon.png", data)
        eventually(lambda: desk.there)
        item = desk.links[0][0]
        assert drops_on(server)[0]["is_public"] is False
        engine.publish(item.id)
        eventually(lambda: drops_on(server)[0]["is_public"])
        assert fetch(item.direct_url).content == data


def test_a_refused_file_s_page_says_that_nothing_comes(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path) as (engine, desk):
        engine.upload(write(tmp_path / "program.exe", b"MZ" + b"\0" * 5000))
        eventually(lambda: desk.refusals)
        assert desk.refusals[0][1].code == "unknown_type"
        link = desk.links[0][0].link
        eventually(lambda: fetch(link).status_code == 410)
        assert engine.recent()[0].status is Status.REFUSED


def test_a_key_that_is_made_anew_gives_other_links_and_loses_nothing(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path) as (engine, desk):
        key = server.command("key", "add", "alice", "--name", "anew", "--scope", "uploads:write").stdout.strip()
        server.kill()
        write(tmp_path / "shots" / "promised.png", png())
        eventually(lambda: desk.links)
        engine.use_client(Client(server.url, key, answer_seconds=20))
        server.start()
        engine.rescan()
        eventually(lambda: len(desk.links) == 2)
        assert names_on(server) == ["promised.png"]
        (_, _), (item, late) = desk.links
        assert late is True
        assert fetch(item.link).status_code == 200


def test_captures_over_kills_of_the_server_arrive_once_each(server: Server, tmp_path: Path) -> None:
    with tray_for(server, tmp_path) as (engine, desk):
        for n in range(60):
            write(tmp_path / "shots" / f"{n:02}.png", png(n, size=60_000))
            time.sleep(0.01)
            if n in (15, 40):
                server.kill()
                server.start()
        eventually(lambda: not engine._outbox.waiting() and len(engine.recent(100)) == 60, 60)
        assert names_on(server) == [f"{n:02}.png" for n in range(60)]
        links = {one["original_filename"]: one["url"] for one in drops_on(server)}
        assert [item.name for item, _ in desk.links if item.link != links[item.name]] == []
