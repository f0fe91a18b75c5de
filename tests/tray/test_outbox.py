"""What the outbox remembers, what it takes for one capture, and that a kill at any point loses and doubles nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.errors import NotFound, TooBig
from bulletdrop.tray.client import Uploaded
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.outbox import Choice, Outbox
from bulletdrop.tray.rows import Job
from tests.tray.engine_kit import FakeServer, Rule, eventually, fake_server, png, wait_for_jiffy, write

ANSWER = Uploaded("u1", "http://x/s1", "http://x/s1.png", "http://x/delete/s1/t", {})


@pytest.fixture
def outbox(tmp_path: Path, clock: ManualClock) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "tray" / "outbox.db", clock)
    yield box
    box.close()


def see(path: Path) -> Sighting:
    sighting = Sighting.look(path)
    assert sighting is not None
    return sighting


def take(outbox: Outbox, path: Path, sha256: str = "aa") -> Item | None:
    return outbox.take_in(path.parent, see(path), sha256)


def sent(outbox: Outbox, path: Path, sha256: str = "aa") -> Item:
    item = take(outbox, path, sha256)
    assert item is not None
    done = outbox.finish(job_of(outbox), ANSWER)
    assert done is not None
    return done


def job_of(outbox: Outbox, choice: Choice | None = None) -> Job:
    job = outbox.next_waiting(choice or Choice())
    assert job is not None
    return job


def test_a_capture_waits_and_is_done_with_its_link(outbox: Outbox, tmp_path: Path, clock: ManualClock) -> None:
    item = take(outbox, write(tmp_path / "a.png", b"a"))
    assert item is not None
    assert (item.status, item.name, item.size, item.found_at) == (Status.WAITING, "a.png", 1, clock.now())
    clock.advance(seconds=3)
    done = outbox.finish(job_of(outbox), ANSWER)
    assert done is not None
    assert (done.status, done.link, done.sent_at) == (Status.DONE, "http://x/s1", clock.now())
    assert outbox.recent(5) == [done]
    assert outbox.waiting() == 0


def test_the_newest_goes_first_while_it_is_fresh_and_a_backlog_goes_in_order(
    outbox: Outbox, tmp_path: Path, clock: ManualClock
) -> None:
    for n in range(3):
        take(outbox, write(tmp_path / f"{n}.png", b"x"), f"{n}")
    fresh = job_of(outbox, Choice(newest_since=clock.now() - timedelta(seconds=10)))
    assert fresh.item.name == "2.png"
    clock.advance(minutes=5)
    old = job_of(outbox, Choice(newest_since=clock.now() - timedelta(seconds=10)))
    assert old.item.name == "0.png"
    assert outbox.next_waiting(Choice(skip={1, 2, 3})) is None


def test_the_key_of_a_repeat_is_the_same_and_each_capture_has_its_own(
    outbox: Outbox, tmp_path: Path, clock: ManualClock
) -> None:
    take(outbox, write(tmp_path / "a.png", b"x"))
    first, again = job_of(outbox), job_of(outbox)
    assert first.idempotency_key == again.idempotency_key
    wait_for_jiffy()
    take(outbox, write(tmp_path / "b.png", b"x"))
    other = job_of(outbox, Choice(skip={first.item.id}))
    assert other.idempotency_key != first.idempotency_key


def test_what_was_on_its_way_when_the_program_died_waits_again(tmp_path: Path, clock: ManualClock) -> None:
    box = Outbox(tmp_path / "outbox.db", clock)
    take(box, write(tmp_path / "a.png", b"x"))
    job = job_of(box)
    box.close()
    reopened = Outbox(tmp_path / "outbox.db", clock)
    try:
        again = job_of(reopened)
        assert again.idempotency_key == job.idempotency_key
    finally:
        reopened.close()


def test_a_renamed_file_is_recognised_and_found_under_its_new_name(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", b"x")
    item = sent(outbox, path)
    moved = path.rename(tmp_path / "b.png")
    assert outbox.recognises(see(moved))
    assert outbox.get(item.id).name == "b.png"


def test_a_touched_file_is_the_same_capture(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", b"x")
    sent(outbox, path)
    os.utime(path, (1, 1))
    assert not outbox.recognises(see(path)), "it must be hashed before that is known"
    assert take(outbox, path) is None
    assert outbox.recognises(see(path))


def test_the_same_bytes_in_another_file_are_another_capture_while_the_first_is_there(
    outbox: Outbox, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.png", b"x")
    sent(outbox, path)
    copy = write(tmp_path / "b.png", b"x")
    os.utime(copy, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    assert take(outbox, copy) is not None


@pytest.mark.parametrize("coarse", [False, True])
def test_a_file_put_back_from_a_copy_is_the_same_capture(outbox: Outbox, tmp_path: Path, coarse: bool) -> None:
    path = write(tmp_path / "a.png", b"x")
    time_ns = path.stat().st_mtime_ns
    sent(outbox, path)
    write(tmp_path / "keeps-the-inode-away", b"")
    path.rename(tmp_path / "aside")
    back = write(tmp_path / "back.png", b"x")
    (tmp_path / "aside").unlink()
    time_ns = time_ns // 10**9 * 10**9 if coarse else time_ns
    os.utime(back, ns=(time_ns, time_ns))
    assert take(outbox, back) is None


def test_the_same_screen_after_the_first_was_deleted_is_a_new_capture(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", b"x")
    sent(outbox, path)
    path.unlink()
    wait_for_jiffy()
    # The file system may well give the same inode again.
    assert take(outbox, write(tmp_path / "b.png", b"x")) is not None


def test_other_bytes_while_it_waits_take_its_place(outbox: Outbox, tmp_path: Path, clock: ManualClock) -> None:
    path = write(tmp_path / "a.png", b"x")
    first = take(outbox, path, "aa")
    before = job_of(outbox)
    write(path, b"yy")
    second = take(outbox, path, "bb")
    after = job_of(outbox)
    assert first is not None
    assert second is not None
    assert [item.id for item in outbox.recent(5)] == [second.id]
    assert after.idempotency_key != before.idempotency_key
    assert outbox.finish(before, ANSWER) is None, "the link of the old bytes is not the link of the new ones"


def test_other_bytes_after_it_was_sent_are_a_new_capture(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", b"x")
    first = sent(outbox, path, "aa")
    write(path, b"yy")
    second = take(outbox, path, "bb")
    assert second is not None
    assert second.id != first.id


def test_what_was_only_seen_stays_unsent_by_touch_and_rename_and_goes_when_written_anew(
    outbox: Outbox, tmp_path: Path
) -> None:
    path = write(tmp_path / "old.png", b"x")
    outbox.adopt_folder(tmp_path, [see(path)])
    os.utime(path, (1, 1))
    assert take(outbox, path) is None
    path = path.rename(tmp_path / "renamed.png")
    assert outbox.recognises(see(path))
    write(path, b"longer")
    assert take(outbox, path, "bb") is not None


def test_a_file_system_without_lasting_inodes_is_known_by_path_size_and_time(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", b"x")
    sent(outbox, path)
    now = see(path)
    assert outbox.recognises(Sighting(now.path, now.device + 1, now.inode + 1, now.size, now.mtime_ns))


def test_numbers_of_windows_file_systems_fit(outbox: Outbox, tmp_path: Path) -> None:
    facts = SimpleNamespace(st_dev=2**64 - 7, st_ino=2**128 - 5, st_size=1, st_mtime_ns=2**60)
    sighting = Sighting.of(tmp_path / "a.png", cast(os.stat_result, facts))
    assert outbox.take_in(tmp_path, sighting, "aa") is not None
    assert outbox.recognises(sighting)


def test_a_file_that_was_given_up_because_it_was_gone_may_come_back(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", b"x")
    item = take(outbox, path)
    assert item is not None
    outbox.give_up(item, TooBig(), Status.FAILED)
    again = take(outbox, path)
    assert again is not None
    assert outbox.recent(5) == [again]
    assert again.status is Status.WAITING


def test_a_refused_capture_stays_refused_until_the_person_retries(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", b"x")
    item = take(outbox, path)
    assert item is not None
    refused = outbox.give_up(item, TooBig("Larger than 10 MB."), Status.REFUSED)
    assert refused is not None
    assert (refused.status, refused.error_code, refused.error) == (Status.REFUSED, "too_big", "Larger than 10 MB.")
    assert outbox.recognises(see(path))
    assert outbox.retry(item.id).status is Status.WAITING


def test_a_forgotten_capture_is_neither_shown_nor_sent(outbox: Outbox, tmp_path: Path, clock: ManualClock) -> None:
    path = write(tmp_path / "a.png", b"x")
    item = take(outbox, path)
    assert item is not None
    outbox.forget(item.id)
    assert outbox.recent(5) == []
    assert outbox.next_waiting(Choice()) is None
    assert outbox.recognises(see(path))
    with pytest.raises(NotFound):
        outbox.forget(99)


def test_a_folder_known_since_a_future_moment_is_known_since_now(outbox: Outbox, tmp_path: Path) -> None:
    outbox.adopt_folder(tmp_path, [])
    later_clock = ManualClock()
    later_clock.advance(days=-400)
    other = Outbox(tmp_path / "tray" / "outbox.db", later_clock)
    try:
        since = other.folder_since(tmp_path)
        assert since is not None
        assert since <= later_clock.now()
    finally:
        other.close()


# -- kill -9


@contextmanager
def tray_process(
    tmp_path: Path, server: FakeServer, *, wait: bool = True, said: list[str] | None = None
) -> Iterator[Callable[[str], str]]:
    """A tray as a process of its own, killed at the end. Gives a function that waits for a line beginning so; all
    lines are added to `said`."""
    command = [sys.executable, "-m", "tests.tray.engine_driver"]
    arguments = [str(tmp_path / "data"), str(tmp_path / "shots"), server.url]
    process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = [] if said is None else said

    def hears(start: str) -> str:
        for line in said:
            if line.startswith(start):
                return line
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.strip())
            if line.startswith(start):
                return line.strip()
        raise AssertionError(f"it never said {start}")

    try:
        if wait:
            hears("started")
        yield hears
    finally:
        process.kill()
        said += (process.communicate()[0] or "").split("\n")


@pytest.fixture(params=[False, True], ids=["link after", "link first"])
def server(request: pytest.FixtureRequest) -> Iterator[FakeServer]:
    with fake_server() as fake:
        fake.reserves = request.param
        yield fake


def test_kill_9_between_row_and_upload_sends_it_once(tmp_path: Path, server: FakeServer) -> None:
    (tmp_path / "shots").mkdir()
    server.always = Rule(503, "unavailable", {"Retry-After": "60"})
    with tray_process(tmp_path, server):
        write(tmp_path / "shots" / "a.png", png())
        eventually(lambda: server.requests)
    server.always = None
    with tray_process(tmp_path, server) as hears:
        assert hears("a.png").endswith(" late")
        assert server.names() == ["a.png"]


def test_kill_9_between_upload_and_row_update_sends_it_once(tmp_path: Path, server: FakeServer) -> None:
    (tmp_path / "shots").mkdir()
    server.rules.append(Rule(hold=60))
    with tray_process(tmp_path, server):
        write(tmp_path / "shots" / "a.png", png())
        eventually(lambda: server.kept)
    with tray_process(tmp_path, server) as hears:
        assert hears("a.png http").endswith(" late")
    assert server.names() == ["a.png"]
    assert server.kept[0].answers == 2, "the second answer was the first one's link"


def test_two_hundred_captures_over_many_kills_arrive_once_each(tmp_path: Path, server: FakeServer) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    dice = random.Random(4)
    server.delay = 0.004
    number, count, kills = 0, 200, 0
    said: list[str] = []

    def capture() -> int:
        write(folder / f"{number:03}.png", png(number))
        return number + 1

    if server.reserves:
        # Links are asked for as a tray starts, and each of these may be killed before it has them: one gets them first.
        with tray_process(tmp_path, server, said=said) as hears:
            while not any(one.slug for one in server.kept):
                number = capture()
                hears(f"{number - 1:03}.png")
                eventually(lambda: f"{number - 1:03}.png" in server.names())  # noqa: B023
    while number < count:
        # Every third is killed somewhere in its start.
        early = kills % 3 == 2
        with tray_process(tmp_path, server, wait=not early, said=said):
            end = time.monotonic() + dice.uniform(0.0, 0.4 if early else 0.25)
            while number < count and time.monotonic() < end:
                number = capture()
                time.sleep(dice.uniform(0, 0.02))
        kills += 1
        if number < count and kills % 2 == 0:
            # Some come while the tray is off, and an answer is lost now and then.
            number = capture()
            server.rules.append(Rule(lose=True))
    # On a slow machine answers are left to be lost, one after the other, each after a longer wait.
    server.rules.clear()
    with tray_process(tmp_path, server, said=said):
        eventually(lambda: len(server.kept) >= count, 60)
        time.sleep(0.5)
    assert sorted(server.names()) == [f"{n:03}.png" for n in range(count)]
    assert kills >= 5
    true = {one.name: f"{server.url}/{one.slug or f's{n}'}" for n, one in enumerate(server.kept)}
    told = [line.split() for line in said if ".png " in line and line.endswith((" late", " prompt"))]
    assert [(name, link) for name, link, _ in told if true[name] != link] == [], "a link that was told leads elsewhere"
    if server.reserves:
        assert len([one for one in server.kept if one.slug]) > 3


def test_that_the_person_named_a_file_is_kept_while_it_stalls_and_after(outbox: Outbox, tmp_path: Path) -> None:
    path = write(tmp_path / "half.png", png()[:-20])
    stalled = outbox.stall(tmp_path, see(path), wanted=True)
    assert stalled is not None
    assert stalled.reason.startswith("You named this file yourself at ")
    write(path, png())
    whole = outbox.take_in(tmp_path, see(path), "0" * 64)
    assert whole is not None
    assert (whole.wanted, outbox.recent(9)) == (True, [whole])
