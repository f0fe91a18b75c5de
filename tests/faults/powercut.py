"""Power cuts: record what a server asks of the disk, cut the power at each of its answers, look at what is left."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.checker import Findings, fetch_all
from tests.faults.disk import Disk, replay
from tests.faults.ledger import Ack, Ledger
from tests.faults.product import ROOT, Product, end_group
from tests.faults.samples import jpeg, png
from tests.faults.tables import read_tables

END_SECONDS = 20.0
DATABASE = ("bulletdrop.db", "bulletdrop.db-wal")
BOOTS = 3


@dataclass
class Recording:
    """What the tracer saw of one server's life, and what that server acknowledged in it."""

    data: Path
    before: Path
    calls: Path
    ledger: Ledger
    key: str
    source: Path | None
    again: bool = False

    @property
    def acks(self) -> list[Ack]:
        """The acknowledged uploads, in the order of their answers."""
        return self.ledger.read()[0]


@dataclass
class CutReport:
    """What the cuts showed, for one model of the disk."""

    model: str
    cuts: int = 0
    acked: int = 0
    rows_lost: list[str] = field(default_factory=list)
    bytes_lost: list[str] = field(default_factory=list)
    boots: Findings = field(default_factory=Findings)
    booted: int = 0
    syncs_per_upload: float = 0.0

    def violations(self) -> list[str]:
        """Every acknowledged drop that a cut took."""
        rows = [f"row lost: {text}" for text in self.rows_lost]
        return [*rows, *(f"bytes lost: {text}" for text in self.bytes_lost), *self.boots.violations()]

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        lost = {
            "rows_lost": len(self.rows_lost),
            "bytes_lost": len(self.bytes_lost),
            "boot_violations": len(self.boots.violations()),
        }
        mine: dict[str, object] = {"model": self.model, "cuts": self.cuts, "acked": self.acked, "boots": self.booted}
        return mine | lost | {"syncs_per_upload": round(self.syncs_per_upload, 1)}


def run_powercut(
    folder: Path,
    *,
    uploads: int,
    source: Path | None = None,
    models: tuple[str, ...] = ("strict", "journal"),
    boots: int = BOOTS,
    again: bool = False,
) -> list[CutReport]:
    """Record a server's life over `uploads` uploads, then cut the power at each of their answers.

    Args:
        folder: an empty folder.
        source: a folder with another copy of the package.
        boots: how many of the cuts the real server is started on; all are looked at.
        again: a server was killed before, so that today's folders are there, and nobody knows whether their names
            were synced.
    """
    recording = record_life(folder.resolve(), uploads, source, again=again)
    try:
        return [cut_everywhere(recording, folder.resolve() / model, model, boots) for model in models]
    finally:
        recording.ledger.close()


def record_life(folder: Path, uploads: int, source: Path | None, *, again: bool) -> Recording:
    """Make a person, then run a traced server and upload one file after another until it is killed."""
    product = Product(folder / "data", source=source)
    key = product.person("alice")
    if again:
        with product:
            product.put("first.png", png(Random(6), 5_000), key)
    before = folder / "before"
    shutil.copytree(product.data, before)
    recording = Recording(product.data, before, folder / "calls", Ledger(folder / "ledger.jsonl"), key, source, again)
    ours = [sys.executable, "-m", "tests.faults.tracer", "--data", str(product.data), "--log", str(product.log)]
    command = [*ours, "--record", str(recording.calls), "--", *product.serve_command()]
    environ = product.environ | {"PYTHONPATH": f"{product.source}{os.pathsep}{ROOT}"}
    process = subprocess.Popen(command, cwd=product.source, env=environ, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    server = int(json.loads(process.stdout.readline())["pid"])
    try:
        product.process = process
        product.wait_ready()
        _upload(product, recording, uploads)
    finally:
        product.process = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        end_group(process)
        process.stdout.close()
    return recording


def _upload(product: Product, recording: Recording, uploads: int) -> None:
    rng = Random(7)
    for number in range(uploads):
        content = png(rng, rng.randint(2_000, 60_000)) if number % 3 else jpeg(rng, rng.randint(2_000, 60_000))
        status, body = product.put(f"cut-{number}.png", content, recording.key)
        if status != 201:
            raise AssertionError(f"an upload was answered {status}: {body}")
        digest = hashlib.sha256(content).hexdigest()
        recording.ledger.acknowledged(body, user="alice", idempotency_key=f"{number}", sent_sha256=digest)


def cut_everywhere(recording: Recording, folder: Path, model: str, boots: int) -> CutReport:
    """Replay a recording and look at the disk at every answer of 201. Args: `folder`, for what survives."""
    acks = recording.acks
    report = CutReport(model, acked=len(acks))
    disk = Disk(str(recording.data), journal=model == "journal")
    disk.adopt(recording.before, unsure="uploads" if recording.again else "")
    boot_at = {round(1 + step * (len(acks) - 1) / max(1, boots - 1)) for step in range(boots)} if boots else set()
    syncs = 0
    for call in replay(recording.calls, disk):
        syncs += call.name in ("fsync", "fdatasync")
        if call.name != "answer" or not call.content.startswith(b"HTTP/1.1 201"):
            continue
        report.cuts += 1
        # At the entry of the k-th answer nothing of it has left the machine; from here on it may be acknowledged.
        _look(disk, folder / f"cut-{report.cuts}", acks[: report.cuts], report)
        if report.cuts in boot_at:
            _boot(disk, folder / f"boot-{report.cuts}", recording, acks[: report.cuts], report)
    report.syncs_per_upload = syncs / max(1, report.cuts)
    if report.cuts != len(acks):
        report.boots.damaged.append(f"the recording shows {report.cuts} answers, the ledger has {len(acks)}")
    return report


def _look(disk: Disk, folder: Path, acks: list[Ack], report: CutReport) -> None:
    """Read the database that survives and compare its rows and the surviving bytes with what was acknowledged."""
    files = disk.survivors()
    folder.mkdir(parents=True)
    for name in DATABASE:
        content = files.get(name)
        if content is not None:
            (folder / name).write_bytes(content)
    tables = read_tables(folder)
    blobs = {blob.id: blob for blob in tables.blobs}
    uploads = {upload.id: upload for upload in tables.uploads}
    for ack in acks:
        upload = uploads.get(ack.id)
        if upload is None:
            report.rows_lost.append(f"cut {report.cuts}: {ack.id}")
            continue
        blob = blobs[upload.blob]
        content = files.get(blob.key)
        if content is None or hashlib.sha256(content).hexdigest() != ack.sha256:
            state = "no such file" if content is None else f"{len(content)} bytes"
            report.bytes_lost.append(f"cut {report.cuts}: {blob.key}: {state}")
    shutil.rmtree(folder)


def _boot(disk: Disk, folder: Path, recording: Recording, acks: list[Ack], report: CutReport) -> None:
    """Start the real server on what survives and fetch everything acknowledged so far."""
    disk.dump(folder)
    ledger = Ledger(folder.with_suffix(".jsonl"))
    with Product(folder, source=recording.source) as product:
        for ack in acks:
            fields = {"id": ack.id, "slug": ack.slug, "sha256": ack.sha256, "size": ack.size, "direct_url": ack.url}
            ledger.acknowledged(fields, user=ack.user, idempotency_key=ack.idempotency_key, sent_sha256=ack.sent_sha256)
        report.boots.join(fetch_all(product, ledger, {"alice": recording.key}))
        report.booted += 1
    ledger.close()
