"""Every crash point: kill -9 before each system call of an upload, delete, purge or farewell on the data folder."""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.faults import leaving
from tests.faults.checker import judge_folder
from tests.faults.product import Product
from tests.faults.samples import png
from tests.faults.tables import read_tables
from tests.faults.traced import AT_ONCE, TracedProduct

MOST = 1200
# How often a number is tried that the run did not come to.
TRIES = 3
# What is different each time in a path: a slug, an id, a date, a number.
RANDOM = re.compile(r"(?<=[/.])(?:[0-9A-Za-z]{10,22}|\d{2,4}(?=/|$)|[\w.-]*\.\d+\.tmp)")


@dataclass
class PointReport:
    """What killing at every point of one operation showed.

    A point is the nth call of one run. Work in the background takes a few calls more or less from run to run, so
    beside the numbers it is counted by kind (which call on which sort of file) what was seen and what was killed at.
    """

    operation: str
    existing: int = 0
    tried: int = 0
    acked: int = 0
    seen: set[str] = field(default_factory=set)
    killed: set[str] = field(default_factory=set)
    naming: set[int] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def untried(self) -> list[str]:
        """The kinds of calls at which no run was killed."""
        return sorted(self.seen - self.killed)

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        share = round(100 * self.tried / self.existing, 1) if self.existing else 0.0
        points = {"points_existing": self.existing, "points_tried": self.tried, "percent": share}
        kinds = {"kinds_existing": len(self.seen), "kinds_tried": len(self.seen & self.killed)}
        ends = {"answered_before_death": self.acked, "violations": len(self.violations)}
        return {"operation": self.operation, **points, **kinds, **ends}


def kind_of(point: dict[str, Any]) -> str:
    """A point without what is random in it: `link /tmp/* → /uploads/*`."""
    places = [RANDOM.sub("*", str(point[name])) for name in ("path", "target") if point[name]]
    return f"{point['call']} {' → '.join(places)}"


@dataclass(frozen=True)
class Template:
    """A data folder with a person, one settled drop in it, and what the operations need to know of it."""

    data: Path
    key: str
    drop_id: str
    drop_sha256: str


def make_template(folder: Path, source: Path | None, *, trashed: bool) -> Template:
    """A folder to copy for each point, so that all points see the same beginning. Args: `trashed`, its one drop is."""
    product = Product(folder / "template", source=source)
    key = product.person("alice")
    with product:
        status, body = product.put("before.png", png(Random(1), 20_000), key)
        if status != 201:
            raise AssertionError(f"the first upload was answered {status}: {body}")
        time.sleep(1.0)
        if trashed:
            product.ask("DELETE", f"/api/v1/uploads/{body['id']}", key)
        product.stop()
    return Template(product.data, key, body["id"], body["sha256"])


Operation = Callable[[Product, Template], tuple[int, Any]]
CONTENT = png(Random(2), 40_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def upload(product: Product, template: Template) -> tuple[int, Any]:
    """One upload with an idempotency key."""
    return product.put("shot.png", CONTENT, template.key, Idempotency_Key="one-shot", X_SHA256=DIGEST)


def delete(product: Product, template: Template) -> tuple[int, Any]:
    """One delete, into the trash."""
    return product.ask("DELETE", f"/api/v1/uploads/{template.drop_id}", template.key)


def purge(product: Product, template: Template) -> tuple[int, Any]:
    """The end of a delete: its job, which is the traced process itself, takes rows and bytes away."""
    return 0, None


# The end of an account is a job too.
OPERATIONS: dict[str, Operation] = {"upload": upload, "delete": delete, "purge": purge, "farewell": purge}
JOBS = {"purge": "empty-trash", "farewell": leaving.JOB}


def run_points(
    folder: Path,
    operation: str,
    *,
    source: Path | None = None,
    only: Iterable[int] | None = None,
    workers: int = 2,
    until_red: bool = False,
) -> PointReport:
    """Kill at every point of an operation.

    Args:
        folder: an empty folder.
        operation: one of OPERATIONS.
        only: fractions are not a proof, but fit a gate: the numbers to try (those past the last point are left out).
        workers: how many servers at once.
        until_red: stop at the first violation, and begin where bytes get their name: that is where order shows.
    """
    folder = folder.resolve()
    template = make_template(folder, source, trashed=operation == "purge")
    if operation == "farewell":
        leaving.furnish(Product(template.data, source=source), template.key)
    report = PointReport(operation)
    _count(folder, template, operation, source, report)
    numbers = list(range(1, report.existing + 1) if only is None else (one for one in only if one <= report.existing))
    if until_red:
        numbers.sort(key=lambda number: number not in report.naming)

    def one(number: int) -> bool:
        if until_red and report.violations:
            return False
        return any(_one(folder, template, operation, source, number, report) for _ in range(TRIES))

    with ThreadPoolExecutor(workers) as pool:
        reached = list(pool.map(one, numbers))
    if only is not None:
        return report
    # A number that no run came to is no point; and beyond the first run's last number there may be more.
    number, report.existing = report.existing, sum(reached)
    while number < MOST and not (until_red and report.violations) and one(number + 1):
        number += 1
        report.existing += 1
    return report


def _count(folder: Path, template: Template, operation: str, source: Path | None, report: PointReport) -> None:
    """Run the operation undisturbed and note its points."""
    product = _copy(folder, template, operation, 0, source)
    try:
        status, body = _operate(product, operation, template)
        if status not in (200, 201, 204) and operation not in JOBS:
            raise AssertionError(f"{operation} was answered {status}: {body}")
        product.settle()
    finally:
        product.kill()
    report.seen |= {kind_of(point) for point in product.points}
    report.existing = len(product.points)
    report.naming = {point["number"] for point in product.points if point["call"].startswith(("link", "rename"))}
    shutil.rmtree(product.data)


def _copy(folder: Path, template: Template, operation: str, number: int, source: Path | None) -> TracedProduct:
    data = folder / f"at-{number}"
    shutil.copytree(template.data, data)
    product = TracedProduct(data, source=source, at=number, job=JOBS.get(operation, ""))
    if product.job:
        product.spawn()
    else:
        product.start()
    product.attach()
    return product


def _operate(product: Product, operation: str, template: Template) -> tuple[int, Any]:
    """The operation. Returns: its answer, status 0 when the server died first."""
    try:
        return OPERATIONS[operation](product, template)
    except (OSError, http.client.HTTPException):
        return 0, None


def _one(
    folder: Path, template: Template, operation: str, source: Path | None, number: int, report: PointReport
) -> bool:
    """Kill at one point, start again, judge. Returns: whether the operation had that point."""
    product = _copy(folder, template, operation, number, source)
    try:
        status, body = _operate(product, operation, template)
        product.settle()
    finally:
        product.kill()
    where = f"{operation} {number} {product.killed_at}"
    again = Product(product.data, source=source)
    found = [f"{where}: right after the kill: {text}" for text in _torn(product.data)]
    try:
        again.start()
        found += [f"{where}: {text}" for text in _judge(again, template, operation, status, body)]
        again.stop()
        found += [f"{where}: {text}" for text in judge_folder(again).violations()]
    except Exception as error:  # whatever goes wrong after a kill is a finding
        found.append(f"{where}: {error!r}")
    finally:
        again.kill()
    report.seen |= {kind_of(point) for point in product.points}
    if product.killed_at is not None:
        report.tried += 1
        report.killed.add(kind_of(product.killed_at))
    report.acked += status in (200, 201, 204)
    report.violations.extend(found)
    if found:
        product.data.rename(product.data.with_name(f"found-{time.monotonic_ns()}"))
    else:
        shutil.rmtree(product.data)
    return product.killed_at is not None


def _torn(data: Path) -> list[str]:
    """A row whose bytes are not there: wrong at every moment, also before any recovery."""
    with tempfile.TemporaryDirectory() as folder:
        # Reading would write the log back into the file; the server must find what the crash left.
        for path in data.glob("bulletdrop.db*"):
            shutil.copy(path, folder)
        tables = read_tables(Path(folder))
    used = {upload.blob for upload in tables.uploads}
    lying = [blob for blob in tables.blobs if blob.id in used]
    return [f"a row before its bytes: {blob.key}" for blob in lying if not _is_whole(data / blob.key, blob.sha256)]


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _job(product: Product, name: str) -> str:
    """Run a job with a trash that is kept for no time. Returns: what it said."""
    other = Product(product.data, source=product.source, environ=AT_ONCE)
    other.command = product.command
    return other.cli("job", name).stdout


def _judge(product: Product, template: Template, operation: str, status: int, body: Any) -> list[str]:
    """All or nothing, and an acknowledged operation is done."""
    if operation == "farewell":
        _job(product, leaving.JOB)
        return leaving.left_behind(product.data)
    if operation == "purge":
        return (
            []
            if "deleted" in _job(product, "empty-trash") and not read_tables(product.data).uploads
            else ["not purged"]
        )
    if operation == "delete":
        seen, _ = product.ask("GET", f"/i/{template.drop_id}", template.key)
        return [] if seen == 404 or (seen == 200 and not status) else [f"answered {status} before, now GET says {seen}"]
    found: list[str] = []
    again, second = upload(product, template)
    if again != 201:
        return [f"the repeat was answered {again}: {second}"]
    if status == 201 and second["id"] != body["id"]:
        found.append(f"acknowledged as {body['id']}, repeated as {second['id']}")
    seen, content = product.ask("GET", f"/i/{second['id']}", template.key)
    if seen != 200 or hashlib.sha256(content).hexdigest() != second["sha256"]:
        found.append(f"GET says {seen}")
    seen, page = product.ask("GET", "/api/v1/uploads", template.key)
    if seen != 200 or len(page["items"]) != 2:
        found.append(f"the list says {seen} with {len(page['items']) if seen == 200 else '?'} drops, not 2")
    return found
