"""The short forms of the experiments with secrets; `python -m tests.faults secrets-race` runs the long one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults import ptrace
from tests.faults.secret_points import OPERATIONS, secret_points
from tests.faults.secrets import secrets_kills, secrets_race
from tests.support.needs import unavailable
from tests.support.postgres import fresh_database, postgres_server


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """ "" for SQLite, or a fresh Postgres database."""
    with ExitStack() as stack:
        yield stack.enter_context(fresh_database(stack.enter_context(postgres_server()))) if request.param else ""


both = pytest.mark.parametrize("database", [False, True], ids=["sqlite", "postgres"], indirect=True)


@both
@pytest.mark.parametrize("workers", [1, 4])
def test_two_hundred_openers_are_given_exactly_what_the_limit_allows(
    tmp_path: Path, database: str, workers: int
) -> None:
    report = secrets_race(tmp_path, rounds=3, workers=workers, database_url=database)
    assert report.violations == []
    assert {name: report.counts[name] for name in report.counts if name.startswith("limit")} == {
        "limit_1_least": 1,
        "limit_1_most": 1,
        "limit_10_least": 10,
        "limit_10_most": 10,
    }


@both
def test_a_server_killed_while_it_answers_never_gives_one_opening_too_many(tmp_path: Path, database: str) -> None:
    report = secrets_kills(tmp_path, kills=6, workers=2, database_url=database)
    assert report.violations == []
    assert report.counts["kills"] == 6


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_kill_at_a_system_call_leaves_a_secret_whole_or_gone(tmp_path: Path, operation: str) -> None:
    if not ptrace.supported():
        unavailable("tracing system calls needs Linux on x86-64 or arm64")
    report = secret_points(tmp_path, operation, only=range(4, 400, 17))
    assert report.violations == []
    assert report.tried >= 3
