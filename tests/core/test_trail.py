"""The audit log read back: filtered, paged, exported; and the overview that is made of it and of the tables."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock, rfc3339
from bulletdrop.core import queue
from bulletdrop.core.audit import record
from bulletdrop.core.mail import post
from bulletdrop.core.models import Audit, Job, JobRun, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import handover
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.trail import COLUMNS, Filter, actions, as_text, check_format, read_trail
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import overview
from bulletdrop.core.upkeep.by_hand import retry_by_hand, run_by_hand
from bulletdrop.errors import Invalid, NotFound
from tests.core.drops_kit import keep


@pytest.fixture
def told(site: Site, alice: Caller, bob: Caller, clock: ManualClock) -> None:
    """A log with a row of each kind, a minute apart, and nothing else."""
    Audit.delete().execute()
    for action, actor, subject, category in (
        ("session.open", bob.user_id, "s1", "act"),
        ("user.disable", alice.user_id, "bob", "admin"),
        ("session.reuse", None, "bob", "security"),
        ("userland.odd", None, "x", "act"),
    ):
        clock.advance(minutes=1)
        record(site, action, actor=actor, subject=subject, category=category, detail="=1+1", address="192.0.2.1")


def read(site: Site, **wanted: object) -> list[str]:
    return [one.row.action for one in read_trail(site, Filter(**wanted)).items]  # type: ignore[arg-type]


@pytest.mark.usefixtures("told")
def test_the_log_is_filtered(site: Site, alice: Caller, bob: Caller, clock: ManualClock) -> None:
    assert read(site) == ["userland.odd", "session.reuse", "user.disable", "session.open"]
    assert read(site, category="security") == ["session.reuse"]
    assert read(site, action="user") == ["user.disable"]
    assert read(site, action="session.open") == ["session.open"]
    assert read(site, actor="ALICE") == read(site, actor=alice.user_id) == ["user.disable"]
    assert read(site, actor="server") == ["userland.odd", "session.reuse"]
    assert read(site, subject="bob") == ["session.reuse", "user.disable"]
    assert read(site, about=(bob.user_id, "bob")) == ["session.reuse", "user.disable", "session.open"]
    assert read(site, since=clock.now()) == ["userland.odd"]
    assert read(site, until=clock.now() - timedelta(minutes=2)) == ["session.open"]
    assert actions(site) == sorted(read(site))
    for wrong in ({"category": "odd"}, {"actor": "\0"}, {"subject": "x" * 400}):
        with pytest.raises(Invalid):
            read(site, **wrong)


@pytest.mark.usefixtures("told")
def test_a_row_names_whoever_did_it(site: Site, alice: Caller) -> None:
    shown = {one.row.action: one.actor_name for one in read_trail(site, Filter()).items}
    assert shown["user.disable"] == "alice"
    assert shown["session.reuse"] == ""
    User.delete().where(User.id == alice.user_id).execute()
    assert {one.actor_name for one in read_trail(site, Filter(action="user.disable")).items} == {""}


@pytest.mark.usefixtures("told")
def test_rows_of_the_same_moment_come_once_each_over_all_pages(site: Site) -> None:
    for number in range(7):
        record(site, f"same.{number}")
    found: list[str] = []
    cursor = None
    while True:
        page = read_trail(site, Filter(), cursor=cursor, limit=2)
        found += [one.row.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 11


@pytest.mark.usefixtures("told")
def test_an_export_is_whole_and_runs_no_formula(site: Site, clock: ManualClock) -> None:
    clock.advance(seconds=1)
    record(site, "note.add", subject='a "quoted", line\nand another', user_agent="+bot")
    entries = read_trail(site, Filter()).items
    table = list(csv.reader(io.StringIO(as_text(entries, "csv", head=True))))
    assert tuple(table[0]) == COLUMNS
    assert [line[COLUMNS.index("action")] for line in table[1:]] == read(site)
    assert table[1][COLUMNS.index("subject")] == 'a "quoted", line\nand another'
    assert table[1][COLUMNS.index("user_agent")] == "'+bot"
    assert table[2][COLUMNS.index("detail")] == "'=1+1"
    lines = [json.loads(line) for line in as_text(entries, "jsonl").splitlines()]
    assert [line["action"] for line in lines] == read(site)
    assert lines[0]["at"] == rfc3339(clock.now())
    with pytest.raises(Invalid):
        check_format("xlsx")


def test_an_empty_site_needs_nobody(site: Site) -> None:
    assert overview.needs(site).nothing
    assert overview.figures(site).users == 0
    assert overview.room(site).measured_at is None
    assert overview.biggest(site, "users").items == []
    assert overview.last_runs(site) == []


def test_what_needs_somebody_is_counted(site: Site, bob: Caller, clock: ManualClock) -> None:
    user = User.get_by_id(bob.user_id)
    link = f"{public_base(site.config)}/reset#token=x"
    post(site, "reset", to=user.email, user=user, link=link, lives=timedelta(hours=1))
    record(site, "session.reuse", category="security")
    queue.enqueue(site, "thumbnails", "x")
    Job.update(attempts=queue.MOST_ATTEMPTS, error="no").execute()
    JobRun.create(name="expire", started_at=clock.now(), ended_at=clock.now(), ok=False, result="no")
    User.update(is_verified=False, delete_scheduled_for=clock.now()).execute()
    found = overview.needs(site)
    assert (found.mails, found.stuck_work, found.security_events) == (1, 1, 1)
    assert (found.failed_jobs, found.leaving, found.unverified) == (("expire",), 1, 1)
    assert not found.nothing
    clock.advance(days=2)
    JobRun.create(name="expire", started_at=clock.now(), ended_at=clock.now(), ok=True, result="0 expired")
    later = overview.needs(site)
    assert (later.mails, later.security_events, later.failed_jobs) == (0, 0, ())


def test_work_that_was_given_up_is_tried_again(site: Site) -> None:
    queue.enqueue(site, "thumbnails", "x")
    Job.update(attempts=queue.MOST_ATTEMPTS, error="no").execute()
    assert queue.claim(site, ("thumbnails",)) is None
    assert [job.subject for job in overview.stuck_work(site)] == ["x"]
    assert retry_by_hand(site, By()) == 1
    assert overview.stuck_work(site) == []
    assert queue.claim(site, ("thumbnails",)) is not None


def test_a_job_run_by_hand_is_recorded(site: Site, alice: Caller) -> None:
    assert run_by_hand(site, By(alice.user_id), "measure-thumbnails") == "0 thumbnails, 0 bytes"
    (row,) = Audit.select().where(Audit.action == "job.run")
    assert (row.actor, row.subject, row.category) == (alice.user_id, "measure-thumbnails", "admin")
    assert [run.ok for run in overview.list_runs(site, name="measure-thumbnails").items] == [True]
    with pytest.raises(NotFound):
        run_by_hand(site, By(), "explode")


def test_the_room_is_where_the_files_are(site: Site, alice: Caller, bob: Caller) -> None:
    drop = keep(site, alice)
    keep(site, bob)
    path = site.storage.local_path("thumbnails/2026/11/20/x.thumb.webp")
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(77))
    run_by_hand(site, By(), "measure-thumbnails")
    run_by_hand(site, By(), "sweep-orphans")
    room = overview.room(site)
    assert (room.blobs, room.blob_bytes, room.named_bytes) == (1, drop.blob.size, 2 * drop.blob.size)
    assert (room.thumbnails, room.thumbnail_bytes) == (1, 77)
    assert room.orphans.endswith("removed")
    assert room.swept_at is not None
    used = {one.username: one.storage_used for one in overview.biggest(site, "users").items}
    assert used == {"alice": drop.blob.size, "bob": drop.blob.size}
    with pytest.raises(Invalid):
        overview.biggest(site, "cats")


def test_a_mail_is_taken_off_the_list_once_it_was_handed_over(site: Site, bob: Caller, alice: Caller) -> None:
    user = User.get_by_id(bob.user_id)
    link = f"{public_base(site.config)}/reset#token=x"
    post(site, "reset", to=user.email, user=user, link=link, lives=timedelta(hours=1))
    post(site, "test", to=user.email, lives=timedelta(hours=1))
    (mail,) = handover.to_hand_over(site)
    assert mail.link == link
    handover.handed_over(site, By(alice.user_id), mail.id)
    assert handover.to_hand_over(site) == []
    (row,) = Audit.select().where(Audit.action == "mail.handed-over")
    assert (row.subject, row.detail) == ("bob@example.org", "reset")
    with pytest.raises(NotFound):
        handover.handed_over(site, By(), mail.id)
    with pytest.raises(Invalid, match="no mail server"):
        handover.test_mail(site, By(alice.user_id))
