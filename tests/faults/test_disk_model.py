"""The model of a disk that loses power keeps what was made durable, and nothing else."""

from __future__ import annotations

import os

import pytest

from tests.faults.calls import Call
from tests.faults.disk import Disk, UnmodelledCall


def run(disk: Disk, *calls: Call) -> None:
    """Let calls happen one after the other."""
    for call in calls:
        disk.after(call, len(call.content), disk.before(call))


def written(path: str, content: bytes = b"picture") -> tuple[Call, ...]:
    """A file made and written, and not fsynced."""
    return Call("openat", path, flags=os.O_CREAT), Call("write", path, content=content)


SYNC_FILE, SYNC_FOLDER = Call("fsync", "/data/a"), Call("fsync", "/data")


def test_a_file_without_fsync_is_gone() -> None:
    disk = Disk("/data")
    run(disk, *written("/data/a"))
    assert disk.survivors() == {}


def test_a_file_whose_folder_was_not_synced_has_no_name() -> None:
    disk = Disk("/data")
    run(disk, *written("/data/a"), SYNC_FILE)
    assert disk.survivors() == {}


def test_a_name_without_its_bytes_is_an_empty_file() -> None:
    disk = Disk("/data")
    run(disk, *written("/data/a"), SYNC_FOLDER)
    assert disk.survivors() == {"a": b""}


def test_a_file_and_its_folder_synced_survive() -> None:
    disk = Disk("/data")
    run(disk, *written("/data/a"), SYNC_FILE, SYNC_FOLDER)
    assert disk.survivors() == {"a": b"picture"}


def test_bytes_written_after_the_fsync_are_not_promised() -> None:
    disk = Disk("/data")
    run(disk, *written("/data/a"), SYNC_FILE, SYNC_FOLDER, Call("pwrite64", "/data/a", offset=0, content=b"PICTURE"))
    assert disk.survivors() == {"a": b"picture"}


def test_a_rename_needs_its_folder_synced() -> None:
    disk = Disk("/data")
    rename = Call("rename", "/data/a", "/data/b")
    run(disk, *written("/data/a"), SYNC_FILE, SYNC_FOLDER, rename)
    assert disk.survivors() == {"a": b"picture"}
    run(disk, SYNC_FOLDER)
    assert disk.survivors() == {"b": b"picture"}


def test_a_file_in_a_folder_that_was_never_synced_is_gone_with_it() -> None:
    disk = Disk("/data")
    run(
        disk,
        Call("mkdir", "/data/day"),
        *written("/data/day/a"),
        Call("fsync", "/data/day/a"),
        Call("fsync", "/data/day"),
    )
    assert disk.survivors() == {}
    run(disk, SYNC_FOLDER)
    assert disk.survivors() == {"day": None, "day/a": b"picture"}


def test_on_a_journal_any_fsync_commits_all_names() -> None:
    disk = Disk("/data", journal=True)
    run(disk, *written("/data/a"), *written("/data/b"), Call("fsync", "/data/b"))
    assert disk.survivors() == {"a": b"", "b": b"picture"}


def test_a_call_that_failed_changes_nothing() -> None:
    disk = Disk("/data")
    run(disk, *written("/data/a"))
    disk.after(SYNC_FILE, -5, disk.before(SYNC_FILE))
    run(disk, SYNC_FOLDER)
    assert disk.survivors() == {"a": b""}


def test_a_way_to_write_that_the_model_does_not_know_is_an_error() -> None:
    with pytest.raises(UnmodelledCall):
        run(Disk("/data"), Call("copy_file_range", "/data/a"))
