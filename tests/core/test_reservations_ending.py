"""What becomes of links before their bytes: keys that go, accounts that leave, private drops, domains, exports."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import found, reservations, uploads
from bulletdrop.core.drops.reservations import find_arrival
from bulletdrop.core.models import ApiKey, Name, Reservation, Session, Upload, User
from bulletdrop.core.names import domain_list, domains, preferences
from bulletdrop.core.names.places import Place
from bulletdrop.core.people import departures, keys, sessions
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import jobs
from bulletdrop.core.upkeep.export import export
from bulletdrop.core.upkeep.farewell import finish_deletions
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import (
    NotFound,
    NotReserved,
)
from tests.core.drops_kit import keep
from tests.core.reservations_kit import device, fill, held
from tests.support.pictures import screenshot


def test_links_of_a_key_that_was_revoked_have_ended(site: Site, alice: Caller, clock: ManualClock) -> None:
    laptop, phone = device(site, alice), device(site, alice, "phone")
    lost, kept = held(site, laptop), held(site, phone)
    assert laptop.key_id is not None
    keys.revoke_key(site, alice.user_id, laptop.key_id)
    assert find_arrival(site, lost).state == "ended"  # type: ignore[union-attr]
    assert find_arrival(site, kept).state == "waiting"  # type: ignore[union-attr]
    jobs.run_job(site, "sweep-reservations")
    clock.advance(days=7, seconds=1)
    jobs.run_job(site, "sweep-reservations")
    assert {row.slug for row in Reservation.select()} == {kept}


def test_links_of_a_key_that_expired_and_of_sessions_that_are_over_have_ended(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    user = User.get_by_id(alice.user_id)
    laptop = device(site, alice)
    ApiKey.update(expires_at=clock.now() + timedelta(days=1)).where(ApiKey.id == laptop.key_id).execute()
    slugs = [held(site, laptop)]
    for end in ("signed out", "all signed out", "expired"):
        tokens = sessions.open_session(site, user, user_agent="", address="")
        slugs.append(held(site, sessions.check_access(site, tokens.access_token)))
        if end == "signed out":
            sessions.close_session(site, tokens.session_id)
        if end == "all signed out":
            User.update(epoch=User.epoch + 1).where(User.id == user.id).execute()
            user = User.get_by_id(user.id)
        if end == "expired":
            Session.update(expires_at=clock.now() + timedelta(days=1)).where(Session.id == tokens.session_id).execute()
    clock.advance(days=1)
    assert {find_arrival(site, slug).state for slug in slugs} == {"ended"}  # type: ignore[union-attr]
    jobs.run_job(site, "sweep-reservations")
    assert not Reservation.select().where(Reservation.ended_at.is_null()).exists()


def test_links_of_an_account_that_is_blocked_leaving_or_gone_lead_nowhere(
    site: Site, alice: Caller, bob: Caller, clock: ManualClock
) -> None:
    slug, other = held(site, device(site, bob)), held(site, device(site, alice))
    User.update(is_active=False).where(User.id == bob.user_id).execute()
    assert find_arrival(site, slug) is None
    User.update(is_active=True).where(User.id == bob.user_id).execute()
    assert find_arrival(site, slug) is not None
    departures.request_deletion(site, bob.user_id, link="")
    assert find_arrival(site, slug) is None
    clock.advance(days=7, seconds=1)
    finish_deletions(site)
    assert {row.slug for row in Reservation.select()} == {other}


def test_strangers_are_told_of_a_private_drop_what_they_were_told_before(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    laptop = device(site, alice)
    slug, empty = held(site, laptop), held(site, laptop)
    drop = fill(site, laptop, slug, is_public=False)
    held_one, before = find_arrival(site, slug), find_arrival(site, empty)
    assert held_one is not None
    assert before is not None
    assert held_one.is_held
    assert (held_one.state, held_one.code, held_one.name) == (before.state, before.code, before.name)
    with pytest.raises(NotReserved):
        fill(site, laptop, slug, screenshot(2))
    with pytest.raises(NotFound):
        reservations.end(site, laptop, slug)
    assert [row.slug for row in reservations.list_reservations(site, laptop)] == [empty]
    clock.advance(days=7)
    assert {find_arrival(site, one).state for one in (slug, empty)} == {"late"}  # type: ignore[union-attr]
    uploads.change_upload(site, laptop, drop.id, {"is_public": True})
    assert find_arrival(site, slug) is None
    uploads.change_upload(site, laptop, drop.id, {"is_public": False})
    assert find_arrival(site, slug) is None


def test_a_private_drop_that_is_taken_back_looks_like_a_link_that_is_taken_back(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    slug, empty = held(site, laptop), held(site, laptop)
    drop = fill(site, laptop, slug, is_public=False)
    uploads.trash_upload(site, laptop, drop.id)
    reservations.end(site, laptop, empty)
    one, other = find_arrival(site, slug), find_arrival(site, empty)
    assert one is not None
    assert other is not None
    assert (one.state, one.code, one.problem) == (other.state, other.code, other.problem) == ("ended", "taken_back", "")
    uploads.restore_upload(site, laptop, drop.id)
    assert find_arrival(site, slug).state == "waiting"  # type: ignore[union-attr]


def test_whose_it_is_is_said_only_while_the_account_allows_it(site: Site, alice: Caller) -> None:
    laptop = device(site, alice)
    before = held(site, laptop)
    preferences.change_preferences(site, alice.user_id, {"names_arrivals": True})
    after = held(site, laptop)
    assert find_arrival(site, before).name == ""  # type: ignore[union-attr]
    assert find_arrival(site, after).name == "alice"  # type: ignore[union-attr]
    preferences.change_preferences(site, alice.user_id, {"names_arrivals": False})
    assert find_arrival(site, after).name == ""  # type: ignore[union-attr]


def test_a_link_on_a_domain_stays_true_whatever_becomes_of_the_domain(site: Site, alice: Caller) -> None:
    domain = domain_list.add_domain(site, By(None), {"name": "pics.example"})
    domains.claim(site, alice.user_id, domain.id)
    domains.make_primary(site, alice.user_id, domain.id)
    laptop = device(site, alice)
    place = Place("domain", domain.id, "pics.example")
    there, after, large = (held(site, laptop) for _ in range(3))
    row = Reservation.get_by_id(there)
    assert reservations.page_url(site, reservations.list_reservations(site, laptop)[0]).startswith(
        "http://pics.example"
    )
    assert row.domain_id == domain.id
    assert find_arrival(site, there, place=place) is not None
    assert find_arrival(site, there, place=Place("domain", "another", "other.example")) is None
    assert fill(site, laptop, there).domain_id == domain.id
    # Another domain is the primary one by now, or none.
    assert fill(site, laptop, after, screenshot(2), domain="").domain_id is None
    domain_list.change_domain(site, By(None), domain.id, {"max_file_size": 1000})
    drop = fill(site, laptop, large, screenshot(3))
    assert drop.domain_id is None
    for slug in (there, after, large):
        assert found.find_public(site, slug, place=place).slug == slug
        assert found.find_public(site, slug).slug == slug
    assert Name.select().where(Name.domain_key == domain.id).count() == 2


def test_an_export_has_the_links_that_are_on_their_way(site: Site, alice: Caller) -> None:
    slug = held(site, device(site, alice))
    whole = b"".join(export(site, alice.user_id))
    assert slug.encode() in whole
    assert json.dumps("names_arrivals").encode() in whole


def test_verify_names_a_link_that_is_somebody_elses_by_now(site: Site, alice: Caller) -> None:
    slug = held(site, device(site, alice))
    assert list(verify(site)) == []
    drop = keep(site, alice)
    Upload.update(slug=slug).where(Upload.id == drop.id).execute()
    assert list(verify(site)) == [f"{slug}: a device still holds this link, and a drop has it already"]
