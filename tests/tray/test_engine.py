"""A running tray as menu and page steer it: pauses that end, tickets, progress, large files beside small ones."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest

from bulletdrop import errors
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import State, Status
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.preferences import Server
from bulletdrop.tray.reserving import USUAL
from tests.support.needs import requires
from tests.tray.engine_kit import FakeServer, Tray, eventually, fake_server, png, running, stay, write
from tests.tray.engine_kit import Rule as ServerRule
from tests.tray.test_taking_back import Ahead

# Of a large screen, and larger than any.
MIDDLE, LARGE = 4_000_000, 9_000_000


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


def test_a_pause_ends_by_itself_when_its_time_has_come(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock) as tray:
        tray.engine.pause(clock.now() + timedelta(hours=1))
        report = tray.engine.status()
        assert report.state is State.PAUSED
        assert report.paused_until is not None
        write(tray.folder / "held.png", png())
        stay(0.5)
        assert server.kept == []
        clock.by = timedelta(hours=1, seconds=1)
        eventually(lambda: server.names() == ["held.png"])
        assert tray.engine.status().paused_until is None
        assert tray.chosen.now.paused_until == ""


def test_a_pause_whose_end_cannot_be_written_down_ends_all_the_same(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock) as tray:
        tray.engine.pause(clock.now() + timedelta(hours=1))
        # In the place of the file that is to become the preferences.
        (tray.chosen.path.parent / f".{tray.chosen.path.name}.{os.getpid()}.tmp").mkdir()
        clock.by = timedelta(hours=1, seconds=1)
        eventually(lambda: tray.engine.status().state is not State.PAUSED)
        for number in range(3):
            write(tray.folder / f"{number}.png", png(number))
            tray.links(number + 1)
        eventually(lambda: len(server.kept) == 3)
        assert tray.chosen.now.paused_until, "it was written after all"


def test_a_pause_that_ended_while_the_tray_was_off_is_over(tmp_path: Path, server: FakeServer) -> None:
    clock = Ahead()
    with running(tmp_path, server, clock=clock) as tray:
        tray.engine.pause(clock.now() + timedelta(hours=1))
        write(tray.folder / "held.png", png())
        eventually(lambda: tray.engine.status().waiting)
    assert server.kept == []
    clock.by = timedelta(hours=1, seconds=1)
    with running(tmp_path, server, clock=clock):
        eventually(lambda: server.names() == ["held.png"])


def test_a_ticket_answers_with_the_link_and_then_with_its_arrival(tray: Tray, tmp_path: Path) -> None:
    tray.server.lets_in.clear()
    ticket = tray.engine.upload(write(tmp_path / "elsewhere.png", png()), copy=False)
    item = eventually(lambda: tray.engine.uploaded(ticket))
    assert item.link == f"{tray.server.url}/{item.slug}"
    assert item.status in (Status.WAITING, Status.SENDING)
    tray.server.lets_in.set()
    eventually(lambda: (now := tray.engine.uploaded(ticket)) is not None and now.status is Status.DONE)
    assert tray.desk.links[0][1] is True, "the clipboard was not asked for"


def test_two_tickets_for_one_file_at_once_are_one_upload(tray: Tray, tmp_path: Path) -> None:
    path = write(tmp_path / "notes.txt", b"some text that rests a while before it is taken for whole " * 9)
    tickets = [tray.engine.upload(path) for _ in range(2)]
    first, second = (eventually(partial(tray.engine.uploaded, ticket)) for ticket in tickets)
    assert first.id == second.id


def test_a_ticket_tells_what_refused_its_file(tray: Tray, tmp_path: Path) -> None:
    tray.server.rules.append(ServerRule(415, "unknown_type"))
    ticket = tray.engine.upload(write(tmp_path / "elsewhere.png", png()))

    def refused() -> bool:
        try:
            tray.engine.uploaded(ticket)
        except errors.UnknownType:
            return True
        return False

    eventually(refused)
    empty = tray.engine.upload(write(tmp_path / "empty.png", b""))

    def gone() -> bool:
        try:
            return tray.engine.uploaded(empty) is not None
        except errors.Rejected as error:
            return error.code == "file_gone"

    eventually(gone)
    with pytest.raises(errors.NotFound):
        tray.engine.uploaded("nobody's")


@pytest.mark.parametrize("data", [b"abc", png()[:-20]], ids=["three letters", "half a picture"])
def test_a_file_that_the_person_named_goes_as_it_is_and_the_server_answers(
    tray: Tray, tmp_path: Path, data: bytes
) -> None:
    tray.server.rules.append(ServerRule(415, "unknown_type"))
    ticket = tray.engine.upload(write(tmp_path / "notes.txt", data))

    def refused() -> bool:
        try:
            tray.engine.uploaded(ticket)
        except errors.UnknownType:
            return True
        return False

    eventually(refused)
    item = tray.engine.failed()[0]
    assert item.reason.startswith("You named this file yourself at ")
    assert item.status is Status.REFUSED


def test_what_failed_is_listed_with_its_reason_and_can_be_tried_again(tray: Tray) -> None:
    tray.server.rules.append(ServerRule(413, "too_big"))
    write(tray.folder / "large.png", png())
    eventually(lambda: tray.engine.failed())
    item = tray.engine.failed()[0]
    assert (item.error_code, item.error) == ("too_big", "The fake server says too_big.")
    tray.engine.retry(item.id)
    eventually(lambda: tray.engine.failed() == [])
    eventually(lambda: tray.server.names() == ["large.png"])
    tray.links(2)
    assert tray.desk.links[1][1] is True


def test_progress_is_told_while_something_large_goes_out(tray: Tray) -> None:
    tray.server.rate = 1_000_000
    write(tray.folder / "large.png", png(size=LARGE))
    shares = []
    while (share := tray.engine.status().progress) != 1.0 and not tray.desk.there:
        shares += [share] if share is not None else []
        if len(set(shares)) > 5 and tray.desk.states.count(State.WORKING) > 2:
            tray.server.rate = 100_000_000  # enough was seen
        time.sleep(0.05)
    assert len(set(shares)) > 5
    assert shares == sorted(shares)
    assert tray.desk.states.count(State.WORKING) > 2, "the icon is drawn again as it goes on"
    eventually(lambda: tray.engine.status().progress is None)


def test_a_large_file_has_its_link_before_it_is_hashed_and_goes_up_whole(tray: Tray) -> None:
    tray.server.delay = 0.5
    write(tray.folder / "large.png", png(size=LARGE))
    tray.links(1)
    item = tray.desk.links[0][0]
    assert (item.sha256, item.slug is not None) == (None, True)
    eventually(lambda: tray.desk.there)
    assert tray.server.kept[0].sha256 == tray.engine.item(item.id).sha256
    assert tray.server.kept[0].headers["x-sha256"] == tray.server.kept[0].sha256


@pytest.mark.parametrize("size", [MIDDLE, LARGE])
def test_a_large_file_that_may_be_known_is_hashed_first_and_not_sent_twice(tray: Tray, size: int) -> None:
    path = write(tray.folder / "large.png", png(size=size))
    eventually(lambda: tray.desk.there)
    os.utime(path, (1, 1))
    tray.engine.rescan()
    # Renamed before that was seen, it would be another file by place and time: that its touch was seen is waited for.
    eventually(lambda: (now := Sighting.look(path)) is not None and tray.engine._outbox.recognises(now))
    path.rename(tray.folder / "renamed.png")
    stay(0.5)
    assert len(tray.server.kept) == 1
    assert tray.engine.recent()[0].name == "renamed.png"
    write(tray.folder / "renamed.png", png("other", size=size))
    tray.links(2)
    eventually(lambda: len(tray.server.kept) == 2)


def test_a_small_screenshot_passes_any_number_of_large_files(tray: Tray) -> None:
    # So slowly that none of the large ones is there before the small one, however busy the machine.
    tray.server.rate = 200_000
    for n, large in enumerate([png(n, size=LARGE) for n in range(4)]):
        write(tray.folder / f"large-{n}.png", large)
    eventually(lambda: tray.engine.status().sending == 2)
    write(tray.folder / "small.png", png())
    eventually(lambda: tray.server.names() == ["small.png"])
    # The worker of the small one has its answer, and writes it down.
    eventually(lambda: tray.engine.status().sending == 2)


def test_a_large_file_does_not_starve_behind_what_is_always_newer(tray: Tray) -> None:
    tray.server.delay = 0.02
    over = threading.Event()

    def shower() -> None:
        n = 0
        while not over.is_set():
            write(tray.folder / f"{n}.png", png(n))
            n += 1
            time.sleep(0.004)

    rain = threading.Thread(target=shower)
    rain.start()
    try:
        stay(0.5)
        write(tray.folder / "large.png", png("large", size=LARGE))
        eventually(lambda: "large.png" in tray.server.names(), 60)
    finally:
        over.set()
        rain.join()


def test_a_link_of_a_server_that_is_away_waits_for_it(tmp_path: Path, server: FakeServer) -> None:
    with fake_server() as second:
        known = (Server(url=server.url), Server(url=second.url))
        with running(tmp_path, server, servers=known) as tray:
            eventually(lambda: tray.engine.reserved() == USUAL)
            server.down()
            write(tray.folder / "first.png", png(1))
            tray.links(1)
            tray.engine.use_client(Client(second.url, "bd_two", answer_seconds=30.0))
            write(tray.folder / "second.png", png(2))
            eventually(lambda: second.names() == ["second.png"])
            stay(0.5)
            assert second.names() == ["second.png"]
            server.up()
            tray.engine.use_client(Client(server.url, "bd_test", answer_seconds=30.0))
            eventually(lambda: server.names() == ["first.png"])
            assert server.kept[0].slug == tray.desk.links[0][0].slug


def test_without_a_server_captures_wait_take_no_link_of_it_and_the_person_is_needed(tray: Tray) -> None:
    tray.engine.use_client(None)
    write(tray.folder / "shot.png", png())
    eventually(lambda: tray.engine.status().waiting)
    stay(0.3)
    assert tray.engine.status().state is State.NEEDS_YOU
    assert (tray.server.kept, tray.desk.links) == ([], [])
    tray.engine.use_client(Client(tray.server.url, "bd_test", answer_seconds=30.0))
    eventually(lambda: tray.server.names() == ["shot.png"])


def test_a_link_of_a_server_that_is_none_of_ours_any_more_becomes_another_one(
    tmp_path: Path, server: FakeServer
) -> None:
    with fake_server() as second, running(tmp_path, server) as tray:
        eventually(lambda: tray.engine.reserved() == USUAL)
        server.down()
        write(tray.folder / "shot.png", png())
        tray.links(1)
        tray.engine.use_client(Client(second.url, "bd_two", answer_seconds=30.0))
        tray.links(2)
        item, late = tray.desk.links[1]
        assert (late, item.link) == (True, f"{second.url}/s0")


def test_what_the_first_server_got_after_all_is_taken_back_when_the_second_has_it(
    tmp_path: Path, server: FakeServer
) -> None:
    with fake_server() as second, running(tmp_path, server, link="after") as tray:
        server.rules.extend([ServerRule(lose=True), ServerRule(503, "unavailable", {"Retry-After": "60"})])
        write(tray.folder / "shot.png", png())
        eventually(lambda: server.kept and tray.engine.recent()[0].attempts)
        tray.engine.use_client(Client(second.url, "bd_two", answer_seconds=30.0))
        eventually(lambda: second.names() == ["shot.png"])
        server.rules.clear()
        tray.engine.use_client(Client(server.url, "bd_test", answer_seconds=30.0))
        eventually(lambda: server.kept[0].deleted == 1)
        assert second.kept[0].deleted == 0


@pytest.mark.alone
def test_a_tray_at_rest_uses_no_time(tray: Tray) -> None:
    write(tray.folder / "shot.png", png())
    eventually(lambda: tray.desk.there)
    with running(tray.folder.parent / "other", tray.server) as quiet:
        eventually(lambda: quiet.engine.reserved() == USUAL)
        process = psutil.Process()
        stay(1.0)
        before = process.cpu_times()
        stay(5.0)
        after = process.cpu_times()
    # Two engines and a fake server in one process, with a health check ten times a second instead of every two.
    assert after.user + after.system - before.user - before.system < 0.25


def test_the_network_s_return_is_heard_at_once() -> None:
    requires("unshare", package="util-linux")
    requires("ip", package="iproute2")
    script = (
        "import subprocess, threading, time\n"
        "from bulletdrop.tray.network import NetworkWatch\n"
        "heard = threading.Event()\n"
        "watch = NetworkWatch(heard.set)\n"
        "assert watch.start()\n"
        "assert not heard.wait(0.5)\n"
        "began = time.monotonic()\n"
        "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n"
        "assert heard.wait(60)\n"
        "print(time.monotonic() - began < 20.0)\n"
        "watch.stop()\n"
    )
    ran = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout.strip() == "True", ran.stderr
