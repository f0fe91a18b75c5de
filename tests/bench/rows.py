"""ROWS: every promise of speed and size, its goal, and the function that measures it."""

from __future__ import annotations

import math
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import built, clipboard, memory, serving, uploading
from tests.bench.bench import Bench
from tests.bench.stats import Reading


@dataclass(frozen=True)
class Row:
    """One promise.

    Attributes:
        name: as in the output; one that ends in `_ratio` promises value over floor, all others the value.
        unit: of value and floor.
        goal: the most that is allowed, or the least where `more` is true.
        measure: does it.
        needs: programs without which it cannot be measured.
        built: it is about the binary.
    """

    name: str
    unit: str
    goal: float
    measure: Callable[[Bench], Reading]
    more: bool = False
    needs: tuple[str, ...] = ()
    built: bool = False


ROWS: tuple[Row, ...] = (
    Row("closed_to_clipboard_p95_ms", "ms", 25, clipboard.closed_to_clipboard, needs=("Xvfb",)),
    Row("closed_to_clipboard_busy_p95_ms", "ms", 25, clipboard.closed_to_clipboard_busy, needs=("Xvfb",)),
    Row("closed_to_clipboard_offline_p95_ms", "ms", 25, clipboard.closed_to_clipboard_offline, needs=("Xvfb",)),
    Row("upload_answer_ratio", "ms", 1.0, uploading.answer),
    Row("uploads_16_clients_ratio", "uploads/s", 0.1, uploading.sixteen_clients, more=True, needs=("wrk",)),
    Row("upload_1gib_memory_mb", "MB", 40, memory.huge),
    Row("uploads_50_memory_mb", "MB", 150, memory.fifty),
    Row("thumb_vs_handler_ratio", "requests/s", 0.7, serving.thumbnail, more=True, needs=("wrk",)),
    Row("picture_vs_nginx_ratio", "requests/s", 0.5, serving.picture, more=True, needs=("wrk", "nginx")),
    Row("health_p99_ms", "ms", 50, uploading.health, needs=("wrk",)),
    Row("gallery_100k_ratio", "ms", 3, serving.gallery),
    Row("binary_mb", "MB", 45, built.size, built=True),
    Row("version_ms", "ms", 60, built.version, built=True),
    Row("first_answer_ms", "ms", 500, built.first_answer, built=True),
    Row("server_idle_mb", "MB", 75, memory.idle_server),
    Row("tray_idle_mb", "MB", 60, memory.idle_tray, needs=("Xvfb",)),
)

# What the short form measures is smaller, and says so by its name.
SHORT_NAMES = {"upload_1gib_memory_mb": "upload_256mib_memory_mb", "gallery_100k_ratio": "gallery_10k_ratio"}


def run(bench: Bench, only: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Measure the rows, one after the other. Args: `only`, names; none means all.

    Returns: one dict for each with name, value, unit, floor, ratio, goal, ok, and noise and note.
    """
    chosen = [row for row in ROWS if not only or row.name in only or SHORT_NAMES.get(row.name) in only]
    return [_measured(bench, row) for row in chosen if not (row.built and bench.short and not only)]


def _measured(bench: Bench, row: Row) -> dict[str, Any]:
    name = SHORT_NAMES.get(row.name, row.name) if bench.short else row.name
    result: dict[str, Any] = {
        "name": name,
        "value": None,
        "unit": row.unit,
        "floor": None,
        "ratio": None,
        "goal": row.goal,
        "ok": False,
    }
    missing = [
        program
        for program in row.needs
        if shutil.which(program) is None and shutil.which(f"/usr/sbin/{program}") is None
    ]
    if missing:
        return result | {"noise": None, "note": f"missing: {', '.join(missing)}"}
    try:
        reading = row.measure(bench)
    except built.NotBuilt as error:
        return result | {"noise": None, "note": f"missing: {error}"}
    except Exception as error:  # one row that cannot be measured must not hide the others
        traceback.print_exc(file=sys.stderr)
        return result | {"noise": None, "note": f"failed: {type(error).__name__}: {str(error)[:300]}"}
    ratio = reading.value / reading.floor if reading.floor else None
    judged = ratio if name.endswith("_ratio") else reading.value
    ok = judged is not None and (judged >= row.goal if row.more else judged <= row.goal)
    figures = {"value": short(reading.value), "floor": short(reading.floor), "ratio": short(ratio), "ok": ok}
    return result | figures | {"noise": round(reading.noise, 3), "note": reading.note}


def short(value: float | None) -> float | None:
    """A figure with four significant digits."""
    if value is None or value == 0 or not math.isfinite(value):
        return value
    return round(value, max(0, 3 - math.floor(math.log10(abs(value)))))
