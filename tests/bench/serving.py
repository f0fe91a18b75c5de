"""Rows about what goes out: a thumbnail, a picture, and the first page of a large gallery."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from statistics import median
from urllib.parse import urlsplit

from tests.bench.bench import Bench
from tests.bench.servers import bare_sanic, get_load, nginx
from tests.bench.shots import sized
from tests.bench.stats import Reading, interleaved
from tests.faults.product import ROOT, Product

THUMBNAIL_BYTES = 20_000
PICTURE_BYTES = 300_000


def thumbnail(bench: Bench) -> Reading:
    """A thumbnail of about 20 KB, against a Sanic handler that answers the same bytes from memory."""
    product, key = bench.product, bench.key
    answer = bench.upload(product, key, bench.shot.whole(1 << 53))
    path, content = _nearest(product, key, answer, THUMBNAIL_BYTES)
    folder = bench.fresh("thumb")
    seconds = 1.0 if bench.short else 4.0
    with bare_sanic(folder, content) as floor:
        get_load(folder, product.url + path, seconds=1)
        return interleaved(
            bench.rounds(5, 3),
            lambda: get_load(folder, product.url + path, seconds=seconds).rate,
            lambda: get_load(folder, f"{floor.url}/bytes", seconds=seconds).rate,
            f"{path} with {len(content)} bytes, 32 connections",
        )


def _nearest(product: Product, key: str, answer: dict[str, object], size: int) -> tuple[str, bytes]:
    """The thumbnail of an upload whose size is nearest to the wished one. Returns: its path and bytes."""
    found: list[tuple[str, bytes]] = []
    for name in ("thumb", "small", "medium"):
        path = f"/i/{answer['id']}?size={name}"
        status, content = product.ask("GET", path, key)
        assert status == 200, f"{path}: {status}"
        found.append((path, content))
    return min(found, key=lambda one: abs(len(one[1]) - size))


def picture(bench: Bench) -> Reading:
    """A picture of about 300 KB, against nginx with one worker."""
    product, key = bench.product, bench.key
    content = sized(PICTURE_BYTES).whole(0)
    answer = bench.upload(product, key, content)
    path = urlsplit(str(answer["direct_url"])).path
    folder = bench.fresh("picture")
    seconds = 1.0 if bench.short else 4.0
    with nginx(folder, content, "picture.png") as floor:
        get_load(folder, product.url + path, seconds=1)
        return interleaved(
            bench.rounds(5, 3),
            lambda: get_load(folder, product.url + path, seconds=seconds).rate,
            lambda: get_load(folder, f"{floor.url}/picture.png", seconds=seconds).rate,
            f"{len(content)} bytes, 32 connections",
        )


def gallery(bench: Bench) -> Reading:
    """The first page of a gallery of 100,000 drops (10,000 in the short form), against one of 100."""
    many, few = (10_000 if bench.short else 100_000), 100
    large, large_key = _filled(bench, many)
    small, small_key = _filled(bench, few)
    pages = bench.rounds(40, 10)
    reading = interleaved(
        bench.rounds(7, 3),
        lambda: _page(large, large_key, pages),
        lambda: _page(small, small_key, pages),
        f"{many} drops against {few}",
    )
    large.kill()
    small.kill()
    return reading


def _filled(bench: Bench, count: int) -> tuple[Product, str]:
    """A server whose person has `count` drops, put into its database by its own models."""
    product = Product(bench.fresh("gallery") / "data")
    key = product.person("alice")
    environ = product.environ | {"PYTHONPATH": f"{product.source}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.bench.fill", str(product.data), "alice", str(count)]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, timeout=300)
    product.start()
    bench.also_end(product)
    return product, key


def _page(product: Product, key: str, times: int) -> float:
    """Milliseconds of the median first page."""
    taken: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", "/api/v1/uploads", headers={"X-API-Key": key})
        answer = connection.getresponse()
        content = answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, content
    connection.close()
    return median(taken)
