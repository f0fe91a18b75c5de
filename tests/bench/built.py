"""Rows about the built program: its size, and how soon it speaks."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.bench import Bench, binary_path
from tests.bench.servers import bare_sanic
from tests.bench.stats import Reading, scatter
from tests.faults.product import Product


class NotBuilt(Exception):
    """There is no binary to measure: `dev.py build` makes it."""


def _binary() -> Path:
    path = binary_path()
    if path is None:
        raise NotBuilt("no binary: build it, or name it in BULLETDROP_BINARY")
    return path


def size(bench: Bench) -> Reading:
    """The file that people download."""
    path = _binary()
    return Reading(path.stat().st_size / (1024 * 1024), note=path.name)


def version(bench: Bench) -> Reading:
    """`--version`, warm; the floor is starting a Python that does nothing."""
    path = _binary()
    ours: list[float] = []
    least: list[float] = []
    for number in range(bench.rounds(21, 7) + 1):
        one, two = _run([str(path), "--version"]), _run([sys.executable, "-S", "-E", "-c", "pass"])
        if number:  # the first one warms
            ours.append(one)
            least.append(two)
    return Reading(statistics.median(ours), statistics.median(least), scatter(ours), "warm")


def _run(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return (time.perf_counter() - began) * 1000


def first_answer(bench: Bench) -> Reading:
    """From exec to the first 200 on /health, warm; the floor is a bare Sanic from source."""
    path = _binary()
    product = Product(bench.fresh("first") / "data")
    product.command = [str(path)]
    product.person("alice")
    ours: list[float] = []
    least: list[float] = []
    for number in range(bench.rounds(9, 3) + 1):
        took = product.start() * 1000
        product.stop()
        began = time.perf_counter()
        with bare_sanic(bench.folder):
            floor = (time.perf_counter() - began) * 1000
        if number:
            ours.append(took)
            least.append(floor)
    return Reading(
        statistics.median(ours), statistics.median(least), scatter(ours), "warm, with a data folder that is there"
    )
