"""Ranges, conditions and dispositions, against everything that could be written into a header."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from bulletdrop.web.disposition import content_disposition, extended_filename
from bulletdrop.web.ranges import (
    Span,
    Unsatisfiable,
    http_date,
    is_unchanged,
    matches,
    parse_http_date,
    parse_range,
    range_applies,
)

SIZES = st.integers(min_value=0, max_value=10**12)


@settings(deadline=None)
@given(header=st.text(max_size=60) | st.from_regex(r"bytes=[0-9,\- ]{0,30}", fullmatch=True), size=SIZES)
def test_whatever_is_asked_the_span_lies_within_the_file(header: str, size: int) -> None:
    try:
        span = parse_range(header, size)
    except Unsatisfiable:
        return
    if span is not None:
        assert 0 <= span.start < span.end <= size
        assert span.length > 0


@settings(deadline=None)
@given(size=st.integers(min_value=1, max_value=10**12), data=st.data())
def test_a_span_that_was_written_is_read_back(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(min_value=0, max_value=size - 1))
    end = data.draw(st.integers(min_value=start, max_value=size - 1))
    assert parse_range(f"bytes={start}-{end}", size) == Span(start, end + 1)
    assert parse_range(f"bytes={start}-", size) == Span(start, size)
    assert parse_range(f"bytes=-{size - start}", size) == Span(start, size)


@settings(deadline=None)
@given(header=st.text(max_size=80))
def test_a_list_of_tags_never_fails(header: str) -> None:
    matches(header, '"abc"', weak=True)
    is_unchanged(none_match=header, modified_since=header, etag='"abc"', modified=datetime.now(UTC))
    range_applies(header, etag='"abc"', modified=datetime.now(UTC))
    parse_http_date(header)


@settings(deadline=None)
@given(st.lists(st.from_regex(r'(W/)?"[!#-~]{0,10}"', fullmatch=True)))
def test_a_tag_is_found_in_any_list_that_holds_it(tags: list[str]) -> None:
    assert matches(", ".join([*tags, '"ours"']), '"ours"', weak=False)
    assert matches(",".join(['W/"ours"', *tags]), '"ours"', weak=True)


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_date_that_was_written_is_read_back(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert parse_http_date(http_date(aware)) == aware.replace(microsecond=0)
    assert is_unchanged(none_match=None, modified_since=http_date(aware), etag='""', modified=aware)
    assert not is_unchanged(
        none_match=None, modified_since=http_date(aware), etag='""', modified=aware + timedelta(seconds=1)
    )


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=80)


@settings(deadline=None)
@given(name=NAMES, attachment=st.booleans())
def test_any_name_is_written_so_that_it_can_be_read_back(name: str, attachment: bool) -> None:
    header = content_disposition(name, attachment=attachment)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith("attachment" if attachment else "inline")
    plain = re.fullmatch(r'\w+; filename="([^"\\]*)"(?:; filename\*=UTF-8\'\'(\S*))?', header)
    assert plain, header
    assert (unquote(plain[2]) if plain[2] is not None else plain[1]) == name
    if plain[2] is not None:
        assert extended_filename(header) == name


@settings(deadline=None)
@given(st.text(max_size=100))
def test_a_part_with_any_disposition_never_fails(header: str) -> None:
    extended_filename(f"form-data; name=file; filename*={header}")
