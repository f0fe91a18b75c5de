"""The tray's pictures: five shapes that differ, in the form that a panel wants."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image

from bulletdrop.tray.desk import State
from bulletdrop.tray.pixmaps import SIZES, Ink, app_icon, picture_path, pixmaps, read_png


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_picture_in_every_size(state: State) -> None:
    found = pixmaps(state, Ink.DARK)
    assert [(width, height) for width, height, _ in found] == [(size, size) for size in SIZES]
    assert all(len(pixels) == width * height * 4 for width, height, pixels in found)


@pytest.mark.parametrize("size", SIZES)
def test_states_differ_by_shape_and_not_only_by_colour(size: int) -> None:
    shapes = {state: read_png(picture_path(state, size))[3::4] for state in State}
    for one, other in itertools.combinations(State, 2):
        differing = sum(abs(a - b) > 127 for a, b in zip(shapes[one], shapes[other], strict=True))
        assert differing >= size * size // 40, (one, other)


def test_the_plain_reader_reads_what_a_picture_library_reads() -> None:
    for state, size in itertools.product(State, SIZES):
        path = picture_path(state, size)
        with Image.open(path) as picture:
            assert read_png(path) == picture.convert("RGBA").tobytes()


def test_the_ink_fills_the_mark_and_the_accent_stays() -> None:
    width, _, pixels = pixmaps(State.NEEDS_YOU, Ink.LIGHT)[0]
    assert width == 16
    colours = {tuple(pixels[at + 1 : at + 4]) for at in range(0, len(pixels), 4) if pixels[at] == 255}
    assert colours == {Ink.LIGHT.value, (0x56, 0x73, 0xF0)}


def luminance(colour: tuple[int, int, int]) -> float:
    parts = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("colour", [Ink.EITHER.value, (0x56, 0x73, 0xF0)])
def test_the_ink_for_unknown_panels_and_the_accent_are_seen_on_light_and_dark(colour: tuple[int, int, int]) -> None:
    mine = luminance(colour)
    assert (1.0 + 0.05) / (mine + 0.05) >= 3  # WCAG 2.2, 1.4.11: 3:1 for graphics; white panel
    assert (mine + 0.05) / (luminance((0x2B, 0x2D, 0x31)) + 0.05) >= 3


def test_a_png_of_somebody_else_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "other.png")
    with pytest.raises(ValueError, match="not one of our icons"):
        read_png(tmp_path / "other.png")


def test_notifications_have_our_own_icon() -> None:
    with Image.open(app_icon()) as icon:
        assert icon.size == (96, 96)
