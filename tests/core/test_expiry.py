"""Times from outside, and what a row that cannot be read does to its neighbours: nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bulletdrop.clock import parse_expiry, parse_moment
from bulletdrop.core.database import using
from bulletdrop.core.drops import uploads
from bulletdrop.core.models import Setting, Upload, User, from_microseconds
from bulletdrop.core.people import keys
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound, RevokedKey
from tests.core.drops_kit import keep

FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-14)))


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "9000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_nothing_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_moment(text)


@pytest.mark.parametrize("text", ["99999y", "9999-12-31", "9999-12-31T23:59:59-14:00"])
def test_an_expiry_that_nothing_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_expiry(text, now=datetime(2026, 11, 20, tzinfo=UTC))


def test_a_drop_and_a_key_cannot_end_beyond_all_time(site: Site, alice: Caller) -> None:
    upload = keep(site, alice)
    with pytest.raises(Invalid):
        uploads.change_upload(site, alice, upload.id, {"expires_at": FAR})
    with pytest.raises(Invalid):
        keep(site, alice, expires_at=FAR)
    with pytest.raises(Invalid):
        keys.create_key(site, User.get_by_id(alice.user_id), name="far", scopes=["uploads:read"], expires_at=FAR)
    assert uploads.get_upload(site, alice, upload.id).expires_at is None


def test_an_expiry_is_kept_in_utc(site: Site, alice: Caller) -> None:
    upload = keep(site, alice)
    there = datetime(2027, 1, 1, 2, tzinfo=timezone(timedelta(hours=5)))
    changed = uploads.change_upload(site, alice, upload.id, {"expires_at": there})
    assert changed.expires_at == datetime(2026, 12, 31, 21, tzinfo=UTC)


def test_a_row_with_an_impossible_time_can_still_be_read_and_mended(site: Site, alice: Caller) -> None:
    upload = keep(site, alice)
    Upload.update(expires_at=2**62).where(Upload.id == upload.id).execute()
    found = uploads.get_upload(site, alice, upload.id)
    assert found.expires_at == datetime(9999, 12, 31, tzinfo=UTC)
    assert uploads.change_upload(site, alice, upload.id, {"expires_at": None}).expires_at is None
    assert from_microseconds(-(2**62)).year == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_row_that_cannot_be_read_blocks_no_write_and_hides_no_revoked_key(site: Site, alice: Caller) -> None:
    user = User.get_by_id(alice.user_id)
    key, plain = keys.create_key(site, user, name="good", scopes=["uploads:read"])
    bad, _ = keys.create_key(site, user, name="bad", scopes=["uploads:read"])
    # SQLite takes any text for a number; Postgres has no such rows.
    site.db.execute_sql("UPDATE api_key SET created_at = 'nothing' WHERE id = ?", (bad.id,))
    seen: list[BaseException] = []

    def read() -> None:
        # Kept, as a server's log or an unread future would: its traceback holds the statement.
        with pytest.raises(ValueError) as caught, using(site.db):
            keys.list_keys(site, alice.user_id)
        seen.append(caught.value)

    def check() -> None:
        with using(site.db):
            keys.check_key(site, plain)

    def write() -> None:
        with using(site.db):
            Setting.create(name="after", value="written")

    with ThreadPoolExecutor(1) as one_thread:
        one_thread.submit(check).result()
        one_thread.submit(read).result()
        keys.revoke_key(site, alice.user_id, key.id)
        with pytest.raises(RevokedKey):
            one_thread.submit(check).result()
        one_thread.submit(write).result()
        one_thread.submit(site.db.close).result()
    assert seen
    assert Setting.get_by_id("after").value == "written"


def test_an_error_of_ours_in_the_middle_of_reading_leaves_nothing_open(site: Site, alice: Caller) -> None:
    keep(site, alice)
    keep(site, alice)
    held: list[object] = []
    worked = threading.Event()

    def stop_reading() -> None:
        with using(site.db):
            rows = Upload.select().iterator()
            held.append(rows)
            next(iter(rows))
            raise NotFound("enough")

    def write() -> None:
        with using(site.db):
            Setting.create(name="after", value="written")
        site.db.close()
        worked.set()

    with ThreadPoolExecutor(1) as one_thread:
        with pytest.raises(NotFound):
            one_thread.submit(stop_reading).result()
        Setting.create(name="between", value="written by another")
        one_thread.submit(write).result()
    assert worked.is_set()


def test_a_text_that_the_database_cannot_hold_is_the_senders_fault(site: Site) -> None:
    try:
        with using(site.db):
            Setting.create(name="nul", value="a\0b")
    except Invalid:
        pass
    assert not User.select().where(User.username == "nobody").exists()
