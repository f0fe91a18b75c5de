"""Every crash point of a secret: kill -9 before each system call of making, opening and burning one."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.faults.product import Product
from tests.faults.secrets import TEXT, make, maker
from tests.faults.traced import TracedProduct

# How often a number is tried that the run did not come to.
TRIES = 3
JSON = "application/json"


@dataclass
class SecretReport:
    """What killing before every system call of one operation showed."""

    operation: str
    existing: int = 0
    tried: int = 0
    answered: int = 0
    done_after: int = 0
    violations: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        return {
            "operation": f"{self.operation} a secret",
            "points_existing": self.existing,
            "points_tried": self.tried,
            "answered_before_death": self.answered,
            "done_after_the_kill": self.done_after,
            "violations": len(self.violations),
        }


@dataclass(frozen=True)
class Template:
    """A data folder with a secret in it, and who may make and burn."""

    data: Path
    key: str
    secret_id: str
    source: Path | None


def _make(product: Product, template: Template) -> tuple[int, Any]:
    body = json.dumps({"content": TEXT}).encode()
    return product.ask("POST", "/api/v1/secrets", template.key, body, Content_Type=JSON, Idempotency_Key="one")


def _open(product: Product, template: Template) -> tuple[int, Any]:
    return product.ask("POST", f"/api/v1/secrets/{template.secret_id}/open", "", b"{}", Content_Type=JSON)


def _burn(product: Product, template: Template) -> tuple[int, Any]:
    return product.ask("DELETE", f"/api/v1/secrets/{template.secret_id}", template.key)


Operation = Callable[[Product, Template], tuple[int, Any]]
OPERATIONS: dict[str, Operation] = {"make": _make, "open": _open, "burn": _burn}


def secret_points(
    folder: Path,
    operation: str,
    *,
    source: Path | None = None,
    only: Iterable[int] | None = None,
    workers: int = 2,
    until: str = "",
) -> SecretReport:
    """Kill before each system call of one operation on the data folder, start again, and look what is there.

    Args:
        folder: an empty folder.
        operation: one of OPERATIONS.
        source: a folder holding a copy of the package to run instead of this checkout's.
        only: the numbers to try; all of them when left out.
        workers: how many servers at once.
        until: words of a violation after which no more has to be found.
    """
    folder = folder.resolve()
    product = Product(folder / "template", source=source)
    key = maker(product)
    with product:
        template = Template(product.data, key, make(product, key, 1), source)
        product.stop()
    report = SecretReport(operation)
    counted = _run(folder, template, operation, 0)[1]
    shutil.rmtree(counted.data)
    report.existing = len(counted.points)
    numbers = [number for number in (only or range(1, report.existing + 1)) if number <= report.existing]

    def one(number: int) -> None:
        for _ in range(TRIES):
            if until and any(until in words for words in report.violations):
                return
            if _one(folder, template, operation, number, report):
                return

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, numbers))
    return report


def _run(folder: Path, template: Template, operation: str, number: int) -> tuple[tuple[int, Any], TracedProduct]:
    """The operation under the tracer, on a copy. Returns its answer (status 0: killed first) and the server."""
    data = folder / f"at-{number}-{time.monotonic_ns()}"
    shutil.copytree(template.data, data)
    product = TracedProduct(data, source=template.source, at=number)
    answer: tuple[int, Any] = (0, None)
    try:
        product.start()
        product.attach()
        try:
            answer = OPERATIONS[operation](product, template)
        except (OSError, http.client.HTTPException):
            answer = (0, None)
        product.settle()
    finally:
        product.kill()
    return answer, product


def _one(folder: Path, template: Template, operation: str, number: int, report: SecretReport) -> bool:
    first, product = _run(folder, template, operation, number)
    where = f"{operation} {number} {product.killed_at}"
    again = Product(product.data, source=template.source)
    try:
        again.start()
        second = OPERATIONS[operation](again, template)
        found = JUDGES[operation](again, template, first, second)
        again.stop()
        found += _left_behind(again)
        report.violations += [f"{where}: {words}" for words in found]
        report.done_after += second[0] in (200, 201, 204)
    except Exception as error:  # whatever goes wrong after a kill is a finding
        report.violations.append(f"{where}: {error!r}")
    finally:
        again.kill()
    report.tried += product.killed_at is not None
    report.answered += first[0] in (200, 201, 204)
    shutil.rmtree(product.data)
    return product.killed_at is not None


def _judge_make(product: Product, template: Template, first: tuple[int, Any], second: tuple[int, Any]) -> list[str]:
    """The repeat has the secret, the same one if the first was answered, and it opens once."""
    if second[0] != 201:
        return [f"the repeat was answered {second}"]
    found = []
    if first[0] == 201 and first[1]["id"] != second[1]["id"]:
        found.append("answered with one secret, repeated with another")
    made = replace(template, secret_id=second[1]["id"])
    opened, closed = _open(product, made), _open(product, made)
    if (opened[0], closed[0]) != (200, 410) or opened[1]["content"] != TEXT:
        found.append(f"opening it was answered {opened[0]}, then {closed[0]}")
    _open(product, template)
    return found


def _judge_open(product: Product, template: Template, first: tuple[int, Any], second: tuple[int, Any]) -> list[str]:
    """Never opened twice."""
    third = _open(product, template)
    if first[0] == 200 and second[0] != 410:
        return [f"it was opened, and after the kill opening again was answered {second[0]}"]
    if second[0] not in (200, 410) or third[0] != 410:
        return [f"after the kill it was answered {second[0]}, then {third[0]}"]
    return []


def _judge_burn(product: Product, template: Template, first: tuple[int, Any], second: tuple[int, Any]) -> list[str]:
    """Burned for good."""
    third = _open(product, template)
    return [] if (second[0], third[0]) == (204, 410) else [f"burned: {second}, then opened: {third[0]}"]


JUDGES: dict[str, Callable[[Product, Template, tuple[int, Any], tuple[int, Any]], list[str]]] = {
    "make": _judge_make,
    "open": _judge_open,
    "burn": _judge_burn,
}


def _left_behind(product: Product) -> list[str]:
    """What of all secrets, which were opened or burned by now, is still there."""
    data = product.data
    found = [f"{path.name} lies in the storage" for path in (data / "secrets").rglob("*") if path.is_file()]
    found += [f"{path.name} lies among the unfinished" for path in (data / "tmp").rglob("*") if path.is_file()]
    files = [path for path in data.rglob("*") if path.is_file()]
    found += [f"the text stands in {path.name}" for path in files if TEXT.encode() in path.read_bytes()]
    verified = product.cli("verify", check=False)
    return found + (verified.stdout.splitlines() if verified.returncode else [])
