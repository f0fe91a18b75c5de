"""Figures from repeated measurements: medians, percentiles, and how much they scattered."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What one row measured.

    Attributes:
        value: the product's figure, in the row's unit.
        floor: the same for the least that the job costs, measured in the same run; None where there is none.
        noise: half the spread of the rounds over their median (0.1: ±10 %), the larger of the two sides.
        note: what exactly was measured.
    """

    value: float
    floor: float | None = None
    noise: float = 0.0
    note: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def scatter(values: Sequence[float]) -> float:
    """Half the distance from the lowest to the highest, over the median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def interleaved(rounds: int, product: Callable[[], float], floor: Callable[[], float], note: str = "") -> Reading:
    """Measure both sides in turns, so that a busy moment of the machine meets both. Returns: the medians."""
    ours: list[float] = []
    least: list[float] = []
    for number in range(rounds):
        # Changing places each time: who comes second finds warmer caches.
        for side, into in ((product, ours), (floor, least))[:: 1 if number % 2 else -1]:
            into.append(side())
    noise = max(scatter(ours), scatter(least))
    return Reading(statistics.median(ours), statistics.median(least), noise, note)
