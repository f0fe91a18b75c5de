"""Undo, delete both, forget, publish: whatever the person says holds, wherever the capture stands, over kills too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from bulletdrop import errors
from bulletdrop.clock import SystemClock
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import State, Status
from bulletdrop.tray.page.recent import can
from bulletdrop.tray.reserving import USUAL
from tests.tray.engine_kit import FakeServer, Rule, Tray, eventually, fake_server, png, running, stay, write


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        fake.reserves = True
        yield fake


@pytest.fixture
def tray(tmp_path: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tray]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    with running(tmp_path, server) as running_tray:
        eventually(lambda: running_tray.engine.reserved() == USUAL)
        yield running_tray


def shoot(tray: Tray, name: str = "shot.png", *, size: int = 3000) -> int:
    """Take a screenshot. Returns its item's id, once its link is there."""
    before = len(tray.desk.links)
    write(tray.folder / name, png(name, size=size))
    tray.links(before + 1)
    return tray.desk.links[-1][0].id


def test_undo_of_what_has_arrived_deletes_it_there_and_keeps_the_file(tray: Tray) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    tray.engine.undo(item_id)
    eventually(lambda: tray.server.kept[0].deleted == 1)
    item = tray.engine.item(item_id)
    assert (item.status, item.link) == (Status.UNDONE, None)
    assert item.path.exists()
    tray.engine.rescan()
    stay(0.5)
    assert len(tray.server.kept) == 1, "what was taken back stays back"


def test_undo_before_the_bytes_went_ends_the_reservation_and_sends_nothing(tray: Tray) -> None:
    tray.server.down()
    item_id = shoot(tray)
    slug = str(tray.desk.links[0][0].slug)
    eventually(lambda: tray.engine.status().state is State.OFFLINE)
    tray.engine.undo(item_id)
    tray.server.up()
    eventually(lambda: tray.server.ended.get(slug) == "undone")
    stay(0.5)
    assert tray.server.kept == []
    assert tray.engine.status().state is State.IDLE


def test_undo_while_the_bytes_are_going_out_breaks_the_upload_off(tray: Tray) -> None:
    tray.server.rate = 1_000_000
    item_id = shoot(tray, size=20_000_000)
    eventually(lambda: (tray.engine.status().progress or 0) > 0)
    tray.engine.undo(item_id)
    eventually(lambda: not tray.engine.status().sending)
    slug = str(tray.desk.links[0][0].slug)
    eventually(lambda: tray.server.ended.get(slug) == "undone")
    stay(0.5)
    assert tray.server.kept == []


def test_undo_while_the_answer_is_on_its_way_deletes_what_had_arrived(tray: Tray) -> None:
    tray.server.lets_out.clear()
    item_id = shoot(tray)
    eventually(lambda: tray.server.kept)
    tray.engine.undo(item_id)
    tray.server.lets_out.set()
    eventually(lambda: tray.server.kept[0].deleted == 1)
    assert tray.engine.item(item_id).status is Status.UNDONE
    assert tray.desk.there == []


def test_undo_finds_what_had_arrived_although_its_answer_was_lost(tray: Tray) -> None:
    tray.server.rules.extend([Rule(lose=True), Rule(503, "unavailable", {"Retry-After": "60"})])
    item_id = shoot(tray)
    eventually(lambda: tray.server.kept)
    eventually(lambda: tray.engine.status().state is State.OFFLINE)
    tray.engine.undo(item_id)
    eventually(lambda: tray.server.kept[0].deleted == 1)
    assert len(tray.server.kept) == 1, "asking for it sends it no second time"


def test_an_undo_without_a_network_is_carried_out_after_a_restart(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        item_id = shoot(tray)
        eventually(lambda: tray.engine.item(item_id).status is Status.DONE)
        server.down()
        tray.engine.undo(item_id)
    server.up()
    with running(tmp_path, server):
        eventually(lambda: server.kept[0].deleted == 1, 20)
        stay(0.3)
    assert [path for method, path in server.small if method == "DELETE"] == ["/uploads/s0"], "once is enough"


def test_what_somebody_else_deleted_there_is_taken_back_in_peace(tray: Tray) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    tray.server.kept[0].deleted = 1
    tray.engine.undo(item_id)
    eventually(lambda: ("DELETE", "/uploads/s0") in tray.server.small)
    eventually(lambda: tray.engine._outbox.owed.count() == 0)


def test_taken_back_and_tried_again_it_is_sent_anew(tray: Tray) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    tray.engine.undo(item_id)
    eventually(lambda: tray.server.kept[0].deleted)
    tray.engine.retry(item_id)
    tray.links(2)
    assert len({one.key for one in tray.server.kept}) == 2
    assert tray.desk.links[1][1] is True, "the clipboard is left alone"


def test_delete_both_takes_it_back_and_puts_the_file_into_the_bin(tray: Tray, tmp_path: Path) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    tray.engine.delete_both(item_id)
    eventually(lambda: tray.server.kept[0].deleted == 1)
    eventually(lambda: tray.engine.item(item_id).binned)
    assert not (tray.folder / "shot.png").exists()
    assert in_bin(tmp_path) == ["shot.png"]


def test_delete_both_leaves_another_file_of_that_name_alone(tray: Tray, tmp_path: Path) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    (tray.folder / "shot.png").unlink()
    write(tray.folder / ".other", png("other")).rename(tray.folder / "shot.png")
    tray.engine.delete_both(item_id)
    eventually(lambda: tray.engine._outbox.owed.count() == 0)
    assert (tray.folder / "shot.png").exists()
    assert in_bin(tmp_path) == []


def test_a_forgotten_capture_that_waits_is_never_sent_and_its_page_says_so(tray: Tray) -> None:
    tray.server.down()
    item_id = shoot(tray)
    eventually(lambda: tray.engine.status().state is State.OFFLINE)
    tray.engine.forget(item_id)
    assert tray.engine.recent() == []
    tray.server.up()
    slug = str(tray.desk.links[0][0].slug)
    eventually(lambda: tray.server.ended.get(slug) == "undone")
    assert tray.server.kept == []


def test_what_the_server_has_is_not_forgotten_but_taken_back(tray: Tray) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    with pytest.raises(errors.Conflict, match="is on the server already"):
        tray.engine.forget(item_id)
    assert [item.id for item in tray.engine.recent()] == [item_id]
    assert tray.server.kept[0].deleted == 0


def test_what_went_to_the_bin_is_not_offered_to_be_tried_again(tray: Tray) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    tray.engine.undo(item_id)
    assert "retry" in can(tray.engine.item(item_id)), "its file is still here"
    tray.engine.delete_both(item_id)
    eventually(lambda: tray.engine.item(item_id).binned)
    assert "retry" not in can(tray.engine.item(item_id))
    with pytest.raises(errors.Conflict, match="not there any more"):
        tray.engine.retry(item_id)


class Ahead(SystemClock):
    """The machine's clock, moved on by hand."""

    by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.by

    def monotonic(self) -> float:
        return super().monotonic() + self.by.total_seconds()


def test_what_is_private_until_undo_has_passed_is_public_after_ten_seconds(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, undo_private=True) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        item_id = shoot(tray)
        eventually(lambda: tray.desk.there)
        assert server.kept[0].is_public is False
        assert tray.engine.item(item_id).is_public is False
        stay(0.5)
        assert server.kept[0].is_public is False
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        eventually(lambda: server.kept[0].is_public)
        eventually(lambda: tray.engine.item(item_id).is_public)


def test_what_was_to_be_public_is_made_so_after_a_restart(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, undo_private=True) as tray:
        item_id = shoot(tray)
        eventually(lambda: tray.engine.item(item_id).status is Status.DONE)
    assert server.kept[0].is_public is False
    clock = Ahead()
    clock.by = timedelta(seconds=11)
    with running(tmp_path, server, clock=clock):
        eventually(lambda: server.kept[0].is_public)


def test_publish_ends_the_time_for_undo(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, undo_private=True) as tray:
        item_id = shoot(tray)
        eventually(lambda: tray.engine.item(item_id).status is Status.DONE)
        tray.engine.publish(item_id)
        eventually(lambda: server.kept[0].is_public)


def test_what_is_taken_back_in_time_never_becomes_public(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, undo_private=True) as tray:
        item_id = shoot(tray)
        eventually(lambda: tray.engine.item(item_id).status is Status.DONE)
        tray.engine.undo(item_id)
        clock.by = timedelta(seconds=11)
        tray.engine.rescan()
        eventually(lambda: server.kept[0].deleted)
        stay(0.3)
        assert server.kept[0].is_public is False


def test_what_goes_up_after_its_undo_has_passed_is_public_at_once(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, undo_private=True) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        server.down()
        shoot(tray)
        clock.by = timedelta(seconds=11)
        server.up()
        eventually(lambda: tray.desk.there)
        assert server.kept[0].is_public is True


def test_a_clock_that_was_set_back_keeps_nothing_private_for_years(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock, undo_private=True) as tray:
        item_id = shoot(tray)
        eventually(lambda: tray.engine.item(item_id).status is Status.DONE)
    behind = Ahead()
    behind.by = timedelta(days=-4000)
    with running(tmp_path, server, clock=behind):
        eventually(lambda: server.kept[0].is_public)


def test_unknown_numbers_are_said_to_be_unknown(tray: Tray) -> None:
    for act in (tray.engine.undo, tray.engine.delete_both, tray.engine.forget, tray.engine.publish, tray.engine.retry):
        with pytest.raises(errors.NotFound):
            act(99)
    with pytest.raises(errors.NotFound):
        tray.engine.item(99)


def test_a_key_that_may_not_delete_stops_no_upload(tray: Tray) -> None:
    tray.server.judge_small = lambda method, path: Rule(403, "missing_scope") if method == "DELETE" else None
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    tray.engine.undo(item_id)
    eventually(lambda: any(method == "DELETE" for method, _ in tray.server.small))
    shoot(tray, "next.png")
    eventually(lambda: len(tray.server.kept) == 2)
    assert tray.engine.status().state is not State.NEEDS_YOU


def test_what_is_owed_to_one_server_is_not_told_to_another(tray: Tray) -> None:
    item_id = shoot(tray)
    eventually(lambda: tray.desk.there)
    tray.server.down()
    tray.engine.undo(item_id)
    with fake_server() as other:
        other.reserves = True
        tray.engine.use_client(Client(other.url, "bd_other", answer_seconds=30.0))
        eventually(lambda: tray.engine.reserved() == USUAL)
        stay(0.3)
        assert {method for method, _ in other.small} == {"POST"}
        tray.server.up()
        tray.engine.use_client(Client(tray.server.url, "bd_test", answer_seconds=30.0))
        eventually(lambda: tray.server.kept[0].deleted == 1)


def in_bin(tmp_path: Path) -> list[str]:
    """The names of this test's files that lie in the bin. Which bin, the library decides once for each process."""
    from send2trash import plat_other  # type: ignore[import-untyped]

    home = Path(os.fsdecode(plat_other.HOMETRASH_B))
    notes = [*home.glob("info/*"), *Path("/").glob(f".Trash-{os.getuid()}/info/*")]
    mine = [note for note in notes if quote(str(tmp_path)) in note.read_text()]
    assert all((note.parent.parent / "files" / note.stem).exists() for note in mine)
    return sorted(unquote(note.read_text().partition("Path=")[2].splitlines()[0]).rpartition("/")[2] for note in mine)
