"""What goes on the clipboard for each wish."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.formats import Clip, Held, clip_of
from bulletdrop.tray.preferences import FORMATS

SHOT = Item(
    *(1, Path("/p/a.png"), "a.png", 9, Status.WAITING, datetime(2026, 11, 20, tzinfo=UTC)),
    link="http://drop/abc",
    direct_url="http://drop/abc.png",
)
FILM = replace(SHOT, path=Path("/p/film.mp4"), direct_url="http://drop/abc.mp4")


@pytest.mark.parametrize(
    ("wish", "item", "clip"),
    [
        ("page", SHOT, Clip("http://drop/abc")),
        ("direct", SHOT, Clip("http://drop/abc.png")),
        ("direct", replace(SHOT, direct_url=None), Clip("http://drop/abc")),
        ("markdown", SHOT, Clip("[![a](http://drop/abc.png)](http://drop/abc)")),
        ("markdown", FILM, Clip("[film](http://drop/abc)")),
        ("image", SHOT, Clip("http://drop/abc", Path("/p/a.png"))),
        ("image", FILM, Clip("http://drop/abc")),
        ("nothing", SHOT, None),
    ],
)
def test_each_wish_gives_what_it_says(wish: str, item: Item, clip: Clip | None) -> None:
    assert clip_of(item, wish) == clip


def test_a_name_cannot_break_out_of_markdown() -> None:
    item = replace(SHOT, path=Path("/p/a](evil) [`b_c*.png"))
    text = r"[![a\](evil) \[\`b\_c\*](http://drop/abc.png)](http://drop/abc)"
    assert clip_of(item, "markdown") == Clip(text)


def test_every_format_that_can_be_chosen_is_known_here() -> None:
    for wish in FORMATS:
        assert clip_of(SHOT, wish) is not None or wish == "nothing"


def test_a_link_is_there_with_the_text_alone_and_with_both() -> None:
    assert [held for held in Held if held.has_text] == [Held.TEXT, Held.BOTH]
