"""Numbers, dates, names and aspects as pages say them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bulletdrop.web import words
from bulletdrop.web.pages import shown

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MB = 1024 * 1024


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (812, "812 bytes"),
        (1024, "1 KB"),
        (1536, "1.5 KB"),
        (100 * MB, "100 MB"),
        (214 * MB, "214 MB"),
        (1024 * MB - 1, "1 GB"),
        (5 * 1024**4, "5 TB"),
    ],
)
def test_sizes_are_said_with_as_many_digits_as_help(count: int, said: str) -> None:
    assert words.size(count) == said


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=40), "40 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(hours=20), "yesterday"),
        (timedelta(days=3), "Tuesday, 17 November"),
        (timedelta(days=400), "16 October 2025"),
    ],
)
def test_times_are_said_near(ago: timedelta, said: str) -> None:
    assert words.near(NOW - ago, NOW, UTC) == said


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=30), "in 30 days"),
        (timedelta(days=29, hours=23), "in 30 days"),
        (timedelta(hours=24, minutes=38), "in 1 day"),
        (timedelta(hours=36, minutes=1), "in 2 days"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(hours=23, minutes=59, seconds=59), "in 1 day"),
        (timedelta(hours=23, minutes=20), "in 23 hours"),
        (timedelta(hours=5), "in 5 hours"),
        (timedelta(hours=4, minutes=59, seconds=59), "in 5 hours"),
        (timedelta(minutes=59, seconds=59), "in 1 hour"),
        (timedelta(minutes=59), "in 59 minutes"),
        (timedelta(seconds=30), "in 1 minute"),
        (timedelta(seconds=-30), "in 1 minute"),
    ],
)
def test_what_is_left_is_said_to_the_nearest(left: timedelta, said: str) -> None:
    assert words.until(NOW + left, NOW) == said


def test_a_day_is_the_readers_day() -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    assert words.day(late, NOW, UTC) == "Yesterday"
    assert words.day(late, NOW, ZoneInfo("Europe/Berlin")) == "Today"
    assert words.full(late, ZoneInfo("Europe/Berlin")) == "20 November 2026, 00:30:00 CET"


@pytest.mark.parametrize("asked", [None, "", "Nowhere/Atall", "../../etc/passwd", "/etc/localtime", "A/" + "x" * 99])
def test_a_zone_that_is_none_is_utc(asked: str | None) -> None:
    assert words.zone(asked) is UTC


def test_names_cannot_turn_their_text_around_or_break_the_line() -> None:
    assert words.name("photo\u202egnp.exe") == "photognp.exe"
    assert words.name("a\nb\x00c") == "a�b�c"


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 2340), (1000, 1000), (1600, 1200), (300, 200)])
def test_an_aspect_class_is_within_one_percent(width: int, height: int) -> None:
    step = int(shown.aspect_class(width, height)[1:])
    assert 0.4 * 1.02**step == pytest.approx(width / height, rel=0.0101)


def test_extreme_and_unknown_aspects_have_a_class_too() -> None:
    assert shown.aspect_class(1, 10_000) == "a0"
    assert shown.aspect_class(10_000, 1) == "a122"
    assert shown.aspect_class(None, None) == shown.aspect_class(4, 3)


def test_the_style_sheet_has_the_same_aspects() -> None:
    script = (Path(shown.__file__).parents[1] / "ui" / "build.mjs").read_text(encoding="utf-8")
    found = re.search(r"\[FIRST, STEP, LAST\] = \[([\d.]+), ([\d.]+), (\d+)\]", script)
    assert found
    assert (float(found[1]), float(found[2]), int(found[3])) == (shown._FIRST, shown._STEP, shown._LAST)
