"""Rows about memory: one huge upload, many at once, and a server and a tray that have nothing to do."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psutil

from tests.bench.bench import Bench
from tests.bench.servers import bare_sanic
from tests.bench.stats import Reading
from tests.faults.display import display
from tests.faults.ends import BOUNDARY, multipart
from tests.faults.product import Product
from tests.faults.samples import movie_header
from tests.faults.tray import Tray

MB = 1024 * 1024
PIECE = 1 << 20
SAMPLE_SECONDS = 0.01


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _resident(processes: list[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def proportional(pid: int) -> float:
    """Memory of a process and its children in MB, pages that several share counted once (PSS)."""
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / MB


class Peak:
    """The highest memory of a process and its children while the block runs, over what it was before, in MB.

    The kernel keeps the server's own peak, to the byte; children are looked at every 10 ms.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.growth = 0.0
        self._ended = threading.Event()
        self._children = 0

    def _children_now(self) -> int:
        return _resident(_tree(self.pid)[1:])

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            with contextlib.suppress(psutil.Error):
                self._children = max(self._children, self._children_now())

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """Measure the block."""
        status = Path(f"/proc/{self.pid}/status")
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak starts anew (proc(5))
        before, children = _field(status, "VmRSS"), self._children_now()
        self._children = children
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            yield
        finally:
            self._ended.set()
            watching.join()
            own = _field(status, "VmHWM") - before
            self.growth = (own + max(0, self._children - children)) / MB


def _field(status: Path, name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _warm(bench: Bench, product: Product, key: str) -> None:
    """Let the server do each kind of work once: what it loads for that is no growth of one upload."""
    bench.upload(product, key, bench.shot.whole(1 << 50))
    bench.upload(product, key, movie_header(1000) + b"\0\0\x03\xf0mdat" + bytes(1000), "warm.mp4")
    time.sleep(1.5)


def huge(bench: Bench) -> Reading:
    """One upload of 1 GiB (256 MiB in the short form): an MP4, since that is what so big a file is."""
    size = (256 if bench.short else 1024) * MB
    product, key = bench.start("huge", BULLETDROP_MAX_FILE_SIZE=str(size + MB))
    _warm(bench, product, key)
    peak = Peak(product.pid)
    began = time.perf_counter()
    with peak.measured():
        _send_film(product, key, size)
        time.sleep(0.5)
    took = time.perf_counter() - began - 0.5
    product.kill()
    return Reading(peak.growth, note=f"{size // MB} MiB in {took:.1f} s; RSS of the server and its children")


def _send_film(product: Product, key: str, size: int) -> None:
    head = movie_header(size, wide=True) + b"\0\0\0\x01mdat" + (size + 16).to_bytes(8, "big")
    noise = Random(12).randbytes(PIECE)

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(size // PIECE):
            yield noise

    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=300)
    headers = {"X-API-Key": key, "Content-Length": str(len(head) + size)}
    try:
        connection.request("PUT", "/api/v1/uploads/huge.mp4", pieces(), headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    assert answer.status == 201, content


def fifty(bench: Bench) -> Reading:
    """Fifty uploads of 2 MB at once, and the decodes that follow them."""
    product, key = bench.start("fifty")
    _warm(bench, product, key)
    bodies = [multipart(bench.shot.whole((1 << 51) + number)) for number in range(50)]
    statuses: list[int] = []
    ready = threading.Barrier(len(bodies))

    def send(body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
        connection.connect()
        ready.wait()
        headers = {"X-API-Key": key, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request("POST", "/api/v1/uploads", body, headers)
        statuses.append(connection.getresponse().status)
        connection.close()

    peak = Peak(product.pid)
    with peak.measured():
        threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(0.5 if bench.short else 3.0)
    product.kill()
    assert statuses == [201] * 50, statuses
    return Reading(peak.growth, note=f"bodies of {len(bodies[0]) / 1e6:.2f} MB; RSS of the server and its children")


def idle_server(bench: Bench) -> Reading:
    """A server that took one upload and then had nothing to do for 30 s; the floor is a bare Sanic."""
    product, key = bench.start("idle")
    bench.upload(product, key, bench.shot.whole(1 << 52))
    time.sleep(3 if bench.short else 30)
    value = proportional(product.pid)
    resident = _resident(_tree(product.pid)) / MB
    count = len(_tree(product.pid))
    product.kill()
    with bare_sanic(bench.fresh("bare")) as floor:
        least = proportional(floor.pid)
    return Reading(value, least, note=f"PSS of {count} processes; their RSS added up is {resident:.0f} MB")


def idle_tray(bench: Bench) -> Reading:
    """A tray that watches a folder in which nothing happens."""
    product, _ = bench.start("idle-tray")
    folder = bench.fresh("watched")
    with display() as screen:
        tray = Tray(product, folder, screen)
        try:
            tray.start()
            time.sleep(4 if bench.short else 15)
            assert tray.process is not None
            assert tray.process.poll() is None, tray.log_tail()
            value = proportional(tray.process.pid)
            resident = _resident(_tree(tray.process.pid)) / MB
        finally:
            tray.kill()
    product.kill()
    return Reading(value, note=f"PSS; RSS is {resident:.0f} MB")
