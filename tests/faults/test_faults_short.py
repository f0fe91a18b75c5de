"""The short forms of the fault experiments; `python -m tests.faults NAME` runs the long ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import broken, ptrace
from tests.faults.ends import run_ends
from tests.faults.fulldisk import run_fulldisk
from tests.faults.kills import run_kills
from tests.faults.points import run_points
from tests.faults.powercut import run_powercut
from tests.faults.races import dedupe_race, delete_race, idempotency_race
from tests.faults.spool_points import run_spool
from tests.faults.tray import run_tray
from tests.support.needs import needs_root, requires, unavailable
from tests.support.postgres import fresh_database, postgres_server

# A fraction, for the gate; the long form tries all.
SOME_POINTS = {"upload": range(5, 400, 29), "delete": range(3, 400, 11), "purge": range(20, 400, 47)}
SOME_POINTS["farewell"] = range(15, 800, 83)
SOME_SPOOL = {"capture": range(2, 60, 9), "refused": range(3, 60, 13), "binned": (20, 33)}


def needs_tracing() -> None:
    """Skip where system calls cannot be traced."""
    if not ptrace.supported():
        unavailable("tracing system calls needs Linux on x86-64 or arm64")


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_on_sqlite(tmp_path: Path) -> None:
    report = run_kills(tmp_path, count=6, clients=10, mean_seconds=0.5, largest=500_000)
    assert report.violations() == []
    assert report.kills == 6
    assert report.findings.acked > 10


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_on_postgres(tmp_path: Path) -> None:
    with postgres_server() as server, fresh_database(server) as url:
        report = run_kills(tmp_path, count=4, database_url=url, clients=10, mean_seconds=0.5, largest=500_000)
    assert report.violations() == []
    assert report.findings.acked > 10


@pytest.mark.parametrize("operation", sorted(SOME_POINTS))
def test_a_kill_at_a_system_call_leaves_all_or_nothing(tmp_path: Path, operation: str) -> None:
    needs_tracing()
    report = run_points(tmp_path, operation, only=SOME_POINTS[operation])
    assert report.violations == []
    assert report.tried >= 2


@pytest.mark.parametrize("again", [False, True], ids=["first-life", "after-a-kill"])
def test_a_power_cut_right_after_an_answer_takes_nothing(tmp_path: Path, again: bool) -> None:
    needs_tracing()
    for report in run_powercut(tmp_path, uploads=4, boots=0 if again else 1, again=again):
        assert report.violations() == [], report.model
        assert report.cuts == 4


def test_the_same_bytes_from_fifty_clients_are_one_blob_with_fifty_references(tmp_path: Path) -> None:
    report = dedupe_race(tmp_path, rounds=2)
    assert report.violations == []
    assert (report.counts["blobs"], report.counts["rows"], report.counts["refs"]) == (2, 100, 100)


def test_one_idempotency_key_from_fifty_clients_is_one_drop(tmp_path: Path) -> None:
    report = idempotency_race(tmp_path, rounds=2)
    assert report.violations == []
    assert report.counts["rows"] == 2


def test_a_delete_beside_an_upload_of_the_same_bytes_loses_no_upload(tmp_path: Path) -> None:
    report = delete_race(tmp_path, seconds=4)
    assert report.violations == []
    assert report.counts["acked"] > 5


def test_a_body_that_ends_too_early_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    report = run_ends(tmp_path, cuts=12)
    assert report.violations == []


@pytest.mark.parametrize("guard_mb", [2, 0], ids=["kept-free", "to-the-last-byte"])
def test_a_full_disk_is_a_507_and_is_left_without_a_restart(tmp_path: Path, guard_mb: int) -> None:
    needs_root()
    requires("mount", package="mount")
    report = run_fulldisk(tmp_path, guard_mb=guard_mb)
    assert report.violations == []
    assert report.refused
    assert report.acked


def test_every_screenshot_arrives_once_although_the_tray_is_killed(tmp_path: Path) -> None:
    requires("Xvfb", package="xvfb")
    report = run_tray(tmp_path, count=14)
    assert report.violations() == []
    assert report.on_server == 14
    assert report.tray_kills
    assert report.links_first


@pytest.mark.parametrize("operation", sorted(SOME_SPOOL))
def test_a_tray_killed_at_a_system_call_keeps_its_capture_exactly_once(tmp_path: Path, operation: str) -> None:
    needs_tracing()
    report = run_spool(tmp_path, operation, only=SOME_SPOOL[operation])
    assert report.violations == []
    assert report.tried >= 2


@pytest.mark.parametrize("one", broken.BREAKS, ids=lambda one: one.name.replace(" ", "-"))
def test_a_build_broken_on_purpose_is_found(tmp_path: Path, one: broken.Break) -> None:
    if one.traced:
        needs_tracing()
    red, found = broken.run_broken(one, tmp_path / "broken")
    assert red, f"{one.name}: found only {found}"
