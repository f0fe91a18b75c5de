"""Several files of one request: all or none, and never at the cost of a drop that somebody was promised."""

from __future__ import annotations

import pytest
from peewee import PeeweeException

from bulletdrop.core.drops import batch, intake
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.models import Blob, Upload
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import BadPicture, Unavailable, UnknownType
from tests.core.drops_kit import arrive, keep, nothing_was_kept
from tests.support.pictures import screenshot

KEY = Wishes(idempotency_key="k")


def test_a_refused_request_does_not_take_back_what_another_with_its_key_was_promised(site: Site, alice: Caller) -> None:
    promised = batch.store_all(site, alice, [arrive(site, screenshot(n)) for n in (1, 2)], KEY)
    with pytest.raises(UnknownType):
        batch.store_all(site, alice, [arrive(site, screenshot(1)), arrive(site, b"no picture")], KEY)
    assert {row.id for row in Upload.select()} == {one.id for one in promised}
    assert list(verify(site, read_data=True)) == []


def test_a_drop_that_lost_the_race_for_its_key_says_that_it_was_not_made(site: Site, alice: Caller) -> None:
    one, other = (intake.prepare(site, arrive(site, screenshot(n)), KEY) for n in (1, 2))
    first, second = intake.keep(site, alice, one, KEY), intake.keep(site, alice, other, KEY)
    assert (first.made, second.made) == (True, False)
    assert first.upload == second.upload
    assert list(site.temporary.iterdir()) == []
    assert list(verify(site, read_data=True)) == []


def test_a_retry_that_finds_the_disk_gone_at_its_second_file_leaves_the_first_request_alone(
    site: Site, alice: Caller
) -> None:
    numbered = Wishes(idempotency_key="k#0")
    promised = intake.store(site, alice, arrive(site, screenshot(1)), numbered)
    prepared = batch.prepare_all(site, [arrive(site, screenshot(n)) for n in (1, 2)], KEY)
    prepared[1].discard()  # What storage then says is what it says of a disk that fails.
    with pytest.raises((Unavailable, OSError)):
        batch.keep_all(site, alice, prepared, KEY)
    assert [row.id for row in Upload.select()] == [promised.id]
    assert list(site.temporary.iterdir()) == []


def test_of_several_files_of_which_the_last_is_refused_none_is_kept(site: Site, alice: Caller) -> None:
    with pytest.raises(UnknownType):
        batch.store_all(site, alice, [arrive(site, screenshot(1)), arrive(site, b"no picture")], Wishes())
    assert nothing_was_kept(site)


def test_when_the_last_file_cannot_be_kept_those_before_it_are_taken_back(site: Site, alice: Caller) -> None:
    prepared = batch.prepare_all(site, [arrive(site, screenshot(n)) for n in (1, 2)], KEY)
    prepared[1].discard()
    with pytest.raises((Unavailable, OSError)):
        batch.keep_all(site, alice, prepared, KEY)
    assert nothing_was_kept(site)


def test_bytes_whose_row_was_surely_never_committed_do_not_stay(site: Site, alice: Caller) -> None:
    prepared = intake.prepare(site, arrive(site, screenshot(1)), Wishes())
    site.db.execute_sql("ALTER TABLE upload_tag RENAME TO elsewhere")
    try:
        with pytest.raises(PeeweeException):
            intake.keep(site, alice, prepared, Wishes(tags=("x",)))
    finally:
        site.db.execute_sql("ALTER TABLE elsewhere RENAME TO upload_tag")
    assert nothing_was_kept(site)


def test_bytes_that_turned_out_broken_for_another_are_taken_like_the_first_time_and_refused_to_their_owner(
    site: Site, alice: Caller, bob: Caller
) -> None:
    first = keep(site, alice)
    Blob.update(state="broken", problem="it is damaged").execute()
    second = keep(site, bob)
    assert (second.blob.id, second.blob.state, Blob.get().refs) == (first.blob.id, "broken", 2)
    for owner in (alice, bob):
        with pytest.raises(BadPicture):
            keep(site, owner)
    assert Blob.get().refs == 2
    assert list(site.temporary.iterdir()) == []
