"""The tray after its key was revoked: no link that leads nowhere, one word to the person, new links once paired."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulletdrop.clock import SystemClock
from bulletdrop.config import Config
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import State
from bulletdrop.tray.engine import Engine
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.preferences import Server as Known
from bulletdrop.tray.reserving import USUAL
from tests.support.server import Server
from tests.tray.engine_kit import (
    LIVELY,
    QUICK,
    RememberingDesk,
    Rule,
    eventually,
    fake_server,
    png,
    running,
    stay,
    write,
)
from tests.tray.test_sender_real_server import fetch
from tests.web.browser import kept as kept_browser


def test_links_of_a_revoked_key_are_given_out_no_more_and_new_ones_follow_the_pairing(
    server: Server, tmp_path: Path
) -> None:
    browser = kept_browser(server, "alice")
    scopes = ["uploads:write", "uploads:read"]
    first, second = (
        browser.post("/api/v1/api-keys", json={"name": name, "scopes": scopes}).json() for name in ("old", "new")
    )
    folder, desk = tmp_path / "shots", RememberingDesk()
    folder.mkdir()
    engine = Engine(
        Config(data=tmp_path / "tray"),
        client=Client(server.url, first["key"], answer_seconds=20),
        folders=lambda: [folder],
        desk=desk,
        clock=SystemClock(),
        chosen=Chosen(tmp_path / "tray"),
        patience=QUICK,
        rhythm=LIVELY,
    )
    engine.start()
    try:
        eventually(lambda: engine.reserved() == USUAL)
        assert browser.delete(f"/api/v1/api-keys/{first['id']}").status_code == 204
        write(folder / "one.png", png(1))
        eventually(lambda: desk.unpairings)
        eventually(lambda: engine.status().state is State.NEEDS_YOU)
        assert desk.unpairings == [1], "its link was told before anybody could know"
        assert engine.reserved() == 0
        write(folder / "two.png", png(2))
        eventually(lambda: engine.status().waiting == 2)
        stay(0.3)
        assert [item.name for item, _ in desk.links] == ["one.png"], "a link that leads nowhere"
        dead = desk.links[0][0].link
        assert "no longer connected" in fetch(dead).text
        engine.use_client(Client(server.url, second["key"], answer_seconds=20))
        eventually(lambda: engine.status().state is State.IDLE)
        eventually(lambda: len(desk.links) == 3)
        again = {item.name: (item.link, late) for item, late in desk.links[1:]}
        assert set(again) == {"one.png", "two.png"}
        assert again["one.png"][0] != dead
        assert again["one.png"][1] is True, "the clipboard may hold something else by now"
        assert [fetch(link).status_code for link, _ in again.values()] == [200, 200]
        assert desk.unpairings == [1]
    finally:
        engine.stop(2.0)


@pytest.mark.parametrize("servers", [1, 2])
def test_a_refused_key_needs_the_person_also_where_there_is_a_second_server(tmp_path: Path, servers: int) -> None:
    with fake_server() as server:
        known = (Known(url=server.url), Known(url="http://127.0.0.1:9"))[:servers]
        with running(tmp_path, server, servers=known) as tray:
            server.always = Rule(401, "revoked_key")
            write(tray.folder / "one.png", png(1))
            eventually(lambda: tray.engine.status().state is State.NEEDS_YOU)
            said = tray.engine.status().message or ""
            assert ("only while the first is away" in said) is (servers == 2)
