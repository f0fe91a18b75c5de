"""Whatever happens to captures, in whatever order: no link is given to two, none is forgotten, and no word is lost."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bulletdrop.clock import ManualClock
from bulletdrop.errors import Conflict, TooBig
from bulletdrop.tray.answers import Unreachable
from bulletdrop.tray.client import Uploaded
from bulletdrop.tray.desk import Status
from bulletdrop.tray.holding import Holder, Reserved
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.ledger import Manner
from bulletdrop.tray.outbox import Choice, Outbox
from bulletdrop.tray.owed import END, RECALL
from bulletdrop.tray.rows import Job

HOLDER = Holder("http://x", "device")
FOLDER = Path("/nowhere/shots")


@dataclass
class Server:
    """What a server knows: the drops by key, and what became of each slug."""

    drops: dict[str, str] = field(default_factory=dict)  # key → id
    deleted: set[str] = field(default_factory=set)
    filled: dict[str, str] = field(default_factory=dict)  # slug → key
    ended: set[str] = field(default_factory=set)


class Life(RuleBasedStateMachine):
    """An outbox and a server, with kills (the file is opened again) and lost answers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.box = Outbox(self.folder / "outbox.db", self.clock)
        self.box.set_setting("server", HOLDER.server)
        self.server = Server()
        self.handed_out: set[str] = set()
        self.files = 0
        self.told: dict[int, str] = {}

    def teardown(self) -> None:
        self.box.close()
        shutil.rmtree(self.folder)

    # -- what happens

    @initialize(count=st.integers(0, 4))
    def hold_some_ready(self, count: int) -> None:
        self.hand_out(count)

    @rule(count=st.integers(1, 3))
    def hand_out(self, count: int) -> None:
        later = ManualClock()
        later.advance(days=7)
        slugs = [f"r{len(self.handed_out) + n}" for n in range(count)]
        self.handed_out.update(slugs)
        self.box.pool.put(
            HOLDER, [Reserved(slug, f"http://x/{slug}", f"http://x/{slug}", later.now()) for slug in slugs]
        )

    @rule(asks=st.booleans(), first=st.booleans(), hashed=st.booleans())
    def capture(self, asks: bool, first: bool, hashed: bool) -> None:
        self.files += 1
        at = Sighting(FOLDER / f"{self.files}.png", 1, self.files, 1000 + self.files, self.files)
        manner = Manner(home=FOLDER, asks=asks, holder=HOLDER if first else None, ending="png")
        item = self.box.take_in(FOLDER, at, f"{self.files:064x}" if hashed else None, manner=manner)
        assert item is not None
        assert item.slug is None or not asks
        if item.slug is not None:
            self.told[item.id] = item.slug

    @rule(number=st.integers(1, 40))
    def write_anew(self, number: int) -> None:
        """A file gets other bytes; sent or not, taken back or not."""
        if number > self.files:
            return
        self.files += 1
        at = Sighting(FOLDER / f"{number}.png", 1, number, 5000 + self.files, self.files)
        self.box.take_in(FOLDER, at, f"{self.files:064x}", manner=Manner(home=FOLDER, holder=HOLDER))

    @rule(
        answer=st.sampled_from(["comes", "refuses", "is lost", "is not there"]),
        person=st.sampled_from(["", "", "undo"]),
    )
    def upload(self, answer: str, person: str) -> None:
        job = self.box.next_waiting(Choice())
        if job is None:
            return
        if job.item.sha256 is None:
            known = self.box.hashed(job, f"{job.item.id:064x}")
            assert known is not None
            job = known
        if person == "undo":
            self.box.undo(job.item.id)
        self._send(job, answer)

    def _send(self, job: Job, answer: str) -> None:
        server, key, slug = self.server, job.idempotency_key, job.item.slug
        if answer == "is not there":
            self.box.postpone(job.item, Unreachable(), None)
            return
        if answer == "refuses":
            self.box.give_up(job.item, TooBig(), Status.REFUSED)
            return
        if key not in server.drops:
            if slug is not None and (slug in server.ended or slug in server.filled):
                self.box.unlink(job)
                return
            server.drops[key] = f"u{len(server.drops)}"
            if slug is not None:
                server.filled[slug] = key
        if answer == "is lost":
            self.box.postpone(job.item, Unreachable(), None)
            return
        fields = {"slug": slug or "", "is_public": True}
        self.box.finish(job, Uploaded(server.drops[key], "http://x/after", "", "", fields), server=HOLDER.server)

    @rule()
    def pay_one_debt(self) -> None:
        debt = self.box.owed.next(HOLDER.server, (), (), 60.0)
        if debt is None:
            return
        server, detail = self.server, debt.detail
        slug = detail["slug"]
        if slug and slug not in server.filled:
            server.ended.add(slug)
        if debt.kind == RECALL:
            found = detail["upload_id"] or server.drops.get(detail["key"], "")
            server.deleted.update([found] if found else [])
        self.box.owed.done(debt)

    @rule(number=st.integers(1, 40), act=st.sampled_from(["undo", "forget", "retry", "approve"]))
    def person_says(self, number: int, act: str) -> None:
        items = self.box.recent(100)
        if not items:
            return
        item = items[number % len(items)]
        if act == "approve":
            self.box.approve(item.id, Manner(holder=HOLDER))
        elif act == "forget" and item.status is Status.DONE:
            with pytest.raises(Conflict):
                self.box.forget(item.id)
        else:
            getattr(self.box, act)(item.id)

    @rule()
    def killed_and_started_again(self) -> None:
        self.box.close()
        self.box = Outbox(self.folder / "outbox.db", self.clock)

    @precondition(lambda self: self.handed_out)
    @rule(count=st.integers(1, 2))
    def give_back(self, count: int) -> None:
        self.clock.advance(days=0)
        with self.box.together():
            slugs = [row[0] for row in self.box.spool.rows("SELECT slug FROM reserved LIMIT ?", count)]
            self.box.pool.drop(slugs)
            for slug in slugs:
                self.server.ended.add(slug)

    # -- what always holds

    @invariant()
    def every_slug_is_in_one_place(self) -> None:
        pool = [row[0] for row in self.box.spool.rows("SELECT slug FROM reserved")]
        held = [row[0] for row in self.box.spool.rows("SELECT slug FROM capture WHERE slug IS NOT NULL")]
        assert len(held) == len(set(held)), "two captures have one link"
        assert not set(pool) & set(held)
        owed = {slug for slug in self._owed_slugs() if slug}
        assert not set(pool) & owed, "a link that is to end is held ready"
        gone = self.server.ended | set(self.server.filled)
        lost = self.handed_out - set(pool) - set(held) - owed - gone
        assert not lost, "a link was told, and nobody will ever say that nothing comes"

    @invariant()
    def what_waits_is_never_there_twice(self) -> None:
        there = {row[0] for row in self.box.spool.rows("SELECT upload_id FROM capture WHERE upload_id IS NOT NULL")}
        assert there <= set(self.server.drops.values())

    @invariant()
    def what_was_taken_back_is_deleted_or_owed(self) -> None:
        owed = self._owed_keys()
        for sha256, key in self.box.spool.rows("SELECT sha256, key FROM capture WHERE status = 'undone'"):
            upload = self.server.drops.get(f"{sha256}-{key}")
            assert upload is None or upload in self.server.deleted or upload in owed or f"{sha256}-{key}" in owed

    def _owed_slugs(self) -> list[str]:
        return [debt["slug"] for debt in self._details(END, RECALL)]

    def _owed_keys(self) -> set[str]:
        return {debt[name] for debt in self._details(RECALL) for name in ("key", "upload_id")}

    def _details(self, *kinds: str) -> list[dict[str, str]]:

        rows = self.box.spool.rows("SELECT kind, detail FROM owed")
        return [json.loads(detail) for kind, detail in rows if kind in kinds]


Life.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestWhateverHappensToCaptures = Life.TestCase
