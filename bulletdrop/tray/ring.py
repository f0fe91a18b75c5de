"""How far an upload is, drawn around the mark: a ring that closes, in the panel's ink."""

from __future__ import annotations

import functools
import math

# As many steps as a ring of 16 pixels has places to end at: more would be drawn and not be seen.
STEPS = 32


def step_of(progress: float | None) -> int | None:
    """The step to draw; None for no ring. A hair is seen from the beginning, and the ring closes only at the end."""
    if progress is None:
        return None
    return min(STEPS - 1, max(1, int(progress * STEPS))) if progress < 1 else STEPS


@functools.cache
def _ring(size: int) -> tuple[tuple[int, int, int], ...]:
    """The pixels of the whole ring as (place, cover 0..255, step at which it is reached), twelve o'clock first."""
    middle, radius, half = size / 2 - 0.5, size / 2 - size / 16 - 0.25, max(0.75, size / 22)
    found = []
    for y in range(size):
        for x in range(size):
            dx, dy = x - middle, y - middle
            cover = min(1.0, half + 0.5 - abs(math.hypot(dx, dy) - radius))
            if cover > 0:
                turn = (math.atan2(dx, -dy) / math.tau) % 1.0
                found.append((y * size + x, round(cover * 255), math.ceil(turn * STEPS) or 1))
    return tuple(found)


def with_ring(pixels: bytes, size: int, step: int, ink: tuple[int, int, int]) -> bytes:
    """A small mark with the ring around it. ARGB32; the way still to go is drawn faintly."""
    out = bytearray(pixels)
    red, green, blue = ink
    for place, cover, reached in _ring(size):
        alpha = cover if reached <= step else cover // 4
        at = place * 4
        if alpha > out[at]:
            out[at : at + 4] = (alpha, red, green, blue)
    return bytes(out)
