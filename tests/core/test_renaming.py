"""Names on several domains, and names that were given up: who finds what where, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import transaction
from bulletdrop.core.drops import found, uploads
from bulletdrop.core.models import Domain, Name, Upload, UserDomain
from bulletdrop.core.names.chosen import MOST_OLD_NAMES, forget_names, leave_domain, old_names
from bulletdrop.core.names.places import MAIN_PLACE, Place
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NameTaken, NotFound, TooBig
from tests.core.drops_kit import keep
from tests.support.pictures import screenshot


def domain(site: Site, name: str, *people: Caller, primary: bool = False, **values: Any) -> Domain:
    made = Domain.create(name=name, created_at=site.clock.now(), **values)
    for one in people:
        UserDomain.create(user=one.user_id, domain=made, is_primary=primary, created_at=site.clock.now())
    return made


def place(one: Domain, user_id: str | None = None) -> Place:
    return Place("domain", one.id, one.name, user_id)


def change(site: Site, who: Caller, drop: Upload, **changes: Any) -> Upload:
    return uploads.change_upload(site, who, drop.id, changes)


def nowhere(site: Site, name: str, where: Place = MAIN_PLACE) -> None:
    with pytest.raises(NotFound):
        found.find_page(site, name, place=where)


def test_one_name_on_two_domains_is_two_drops(site: Site, alice: Caller, bob: Caller) -> None:
    first, second = domain(site, "one.example", alice), domain(site, "two.example", bob)
    hers = keep(site, alice, custom_name="plan", domain="one.example")
    his = keep(site, bob, screenshot(2), custom_name="plan", domain=second.id)
    main = keep(site, bob, screenshot(3), custom_name="plan")
    assert found.find_page(site, "plan", place=place(first)).id == hers.id
    assert found.find_page(site, "plan", place=place(second)).id == his.id
    assert found.find_page(site, "plan").id == main.id
    with pytest.raises(NameTaken):
        keep(site, alice, screenshot(4), custom_name="Plan", domain="one.example")


def test_a_domain_shows_its_own_drops_alone(site: Site, alice: Caller, bob: Caller) -> None:
    one = domain(site, "one.example", alice, bob)
    there, here = keep(site, alice, domain="one.example"), keep(site, alice, screenshot(2), custom_name="here")
    on_it = place(one)
    for find in (found.find_public, found.find_page):
        assert find(site, there.slug, place=on_it).id == there.id
        for name in (here.slug, "here"):
            with pytest.raises(NotFound):
                find(site, name, place=on_it)
        assert find(site, there.slug).id == there.id, "the main address knows every slug"
    assert found.find_by_id(site, there.id, place=on_it).id == there.id
    with pytest.raises(NotFound):
        found.find_by_id(site, here.id, place=on_it)
    bobs_host = place(one, bob.user_id)
    nowhere(site, there.slug, bobs_host)
    assert found.find_page(site, there.slug, place=place(one, alice.user_id)).id == there.id


def test_a_domain_that_is_not_hers_is_refused(site: Site, alice: Caller, bob: Caller) -> None:
    domain(site, "one.example", bob)
    drop = keep(site, alice)
    with pytest.raises(Invalid) as sent:
        keep(site, alice, screenshot(2), domain="one.example")
    with pytest.raises(Invalid) as changed:
        change(site, alice, drop, domain="one.example")
    assert sent.value.field == changed.value.field == "domain"


def test_new_drops_go_to_the_primary_domain_unless_they_are_too_big_for_it(site: Site, alice: Caller) -> None:
    one = domain(site, "one.example", alice, primary=True, max_file_size=100)
    assert keep(site, alice).domain is None
    Domain.update(max_file_size=None).execute()
    drop = keep(site, alice, screenshot(2))
    assert drop.domain_id == one.id
    assert keep(site, alice, screenshot(3), domain="").domain_id is None
    Domain.update(max_file_size=100).execute()
    with pytest.raises(TooBig):
        keep(site, alice, screenshot(4), domain="one.example")
    assert change(site, alice, drop, domain="one.example", title="x").domain_id == one.id, "it is there already"


def test_a_drop_that_moves_to_another_domain_takes_its_name_along(site: Site, alice: Caller, bob: Caller) -> None:
    one, two = domain(site, "one.example", alice), domain(site, "two.example", alice, bob)
    drop = keep(site, alice, custom_name="plan")
    moved = change(site, alice, drop, domain="one.example")
    assert (moved.custom_name, moved.domain_id) == ("plan", one.id)
    assert found.find_page(site, "plan", place=place(one)).id == drop.id
    nowhere(site, "plan")
    keep(site, bob, screenshot(2), custom_name="plan", domain="two.example")
    with pytest.raises(NameTaken):
        change(site, alice, drop, domain="two.example")
    assert found.find_page(site, "plan", place=place(one)).id == drop.id, "nothing of a refused move is left"
    assert change(site, alice, drop, domain="two.example", custom_name="other").domain_id == two.id


def test_a_name_given_up_is_free_at_once(site: Site, alice: Caller, bob: Caller) -> None:
    drop = keep(site, alice, custom_name="plan")
    change(site, alice, drop, custom_name="other")
    nowhere(site, "plan")
    assert keep(site, bob, screenshot(2), custom_name="plan").custom_name == "plan"


def test_a_name_given_up_leads_on_as_long_as_was_asked(
    site: Site, alice: Caller, bob: Caller, clock: ManualClock
) -> None:
    drop, until = keep(site, alice, custom_name="plan"), clock.now() + timedelta(days=30)
    changed = change(site, alice, drop, custom_name="other", keep_old_name=until)
    for find in (found.find_page, found.find_public):
        assert find(site, "plan").id == find(site, "other").id == drop.id
    assert found.leads_on(changed, "PLAN")
    assert not found.leads_on(changed, "OTHER")
    assert not found.leads_on(changed, drop.slug)
    assert [row.key for row in old_names(site, drop.id)] == ["plan"]
    with pytest.raises(NameTaken):
        keep(site, bob, screenshot(2), custom_name="plan")
    clock.advance(days=30)
    nowhere(site, "plan")
    assert keep(site, bob, screenshot(2), custom_name="plan").custom_name == "plan", "free before it is swept"
    assert forget_names(site) == "0 removed"


def test_a_link_on_the_old_domain_leads_on_to_the_new_one(site: Site, alice: Caller, clock: ManualClock) -> None:
    one, two = domain(site, "one.example", alice), domain(site, "two.example", alice)
    drop = keep(site, alice, custom_name="plan", domain="one.example")
    moved = change(site, alice, drop, domain=two.id, keep_old_name=clock.now() + timedelta(days=1))
    assert found.find_page(site, "plan", place=place(one)).id == drop.id
    assert found.leads_on(moved, "plan", place=place(one))
    assert not found.leads_on(moved, "plan", place=place(two))


def test_an_old_name_of_her_own_can_be_taken_up_again(site: Site, alice: Caller, clock: ManualClock) -> None:
    drop, until = keep(site, alice, custom_name="plan"), clock.now() + timedelta(days=1)
    change(site, alice, drop, custom_name="other", keep_old_name=until)
    change(site, alice, drop, custom_name="plan", keep_old_name=until)
    assert {(row.key, row.until) for row in Name.select()} == {("plan", None), ("other", until)}
    change(site, alice, drop, custom_name=None)
    assert {row.key for row in Name.select()} == {"other"}


def test_old_names_are_kept_for_a_year_at_most_and_not_without_number(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    drop = keep(site, alice, custom_name="plan")
    for until in (clock.now() + timedelta(days=400), clock.now() - timedelta(days=1)):
        with pytest.raises(Invalid) as refused:
            change(site, alice, drop, custom_name="other", keep_old_name=until)
        assert refused.value.field == "keep_old_name"
    later = clock.now() + timedelta(days=1)
    for number in range(MOST_OLD_NAMES):
        change(site, alice, drop, custom_name=f"plan{number}", keep_old_name=later)
    with pytest.raises(Invalid):
        change(site, alice, drop, custom_name="one-more", keep_old_name=later)
    assert uploads.get_upload(site, alice, drop.id).custom_name == f"plan{MOST_OLD_NAMES - 1}"


def test_names_of_a_domain_that_goes_move_to_the_main_address(site: Site, alice: Caller, bob: Caller) -> None:
    one = domain(site, "one.example", alice)
    free = keep(site, alice, custom_name="free", domain="one.example")
    lost = keep(site, alice, screenshot(2), custom_name="plan", domain="one.example")
    keep(site, bob, screenshot(3), custom_name="plan")
    with transaction(site.db):
        assert leave_domain(site, one.id) == 1
        Domain.delete().where(Domain.id == one.id).execute()
    assert found.find_page(site, "free").id == free.id
    assert found.find_page(site, "plan").id != lost.id
    assert uploads.get_upload(site, alice, lost.id).custom_name is None
    assert uploads.get_upload(site, alice, free.id).domain is None


def test_a_view_limit_begins_to_count_when_it_is_set_and_goes_on_when_it_is_raised(site: Site, alice: Caller) -> None:
    drop = keep(site, alice, password_hash="h", max_views=3)
    Upload.update(views=2).execute()
    assert change(site, alice, drop, max_views=5).views == 2
    change(site, alice, drop, max_views=None)
    Upload.update(views=2).execute()
    assert change(site, alice, drop, max_views=5).views == 0
    assert change(site, alice, drop, title="x").password_hash == "h"
    assert change(site, alice, drop, password_hash=None).password_hash is None


def test_bob_changes_no_terms_of_alices_drop(site: Site, alice: Caller, bob: Caller) -> None:
    drop = keep(site, alice)
    with pytest.raises(NotFound):
        change(site, bob, drop, max_views=None, password_hash=None, description="his")
