"""The list of those who wait: one look for all, none while nobody waits, and an answer that is shared but never old."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from bulletdrop.core.drops.reservations import Arrival
from bulletdrop.errors import TooMany, Unavailable
from bulletdrop.web.waiting import Waiting

WAITS = Arrival("one", "waiting", "owner")


class Rows:
    """A database that notes who asks for what."""

    def __init__(self) -> None:
        self.found: dict[str, Arrival] = {"one": WAITS, "two": Arrival("two", "waiting", "owner")}
        self.asked: list[list[str]] = []
        self.is_away = False

    async def look(self, slugs: Sequence[str]) -> Mapping[str, Arrival]:
        self.asked.append(sorted(slugs))
        if self.is_away:
            raise Unavailable("The database cannot be reached.")
        return {slug: self.found[slug] for slug in slugs if slug in self.found}


def waiting(rows: Rows) -> Waiting:
    return Waiting(rows.look, total=100, per_address=3)


def test_one_look_is_made_for_all_who_wait_and_none_while_nobody_does() -> None:
    rows = Rows()

    async def life() -> None:
        listed = waiting(rows)
        with listed.entered("a", WAITS), listed.entered("b", WAITS), listed.entered("c", rows.found["two"]):
            await asyncio.sleep(1.2)
        assert 2 <= len(rows.asked) <= 3
        assert rows.asked[0] == ["one", "two"]
        await asyncio.sleep(0.6)
        count = len(rows.asked)
        await asyncio.sleep(1.2)
        assert len(rows.asked) == count

    asyncio.run(life())


def test_who_waits_is_woken_by_what_another_process_did_and_not_by_what_they_know() -> None:
    rows = Rows()

    async def life() -> None:
        listed = waiting(rows)
        with listed.entered("a", WAITS) as one, listed.entered("b", rows.found["two"]) as two:
            assert not await one.wait(0.7)
            del rows.found["one"]
            assert await one.wait(2)
            # Told of it, they are woken by the next change alone.
            one.seen = None
            assert not await one.wait(0.7)
            assert not await two.wait(0.7)

    asyncio.run(life())


def test_a_fill_in_this_process_wakes_at_once() -> None:
    rows = Rows()

    async def life() -> None:
        listed = waiting(rows)
        with listed.entered("a", WAITS) as one, listed.entered("b", rows.found["two"]) as two:
            listed.tell("one")
            assert await one.wait(0)
            assert not await two.wait(0.01)
            listed.tell("nobody waits for this one")

    asyncio.run(life())


def test_a_database_that_is_away_wakes_nobody_and_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    rows = Rows()
    rows.is_away = True

    async def life() -> None:
        listed = waiting(rows)
        with listed.entered("a", WAITS) as one:
            assert not await one.wait(0.7)
            rows.is_away = False
            del rows.found["one"]
            assert await one.wait(2)

    asyncio.run(life())
    assert "cannot be asked" in caplog.text


def test_a_stop_wakes_all_and_whoever_comes_after_it() -> None:
    rows = Rows()

    async def life() -> None:
        listed = waiting(rows)
        with listed.entered("a", WAITS) as one:
            listed.stop()
            assert await one.wait(0)
            with listed.entered("a", WAITS) as late:
                assert await late.wait(0)

    asyncio.run(life())


def test_an_address_has_so_many_places_and_gets_them_back() -> None:
    async def life() -> None:
        listed = waiting(Rows())
        with listed.entered("a", WAITS), listed.entered("a", WAITS), listed.entered("a", WAITS):
            with pytest.raises(TooMany), listed.entered("a", WAITS):
                pass
            with listed.entered("b", WAITS):
                pass
        with listed.entered("a", WAITS):
            pass
        assert listed.gate.count == 0

    asyncio.run(life())


def test_who_asks_at_the_same_moment_shares_an_answer_but_never_one_from_before_a_change() -> None:
    asked: list[str] = []

    async def life() -> None:
        listed, state = waiting(Rows()), "before"

        async def ask() -> str:
            asked.append(state)
            answer = state
            await asyncio.sleep(0.05)
            return answer

        first = [asyncio.create_task(listed.once("one", "place", ask)) for _ in range(5)]
        await asyncio.sleep(0.01)
        state = "after"
        listed.tell("one")
        second = [asyncio.create_task(listed.once("one", "place", ask)) for _ in range(5)]
        other = asyncio.create_task(listed.once("one", "another place", ask))
        assert await asyncio.gather(*first) == ["before"] * 5
        assert await asyncio.gather(*second, other) == ["after"] * 6

    asyncio.run(life())
    assert asked == ["before", "after", "after"]


def test_who_leaves_takes_nobody_elses_answer_along() -> None:
    async def life() -> None:
        listed = waiting(Rows())

        async def ask() -> str:
            await asyncio.sleep(0.05)
            return "here"

        one = asyncio.create_task(listed.once("one", "place", ask))
        two = asyncio.create_task(listed.once("one", "place", ask))
        await asyncio.sleep(0.01)
        one.cancel()
        assert await two == "here"

    asyncio.run(life())
