"""Retries by kind of error, late links, pauses: a running tray against a server that misbehaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bulletdrop import errors
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import State, Status
from tests.tray.engine_kit import FakeServer, Rule, Tray, eventually, fake_server, png, running, stay, write
from tests.tray.test_taking_back import Ahead


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


@pytest.fixture
def tray(tmp_path: Path, server: FakeServer) -> Iterator[Tray]:
    with running(tmp_path, server) as running_tray:
        yield running_tray


def shoot(tray: Tray, name: str = "shot.png", *, seed: object = None) -> None:
    write(tray.folder / name, png(seed or name))


def state(tray: Tray) -> State:
    return tray.engine.status().state


def test_an_upload_says_who_it_is_what_it_holds_and_where_it_comes_from(tray: Tray) -> None:
    shoot(tray, "Bildschirmfoto 2026.png")
    tray.links(1)
    one = tray.server.kept[0]
    assert one.name == "Bildschirmfoto 2026.png"
    assert one.headers["authorization"] == "Bearer bd_test"
    assert one.headers["x-sha256"] == one.sha256
    assert one.headers["x-bulletdrop-source"] == "tray"
    assert (one.key or "").startswith(one.sha256)
    item = tray.engine.recent()[0]
    assert (item.link, item.upload_id) == (f"{tray.server.url}/s0", "s0")
    assert (tray.folder / "Bildschirmfoto 2026.png").exists(), "the file is never touched"


def test_one_connection_serves_many_uploads(tray: Tray) -> None:
    for n in range(20):
        shoot(tray, f"{n}.png")
        tray.links(n + 1)
    assert tray.server.connections <= 4, "three workers and the errands"


def test_a_server_that_is_down_is_waited_for_and_everything_arrives(tray: Tray) -> None:
    tray.server.down()
    for n in range(5):
        shoot(tray, f"{n}.png")
    eventually(lambda: state(tray) is State.OFFLINE)
    assert "cannot be reached" in (tray.engine.status().message or "")
    tray.server.up()
    tray.links(5)
    eventually(lambda: state(tray) is State.IDLE)
    assert sorted(tray.server.names()) == [f"{n}.png" for n in range(5)]


def test_a_server_down_for_10_minutes_loses_nothing_and_is_found_again_at_once(
    tmp_path: Path, server: FakeServer
) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock) as tray:
        server.down()
        for n in range(5):
            shoot(tray, f"{n}.png")
        for _ in range(60):
            clock.by += timedelta(seconds=10)
            tray.engine._line.wake()
            stay(0.02)
        eventually(lambda: state(tray) is State.OFFLINE)
        assert {item.status for item in tray.engine.recent()} <= {Status.WAITING, Status.SENDING}
        server.up()
        # The ladder stands at minutes; the small question is asked every ten seconds.
        clock.by += timedelta(seconds=10)
        tray.engine._line.wake()
        tray.links(5)
        assert sorted(server.names()) == [f"{n}.png" for n in range(5)]
        assert tray.desk.refusals == []


def test_a_new_capture_tries_an_unreachable_server_at_once(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock) as tray:
        gate = tray.engine._line.gate
        server.down()
        shoot(tray, "one.png")
        eventually(lambda: state(tray) is State.OFFLINE)
        while (gate.wait() or 0.0) < 100:
            clock.by += timedelta(seconds=300)
            tray.engine._line.wake()
            eventually(lambda: (gate.wait() or 0.0) > 0)
        # Neither the ladder finds it, which stands at minutes, nor the small question.
        server.health = Rule(503, "unavailable")
        server.up()
        shoot(tray, "two.png")
        tray.links(2)


def test_an_upload_answered_but_its_connection_lost_is_asked_for_again_and_is_the_same(tray: Tray) -> None:
    tray.server.rules.append(Rule(lose=True))
    shoot(tray)
    tray.links(1)
    assert tray.server.names() == ["shot.png"]
    assert tray.server.kept[0].answers == 2


@pytest.mark.parametrize(
    "status, code", [(413, "too_big"), (415, "unknown_type"), (422, "bad_picture"), (400, "invalid"), (409, "conflict")]
)
def test_what_the_server_will_never_take_is_refused_once_and_shown(tray: Tray, status: int, code: str) -> None:
    tray.server.rules.append(Rule(status, code))
    shoot(tray, "no.png")
    eventually(lambda: tray.desk.refusals)
    item, error = tray.desk.refusals[0]
    assert (item.name, item.status.value, error.code) == ("no.png", "refused", code)
    assert error.message == f"The fake server says {code}."
    shoot(tray, "yes.png")
    assert tray.links(1) == ["yes.png"]
    tray.engine.rescan()
    stay(0.5)
    assert tray.server.requests == 2
    assert state(tray) is State.IDLE


def test_a_413_that_comes_while_the_body_is_on_its_way_is_heard(tray: Tray) -> None:
    tray.server.rules.append(Rule(413, "too_big", early=True))
    write(tray.folder / "huge.png", png(size=20_000_000))
    eventually(lambda: tray.desk.refusals)
    assert tray.desk.refusals[0][1].code == "too_big"


def test_a_refused_capture_can_be_tried_again_by_hand(tray: Tray) -> None:
    tray.server.rules.append(Rule(413, "too_big"))
    shoot(tray)
    eventually(lambda: tray.desk.refusals)
    tray.engine.retry(tray.desk.refusals[0][0].id)
    assert tray.links(1) == ["shot.png"]


@pytest.mark.parametrize("status, code", [(401, "not_signed_in"), (401, "revoked_key"), (403, "missing_scope")])
def test_401_and_403_stop_everything_until_paired_again(tray: Tray, status: int, code: str) -> None:
    tray.server.always = Rule(status, code)
    for n in range(4):
        shoot(tray, f"{n}.png")
    eventually(lambda: state(tray) is State.NEEDS_YOU)
    assert "Pair this device again" in (tray.engine.status().message or "")
    # What the other workers had sent before the first answer came is refused too.
    eventually(lambda: tray.engine.status().sending == 0)
    asked = tray.server.requests
    shoot(tray, "later.png")
    tray.engine.rescan()
    stay(1.0)
    assert tray.server.requests == asked
    assert tray.desk.refusals == []
    tray.server.always = None
    tray.engine.use_client(Client(tray.server.url, "bd_new"))
    tray.links(5)
    assert {one.headers["authorization"] for one in tray.server.kept} == {"Bearer bd_new"}
    eventually(lambda: state(tray) is State.IDLE)


def test_without_a_server_captures_wait_for_the_pairing(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server, paired=False) as tray:
        shoot(tray)
        eventually(lambda: tray.engine.status().waiting)
        assert state(tray) is State.NEEDS_YOU
        tray.engine.use_client(Client(server.url, "bd_test"))
        assert tray.links(1) == ["shot.png"]


@pytest.mark.parametrize("status, code", [(429, "too_many"), (503, "unavailable")])
def test_429_and_503_with_retry_after_get_their_time(tray: Tray, status: int, code: str) -> None:
    tray.server.rules.append(Rule(status, code, {"Retry-After": "1"}))
    started = time.monotonic()
    shoot(tray, "one.png")
    eventually(lambda: State.OFFLINE in tray.desk.states)
    shoot(tray, "two.png")
    tray.links(2)
    assert time.monotonic() - started >= 1.0
    assert tray.server.requests == 3


def test_507_pauses_the_queue_for_a_minute(tray: Tray) -> None:
    tray.server.rules.append(Rule(507, "disk_full"))
    shoot(tray, "one.png")
    eventually(lambda: state(tray) is State.OFFLINE)
    shoot(tray, "two.png")
    tray.engine.rescan()
    stay(1.0)
    assert tray.server.requests == 1
    item = tray.engine.recent()[1]
    assert item.next_at is not None
    assert 50 < (item.next_at - item.found_at).total_seconds() < 70
    assert item.error_code == "disk_full"


def test_one_upload_that_always_stops_the_queue_does_not_hold_the_others_for_ever(tray: Tray) -> None:
    def too_much(name: str) -> Rule | None:
        return Rule(503, "unavailable", {"Retry-After": "1"}) if name == "0-poison.png" else None

    tray.server.judge = too_much
    tray.engine.pause()
    for name in ("0-poison.png", "1.png", "2.png", "3.png"):
        shoot(tray, name)
    eventually(lambda: tray.engine.status().waiting == 4)
    tray.engine.resume()
    assert sorted(tray.links(3)) == ["1.png", "2.png", "3.png"]


def test_a_fault_of_the_server_delays_that_capture_alone(tray: Tray) -> None:
    fails_until_another_is_there(tray.server, "unlucky.png")
    shoot(tray, "unlucky.png")
    eventually(lambda: tray.server.requests == 1)
    shoot(tray, "lucky.png")
    assert tray.links(2) == ["lucky.png", "unlucky.png"]
    assert tray.server.names() == ["lucky.png", "unlucky.png"]


def fails_until_another_is_there(server: FakeServer, name: str) -> None:
    """A fault of the server's that lasts, for this file alone, however long the next one takes to come."""
    server.judge = lambda given: Rule(500, "internal") if given == name and not server.kept else None


@pytest.mark.parametrize(
    "rule",
    [
        Rule(200, body=b"<html>Welcome to the hotel's network</html>"),
        Rule(302, headers={"Location": "http://login.hotel/"}, body=b""),
        Rule(404, body=b"nginx says no"),
        Rule(502, body=b"bad gateway"),
    ],
)
def test_whatever_is_no_bulletdrop_is_waited_out(tray: Tray, rule: Rule) -> None:
    tray.server.rules.append(rule)
    shoot(tray)
    eventually(lambda: State.OFFLINE in tray.desk.states)
    assert tray.desk.refusals == []
    assert tray.links(1) == ["shot.png"]


def test_a_link_after_more_than_ten_seconds_leaves_the_clipboard_alone(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock) as tray:
        server.rules.append(Rule(503, "unavailable", {"Retry-After": "600"}))
        shoot(tray)
        eventually(lambda: state(tray) is State.OFFLINE)
        clock.by = timedelta(seconds=601)
        tray.engine._line.wake()
        tray.links(1)
        assert tray.desk.links[0][1] is True


def test_an_older_capture_that_comes_later_leaves_the_clipboard_alone(tray: Tray) -> None:
    fails_until_another_is_there(tray.server, "older.png")
    shoot(tray, "older.png")
    eventually(lambda: tray.server.requests == 1)
    shoot(tray, "newer.png")
    tray.links(2)
    assert [(item.name, late) for item, late in tray.desk.links] == [("newer.png", False), ("older.png", True)]


def test_a_pause_holds_captures_back_also_over_a_restart(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        tray.engine.pause()
        shoot(tray, "held.png")
        eventually(lambda: tray.engine.status().waiting)
        assert state(tray) is State.PAUSED
        stay(0.3)
    assert server.requests == 0
    with running(tmp_path, server) as tray:
        stay(0.4)
        assert (state(tray), server.requests) == (State.PAUSED, 0)
        tray.engine.resume()
        assert tray.links(1) == ["held.png"]
        eventually(lambda: tray.desk.states[-2:] == [State.WORKING, State.IDLE])


def test_a_file_deleted_while_it_waits_is_given_up_and_shown(tray: Tray) -> None:
    tray.engine.pause()
    shoot(tray)
    eventually(lambda: tray.engine.status().waiting)
    (tray.folder / "shot.png").unlink()
    tray.engine.resume()
    eventually(lambda: tray.desk.refusals)
    item, error = tray.desk.refusals[0]
    assert (item.status.value, error.code) == ("failed", "file_gone")
    assert tray.server.requests == 0


def test_a_file_renamed_while_it_waits_goes_under_its_new_name(tray: Tray) -> None:
    tray.engine.pause()
    shoot(tray, "a.png")
    eventually(lambda: tray.engine.status().waiting)
    (tray.folder / "a.png").rename(tray.folder / "b.png")
    tray.engine.resume()
    assert tray.links(1) == ["b.png"]
    stay(0.4)
    assert tray.server.names() == ["b.png"]


@pytest.mark.parametrize("way", ["in place", "by rename"])
def test_a_file_changed_while_it_waits_goes_once_as_it_is_now(tray: Tray, way: str) -> None:
    tray.engine.pause()
    shoot(tray)
    eventually(lambda: tray.engine.status().waiting)
    new = png("changed", size=9000)
    if way == "in place":
        write(tray.folder / "shot.png", new)
    else:
        write(tray.folder / ".new", new).rename(tray.folder / "shot.png")
    tray.engine.resume()
    tray.links(1)
    stay(1.5)
    assert [one.size for one in tray.server.kept] == [len(new)]
    eventually(lambda: state(tray) is State.IDLE)


def test_a_file_that_shrinks_while_it_is_sent_is_looked_at_again(tmp_path: Path, server: FakeServer) -> None:
    with running(tmp_path, server) as tray:
        tray.server.rules.append(Rule(400, "wrong_digest"))
        shoot(tray)
        assert tray.links(1) == ["shot.png"]
        assert tray.desk.refusals == []


def test_a_named_file_elsewhere_is_sent_even_if_known(tray: Tray, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere.png", png())
    tray.engine.upload(path)
    tray.links(1)
    tray.engine.upload(path)
    tray.links(2)
    assert len({one.key for one in tray.server.kept}) == 2
    with pytest.raises(errors.NotFound):
        tray.engine.upload(tmp_path / "nothing.png")


def test_stopping_lets_what_is_on_its_way_arrive(tmp_path: Path, server: FakeServer) -> None:
    server.lets_in.clear()
    with running(tmp_path, server) as tray:
        shoot(tray)
        eventually(lambda: server.requests)
        stopping = threading.Thread(target=tray.engine.stop, args=(30.0,))
        stopping.start()
        stay(0.5)
        assert server.names() == []
        server.lets_in.set()
        stopping.join()
    assert server.names() == ["shot.png"]
    assert [item.name for item, _ in tray.desk.links] == ["shot.png"]


def test_stopping_does_not_wait_for_a_server_that_hangs(tmp_path: Path, server: FakeServer) -> None:
    server.delay = 60
    with running(tmp_path, server) as tray:
        shoot(tray)
        eventually(lambda: server.requests)
        started = time.monotonic()
    assert time.monotonic() - started < 15


def test_a_desk_that_fails_stops_nothing(tray: Tray) -> None:
    class Broken(Exception):
        pass

    def fails(*_: object, **__: object) -> None:
        raise Broken

    tray.desk.link_ready, kept = fails, tray.desk.link_ready  # type: ignore[method-assign]
    shoot(tray, "one.png")
    eventually(lambda: tray.engine.recent() and state(tray) is State.IDLE)
    tray.desk.link_ready = kept  # type: ignore[method-assign]
    shoot(tray, "two.png")
    assert tray.links(1) == ["two.png"]
