"""The judge: fetches every acknowledged drop, hashes it, and joins rows and objects in both directions."""

from __future__ import annotations

import hashlib
import http.client
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.ledger import Ack, Ledger
from tests.faults.product import Product
from tests.faults.tables import Tables, integrity, read_tables

SWEEPS = 40


@dataclass
class Findings:
    """What the judge saw. Every list but `notes` must be empty."""

    acked: int = 0
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    dangling: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """Every broken promise, in words."""
        kinds = ("missing", "wrong", "dangling", "orphans", "miscounted", "twice", "damaged")
        return [f"{kind}: {text}" for kind in kinds for text in getattr(self, kind)]

    def figures(self) -> dict[str, int]:
        """How many of each."""
        kinds = ("missing", "wrong", "dangling", "orphans", "miscounted", "twice", "damaged")
        return {"acked": self.acked} | {kind: len(getattr(self, kind)) for kind in kinds}

    def join(self, other: Findings) -> None:
        """Take over what another judge saw."""
        self.acked += other.acked
        for kind in ("missing", "wrong", "dangling", "orphans", "miscounted", "twice", "damaged", "notes"):
            getattr(self, kind).extend(getattr(other, kind))


def judge(product: Product, ledger: Ledger, keys: dict[str, str], *, database_url: str = "") -> Findings:
    """Everything that can be checked. The server runs at the call and is stopped cleanly at the return.

    Args:
        keys: API keys by person, to fetch with.
        database_url: of Postgres; empty for the SQLite file.
    """
    findings = fetch_all(product, ledger, keys)
    product.stop()
    findings.join(judge_folder(product, database_url))
    return findings


def judge_folder(product: Product, database_url: str = "") -> Findings:
    """The data folder of a stopped server: sweep it, join rows and objects, and hear what `verify` says."""
    findings = Findings()
    sweep(product)
    findings.join(check_folder(product.data, database_url))
    verdict = product.cli("verify", "--read-data", check=False)
    if verdict.returncode != 0:
        findings.damaged.append(f"verify: {verdict.returncode} {verdict.stdout[-400:]}{verdict.stderr[-400:]}")
    return findings


def sweep(product: Product) -> None:
    """Run the sweeps of a stopped server as they would run an hour later: they leave alone what is young."""
    past = time.time() - 2 * 3600
    for name in ("uploads", "thumbnails", "tmp"):
        for path in (product.data / name).rglob("*"):
            os.utime(path, (past, past))
    for job in ("sweep-partials", "sweep-orphans"):
        for _ in range(SWEEPS):
            # One run removes a bounded number, and says how many.
            if " 0 removed" in product.cli("job", job).stdout:
                break


def fetch_all(product: Product, ledger: Ledger, keys: dict[str, str]) -> Findings:
    """Fetch every acknowledged drop over HTTP and compare its bytes with what was acknowledged."""
    acks, asked, gone = ledger.read()
    findings = Findings(acked=len(acks))

    def fetch(ack: Ack) -> None:
        status, digest = _bytes_of(product, ack, keys[ack.user])
        if ack.id in gone:
            if status != 404 and status != 410:
                findings.wrong.append(f"{ack.id}: deleted, and answered {status}")
        elif status != 200:
            if ack.id not in asked:
                findings.missing.append(f"{ack.id}: {status}")
        elif digest != ack.sha256:
            findings.wrong.append(f"{ack.id}: {digest} is not {ack.sha256}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, acks))
    return findings


def _bytes_of(product: Product, ack: Ack, key: str) -> tuple[int, str]:
    """Fetch a drop's bytes. Returns: the status and the SHA-256 of the body; status 0 for an answer that broke off."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    try:
        connection.request("GET", urlsplit(ack.url).path, headers={"X-API-Key": key})
        answer = connection.getresponse()
        digest = hashlib.sha256()
        while piece := answer.read(1 << 20):
            digest.update(piece)
        return answer.status, digest.hexdigest()
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error)
    finally:
        connection.close()


def check_folder(data: Path, database_url: str = "") -> Findings:
    """Join rows and objects of a data folder whose server is stopped, and recount the references."""
    tables = read_tables(data, database_url)
    findings = Findings()
    _check_objects(data, tables, findings)
    _check_rows(tables, findings)
    if not database_url and (said := integrity(data)) != "ok":
        findings.damaged.append(f"SQLite says: {said}")
    return findings


def _check_objects(data: Path, tables: Tables, findings: Findings) -> None:
    for blob in tables.blobs:
        path = data / blob.key
        if not path.is_file():
            findings.dangling.append(f"{blob.key}: a row without its object")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != blob.sha256:
            findings.wrong.append(f"{blob.key}: the object is not what its row says")
        if blob.state == "broken":
            findings.wrong.append(f"{blob.key}: withdrawn, although it was a good file")
    known = {blob.key for blob in tables.blobs}
    stored = {path.relative_to(data).as_posix() for path in (data / "uploads").rglob("*") if path.is_file()}
    findings.orphans.extend(f"{key}: an object without a row" for key in sorted(stored - known))
    left = [path for path in (data / "tmp").rglob("*") if path.is_file()]
    findings.orphans.extend(f"tmp/{path.name}: left over" for path in left)


def _check_rows(tables: Tables, findings: Findings) -> None:
    counted = Counter(upload.blob for upload in tables.uploads)
    ids = {blob.id for blob in tables.blobs}
    lost = [upload.id for upload in tables.uploads if upload.blob not in ids]
    findings.dangling.extend(f"{upload_id}: a drop without its blob" for upload_id in lost)
    for blob in tables.blobs:
        if blob.refs != counted[blob.id]:
            findings.miscounted.append(f"{blob.key}: says {blob.refs} references, has {counted[blob.id]}")
    keys = Counter((upload.owner, upload.idempotency_key) for upload in tables.uploads if upload.idempotency_key)
    findings.twice.extend(f"{key}: {count} drops" for (_, key), count in keys.items() if count > 1)
    digests = Counter(blob.sha256 for blob in tables.blobs)
    findings.twice.extend(f"{digest}: {count} blobs" for digest, count in digests.items() if count > 1)
