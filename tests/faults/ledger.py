"""The ledger: what the server acknowledged, written and fsynced by the client before it counts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ack:
    """One acknowledged upload, as the server answered it."""

    id: str
    slug: str
    sha256: str
    size: int
    url: str
    user: str
    idempotency_key: str
    sent_sha256: str


class Ledger:
    """An append-only file of JSON lines in a folder that the server does not know.

    A line is on the disk before `acknowledged` or `deleting` returns, so what counts as acknowledged outlives the
    client too. A delete is written twice, before it is asked and after it was answered: between the two the drop
    may be there or not, and both are right.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _write(self, what: str, **fields: object) -> None:
        line = json.dumps({"what": what, "at": time.time(), **fields}) + "\n"
        os.write(self._descriptor, line.encode())
        os.fsync(self._descriptor)

    def acknowledged(self, answer: dict[str, Any], *, user: str, idempotency_key: str, sent_sha256: str) -> Ack:
        """Write down a 201. Args: `answer`, its JSON body."""
        ack = Ack(
            id=answer["id"],
            slug=answer["slug"],
            sha256=answer["sha256"],
            size=answer["size"],
            url=answer["direct_url"],
            user=user,
            idempotency_key=idempotency_key,
            sent_sha256=sent_sha256,
        )
        self._write("ack", **vars(ack))
        return ack

    def deleting(self, upload_id: str) -> None:
        """Write down that a delete is about to be asked."""
        self._write("deleting", id=upload_id)

    def deleted(self, upload_id: str) -> None:
        """Write down that a delete was answered with success."""
        self._write("deleted", id=upload_id)

    def _lines(self) -> Iterator[dict[str, Any]]:
        for line in self.path.read_text().splitlines():
            yield json.loads(line)

    def read(self) -> tuple[list[Ack], set[str], set[str]]:
        """Everything written. Returns: acknowledged uploads, ids asked to be deleted, ids whose delete was answered."""
        acks: dict[str, Ack] = {}
        asked: set[str] = set()
        gone: set[str] = set()
        for line in self._lines():
            what = line.pop("what")
            line.pop("at")
            if what == "ack":
                acks[line["id"]] = Ack(**line)
            elif what == "deleting":
                asked.add(line["id"])
            else:
                gone.add(line["id"])
        return list(acks.values()), asked, gone
