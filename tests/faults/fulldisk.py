"""A full disk: 507 in the one error shape, deletes still work, and room is used again without a restart."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.checker import judge
from tests.faults.ledger import Ledger
from tests.faults.product import Product
from tests.faults.samples import png


@dataclass
class FullReport:
    """What the full disk showed."""

    acked: int = 0
    refused: int = 0
    violations: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        return {"acked": self.acked, "refused_507": self.refused, "violations": len(self.violations)}


def can_mount() -> bool:
    """True when this user may mount a small file system."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mount") is not None


@contextlib.contextmanager
def small_disk(place: Path, *, size_mb: int) -> Iterator[Path]:
    """A file system of `size_mb` in memory, gone at the end. Raises: CalledProcessError where mounting is forbidden."""
    place.mkdir(parents=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "none", str(place)], check=True, capture_output=True
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


def run_fulldisk(folder: Path, *, guard_mb: int, size_mb: int = 24, source: Path | None = None) -> FullReport:
    """Fill a server's disk with uploads, then to the last byte, and free some of it while the server runs on.

    Args:
        folder: an empty folder.
        guard_mb: what the server keeps free for its database; 0: the disk itself refuses, in the middle of a write.
    """
    report = FullReport()
    with small_disk(folder / "disk", size_mb=size_mb) as disk:
        environ = {"BULLETDROP_MIN_FREE_DISK": str(guard_mb << 20), "BULLETDROP_TRASH_DAYS": "0"}
        product = Product(disk / "data", source=source, environ=environ)
        product.log = folder / "server.log"
        ledger = Ledger(folder / "ledger.jsonl")
        key = product.person("alice")
        try:
            product.start()
            pid = product.pid
            _fill(product, ledger, key, report)
            _nothing_left(product, key, disk / "ballast", report)
            _delete_some(product, ledger, key, report)
            product.cli("job", "empty-trash")
            _recovers(product, ledger, key, report)
            if product.process is None or product.process.poll() is not None or product.pid != pid:
                report.violations.append("the server did not live through it")
            report.violations += judge(product, ledger, {"alice": key}).violations()
        finally:
            product.kill()
            ledger.close()
    return report


def _fill(product: Product, ledger: Ledger, key: str, report: FullReport, *, most: int = 200) -> None:
    """Upload until the disk is full, then a little more."""
    rng = Random(1)
    for number in range(most):
        status, body = product.put(f"fill-{number}.png", png(rng, rng.randint(50_000, 900_000)), key)
        if status == 201:
            ledger.acknowledged(body, user="alice", idempotency_key=str(number), sent_sha256="")
            report.acked += 1
            continue
        _judge_refusal(status, body, report)
        if report.refused >= 10:
            return
    report.violations.append(f"{most} uploads did not fill the disk")


def _nothing_left(product: Product, key: str, ballast: Path, report: FullReport) -> None:
    """While another program has taken the last byte, uploads are refused and reading goes on."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    status, body = product.put("more.png", png(Random(9), 200_000), key)
    _judge_refusal(status, body, report)
    for path in ("/health", "/api/v1/uploads"):
        status, body = product.ask("GET", path, key)
        if status != 200:
            report.violations.append(f"GET {path} on a full disk: {status} {body}")
    ballast.unlink()


def _judge_refusal(status: int, body: object, report: FullReport) -> None:
    error = body.get("error") if isinstance(body, dict) else None
    shape = {"code", "message", "field", "request_id"}
    if status != 507 or not isinstance(error, dict) or set(error) != shape or error["code"] != "disk_full":
        report.violations.append(f"a full disk was answered {status}: {str(body)[:300]}")
    report.refused += 1


def _delete_some(product: Product, ledger: Ledger, key: str, report: FullReport) -> None:
    """Deletes work on a full disk: they must, because they are the way out."""
    acks, _, _ = ledger.read()
    for ack in acks[: len(acks) // 2]:
        ledger.deleting(ack.id)
        status, body = product.ask("DELETE", f"/api/v1/uploads/{ack.id}", key)
        if status not in (200, 202, 204):
            report.violations.append(f"a delete on a full disk was answered {status}: {str(body)[:300]}")
            return
        ledger.deleted(ack.id)


def _recovers(product: Product, ledger: Ledger, key: str, report: FullReport) -> None:
    """With room again, the same process takes uploads again."""
    until = time.monotonic() + 30
    while True:
        status, body = product.put("after.png", png(Random(10), 100_000), key)
        if status == 201:
            ledger.acknowledged(body, user="alice", idempotency_key="after", sent_sha256="")
            return
        if time.monotonic() > until:
            report.violations.append(f"30 s after there was room again: {status} {str(body)[:300]}")
            return
        time.sleep(0.2)
