"""Rows about uploads: how soon the answer comes, how many fit in a second, whether others have to wait meanwhile."""

from __future__ import annotations

import http.client
import io
import os
import threading
import time
from pathlib import Path
from statistics import median

from PIL import Image

from tests.bench.bench import Bench
from tests.bench.servers import Uploads, bare_sanic
from tests.bench.shots import numbers
from tests.bench.stats import Reading, interleaved, percentile, scatter
from tests.faults.ends import BOUNDARY, multipart

MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
ENOUGH = 6000


def answer(bench: Bench) -> Reading:
    """POST of a screenshot until its answer, against one full decode of it, its write and its fsync."""
    product, key, shot = bench.product, bench.key, bench.shot
    fresh = numbers(1)
    target = bench.fresh("floor") / "shot.png"
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)

    def post() -> float:
        body = multipart(shot.whole(next(fresh)))
        began = time.perf_counter()
        connection.request("POST", "/api/v1/uploads", body, {**MULTIPART, "X-API-Key": key})
        got = connection.getresponse()
        content = got.read()
        took = time.perf_counter() - began
        assert got.status == 201, content
        # The decode for the thumbnails comes after the answer and is no part of it: let it end before the other side.
        time.sleep(0.25)
        return took * 1000

    def floor() -> float:
        return decode_and_keep(shot.whole(0), target) * 1000

    post()
    size = len(shot.whole(0))
    reading = interleaved(bench.rounds(25, 7), post, floor, f"screenshot of {size / 1e6:.2f} MB, one client")
    connection.close()
    return reading


def decode_and_keep(content: bytes, target: Path) -> float:
    """One full decode, write and fsync. Returns: seconds."""
    began = time.perf_counter()
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        image.load()
    keep(content, target)
    return time.perf_counter() - began


def keep(content: bytes, target: Path) -> None:
    """Write a file and fsync it."""
    with target.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sixteen_clients(bench: Bench) -> Reading:
    """Uploads per second from 16 clients, each upload new, against a Sanic that drains the same bodies."""
    product, key = bench.product, bench.key
    folder = bench.fresh("sixteen")
    uploads = Uploads(folder, bench.shot, count=ENOUGH)
    seconds = 2.0 if bench.short else 5.0
    with bare_sanic(folder) as floor:
        return interleaved(
            bench.rounds(5, 2),
            lambda: uploads.load(product.url, "/api/v1/uploads", key, seconds=seconds, connections=16).rate,
            lambda: uploads.load(floor.url, "/drain", key, seconds=seconds, connections=16).rate,
            "the same screenshots, each with pixels of its own",
        )


def health(bench: Bench) -> Reading:
    """GET /health on an open connection while 20 uploads run; the floor is a Sanic that drains them."""
    product, key = bench.product, bench.key
    folder = bench.fresh("health")
    uploads = Uploads(folder, bench.shot, count=ENOUGH // 2)
    seconds = 3.0 if bench.short else 6.0
    ours: list[float] = []
    least: list[float] = []
    with bare_sanic(folder) as floor:
        for _ in range(bench.rounds(3, 1)):
            ours.append(_p99_under_load(uploads, product.url, product.port, "/api/v1/uploads", key, seconds))
            least.append(_p99_under_load(uploads, floor.url, floor.port, "/drain", key, seconds))
    return Reading(median(ours), median(least), max(scatter(ours), scatter(least)), "20 clients upload screenshots")


def _p99_under_load(uploads: Uploads, url: str, port: int, path: str, key: str, seconds: float) -> float:
    """Milliseconds of the 99th percentile. The probe has to keep up with what it measures, so it is one plain loop."""
    failed: list[Exception] = []

    def load() -> None:
        try:
            uploads.load(url, path, key, seconds=seconds, connections=20)
        except Exception as error:  # it is raised again below, in the thread that waits
            failed.append(error)

    loading = threading.Thread(target=load)
    loading.start()
    time.sleep(0.5)
    taken: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    until = time.monotonic() + seconds - 1
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("GET", "/health")
        got = connection.getresponse()
        got.read()
        taken.append((time.perf_counter() - began) * 1000)
        assert got.status == 200
        time.sleep(0.003)
    connection.close()
    loading.join()
    if failed:
        raise failed[0]
    return percentile(taken, 0.99)
