"""When a pause ends, by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bulletdrop.errors import Invalid
from bulletdrop.tray.pausing import pause_end

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


SPANS = {"30m": timedelta(minutes=30), "1h": timedelta(hours=1), "2d": timedelta(days=2)}


@pytest.mark.parametrize(("text", "span"), SPANS.items())
def test_a_span_ends_so_much_later(text: str, span: timedelta) -> None:
    assert pause_end(text, NOON) == NOON + span


def test_forever_has_no_end() -> None:
    assert pause_end("forever", NOON) is None


def test_tomorrow_is_the_next_morning_where_the_person_is() -> None:
    assert pause_end("tomorrow", NOON, BERLIN) == datetime(2026, 11, 21, 7, tzinfo=UTC)
    # Half past midnight in Berlin is another day than in London.
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert pause_end("tomorrow", late, BERLIN) == datetime(2026, 11, 22, 7, tzinfo=UTC)
    assert pause_end("tomorrow", late, UTC) == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_tomorrow_is_the_same_hour_over_the_night_in_which_clocks_are_set() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    end = pause_end("tomorrow", before, BERLIN)
    assert end == datetime(2026, 10, 25, 7, tzinfo=UTC)
    assert end.astimezone(BERLIN).hour == 8


@pytest.mark.parametrize("text", ["", "soon", "0h", "-1h", "1", "h", "1.5h", "99999h", "1h "])
def test_what_is_no_span_is_refused_in_words(text: str) -> None:
    with pytest.raises(Invalid, match="A pause is 30m, 1h, 2d, tomorrow or forever"):
        pause_end(text, NOON)
