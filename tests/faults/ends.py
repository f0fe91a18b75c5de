"""Bodies that end too early: cut at many places, and none of them may be acknowledged or leave anything behind."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.checker import check_folder
from tests.faults.product import Product
from tests.faults.samples import mp4, png
from tests.faults.tables import read_tables

BOUNDARY = "a-boundary-of-ours"
# How long an answer may take, in seconds: the server is asked whether it answers at all, not how fast.
PATIENCE = 30


@dataclass
class EndReport:
    """What the cuts showed."""

    cuts: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """The figures to print."""
        return {"cuts": self.cuts, "statuses": self.statuses, "violations": len(self.violations)}


def multipart(content: bytes, name: str = "shot.png", *more: bytes) -> bytes:
    """A multipart body with one file, or several (RFC 7578)."""
    parts = []
    for number, one in enumerate((content, *more)):
        disposition = f'Content-Disposition: form-data; name="file"; filename="{number or ""}{name}"'
        parts.append(f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: image/png\r\n\r\n".encode() + one + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def run_ends(folder: Path, *, cuts: int, source: Path | None = None) -> EndReport:
    """Send bodies cut short, by the length declared and by the connection's end.

    Whole files are among them: a body whose last boundary is missing carries every byte of the picture and is
    still refused, because nobody said that it was the end.
    """
    report = EndReport()
    product = Product(folder / "data", source=source)
    key = product.person("alice")
    rng = Random(11)
    picture = png(rng, 4_000)
    with product:
        before = len(read_tables(product.data).uploads)
        body = multipart(picture)
        close = len(body) - len(f"\r\n--{BOUNDARY}--\r\n")
        places = {
            close,
            close + 2,
            close + 4,
            *range(close + 5, len(body) - 4),
            *(rng.randrange(len(body)) for _ in range(cuts)),
        }
        for place in sorted(places):
            # The length tells the truth about the cut body: only the missing boundary gives it away.
            _send(product, key, body[:place], place, report, f"multipart cut at {place} of {len(body)}")
            _send(product, key, body[:place], len(body), report, f"connection closed at {place} of {len(body)}")
        # Two files, cut in the second: to keep the first and say 201 would lose a screenshot in silence.
        both = multipart(picture, "shot.png", png(rng, 4_000))
        for place in sorted(rng.randrange(len(body), len(both) - 4) for _ in range(3 + cuts // 4)):
            _send(product, key, both[:place], place, report, f"two files cut at {place} of {len(both)}")
        film = mp4(rng, 3_000)
        for place in (1, len(film) // 2, len(film) - 1):
            _send(product, key, film[:place], place, report, f"raw film cut at {place}", raw=True)
            _send(product, key, film[:place], len(film), report, f"raw connection closed at {place}", raw=True)
        time.sleep(0.3)
        left = len(read_tables(product.data).uploads)
        if left != before:
            report.violations.append(f"{left - before} cut bodies became drops")
        product.stop()
    report.violations += check_folder(product.data).violations()
    return report


def _send(
    product: Product, key: str, body: bytes, length: int, report: EndReport, what: str, *, raw: bool = False
) -> None:
    """One request with a declared length; no more than `body` of it is sent. An acknowledgement is a violation."""
    line = "PUT /api/v1/uploads/film.mp4" if raw else "POST /api/v1/uploads"
    kind = "video/mp4" if raw else f"multipart/form-data; boundary={BOUNDARY}"
    fields = ("Host: 127.0.0.1", f"X-API-Key: {key}", f"Content-Type: {kind}", f"Content-Length: {length}")
    head = "\r\n".join((f"{line} HTTP/1.1", *fields, "", ""))
    status = 0
    with socket.create_connection(("127.0.0.1", product.port), timeout=PATIENCE) as connection:
        # Who is refused before the end finds the connection closed, and the refusal in it.
        with contextlib.suppress(OSError):
            connection.sendall(head.encode() + body)
            if length > len(body):
                connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.recv(4096)
            status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
        except (OSError, ValueError):
            status = -1
    report.cuts += 1
    report.statuses[status] = report.statuses.get(status, 0) + 1
    if status == -1:
        report.violations.append(f"{what}: no answer in {PATIENCE} s")
    if 200 <= status < 300 or status >= 500:
        report.violations.append(f"{what}: answered {status}")
