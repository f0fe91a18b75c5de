"""The counters that processes share: exact under races, alive after kills and damage, and gone when their time is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletdrop.core.counts import Counts, machine_start

HOUR = 3600.0
_TAKER = """
import sys, time
from pathlib import Path
from bulletdrop.core.counts import Counts
path, start, takes, most = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
counts = Counts(path)
time.sleep(max(0, start - time.monotonic()))
print(sum(counts.take("one", most=most, window=1e6, now=start).allowed for _ in range(takes)), flush=True)
"""


@pytest.fixture
def counts(tmp_path: Path) -> Iterator[Counts]:
    opened = Counts(tmp_path / "run" / "counts.db")
    yield opened
    opened.close()


def taker(path: Path, start: float, *, takes: int, most: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _TAKER, str(path), str(start), str(takes), str(most)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_of_four_processes_that_take_all_at_once_exactly_as_many_succeed_as_may(tmp_path: Path) -> None:
    path, start = tmp_path / "run" / "counts.db", time.monotonic() + 1
    processes = [taker(path, start, takes=500, most=100) for _ in range(4)]
    got = [int(process.communicate(timeout=150)[0]) for process in processes]
    assert sum(got) == 100


def test_a_count_outlives_the_process_that_was_killed_while_it_counted(tmp_path: Path, counts: Counts) -> None:
    path, now = tmp_path / "run" / "counts.db", time.monotonic()

    def counted() -> int:
        return 10**9 - counts.take("one", most=10**9, window=1e6, now=now).left

    before = counted()
    for _ in range(3):
        process = taker(path, now, takes=10_000_000, most=10**9)
        wanted = before + 500
        while before < wanted:
            assert process.poll() is None
            time.sleep(0.02)
            before = counted()
        process.send_signal(signal.SIGKILL)
        process.communicate()
    before = counted()
    counts.close()
    assert Counts(path).take("one", most=10**9, window=1e6, now=now).left == 10**9 - before - 1


def test_what_was_allowed_counts_less_and_less_in_the_next_window(counts: Counts) -> None:
    for number in range(10):
        taken = counts.take("a", most=10, window=HOUR, now=0)
        assert (taken.allowed, taken.left, taken.resets) == (True, 9 - number, HOUR)
    refused = counts.take("a", most=10, window=HOUR, now=1800)
    # All ten count until the window ends; a tenth of the next one frees the first place.
    assert (refused.allowed, refused.left) == (False, 0)
    assert refused.retry_after == pytest.approx(1800 + 360)
    assert refused.resets == refused.retry_after
    assert not counts.take("a", most=10, window=HOUR, now=HOUR + 359).allowed
    assert counts.take("a", most=10, window=HOUR, now=HOUR + 361).allowed
    waits = counts.take("a", most=10, window=HOUR, now=HOUR + 361)
    assert waits.retry_after == pytest.approx(359)
    assert counts.take("a", most=10, window=HOUR, now=3 * HOUR).left == 9


def test_names_do_not_count_for_each_other_and_a_limit_of_none_allows_nothing(counts: Counts) -> None:
    assert counts.take("a", most=1, window=HOUR, now=5).allowed
    assert counts.take("b", most=1, window=HOUR, now=5).allowed
    assert not counts.take("a", most=1, window=HOUR, now=5).allowed
    assert not counts.take("c", most=0, window=HOUR, now=5).allowed


def test_a_process_whose_clock_was_read_just_before_the_window_ended_finds_no_fresh_count(counts: Counts) -> None:
    for _ in range(10):
        assert counts.take("a", most=10, window=HOUR, now=HOUR).allowed
    assert not counts.take("a", most=10, window=HOUR, now=HOUR - 0.001).allowed


def test_counts_from_before_the_machine_started_again_are_no_counts(counts: Counts) -> None:
    for _ in range(10):
        counts.take("a", most=10, window=HOUR, now=900 * HOUR)
    assert counts.take("a", most=10, window=HOUR, now=10).left == 9
    counts.take("b", most=10, window=HOUR, now=900 * HOUR)
    assert counts.sweep(20) == 1


def test_counts_of_an_earlier_start_never_count_again_when_the_clock_has_come_as_far(tmp_path: Path) -> None:
    path = tmp_path / "counts.db"
    day, another_day = Counts(path, start=1_000_000), Counts(path, start=2_000_000)
    same_day = Counts(path, start=1_000_001)
    try:
        assert day.take("a", most=1, window=HOUR, now=60).allowed
        assert not same_day.take("a", most=1, window=HOUR, now=70).allowed
        day.atomically(lambda file: file.execute("INSERT INTO guesses VALUES ('a', 1, 0, 99)").fetchall())
        day.atomically(lambda file: file.execute("INSERT INTO known (pair) VALUES ('home')").fetchall())
        assert another_day.look("a", window=HOUR, now=60) == 0
        assert another_day.take("a", most=1, window=HOUR, now=60).allowed
        assert not another_day.take("a", most=1, window=HOUR, now=60).allowed
        left = "SELECT (SELECT COUNT(*) FROM guesses), (SELECT COUNT(*) FROM known)"
        assert another_day.atomically(lambda file: file.execute(left).fetchall()) == [(0, 1)]
    finally:
        for opened in (day, another_day, same_day):
            opened.close()


def test_the_number_of_the_machines_start_is_the_same_for_its_processes() -> None:
    command = [sys.executable, "-c", "from bulletdrop.core.counts import machine_start; print(machine_start())"]
    other = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert abs(machine_start() - other) <= 1
    assert 0 < machine_start() < 2**31


@settings(deadline=None)
@given(
    most=st.integers(1, 20),
    steps=st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=120),
)
def test_no_more_are_allowed_than_the_rule_says_and_a_wait_is_neither_too_long_nor_too_short(
    most: int, steps: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    window, now = 100.0, 0.0
    given_at: list[float] = []
    counts = Counts(tmp_path_factory.mktemp("counts") / "counts.db")
    try:
        for step in steps:
            now += step
            slot, past = divmod(now, window)
            here = sum(at // window == slot for at in given_at)
            before = sum(at // window == slot - 1 for at in given_at)
            taken = counts.take("a", most=most, window=window, now=now)
            assert taken.allowed == (before * (1 - past / window) + here + 1 <= most)
            if taken.allowed:
                given_at.append(now)
            else:
                now += taken.retry_after
                assert not counts.take("a", most=most, window=window, now=now - 0.01).allowed
                assert counts.take("a", most=most, window=window, now=now + 0.01).allowed
                given_at.append(now + 0.01)
                now += 0.01
    finally:
        counts.close()


def _head(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"no database at all" * 10)


def _middle(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(os.urandom(4096 * 3))


def _short(file: Path) -> None:
    os.truncate(file, 5000)


def _empty(file: Path) -> None:
    os.truncate(file, 0)


@pytest.mark.parametrize("damage", [_head, _middle, _short, _empty])
def test_a_damaged_file_is_thrown_away_for_all_processes(damage: object, tmp_path: Path) -> None:
    path = tmp_path / "counts.db"
    first = Counts(path)
    for number in range(300):
        first.take(f"name {number}", most=10, window=HOUR, now=5)
    first.close()
    assert callable(damage)
    damage(path)
    first, second = Counts(path), Counts(path)
    try:
        assert first.take("name 7", most=10, window=HOUR, now=5).left == 9
        assert second.take("name 7", most=10, window=HOUR, now=5).left == 8
        assert first.take("name 7", most=10, window=HOUR, now=5).left == 7
    finally:
        first.close()
        second.close()


def test_a_file_that_somebody_removed_is_made_anew_and_shared_again(tmp_path: Path) -> None:
    path = tmp_path / "counts.db"
    first, second = Counts(path), Counts(path)
    try:
        first.take("a", most=10, window=HOUR, now=5)
        second.take("a", most=10, window=HOUR, now=5)
        path.unlink()
        assert first.take("a", most=10, window=HOUR, now=5).left == 9
        assert second.take("a", most=10, window=HOUR, now=5).left == 8
    finally:
        first.close()
        second.close()


def test_where_nothing_can_be_written_the_process_still_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("no folder")
    counts = Counts(tmp_path / "run" / "counts.db")
    assert [counts.take("a", most=2, window=HOUR, now=5).allowed for _ in range(3)] == [True, True, False]
    counts.close()


def test_the_file_is_its_owners_alone_and_made_at_the_first_use_only(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    counts = Counts(folder / "counts.db")
    assert not folder.exists()
    counts.take("a", most=2, window=HOUR, now=5)
    assert folder.stat().st_mode & 0o077 == 0
    counts.close()


@pytest.mark.alone
def test_counting_takes_less_than_a_tenth_of_a_millisecond(counts: Counts) -> None:
    times = []
    for _ in range(2000):
        began = time.perf_counter()
        counts.take("a", most=10**9, window=HOUR, now=time.monotonic())
        times.append(time.perf_counter() - began)
    assert sorted(times)[1000] < 100e-6
