"""Links before their bytes: handed to one device, filled once, nobody else's, ended in words, and forgotten in time."""

from __future__ import annotations

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import found, intake, reservations, uploads
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.drops.reservations import MOST_ON_DEVICE, MOST_OPEN, find_arrival
from bulletdrop.core.models import Reservation, ShortLink, Upload, User
from bulletdrop.core.names import preferences
from bulletdrop.core.names.chosen import is_slug_taken, is_taken
from bulletdrop.core.people import sessions
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import shortener
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import jobs
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import (
    BulletDropError,
    Forbidden,
    Invalid,
    NameTaken,
    NotFound,
    NotReserved,
    TooMany,
    UnknownType,
)
from tests.core.drops_kit import arrive, keep, stored
from tests.core.reservations_kit import device, fill, held
from tests.core.sign_in_kit import at_once
from tests.support.pictures import screenshot


def refused(*outcomes: object) -> list[str]:
    return [one.code for one in outcomes if isinstance(one, BulletDropError)]


def test_a_reserved_link_leads_to_the_upload_that_names_it(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    row = reservations.reserve(site, laptop, 1)[0]
    assert is_slug_taken(row.slug)
    upload = fill(site, laptop, row.slug, title="plan")
    assert upload.slug == row.slug
    assert found.find_public(site, row.slug).id == upload.id
    assert not Reservation.select().exists()
    assert upload.blob.key.startswith(f"uploads/2026/11/20/{row.slug}")
    assert stored(site, upload) == screenshot()
    assert list(verify(site, read_data=True)) == []


def test_the_links_are_random_whatever_the_accounts_style_is(site: Site, alice: Caller) -> None:
    preferences.change_preferences(site, alice.user_id, {"slug_style": "name"})
    laptop = device(site, alice)
    rows = reservations.reserve(site, laptop, 20)
    assert len({row.slug for row in rows}) == 20
    assert all(len(row.slug) == site.config.slug_length and row.slug.isalnum() for row in rows)
    assert fill(site, laptop, rows[0].slug, slug_style="name").slug == rows[0].slug


def test_a_link_is_filled_once(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    slug = held(site, laptop)
    first = fill(site, laptop, slug)
    with pytest.raises(NotReserved) as again:
        fill(site, laptop, slug, screenshot(2))
    assert again.value.field == "slug"
    assert [row.id for row in Upload.select()] == [first.id]
    assert stored(site, first) == screenshot()
    assert list(verify(site, read_data=True)) == []


def test_only_the_device_that_holds_it_fills_it(site: Site, alice: Caller, bob: Caller) -> None:
    laptop, phone = device(site, alice), device(site, alice, "phone")
    slug = held(site, laptop)
    session = sessions.open_session(site, User.get_by_id(alice.user_id), user_agent="", address="")
    for other in (phone, device(site, bob), alice, sessions.check_access(site, session.access_token)):
        with pytest.raises(NotReserved):
            fill(site, other, slug)
        if other is not alice:
            with pytest.raises(NotFound):
                reservations.end(site, other, slug)
        assert not reservations.refuse(site, other, slug, code="too_big", message="no")
    assert [row.slug for row in reservations.list_reservations(site, phone)] == []
    assert [row.slug for row in reservations.list_reservations(site, laptop)] == [slug]
    assert not Upload.select().exists()
    assert list(site.storage.keys("uploads/")) == []
    fill(site, laptop, slug)


def test_a_browsers_session_is_a_device_too(site: Site, alice: Caller) -> None:
    tokens = sessions.open_session(site, User.get_by_id(alice.user_id), user_agent="", address="")
    browser = sessions.check_access(site, tokens.access_token)
    slug = held(site, browser)
    assert fill(site, browser, slug).slug == slug


def test_the_command_line_on_the_server_is_no_device(site: Site, alice: Caller) -> None:
    with pytest.raises(Forbidden):
        reservations.reserve(site, alice, 1)


@pytest.mark.parametrize("count", [0, 51, -1])
def test_no_more_than_fifty_are_handed_out_at_once(site: Site, alice: Caller, count: int) -> None:
    with pytest.raises(Invalid) as wrong:
        reservations.reserve(site, device(site, alice), count)
    assert wrong.value.field == "count"


def test_a_device_holds_two_hundred_at_most(site: Site, alice: Caller, clock: ManualClock) -> None:
    laptop = device(site, alice)
    slugs = [row.slug for _ in range(9) for row in reservations.reserve(site, laptop, 20)]
    assert len(reservations.reserve(site, laptop, 50)) == 20
    with pytest.raises(TooMany):
        reservations.reserve(site, laptop, 1)
    assert len(reservations.reserve(site, device(site, alice, "phone"), 5)) == 5
    fill(site, laptop, slugs[0])
    reservations.end(site, laptop, slugs[1])
    assert len(reservations.reserve(site, laptop, 20)) == 2
    # Those whose time is over are the device's still, but no more in its way.
    clock.advance(days=8)
    assert len(reservations.reserve(site, laptop, 20)) == 20


def test_a_store_that_was_lost_takes_no_room_from_the_next(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    for _ in range(4):
        reservations.reserve(site, laptop, 50, store="lost")
    with pytest.raises(TooMany):
        reservations.reserve(site, laptop, 1, store="lost")
    assert {row.store for row in reservations.reserve(site, laptop, 50, store="next")} == {"next"}


def test_however_many_stores_it_has_a_device_holds_a_thousand_at_most(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    for turn in range(20):
        reservations.reserve(site, laptop, 49, store=str(turn))
    assert len(reservations.reserve(site, laptop, 50, store="20")) == MOST_ON_DEVICE - 20 * 49
    with pytest.raises(TooMany):
        reservations.reserve(site, laptop, 1, store="21")


@pytest.mark.parametrize("store", ["s" * 41, "a\0b"])
def test_a_store_is_a_short_mark(site: Site, alice: Caller, store: str) -> None:
    with pytest.raises(Invalid) as wrong:
        reservations.reserve(site, device(site, alice), 1, store=store)
    assert wrong.value.field == "store"


def test_however_many_ask_at_once_a_device_holds_two_hundred(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    outcomes = at_once(site, 8, lambda _: reservations.reserve(site, laptop, 50))
    assert sum(len(one) for one in outcomes if isinstance(one, list)) == MOST_OPEN
    assert set(refused(*outcomes)) == {"too_many"}
    assert Reservation.select().count() == MOST_OPEN


def test_of_fifty_who_fill_one_link_at_once_one_makes_the_drop(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    slug = held(site, laptop)
    files = [arrive(site, screenshot(number)) for number in range(50)]
    outcomes = at_once(site, 50, lambda number: intake.store(site, laptop, files[number], Wishes(slug=slug)))
    made = [one for one in outcomes if isinstance(one, Upload)]
    assert len(made) == 1
    assert refused(*outcomes) == ["not_reserved"] * 49
    assert Upload.select().count() == 1
    # Nobody wrote over the winner's bytes, or took them away with their own.
    assert list(site.storage.keys("uploads/")) == [made[0].blob.key]
    assert list(verify(site, read_data=True)) == []


@pytest.mark.parametrize("is_public", [True, False])
def test_a_repeat_with_its_key_gets_the_first_drop_also_when_it_runs_beside_it(
    site: Site, alice: Caller, is_public: bool
) -> None:
    laptop = device(site, alice)
    slug = held(site, laptop)
    files = [arrive(site, screenshot()) for _ in range(8)]
    wishes = Wishes(slug=slug, idempotency_key="once", is_public=is_public)
    outcomes = at_once(site, 8, lambda number: intake.store(site, laptop, files[number], wishes))
    assert {one.id for one in outcomes if isinstance(one, Upload)} == {Upload.get().id}
    assert refused(*outcomes) == []
    assert list(verify(site, read_data=True)) == []


def test_what_is_handed_out_is_nobodys_name_slug_or_short_link(site: Site, alice: Caller, bob: Caller) -> None:
    slug = held(site, device(site, alice))
    assert is_taken(slug)
    assert is_taken(f"{slug}.1")
    with pytest.raises(NameTaken):
        keep(site, bob, custom_name=slug)
    with pytest.raises(NameTaken):
        keep(site, bob, custom_name=f"{slug}.png2")
    with pytest.raises(NameTaken):
        shortener.shorten(site, bob, "https://example.org/", custom_name=slug)
    drop = keep(site, bob)
    with pytest.raises(NameTaken):
        uploads.change_upload(site, bob, drop.id, {"custom_name": slug})
    assert not ShortLink.select().exists()
    # A file that is called like it gets another slug.
    assert keep(site, bob, screenshot(2), name=f"{slug.lower()}.png", slug_style="name").slug != slug


def test_a_name_and_a_link_that_are_taken_at_the_same_moment_are_never_both_given(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    slug = held(site, laptop)
    keep(site, alice, custom_name="holiday")
    with pytest.raises(NotReserved):
        fill(site, laptop, "holiday")
    drop = fill(site, laptop, slug, custom_name="holiday-2")
    assert (drop.slug, drop.custom_name) == (slug, "holiday-2")
    with pytest.raises(NameTaken):
        fill(site, laptop, held(site, laptop), screenshot(2), custom_name="holiday")


def test_a_file_that_is_refused_leaves_the_link_to_be_filled(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    slug = held(site, laptop)
    with pytest.raises(UnknownType):
        fill(site, laptop, slug, b"no picture")
    fill(site, laptop, slug)


def test_what_ended_is_filled_by_nobody_and_says_why_to_its_owner(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    refused_one, undone = held(site, laptop), held(site, laptop)
    assert reservations.refuse(site, laptop, refused_one, code="too_big", message="Too large: plan.png.")
    assert not reservations.refuse(site, laptop, refused_one, code="other", message="later")
    reservations.end(site, laptop, undone)
    reservations.end(site, laptop, undone, code="again")
    for slug, code in ((refused_one, "too_big"), (undone, "taken_back")):
        arrival = find_arrival(site, slug)
        assert arrival is not None
        assert (arrival.state, arrival.code) == ("ended", code)
        with pytest.raises(NotReserved):
            fill(site, laptop, slug)
    assert find_arrival(site, refused_one).problem == "Too large: plan.png."  # type: ignore[union-attr]
    filled = held(site, laptop)
    fill(site, laptop, filled)
    with pytest.raises(NotFound):
        reservations.end(site, laptop, filled)
    with pytest.raises(NotFound):
        reservations.end(site, laptop, "a\0b")


def test_a_link_whose_time_is_over_says_so_and_is_filled_all_the_same(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    laptop = device(site, alice)
    slug = held(site, laptop)
    assert find_arrival(site, slug).state == "waiting"  # type: ignore[union-attr]
    clock.advance(days=7)
    assert find_arrival(site, slug).state == "late"  # type: ignore[union-attr]
    assert reservations.list_reservations(site, laptop) == []
    clock.advance(days=20)
    assert fill(site, laptop, slug).slug == slug


def test_old_links_are_forgotten_by_the_job(site: Site, alice: Caller, clock: ManualClock) -> None:
    laptop = device(site, alice)
    ended, late = held(site, laptop), held(site, laptop)
    reservations.end(site, laptop, ended)
    for days, left in ((6.9, {ended, late}), (0.2, {late}), (29.8, {late}), (0.2, set[str]())):
        clock.advance(days=days)
        jobs.run_job(site, "sweep-reservations")
        assert {row.slug for row in Reservation.select()} == left
    assert find_arrival(site, late) is None
    with pytest.raises(NotReserved):
        fill(site, laptop, late)


def test_an_account_fills_the_table_neither_by_ending_links_nor_by_many_keys(
    site: Site, alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "MOST_OF_ONE", 60)
    for _ in range(3):
        laptop = device(site, alice)
        for row in reservations.reserve(site, laptop, 20):
            reservations.end(site, laptop, row.slug)
    with pytest.raises(TooMany) as told:
        reservations.reserve(site, device(site, alice), 1)
    assert told.value.retry_after == 3600
