"""The link before the bytes: slugs are held ready, a capture has one at once, offline too, and the upload fills it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bulletdrop.clock import SystemClock
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import State, Status
from bulletdrop.tray.holding import Holder, Reserved
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.ledger import Manner
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.owed import END, Debt
from bulletdrop.tray.reserving import USUAL
from tests.tray.engine_kit import FakeServer, Rule, Tray, eventually, fake_server, png, running, stay, write
from tests.tray.test_taking_back import Ahead


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        fake.reserves = True
        yield fake


@pytest.fixture
def tray(tmp_path: Path, server: FakeServer) -> Iterator[Tray]:
    with running(tmp_path, server) as running_tray:
        eventually(lambda: running_tray.engine.reserved() == USUAL)
        yield running_tray


def shoot(tray: Tray, name: str = "shot.png") -> None:
    write(tray.folder / name, png(name))


def test_a_capture_has_its_link_before_its_bytes_went_and_the_upload_fills_it(tray: Tray) -> None:
    tray.server.lets_in.clear()
    shoot(tray)
    tray.links(1)
    item, late = tray.desk.links[0]
    assert tray.server.kept == []
    tray.server.lets_in.set()
    assert (item.status, late) == (Status.WAITING, False)
    assert item.slug is not None
    assert (item.link, item.direct_url) == (f"{tray.server.url}/{item.slug}", f"{tray.server.url}/{item.slug}.png")
    eventually(lambda: tray.desk.there)
    assert tray.server.kept[0].slug == item.slug
    done = tray.engine.item(item.id)
    assert (done.status, done.link, done.upload_id) == (Status.DONE, item.link, "s0")
    assert len(tray.desk.links) == 1, "a link is told once"


def test_who_wants_the_file_itself_copied_has_the_link_with_its_ending(tmp_path: Path, server: FakeServer) -> None:
    server.link_ending = True
    with running(tmp_path, server) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        shoot(tray)
        tray.links(1)
        item = tray.desk.links[0][0]
        assert item.link == item.direct_url == f"{server.url}/{item.slug}.png"


def test_without_a_network_the_link_is_there_at_once_and_true_later(tray: Tray) -> None:
    tray.server.down()
    shoot(tray)
    tray.links(1)
    item, late = tray.desk.links[0]
    assert late is False
    eventually(lambda: tray.engine.status().state is State.OFFLINE)
    tray.server.up()
    eventually(lambda: tray.desk.there)
    assert [one.slug for one in tray.server.kept] == [item.slug]
    assert len(tray.desk.links) == 1


def test_a_tray_that_starts_without_a_network_has_links_all_the_same(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
    server.down()
    with running(tmp_path, server, paired=False) as tray:
        tray.engine.server_is_off()
        assert tray.engine.reserved() == USUAL
        shoot(tray)
        tray.links(1)
        assert tray.desk.links[0][0].slug in server.open
        server.up()
        tray.engine.use_client(Client(server.url, "bd_test", answer_seconds=30.0))
        eventually(lambda: tray.desk.there)
    assert len(server.kept) == 1


def test_the_pool_is_refilled_when_half_of_it_is_gone(tray: Tray) -> None:
    asked = len(tray.server.small)
    for n in range(USUAL // 2):
        shoot(tray, f"{n}.png")
        tray.links(n + 1)
    eventually(lambda: not tray.engine.status().sending)
    assert len(tray.server.small) == asked, "half of it is enough"
    shoot(tray, "one more.png")
    eventually(lambda: tray.engine.reserved() >= USUAL - 1)


def test_an_old_server_without_reservations_gives_the_link_after_the_upload(tmp_path: Path) -> None:
    with fake_server() as old, running(tmp_path, old) as tray:
        eventually(lambda: old.small == [("POST", "/reservations")])
        shoot(tray)
        tray.links(1)
        assert tray.desk.links[0][0].status is Status.DONE
        assert old.kept[0].query == {}
        stay(0.5)
        assert len(old.small) == 1, "it is not asked again"


def test_a_burst_that_empties_the_pool_loses_nothing(tray: Tray) -> None:
    count = 3 * USUAL
    for n in range(count):
        shoot(tray, f"{n:03}.png")
    eventually(lambda: len(tray.server.kept) == count)
    eventually(lambda: tray.engine.status().state is State.IDLE)
    assert len(tray.desk.links) == count
    filled = [one.slug for one in tray.server.kept if one.slug]
    assert len(set(filled)) == len(filled) >= USUAL


def test_a_slug_that_the_server_does_not_hold_leads_to_another_link_told_late(tray: Tray) -> None:
    tray.server.open.clear()
    shoot(tray)
    tray.links(2)
    (first, _), (second, late) = tray.desk.links
    assert late is True
    assert second.link != first.link
    assert (second.status, second.link) == (Status.DONE, f"{tray.server.url}/s0")
    assert len(tray.server.kept) == 1
    assert tray.desk.refusals == []


def test_a_refused_capture_ends_its_reservation_with_the_reason(tray: Tray) -> None:
    tray.server.rules.append(Rule(415, "unknown_type"))
    shoot(tray)
    eventually(lambda: tray.desk.refusals)
    slug = tray.desk.links[0][0].slug
    eventually(lambda: tray.server.ended.get(str(slug)) == "unknown_type")
    assert tray.engine.recent()[0].link is None, "its link is dead, and must not be copied"


def test_a_file_that_is_gone_ends_its_reservation(tray: Tray) -> None:
    tray.server.down()
    shoot(tray)
    tray.links(1)
    # Nobody is to have it open: what was opened before it went is sent all the same.
    tray.engine.pause()
    eventually(lambda: not tray.engine.status().sending)
    (tray.folder / "shot.png").unlink()
    tray.server.up()
    tray.engine.resume()
    eventually(lambda: "file_gone" in tray.server.ended.values())


def test_the_word_that_nothing_comes_is_owed_over_a_restart(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        server.judge_small = lambda method, path: Rule(503, "unavailable", {"Retry-After": "60"})
        server.rules.append(Rule(415, "unknown_type"))
        shoot(tray)
        eventually(lambda: tray.desk.refusals)
        eventually(lambda: any(method == "DELETE" for method, _ in server.small))
    assert server.ended == {}
    server.judge_small = lambda method, path: None
    with running(tmp_path, server):
        eventually(lambda: list(server.ended.values()) == ["unknown_type"])


def test_paused_a_capture_takes_no_link(tray: Tray) -> None:
    tray.engine.pause()
    shoot(tray)
    eventually(lambda: tray.engine.status().waiting)
    stay(0.3)
    assert tray.desk.links == []
    tray.engine.resume()
    tray.links(1)
    assert tray.desk.links[0][0].status is Status.DONE


def test_who_wants_the_link_after_the_upload_gets_it_then(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, link="after") as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        shoot(tray)
        tray.links(1)
        assert tray.desk.links[0][0].status is Status.DONE
        assert tray.desk.links[0][0].slug is None


def test_links_that_are_half_as_old_as_they_get_are_given_back_and_replaced(tmp_path: Path, server: FakeServer) -> None:
    server.lasts = timedelta(hours=2)
    with running(tmp_path, server) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        old = set(server.open)
    server.lasts = timedelta(days=7)
    clock = Ahead()
    clock.by = timedelta(hours=1, seconds=1)
    with running(tmp_path, server, clock=clock) as tray:
        eventually(lambda: set(server.ended) == old)
        eventually(lambda: tray.engine.reserved() == USUAL)
        assert not server.open & old
        assert set(server.ended.values()) == {"unused"}


def test_a_server_that_holds_reservations_back_holds_up_no_upload(tmp_path: Path, server: FakeServer) -> None:
    server.judge_small = lambda method, path: Rule(429, "too_many", {"Retry-After": "600"})
    with running(tmp_path, server) as tray:
        eventually(lambda: server.small)
        shoot(tray)
        tray.links(1)
        assert tray.engine.status().state is not State.OFFLINE
        assert server.small.count(("POST", "/reservations")) == 1


def test_links_whose_answer_was_lost_are_given_back_when_there_is_no_room_for_more(
    tmp_path: Path, server: FakeServer
) -> None:
    server.most_open = USUAL
    server.judge_small = lambda method, path: Rule(lose=True) if method == "POST" else None
    with running(tmp_path, server) as tray:
        eventually(lambda: server.open)
        with server.lock:
            lost = set(server.open)
        assert tray.engine.reserved() == 0
        server.judge_small = lambda method, path: None
        # As a machine that woke: what waits is tried at once.
        tray.engine.rescan()
        eventually(lambda: lost <= server.ended.keys() and tray.engine.reserved() >= USUAL / 2)
        assert set(server.ended.values()) == {"unused"}


def test_links_that_another_machine_with_the_same_key_holds_are_left_alone(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path / "other", server) as other:
        eventually(lambda: other.engine.reserved() == USUAL)
        other.engine.pause()
        theirs = set(server.open)
        server.most_open = 0
        with running(tmp_path, server) as tray:
            eventually(lambda: ("GET", "/reservations") in server.small)
            assert tray.engine.reserved() == 0
            server.most_open = 200
            tray.engine.use_client(Client(server.url, "bd_test", answer_seconds=5.0))
            eventually(lambda: tray.engine.reserved() == USUAL)
        assert theirs <= server.open
        assert server.ended == {}


def test_a_link_that_was_given_away_or_is_owed_a_word_is_known_and_no_other(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", SystemClock())
    holder = Holder("http://h.example", "d")
    ends = SystemClock().now() + timedelta(days=1)
    outbox.pool.put(holder, [Reserved(slug, "u", "d", ends) for slug in ("ready", "given")])
    shot = write(tmp_path / "shot.png", png())
    sighting = Sighting.look(shot)
    assert sighting is not None
    item = outbox.take_in(tmp_path, sighting, "0" * 64, manner=Manner(holder=holder))
    assert item is not None
    outbox.owed.add(Debt(END, holder.server, {"slug": "owed"}))
    slugs = {"ready", "given", "owed", "lost"}
    assert item.slug in slugs
    assert outbox.pool.unknown(slugs) == ["lost"]
    outbox.close()


def test_a_copy_of_the_outbox_is_another_store_and_the_same_one_stays_the_same(tmp_path: Path) -> None:
    def mark(path: Path) -> str:
        outbox = Outbox(path, SystemClock())
        try:
            return outbox.pool.store()
        finally:
            outbox.close()

    path, copy = tmp_path / "outbox.db", tmp_path / "copy.db"
    first = mark(path)
    assert mark(path) == first
    shutil.copy(path, copy)
    assert mark(copy) != first
    assert mark(path) == first


def test_another_key_does_not_use_the_links_of_the_old_one(tray: Tray) -> None:
    old = set(tray.server.open)
    tray.engine.use_client(Client(tray.server.url, "bd_new", answer_seconds=30.0))
    eventually(lambda: len(tray.server.open) == 2 * USUAL)
    shoot(tray)
    tray.links(1)
    assert tray.desk.links[0][0].slug not in old
