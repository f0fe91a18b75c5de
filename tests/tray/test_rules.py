"""Rules of folders: which are watched, what goes up from them and how, what asks first, and what ends in the bin."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bulletdrop.tray.desk import State, Status
from bulletdrop.tray.preferences import Chosen, Preferences, Rule
from bulletdrop.tray.reserving import USUAL
from bulletdrop.tray.rules import Rules
from tests.tray.engine_kit import FakeServer, Tray, eventually, fake_server, png, running, stay, write
from tests.tray.engine_kit import Rule as ServerRule
from tests.tray.test_taking_back import Ahead, in_bin


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        fake.reserves = True
        yield fake


@pytest.fixture(autouse=True)
def bin_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def rule(tmp_path: Path, **values: object) -> tuple[Rule, ...]:
    return (Rule(folder=str(tmp_path / "shots"), **values),)  # type: ignore[arg-type]


def shoot(tray: Tray, name: str = "shot.png") -> None:
    write(tray.folder / name, png(name))


def test_expiry_and_visibility_go_up_with_the_bytes(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, folders=rule(tmp_path, expires="7d", is_public=False)) as tray:
        shoot(tray)
        eventually(lambda: server.kept)
        assert {**server.kept[0].query, "slug": ""} == {"slug": "", "expires_at": "7d", "is_public": "false"}
        eventually(lambda: tray.engine.recent()[0].status is Status.DONE)
        assert tray.engine.recent()[0].is_public is False


def test_what_its_rule_keeps_private_stays_private_after_undo(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    folders = rule(tmp_path, is_public=False)
    with running(tmp_path, server, clock=clock, undo_private=True, folders=folders) as tray:
        shoot(tray)
        eventually(lambda: server.kept)
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        stay(0.5)
        assert server.kept[0].is_public is False


def test_a_capture_goes_into_the_album_of_its_folder(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, folders=rule(tmp_path, album="games")) as tray:
        shoot(tray)
        eventually(lambda: server.kept and server.kept[0].albums == ["games"])


def test_the_album_is_owed_over_a_restart(tmp_path: Path, server: FakeServer) -> None:
    server.judge_small = lambda method, path: (
        ServerRule(503, "unavailable", {"Retry-After": "60"}) if path.startswith("/albums") else None
    )
    with running(tmp_path, server, folders=rule(tmp_path, album="games")) as tray:
        shoot(tray)
        eventually(lambda: ("POST", "/albums/games/items") in server.small)
    server.judge_small = lambda method, path: None
    with running(tmp_path, server):
        eventually(lambda: server.kept[0].albums == ["games"])


def test_an_album_that_is_gone_is_no_reason_to_try_for_ever(tmp_path: Path, server: FakeServer) -> None:
    server.judge_small = lambda method, path: ServerRule(404, "not_found") if path.startswith("/albums") else None
    with running(tmp_path, server, folders=rule(tmp_path, album="gone")) as tray:
        shoot(tray)
        eventually(lambda: ("POST", "/albums/gone/items") in server.small)
        eventually(lambda: tray.engine._outbox.owed.count() == 0)


def test_what_asks_first_is_sent_only_after_the_yes_and_its_link_comes_with_it(
    tmp_path: Path, server: FakeServer
) -> None:
    with running(tmp_path, server, folders=rule(tmp_path, ask=True)) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        shoot(tray)
        eventually(lambda: tray.desk.asked)
        item = tray.desk.asked[0]
        assert (item.status, item.link) == (Status.ASKING, None)
        assert tray.engine.status().asking == 1
        stay(0.3)
        assert (server.kept, tray.desk.links) == ([], [])
        tray.engine.approve(item.id)
        tray.links(1)
        assert tray.desk.links[0][0].slug is not None
        assert tray.desk.links[0][1] is False
        eventually(lambda: server.names() == ["shot.png"])
        tray.engine.approve(item.id)
        stay(0.2)
        assert len(tray.desk.links) == 1, "a second yes is none"


def test_what_asks_still_asks_after_a_restart_and_is_known(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, folders=rule(tmp_path, ask=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.desk.asked)
    with running(tmp_path, server) as tray:
        stay(0.4)
        assert [item.status for item in tray.engine.recent()] == [Status.ASKING]
        tray.engine.forget(tray.engine.recent()[0].id)
        stay(0.3)
    assert server.kept == []


def test_a_folder_that_does_not_copy_leaves_the_clipboard_alone(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, folders=rule(tmp_path, copy=False)) as tray:
        shoot(tray)
        tray.links(1)
        assert tray.desk.links[0][1] is True


def test_only_names_that_fit_the_pattern_are_taken(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, folders=rule(tmp_path, names="Screenshot*")) as tray:
        shoot(tray, "holiday.png")
        shoot(tray, "screenshot 1.png")
        tray.links(1)
        stay(0.5)
        assert server.names() == ["screenshot 1.png"]
        (tray.folder / "holiday.png").rename(tray.folder / "Screenshot of a holiday.png")
        tray.links(2)


def test_after_the_upload_the_file_goes_to_the_bin_when_undo_has_passed(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, folders=rule(tmp_path, bin_after=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.engine.recent() and tray.engine.recent()[0].status is Status.DONE)
        stay(0.3)
        assert (tray.folder / "shot.png").exists()
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        eventually(lambda: tray.engine.recent()[0].binned)
        assert in_bin(tmp_path) == ["shot.png"]
        assert not (tray.folder / "shot.png").exists()


@pytest.mark.parametrize("change", ["written anew", "replaced", "touched", "taken back"])
def test_a_file_that_is_no_longer_the_very_same_stays(tmp_path: Path, server: FakeServer, change: str) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, folders=rule(tmp_path, bin_after=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.engine.recent() and tray.engine.recent()[0].status is Status.DONE)
        path = tray.folder / "shot.png"
        clock.by = timedelta(seconds=5)
        if change == "written anew":
            write(path, png("anew"))
        elif change == "replaced":
            write(tray.folder / ".new", png("new")).rename(path)
        elif change == "touched":
            os.utime(path, (1, 1))
        else:
            tray.engine.undo(tray.engine.recent()[0].id)
        # Only the first one's time has come.
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        stay(0.7)
        assert path.exists()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"sha256": "0" * 64}, 200),
        ({"trashed_at": "2026-01-01T00:00:00Z"}, 200),
        ({"state": "broken"}, 200),
        ({"id": "another"}, 200),
        ({"code": "not_found"}, 404),
        ({"code": "forbidden"}, 403),
    ],
    ids=["other bytes", "in the trash", "broken", "another drop", "nothing", "not told"],
)
def test_a_file_stays_that_the_server_does_not_say_it_has_when_it_is_asked_again(
    tmp_path: Path, server: FakeServer, said: dict[str, str], status: int
) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, folders=rule(tmp_path, bin_after=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.engine.recent() and tray.engine.recent()[0].status is Status.DONE)
        fields = {"id": "s0", "url": f"{server.url}/s0", "sha256": server.kept[0].sha256}
        body = json.dumps({**fields, **said} if status == 200 else {"error": {**said, "message": "No."}})
        server.judge_small = lambda method, path: ServerRule(status, body=body.encode()) if method == "GET" else None
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        eventually(lambda: ("GET", "/uploads/s0") in server.small)
        eventually(lambda: tray.engine._outbox.owed.count() == 0)
        assert (tray.folder / "shot.png").exists()
        assert tray.engine.recent()[0].binned is False


def test_a_file_waits_for_its_server_before_it_goes_to_the_bin(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, folders=rule(tmp_path, bin_after=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.engine.recent() and tray.engine.recent()[0].status is Status.DONE)
        server.down()
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        eventually(lambda: tray.engine.status().state is State.OFFLINE)
        assert (tray.folder / "shot.png").exists()
        server.up()
        tray.engine.rescan()
        eventually(lambda: tray.engine.recent()[0].binned)


def test_what_is_undone_while_the_server_is_asked_stays(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, folders=rule(tmp_path, bin_after=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.engine.recent() and tray.engine.recent()[0].status is Status.DONE)
        item = tray.engine.recent()[0]

        def judge(method: str, path: str) -> None:
            if method == "GET":
                tray.engine.undo(item.id)

        server.judge_small = judge
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        eventually(lambda: server.kept[0].deleted)
        eventually(lambda: tray.engine._outbox.owed.count() == 0)
        assert (tray.folder / "shot.png").exists()
        assert tray.engine.item(item.id).binned is False


def test_a_refused_file_never_goes_to_the_bin(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    server.rules.append(ServerRule(415, "unknown_type"))
    with running(tmp_path, server, clock=clock, folders=rule(tmp_path, bin_after=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.desk.refusals)
        clock.by = timedelta(seconds=30)
        tray.engine.rescan()
        stay(0.5)
        assert (tray.folder / "shot.png").exists()


def test_the_bin_is_owed_over_a_restart(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, folders=rule(tmp_path, bin_after=True)) as tray:
        shoot(tray)
        eventually(lambda: tray.engine.recent() and tray.engine.recent()[0].status is Status.DONE)
    clock = Ahead()
    clock.by = timedelta(seconds=11)
    with running(tmp_path, server, clock=clock) as tray:
        eventually(lambda: tray.engine.recent()[0].binned)
        assert not (tray.folder / "shot.png").exists()


def test_a_file_that_the_person_named_stays_out_of_the_bin_and_asks_nothing(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    every = (Rule(folder="*", ask=True, bin_after=True, names="Screenshot*"),)
    with running(tmp_path, server, clock=clock, folders=every) as tray:
        path = write(tmp_path / "elsewhere.png", png())
        tray.engine.upload(path)
        eventually(lambda: server.names() == ["elsewhere.png"])
        clock.by = timedelta(seconds=30)
        tray.engine.rescan()
        stay(0.4)
        assert path.exists()


def test_a_folder_that_is_excluded_is_not_watched_and_one_that_is_added_is(tmp_path: Path, server: FakeServer) -> None:
    own = tmp_path / "own"
    own.mkdir()
    with running(tmp_path, server) as tray:
        tray.chosen.change(folders=(Rule(folder=str(tray.folder), watch=False), Rule(folder=str(own))))
        # Listed it is a moment before it is watched.
        eventually(lambda: [(one.path, one.how) for one in tray.engine.status().folders] == [(own, "events")])
        shoot(tray)
        write(own / "mine.png", png("mine"))
        tray.links(1)
        stay(0.3)
        assert [item.name for item, _ in tray.desk.links] == ["mine.png"]


def test_a_rule_holds_where_a_link_leads_to_its_folder(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    chosen = Chosen(tmp_path)
    chosen.change(folders=(Rule(folder=str(tmp_path / "link"), album="a"), Rule(folder="*", album="b")))
    rules = Rules(chosen)
    assert rules.of(real).album == "a"
    assert rules.of(tmp_path).album == "b"
    assert rules.watched([real]) == [real]
    chosen.change(folders=())
    assert rules.of(real).album == ""


def test_why_a_file_was_taken_is_told(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        folder = tray.folder
        shoot(tray, "written.png")
        tray.links(1)
        write(folder / ".tmp", png("renamed")).rename(folder / "renamed.png")
        tray.links(2)
        write(tmp_path / "outside.png", png("moved")).rename(folder / "moved.png")
        tray.links(3)
        tray.engine.upload(write(tmp_path / "named.png", png("named")))
        tray.links(4)
        reasons = {item.name: item.reason for item in tray.engine.recent()}
    assert reasons["written.png"].startswith(f"It appeared in {folder} at ")
    assert reasons["written.png"].endswith(". It was written there.")
    assert reasons["renamed.png"].endswith(". It was renamed into place.")
    assert reasons["moved.png"].endswith(". It was moved or linked there whole.")
    assert reasons["named.png"].startswith("You named this file yourself at ")


def test_a_folder_whose_name_is_no_utf8_has_its_rule_kept(tmp_path: Path) -> None:
    folder = os.fsdecode(b"/home/alice/\xff shots")
    Chosen(tmp_path).change(folders=(Rule(folder=folder, ask=True),))
    assert Chosen(tmp_path).now.rule_for(Path(folder)).ask


def test_preferences_that_nobody_can_read_are_the_usual_ones(tmp_path: Path) -> None:
    path = tmp_path / "tray" / "preferences.json"
    path.parent.mkdir()
    for text in ("[" * 100_000, '{"folders": ' + "[" * 100_000, "null", "[]", '{"link": 5}', "\x00"):
        path.write_text(text)
        assert Chosen(tmp_path).now == Preferences()
