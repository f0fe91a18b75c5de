"""What people write into fields: one rule for a line, one for several lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletdrop.core.text import line_of, lines_of
from bulletdrop.errors import BadName, Invalid


def line(text: object) -> str:
    return line_of(text, what="A title", field="title", most=20)


def lines(text: object) -> str:
    return lines_of(text, what="A note", field="note", most=20)


def test_a_persian_word_is_a_title() -> None:
    assert line("می‌خواهم") == "می‌خواهم"
    assert lines("می‌خواهم\nنیم‌روز") == "می‌خواهم\nنیم‌روز"


def test_a_family_of_emoji_is_a_title() -> None:
    assert line("👩‍👩‍👧") == "👩‍👩‍👧"


@pytest.mark.parametrize("text", ["two\nlines", "a\x00b", "left\u202eright", "x" * 21, "a\tb"])
def test_what_is_no_line_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        line(text)
    assert refused.value.field == "title"


def test_a_line_may_be_required() -> None:
    assert line(None) == ""
    with pytest.raises(BadName, match="1 to 20"):
        line_of("  ", what="A title", field="title", least=1, most=20, error=BadName)


def test_ends_of_lines_are_one_sign() -> None:
    assert lines(" a\r\nb\rc\td\n") == "a\nb\nc\td"


@settings(deadline=None)
@given(st.text(max_size=30))
def test_what_is_kept_is_kept_as_it_is(text: str) -> None:
    try:
        kept = line(text)
    except Invalid:
        return
    assert line(kept) == kept
    assert len(kept) <= 20
