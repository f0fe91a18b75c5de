"""On what terms one capture goes up: what its upload asks for, and what is owed once it has arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bulletdrop.tray.client import Uploaded
from bulletdrop.tray.desk import Item
from bulletdrop.tray.owed import ALBUM, BIN, PUBLISH, Debt
from bulletdrop.tray.preferences import Rule
from bulletdrop.tray.rows import Job

# How long the person can take a link back before anybody may see what is behind it.
UNDO_SECONDS = 10.0
SHA256_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Terms:
    """The rule of its folder, as it holds at this moment. `is_held`: private until its Undo has passed."""

    rule: Rule
    is_held: bool

    @classmethod
    def of(cls, job: Job, rule: Rule, *, private_first: bool, now: datetime) -> Terms:
        """The terms of a capture. `private_first`: nobody is to see a drop before its Undo has passed."""
        over = job.told_at is not None and not _in_undo(job.told_at, now)
        return cls(rule, private_first and rule.is_public and not over)

    def query(self, item: Item) -> dict[str, str]:
        """The wishes for the upload's address."""
        asked = {}
        if item.slug is not None:
            asked["slug"] = item.slug
        if self.rule.expires:
            asked["expires_at"] = self.rule.expires
        if self.is_held or not self.rule.is_public:
            asked["is_public"] = "false"
        return asked

    def debts(self, job: Job, answer: Uploaded, now: datetime) -> list[Debt]:
        """What is owed once the server has it. Nothing is to somebody else's host, whose answers have no id."""
        debts: list[Debt] = []
        capture, server = job.item.id, answer.server
        if not answer.id:
            return debts
        undone_by = (job.told_at if job.told_at and _in_undo(job.told_at, now) else now) + timedelta(
            seconds=UNDO_SECONDS
        )
        if self.is_held and answer.fields.get("is_public") is False:
            debts.append(Debt(PUBLISH, server, {"upload_id": answer.id}, capture, undone_by))
        if self.rule.album:
            debts.append(Debt(ALBUM, server, {"album_id": self.rule.album, "upload_id": answer.id}, capture))
        kept_as = str(answer.fields.get("sha256") or "")
        if self.rule.bin_after and not job.wanted and len(kept_as) == SHA256_LETTERS:
            # Before anything of the person's is moved the server is asked once more what it has.
            detail = {"marks": job.at.marks(), "upload_id": answer.id, "sha256": kept_as}
            debts.append(Debt(BIN, server, detail, capture, undone_by))
        return debts


def _in_undo(told_at: datetime, now: datetime) -> bool:
    """Also False for a time to come: the clock was set back."""
    return timedelta(0) <= now - told_at < timedelta(seconds=UNDO_SECONDS)
