"""A number of views is exact: two hundred clients at once, one and several workers, both databases, and a kill -9.

The long form, two hundred rounds of each: `python -m tests.faults limits --database sqlite`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import both_databases
from tests.faults.limit_races import CLIENTS, LIMITS, TARGETS, WORKERS, limit_kills, limit_race


@both_databases
@pytest.mark.parametrize("workers", WORKERS)
def test_as_many_views_are_given_as_are_allowed(tmp_path: Path, database_url: str, workers: int) -> None:
    links = limit_race(tmp_path / "links", workers=workers, rounds=3, targets=TARGETS[:2], database_url=database_url)
    assert links.violations == []
    assert links.granted == 3 * 2 * sum(LIMITS)
    assert links.granted + links.refused == links.rounds * CLIENTS


@both_databases
def test_a_drop_with_a_limit_of_its_own_is_seen_as_often_by_its_page_and_its_bytes(
    tmp_path: Path, database_url: str
) -> None:
    drops = limit_race(tmp_path / "drops", workers=4, rounds=2, targets=TARGETS[2:], database_url=database_url)
    assert drops.violations == []
    assert drops.granted == 2 * 2 * sum(LIMITS)


@both_databases
def test_a_kill_between_the_count_and_the_answer_gives_no_view_more(tmp_path: Path, database_url: str) -> None:
    report = limit_kills(tmp_path / "kills", workers=2, rounds=4, clients=100, limits=(10,), database_url=database_url)
    assert report.violations == []
    assert report.cut >= 1
    assert report.kills == 4
