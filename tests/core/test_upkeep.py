"""Upkeep: sweeps, jobs, the queue and verify leave nothing behind and take nothing that is needed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.models import Blob, Job
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import jobs, sweeps
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import (
    BulletDropError,
    NotFound,
)
from tests.core.drops_kit import arrive, keep, nothing_was_kept, stored
from tests.support.pictures import screenshot


def test_bytes_without_a_row_are_swept_and_bytes_with_one_are_not(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    upload = keep(site, alice)
    stray = arrive(site, b"left by a crash")
    site.storage.put("uploads/2026/11/20/strayStray.png", stray.path, size=stray.size)
    old = arrive(site, b"thumb")
    site.storage.put("thumbnails/2026/11/20/strayStray.thumb.webp", old.path, size=old.size)
    assert any("stray" in problem for problem in verify(site))
    assert sweeps.sweep_orphans(site, older_than_seconds=-(10**12)) == "2 removed"
    assert stored(site, upload)
    assert list(verify(site)) == []


def test_what_a_person_put_into_the_folder_is_left_alone_and_ends_no_sweep(
    site: Site, alice: Caller, tmp_path: Path
) -> None:
    upload = keep(site, alice)
    stray = arrive(site, b"left by a crash")
    site.storage.put("uploads/2026/11/20/strayStray.png", stray.path, size=stray.size)
    root, elsewhere = site.config.data / "uploads", tmp_path / "elsewhere"
    elsewhere.mkdir()
    theirs = [
        root / ".DS_Store",
        root / "notes.txt",
        root / "2026/11/20/my notes.png",
        root / "2026/11/20/notesNotes.doc",
        root / "2026/11/strayStray.png",
        elsewhere / "strayStray.png",
    ]
    for path in theirs:
        path.write_bytes(b"mine")
    (root / "2026/11/20/linkedLinked.png").symlink_to(elsewhere / "strayStray.png")
    (root / "2026/11/21").symlink_to(elsewhere)
    assert sweeps.sweep_orphans(site, older_than_seconds=-(10**12)) == "1 removed"
    assert all(path.read_bytes() == b"mine" for path in theirs)
    assert stored(site, upload)
    found = list(verify(site))
    assert len(found) == 7
    assert all(problem.endswith(": not ours, left alone") for problem in found)


def test_a_storage_folder_behind_a_link_is_not_swept(site: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "2026" / "11" / "20"
    elsewhere.mkdir(parents=True)
    (elsewhere / "strayStray.png").write_bytes(b"mine")
    (site.config.data / "uploads").symlink_to(tmp_path / "elsewhere")
    assert sweeps.sweep_orphans(site, older_than_seconds=-(10**12)) == "0 removed"
    assert list(verify(site)) == ["uploads: not ours, left alone"]


def test_verify_names_what_is_missing_short_or_changed(site: Site, alice: Caller) -> None:
    kept = [keep(site, alice, screenshot(number)) for number in range(3)]
    paths = [site.storage.local_path(one.blob.key) for one in kept]
    assert all(paths)
    missing, short, changed = (path for path in paths if path)
    missing.unlink()
    short.write_bytes(short.read_bytes()[:-1])
    data = bytearray(changed.read_bytes())
    data[100] ^= 1
    changed.write_bytes(data)
    Blob.update(refs=5).where(Blob.id == kept[2].blob.id).execute()
    found = list(verify(site, read_data=True))
    for upload in kept:
        assert any(upload.blob.key in problem for problem in found)
    assert len(found) == 4


def test_every_job_runs_on_an_empty_site_and_twice_in_a_row(site: Site) -> None:
    for job in jobs.JOBS:
        jobs.run_job(site, job.name)
        jobs.run_job(site, job.name)
    with pytest.raises(NotFound, match="empty-trash"):
        jobs.run_job(site, "nothing")


def test_a_job_whose_turn_was_taken_is_not_run_again_before_its_time(site: Site, clock: ManualClock) -> None:
    job = jobs.JOBS[0]
    assert jobs._take_turn(site, job)
    assert not jobs._take_turn(site, job)
    clock.advance(seconds=job.every.total_seconds() + 1)
    assert jobs._take_turn(site, job)


def test_the_queue_makes_thumbnails_and_is_empty_afterwards(site: Site, alice: Caller) -> None:
    upload = keep(site, alice)
    assert Job.select().count() == 1
    while jobs.work_once(site):
        pass
    assert Job.select().count() == 0
    blob = Blob.get_by_id(upload.blob.id)
    assert blob.state == "ready"
    assert len(list(site.storage.keys("thumbnails/"))) == 4


def test_work_that_the_servers_end_cuts_off_stays_in_the_queue_and_is_no_fault(
    site: Site, alice: Caller, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    keep(site, alice)
    site.decoder.close()
    with caplog.at_level(logging.INFO):
        assert jobs.work_once(site)
    assert Job.get().error == "Unavailable: The server is stopping."
    assert [
        record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR
    ] == []
    assert "queued work put off" in caplog.text
    assert not jobs.work_once(site)
    clock.advance(seconds=6)
    assert jobs.work_once(site)


def test_a_refused_file_never_leaves_bytes_whatever_the_reason(site: Site, alice: Caller, tmp_path: Path) -> None:
    for data in (b"", b"x", screenshot()[:50], b"\x89PNG\r\n\x1a\n" + b"\0" * 100):
        with pytest.raises(BulletDropError):
            keep(site, alice, data)
    assert nothing_was_kept(site)
