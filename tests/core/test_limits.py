"""Limits: one statement decides each view, passes are good for one row and not for long."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.drops import changing
from bulletdrop.core.drops.uploads import get_upload
from bulletdrop.core.models import ShareLink, ShortLink, Upload, random_text
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import limits, passes
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid
from tests.core.drops_kit import keep


def limited(site: Site, caller: Caller, **terms: Any) -> Upload:
    """A drop with terms."""
    drop = keep(site, caller)
    Upload.update(terms).where(Upload.id == drop.id).execute()
    return Upload.get_by_id(drop.id)


def test_of_fifty_at_once_exactly_as_many_get_a_view_as_there_are(site: Site, alice: Caller) -> None:
    drop = limited(site, alice, max_views=7)
    given: list[bool] = []
    barrier = threading.Barrier(50)

    def look() -> None:
        with using(site.db):
            barrier.wait()
            given.append(limits.take_view(site, drop))
        site.db.close()

    threads = [threading.Thread(target=look) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given.count(True) == 7
    assert Upload.get_by_id(drop.id).views == 7


def test_a_limit_that_is_set_twice_at_once_gives_no_view_back(site: Site, alice: Caller) -> None:
    drop = get_upload(site, alice, keep(site, alice).id)
    first, second = (changing.checked(site, alice, drop, {"max_views": 1}) for _ in range(2))
    changing.write(site, drop, first, None)
    assert limits.take_view(site, drop)
    changing.write(site, drop, second, None)
    assert not limits.take_view(site, drop)


def test_a_view_says_when_it_was_the_last(site: Site, alice: Caller, clock: ManualClock) -> None:
    drop = limited(site, alice, max_views=2)
    assert limits.take_view(site, drop)
    clock.advance(minutes=5)
    assert limits.take_view(site, drop)
    clock.advance(minutes=5)
    assert not limits.take_view(site, drop)
    assert Upload.get_by_id(drop.id).last_viewed_at == clock.now() - timedelta(minutes=5)


def test_what_was_read_before_it_ended_gives_no_view_after(site: Site, alice: Caller, clock: ManualClock) -> None:
    drop = limited(site, alice, max_views=5, expires_at=clock.now() + timedelta(minutes=1))
    assert limits.take_view(site, drop)
    clock.advance(minutes=1)
    assert not limits.take_view(site, drop)


def test_a_revoked_link_gives_no_view(site: Site, alice: Caller, clock: ManualClock) -> None:
    made = {"owner": alice.user_id, "created_at": clock.now()}
    link = ShareLink.create(token=random_text(22), upload=keep(site, alice), **made)
    short = ShortLink.create(slug="short", url="https://example.org/", **made)
    assert limits.take_view(site, link)
    assert limits.take_view(site, short)
    for model, row in ((ShareLink, link), (ShortLink, short)):
        model.update(revoked_at=clock.now()).where(model.id == row.id).execute()
        assert not limits.take_view(site, row)


@pytest.mark.parametrize("wrong", [0, -1, limits.MOST_VIEWS + 1])
def test_a_number_of_views_that_makes_no_sense_is_refused(site: Site, wrong: int) -> None:
    with pytest.raises(Invalid) as caught:
        limits.check_terms(site, {"max_views": wrong})
    assert caught.value.field == "max_views"


def test_terms_are_only_what_was_sent(site: Site, clock: ManualClock) -> None:
    assert limits.check_terms(site, {}) == {}
    assert limits.check_terms(site, {"max_views": None, "password": "", "expires_at": None}) == {
        "max_views": None,
        "password_hash": None,
        "expires_at": None,
    }
    with pytest.raises(Invalid):
        limits.check_terms(site, {"password": "x" * (limits.LONGEST_PASSWORD + 1)})
    with pytest.raises(Invalid):
        limits.check_terms(site, {"expires_at": clock.now()})


def test_the_password_that_was_set_fits_and_no_other(site: Site, alice: Caller) -> None:
    drop = limited(site, alice, **limits.check_terms(site, {"password": "open sesame"}))
    assert limits.fits(site, drop, "open sesame")
    assert not limits.fits(site, drop, "open sesame ")
    assert not limits.fits(site, drop, "")
    assert not limits.fits(site, keep(site, alice), "")


def test_a_pass_is_good_for_its_row_and_for_its_time(site: Site, alice: Caller, clock: ManualClock) -> None:
    drop, other = keep(site, alice), keep(site, alice)
    value = passes.make_pass(site, drop)
    assert passes.pass_is_good(site, drop, value, seconds=passes.SAME_AGAIN)
    assert not passes.pass_is_good(site, other, value, seconds=passes.SAME_AGAIN)
    assert not passes.is_unlocked(site, drop, value)
    clock.advance(seconds=passes.SAME_AGAIN + 1)
    assert not passes.pass_is_good(site, drop, value, seconds=passes.SAME_AGAIN)
    assert passes.pass_is_good(site, drop, value, seconds=passes.PARTS)


def test_a_clock_that_is_set_back_makes_no_pass_longer(site: Site, alice: Caller, clock: ManualClock) -> None:
    drop = keep(site, alice)
    value = passes.make_pass(site, drop)
    clock.advance(seconds=-5)
    assert not passes.pass_is_good(site, drop, value, seconds=passes.PARTS)


@pytest.mark.parametrize(
    "value", ["", ".", "x.y", "1.", "zz" * 40, "0.0", "-1.00", "1.é", "٣.0", "ffffffffffff.00", "9" * 5000]
)
def test_a_pass_that_is_none_of_ours_is_worth_nothing(site: Site, alice: Caller, value: str) -> None:
    assert not passes.pass_is_good(site, keep(site, alice), value, seconds=10**12)


def test_another_password_locks_again(site: Site, alice: Caller) -> None:
    drop = limited(site, alice, **limits.check_terms(site, {"password": "first"}))
    value = passes.make_unlocked(site, drop)
    assert passes.is_unlocked(site, drop, value)
    drop.password_hash = limits.check_terms(site, {"password": "first"})["password_hash"]
    assert not passes.is_unlocked(site, drop, value)
