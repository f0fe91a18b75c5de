"""What the tray still owes after the person's word or an upload's end: each a row, until it is done.

    recall    take a capture back, wherever it stands at the server
    end       say that nothing will come to a reserved slug
    publish   make a drop public whose Undo has passed
    album     put a drop into its folder's album
    bin       put the file into this system's bin; to a server: ask it first whether it has what it said

Each may be carried out twice, after a kill, and has its effect once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bulletdrop.tray.rows import to_micros
from bulletdrop.tray.spool import Spool

RECALL, END, PUBLISH, ALBUM, BIN = "recall", "end", "publish", "album", "bin"
KINDS = (RECALL, END, PUBLISH, ALBUM, BIN)


@dataclass(frozen=True, slots=True)
class Debt:
    """One thing to do. `server` "" is this machine; `detail` is what the kind needs."""

    kind: str
    server: str
    detail: Mapping[str, Any]
    capture: int | None = None
    due_at: datetime | None = None
    id: int = 0


class Owed:
    """The rows. Safe to call from any thread."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def add(self, debt: Debt) -> None:
        """Owe this. Call it within the transaction that is the reason for it."""
        due = to_micros(debt.due_at) if debt.due_at else self._spool.now()
        self._spool.insert(
            "INSERT INTO owed (kind, server, capture, detail, due_at) VALUES (?, ?, ?, ?, ?)",
            *(debt.kind, debt.server, debt.capture, json.dumps(dict(debt.detail)), due),
        )

    def next(self, server: str, skip: Collection[int], busy: Collection[int], longest: float) -> Debt | None:
        """The oldest that is due, for this server or this machine.

        Args:
            skip: ids that wait for themselves.
            busy: captures on their way now: what concerns them waits.
            longest: seconds; nothing is ever due later than this, so what seems to be was written by a clock that ran
                ahead, and is due.
        """
        now = self._spool.now()
        found = self._spool.rows(
            "SELECT id, kind, server, capture, detail FROM owed WHERE server IN (?, '')"
            f" AND id NOT IN ({_marks(skip)}) AND ifnull(capture, 0) NOT IN ({_marks(busy)})"
            " AND (due_at <= ? OR due_at > ?) ORDER BY id LIMIT 1",
            *(server, *skip, *busy, now, now + round(longest * 1_000_000)),
        )
        if not found:
            return None
        debt_id, kind, server, capture, detail = found[0]
        return Debt(kind, server, json.loads(detail), capture, None, debt_id)

    def seconds(self, server: str, skip: Collection[int]) -> float | None:
        """How long until something is due; None when nothing is owed there."""
        found = self._spool.rows(
            f"SELECT min(due_at) FROM owed WHERE server IN (?, '') AND id NOT IN ({_marks(skip)})",
            *(server, *skip),
        )
        due = found[0][0]
        return None if due is None else max(0.0, (due - self._spool.now()) / 1_000_000)

    def hurry(self, capture: int, kind: str) -> None:
        """Make it due now."""
        self._spool.write("UPDATE owed SET due_at = ? WHERE capture = ? AND kind = ?", self._spool.now(), capture, kind)

    def drop(self, capture: int, *kinds: str) -> None:
        """No longer owed."""
        for kind in kinds:
            self._spool.write("DELETE FROM owed WHERE capture = ? AND kind = ?", capture, kind)

    def done(self, debt: Debt) -> bool:
        """It is done, or can never be. Returns False when it was not owed any more."""
        return bool(self._spool.write("DELETE FROM owed WHERE id = ?", debt.id))

    def count(self) -> int:
        """How many there are."""
        return int(self._spool.rows("SELECT count(*) FROM owed")[0][0])


def _marks(values: Collection[int]) -> str:
    return ",".join("?" * len(values))
