"""The ring of progress around the mark."""

from __future__ import annotations

import pytest

from bulletdrop.tray.desk import State
from bulletdrop.tray.pixmaps import SIZES, Ink, pixmaps, ring_pixmaps
from bulletdrop.tray.ring import STEPS, step_of


def inked(ink: Ink, step: int, size: int) -> int:
    """How much of the picture is drawn strongly."""
    pixels = next(pixels for width, _, pixels in ring_pixmaps(ink, step) if width == size)
    return sum(alpha > 128 for alpha in pixels[::4])


@pytest.mark.parametrize(
    ("progress", "step"), [(None, None), (0.0, 1), (0.001, 1), (0.5, STEPS // 2), (0.999, STEPS - 1), (1.0, STEPS)]
)
def test_a_hair_is_seen_at_once_and_the_ring_closes_only_at_the_end(progress: float | None, step: int | None) -> None:
    assert step_of(progress) == step


@pytest.mark.parametrize("size", SIZES)
def test_the_ring_grows_with_each_step_that_can_be_seen(size: int) -> None:
    drawn = [inked(Ink.LIGHT, step, size) for step in range(1, STEPS + 1)]
    assert drawn == sorted(drawn)
    assert len(set(drawn)) >= STEPS * 2 // 3


@pytest.mark.parametrize("ink", Ink)
def test_the_ring_is_drawn_in_the_panels_ink_and_has_all_sizes(ink: Ink) -> None:
    made = ring_pixmaps(ink, STEPS)
    assert [(width, height) for width, height, _ in made] == [(size, size) for size in SIZES]
    pixels = made[-1][2]
    top = pixels[(1 * 48 + 24) * 4 :][:4]  # the ring at twelve o'clock
    assert tuple(top[1:4]) == ink.value
    assert top[0] > 200


def test_without_progress_the_mark_stands_alone() -> None:
    assert pixmaps(State.WORKING, Ink.DARK) != ring_pixmaps(Ink.DARK, 1)
