"""`python -m tests.bench`: the rows as a table, or with --json as one list; exit code 1 when a goal is missed."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.bench import Bench
from tests.bench.rows import ROWS, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Returns: 1 when a row misses its goal or could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON list instead of the table")
    parser.add_argument("--short", action="store_true", help="fewer rounds, smaller files; what the gate runs")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=[row.name for row in ROWS], metavar="NAME", help="these rows only"
    )
    wishes = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder,
        contextlib.closing(Bench(Path(folder).resolve(), wishes.short)) as bench,
    ):
        results = run(bench, wishes.only)
    print(json.dumps(results, indent=1, ensure_ascii=False) if wishes.json else table(results))
    return 0 if all(result["ok"] for result in results) else 1


def table(results: Sequence[dict[str, Any]]) -> str:
    """The rows for a person."""
    head = ("", "row", "value", "unit", "floor", "ratio", "goal", "noise", "note")
    lines = [head]
    for one in results:
        noise = "" if not one["noise"] else f"±{100 * one['noise']:.0f} %"
        figures = ("–" if one[name] is None else f"{one[name]:g}" for name in ("value", "floor", "ratio", "goal"))
        value, floor, ratio, goal = figures
        lines.append(
            ("ok" if one["ok"] else "NO", one["name"], value, one["unit"], floor, ratio, goal, noise, one["note"])
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
