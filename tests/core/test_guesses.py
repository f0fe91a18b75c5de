"""The brake on guessing, rule by rule, over the counters that processes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.config import load_config
from bulletdrop.core.people import guesses
from bulletdrop.core.site import Site, close_site, open_site
from bulletdrop.errors import TooMany


@pytest.fixture
def braked(tmp_path: Path) -> Iterator[Site]:
    """A site with small limits; the brake asks no database, so one is enough."""
    limits = {"guesses_per_pair": 2, "guesses_per_address": 3, "guesses_per_name": 4}
    opened = open_site(load_config({"data": tmp_path / "data", **limits}, environ={}))
    yield opened
    close_site(opened)


def fail(site: Site, address: str, name: str, now: float) -> None:
    guesses.failed(site, guesses.begin(site, address, name, now=now), now=now)


def rows(site: Site) -> set[object]:
    return set(site.counts.atomically(lambda file: file.execute("SELECT name FROM guesses").fetchall()))


def test_attempts_under_way_take_places_and_failures_end_with_the_window(braked: Site) -> None:
    first, second = (guesses.begin(braked, "a", "alice", now=0) for _ in range(2))
    with pytest.raises(TooMany) as busy:
        guesses.begin(braked, "a", "alice", now=0)
    assert busy.value.retry_after == 1
    guesses.failed(braked, first, now=10)
    guesses.given_back(braked, second)
    fail(braked, "a", "alice", 20)
    with pytest.raises(TooMany) as waits:
        guesses.begin(braked, "a", "alice", now=30)
    assert waits.value.retry_after == 280
    guesses.succeeded(braked, guesses.begin(braked, "a", "alice", now=311))
    assert rows(braked) == {("address a",)}
    guesses.given_back(braked, guesses.begin(braked, "b", "bob", now=312))
    assert rows(braked) == {("address a",)}
    braked.counts.sweep(1000)
    assert rows(braked) == set()


def test_an_address_has_its_own_limit_that_no_success_lifts(braked: Site) -> None:
    fail(braked, "a", "alice", 0)
    fail(braked, "a", "alice", 0)
    fail(braked, "a", "bob", 0)
    with pytest.raises(TooMany):
        guesses.begin(braked, "a", "charlie", now=1)
    guesses.succeeded(braked, guesses.begin(braked, "b", "bob", now=1))
    with pytest.raises(TooMany):
        guesses.begin(braked, "a", "bob", now=1)


def test_a_name_has_its_own_limit_which_whoever_signed_in_from_there_before_goes_beyond(braked: Site) -> None:
    guesses.succeeded(braked, guesses.begin(braked, "home", "alice", now=0))
    for address in ("a", "a", "b", "b"):
        fail(braked, address, "alice", 1)
    with pytest.raises(TooMany):
        guesses.begin(braked, "c", "alice", now=2)
    guesses.given_back(braked, guesses.begin(braked, "home", "alice", now=2))
    fail(braked, "home", "alice", 2)
    fail(braked, "home", "alice", 2)
    with pytest.raises(TooMany):
        guesses.begin(braked, "home", "alice", now=3)


def test_a_secret_that_is_no_persons_has_no_limit_by_name(braked: Site) -> None:
    for number in range(10):
        guesses.failed(braked, guesses.begin(braked, f"{number}", "", now=0, shared=True), now=0)
    guesses.begin(braked, "a", "", now=0, shared=True)


def test_what_a_killed_process_had_under_way_is_forgotten_after_a_minute(braked: Site) -> None:
    guesses.begin(braked, "a", "alice", now=0)
    late = guesses.begin(braked, "a", "alice", now=0)
    with pytest.raises(TooMany):
        guesses.begin(braked, "a", "alice", now=59)
    guesses.begin(braked, "a", "alice", now=61)
    # One that ends after all still counts.
    guesses.failed(braked, late, now=62)
    with pytest.raises(TooMany):
        guesses.begin(braked, "a", "alice", now=63)


def test_failures_from_before_the_machine_started_again_lock_nobody_out(braked: Site) -> None:
    before = 3 * 86400.0
    guesses.begin(braked, "a", "bob", now=before)
    for _ in range(2):
        fail(braked, "a", "alice", before)
    with pytest.raises(TooMany):
        guesses.begin(braked, "a", "alice", now=before + 1)
    for name in ("alice", "bob"):
        guesses.given_back(braked, guesses.begin(braked, "a", name, now=5))
    # What has failed since still counts, by a process too whose clock was read a moment earlier.
    for _ in range(2):
        fail(braked, "a", "alice", 10)
    with pytest.raises(TooMany) as waits:
        guesses.begin(braked, "a", "alice", now=9.5)
    assert waits.value.retry_after == 301


def test_failures_and_known_addresses_outlive_the_process(braked: Site) -> None:
    guesses.succeeded(braked, guesses.begin(braked, "home", "alice", now=0))
    for address in ("a", "a", "b", "b"):
        fail(braked, address, "alice", 1)
    again = open_site(braked.config)
    try:
        with pytest.raises(TooMany):
            guesses.begin(again, "c", "alice", now=2)
        guesses.begin(again, "home", "alice", now=2)
    finally:
        close_site(again)
