"""What every kind of file has in common: it is known by its bytes, proved whole, and taken within limits."""

from __future__ import annotations

import hashlib
import io

import pytest

from bulletdrop.errors import BadPicture, TooManyPixels, Truncated, UnknownType
from bulletdrop.media import formats
from bulletdrop.media.formats import Limits, Span, copy_pieces, inspect, sniff
from tests.media import film_samples
from tests.media.format_samples import FULL, PLAIN, animated, picture, png, saved, zip_file

MIMES = {
    "png": "image/png",
    "apng": "image/png",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "bmp": "image/bmp",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "tiff": "image/tiff",
}


def stripped(data: bytes, limits: Limits | None = None) -> bytes:
    """The file as it would be stored."""
    inspection = inspect(io.BytesIO(data), limits)
    target = io.BytesIO()
    size, digest = copy_pieces(io.BytesIO(data), target, inspection.pieces)
    assert size == inspection.size == len(target.getvalue())
    assert digest == hashlib.sha256(target.getvalue()).hexdigest()
    return target.getvalue()


def refused(data: bytes) -> None:
    """Assert that a broken file is not taken."""
    with pytest.raises((BadPicture, Truncated)):
        inspect(io.BytesIO(data))


@pytest.mark.parametrize("name", PLAIN)
def test_every_kind_is_known_by_its_bytes_alone(name: str) -> None:
    inspection = inspect(io.BytesIO(PLAIN[name]()))
    assert inspection.mime == MIMES[name.split("_")[0]]
    assert inspection.kind in formats.KINDS
    assert inspection.needs_conversion == (inspection.kind in ("heic", "tiff"))


@pytest.mark.parametrize("name", PLAIN)
def test_sizes_frames_and_orientation_are_told(name: str) -> None:
    inspection = inspect(io.BytesIO(PLAIN[name]()))
    sizes = {(16, 12), (40, 24), (64, 64), (64, 48), (9, 5)}
    assert (inspection.width, inspection.height) in sizes
    assert inspection.frames == (3 if name == "apng" or name.endswith("animated") else 1)
    assert inspection.orientation == 1


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in ("avif_animated", "mp4", "mp4_fast", "webm")])
def test_a_file_with_nothing_to_hide_is_kept_as_it_is(name: str) -> None:
    data = PLAIN[name]()
    inspection = inspect(io.BytesIO(data))
    assert inspection.unchanged
    assert inspection.pieces == (Span(0, len(data)),)


@pytest.mark.parametrize("name", [*PLAIN, *FULL])
def test_what_was_stripped_once_needs_no_second_time(name: str) -> None:
    once = stripped((PLAIN.get(name) or FULL[name])())
    again = inspect(io.BytesIO(once))
    assert again.unchanged
    assert again.size == len(once)


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_cut_at_any_byte_is_refused(name: str) -> None:
    data = PLAIN[name]()
    for length in range(len(data)):
        try:
            inspection = inspect(io.BytesIO(data[:length]))
        except (UnknownType, Truncated, BadPicture):
            continue
        # The first letters of a signature are a text as good as any other; text is taken only where a setting says so.
        assert inspection.kind == "text", f"taken when cut at {length} of {len(data)} bytes"
        assert length < 24


@pytest.mark.parametrize("name", ["pdf", "zip"])
def test_a_document_cut_at_any_byte_is_refused(name: str) -> None:
    data = saved(picture(), "PDF").rstrip() if name == "pdf" else zip_file()
    assert inspect(io.BytesIO(data)).unchanged
    for length in range(24, len(data)):
        with pytest.raises((UnknownType, Truncated, BadPicture)):
            inspect(io.BytesIO(data[:length]))


def test_a_recording_of_unknown_length_may_only_end_between_its_blocks() -> None:
    data = film_samples.webm(live=True)
    taken = []
    for length in range(100, len(data)):
        try:
            inspect(io.BytesIO(data[:length]))
        except (Truncated, BadPicture):
            continue
        taken.append(length)
    block = 4 + 1 + 4 + 20
    assert all((len(data) - length) % block == 0 or length < len(data) - 3 * block for length in taken)
    assert len(taken) <= 5


def test_a_file_of_no_bytes_is_of_no_type() -> None:
    with pytest.raises(UnknownType):
        inspect(io.BytesIO(b""))


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        b"<!doctype html><img src=x onerror=alert(1)>",
        "Grüße, 世界\n".encode(),
        b"#!/bin/sh\nexit 0\n",
        b"BMW is a make of car, and this is no picture of one at all.",
    ],
)
def test_svg_and_html_are_text_and_nothing_more(data: bytes) -> None:
    inspection = inspect(io.BytesIO(data))
    assert (inspection.kind, inspection.mime, inspection.ext) == ("text", "text/plain", "txt")
    assert inspection.width is None


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 64,
        b"\xfe\xff\0a\0b",
        b"text with a \0 in it",
        "Grüße".encode("latin-1"),
        b"a" * 500_000 + b"\xff",
        b"a" * 500_000 + b"\0",
        b"MZ\x90\0\3\0\0\0",
        b"\x7fELF\2\1\1" + bytes(40),
        b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + bytes(20),
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(20),
        b"8BPS\0\1" + bytes(30),
        b"%!PS-Adobe-3.0 EPSF-3.0\n\x04",
        b"\x1aE\xdf\xa3\x8fB\x82\x88matroska" + bytes(10),
        b"\x1aE\xdf\xa3\x87B\x82",
    ],
)
def test_what_is_not_on_the_list_is_refused(data: bytes) -> None:
    with pytest.raises(UnknownType):
        inspect(io.BytesIO(data))


def test_a_text_may_be_split_inside_a_character_at_the_end_of_the_head() -> None:
    assert inspect(io.BytesIO(("ä" * 400_000).encode())).kind == "text"
    assert inspect(io.BytesIO(b"a" + ("ä" * 400_000).encode())).kind == "text"
    assert sniff(b"a" * (formats.HEAD - 1) + b"\xc3") is not None
    assert sniff(b"a" * 100 + b"\xc3") is None


def test_a_picture_larger_than_the_limit_is_refused_by_its_header_alone() -> None:
    header_only = png(10_000, 10_000, b"")[:33]
    with pytest.raises(TooManyPixels):
        inspect(io.BytesIO(header_only))


@pytest.mark.parametrize("name", PLAIN)
def test_the_limit_of_pixels_holds_for_every_kind(name: str) -> None:
    data = PLAIN[name]()
    whole = inspect(io.BytesIO(data))
    pixels = (whole.width or 0) * (whole.height or 0)
    assert inspect(io.BytesIO(data), Limits(max_pixels=pixels)).frames == whole.frames
    with pytest.raises(TooManyPixels):
        inspect(io.BytesIO(data), Limits(max_pixels=pixels - 1))


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP", "AVIF"])
def test_the_limits_of_an_animation_hold(form: str) -> None:
    data = animated(form)
    total = 3 * 16 * 12
    assert inspect(io.BytesIO(data), Limits(max_total_pixels=total, max_frames=3)).frames == 3
    with pytest.raises(TooManyPixels):
        inspect(io.BytesIO(data), Limits(max_total_pixels=total - 1))
    with pytest.raises(TooManyPixels):
        inspect(io.BytesIO(data), Limits(max_frames=2))


def test_copying_notices_a_source_that_became_shorter() -> None:
    with pytest.raises(Truncated):
        copy_pieces(io.BytesIO(b"abc"), io.BytesIO(), [Span(0, 4)])


def test_pieces_are_written_one_after_the_other() -> None:
    target = io.BytesIO()
    size, digest = copy_pieces(io.BytesIO(b"0123456789"), target, [Span(2, 4), b"--", Span(8, 10)])
    assert target.getvalue() == b"23--89"
    assert (size, digest) == (6, hashlib.sha256(b"23--89").hexdigest())
