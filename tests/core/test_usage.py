"""Usage: what is counted by day, and the silence that falls when a month's bandwidth is used up. On both databases."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import found
from bulletdrop.core.models import Plan, Team, Usage, User
from bulletdrop.core.people import rates, usage
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound, TooMany
from tests.core.drops_kit import keep, person
from tests.core.teams_kit import cast


def limit(who: Caller, **figures: int | None) -> None:
    User.update(limits=figures).where(User.id == who.user_id).execute()


def serve(site: Site, account_id: str, count: int) -> None:
    usage.add_many(site, {account_id: {"bytes_served": count}})


def silent_until(who: Caller) -> datetime | None:
    return User.get_by_id(who.user_id).silent_until


def test_what_is_added_in_one_day_is_one_row(site: Site, alice: Caller, clock: ManualClock) -> None:
    usage.add(site, alice.user_id, uploads=1, bytes_served=5)
    usage.add(site, alice.user_id, views=2, bytes_served=7, api_requests=3)
    clock.advance(days=1)
    usage.add(site, alice.user_id, views=1)
    rows = [
        (row.day, row.uploads, row.views, row.bytes_served, row.api_requests)
        for row in Usage.select().order_by(Usage.day)
    ]
    assert rows == [(20261120, 1, 2, 12, 3), (20261121, 0, 1, 0, 0)]


def test_the_month_s_bandwidth_is_the_sum_of_its_days(site: Site, alice: Caller, clock: ManualClock) -> None:
    for count in (1, 10, 100):
        serve(site, alice.user_id, count)
        clock.advance(days=3)
    assert usage.bandwidth_this_month(site, alice.user_id) == 111
    clock.advance(days=5)
    assert usage.bandwidth_this_month(site, alice.user_id) == 0


def test_a_summary_says_what_was_used_and_what_may_be(site: Site, alice: Caller) -> None:
    limit(alice, bandwidth_per_month=100)
    upload = keep(site, alice)
    serve(site, alice.user_id, 100)
    now = usage.summary(site, User.get_by_id(alice.user_id))
    assert (now.storage_used, now.uploads_today, now.bandwidth_this_month) == (upload.blob.size, 1, 100)
    assert now.limits.bandwidth_per_month == 100
    assert now.days_left == 11
    assert now.silent_until == datetime(2026, 12, 1, tzinfo=UTC)


def test_who_has_used_the_month_up_is_silent_until_the_next(site: Site, alice: Caller, clock: ManualClock) -> None:
    limit(alice, bandwidth_per_month=1000)
    upload, bob = keep(site, alice), person(site, "bob")
    serve(site, alice.user_id, 999)
    assert silent_until(alice) is None
    serve(site, alice.user_id, 1)
    one = found.find_by_id(site, upload.id)
    for stranger in (None, bob):
        with pytest.raises(TooMany) as refused:
            found.check_not_silent(site, stranger, one)
        assert refused.value.message == "This picture's owner has used up the month's bandwidth."
        assert refused.value.retry_after == (10 * 24 + 12) * 3600
    found.check_not_silent(site, alice, one)
    clock.advance(days=10, hours=12)
    found.check_not_silent(site, None, found.find_by_id(site, upload.id))
    usage.end_silences(site)
    assert silent_until(alice) is None


def test_december_ends_with_the_year(clock: ManualClock) -> None:
    assert usage.next_month(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
    assert usage.next_month(datetime(2027, 1, 31, tzinfo=UTC)) == datetime(2027, 2, 1, tzinfo=UTC)


def test_a_higher_limit_ends_the_silence_and_a_lower_one_begins_it(site: Site, alice: Caller) -> None:
    Plan.update(bandwidth_per_month=500).where(Plan.name == "home").execute()
    serve(site, alice.user_id, 600)
    assert silent_until(alice) is not None
    Plan.update(bandwidth_per_month=1000).where(Plan.name == "home").execute()
    usage.end_silences(site)
    assert silent_until(alice) is None
    limit(alice, bandwidth_per_month=100)
    usage.judge(site, [alice.user_id])
    assert silent_until(alice) is not None


def test_a_team_s_drop_uses_the_team_s_bandwidth_and_its_members_still_see_it(site: Site) -> None:
    people = cast(site)
    Team.update(limits={"bandwidth_per_month": 10}).where(Team.id == people.team.id).execute()
    upload = keep(site, people.member, team_id=people.team.id)
    own = keep(site, people.member)
    one = found.find_by_id(site, upload.id)
    assert found.payer_of(one).id == people.team.id
    assert usage.is_metered(site, found.payer_of(one))
    assert not usage.is_metered(site, found.payer_of(found.find_by_id(site, own.id)))
    serve(site, people.team.id, 10)
    one = found.find_by_id(site, upload.id)
    for name in ("owner", "admin", "member", "viewer"):
        found.check_not_silent(site, people.of(name), one)
    with pytest.raises(TooMany):
        found.check_not_silent(site, people.charlie, one)
    found.check_not_silent(site, None, found.find_by_id(site, own.id))


@pytest.mark.parametrize("change", [{"is_active": False}, {"delete_scheduled_for": datetime(2026, 11, 27, tzinfo=UTC)}])
def test_drops_of_who_is_blocked_or_leaves_are_not_given_out(
    site: Site, alice: Caller, change: dict[str, object]
) -> None:
    addresses = addresses_of(site, alice)
    User.update(change).where(User.id == alice.user_id).execute()
    for find, args in addresses:
        with pytest.raises(NotFound):
            find(site, *args)  # type: ignore[operator]
    User.update(is_active=True, delete_scheduled_for=None).where(User.id == alice.user_id).execute()
    for find, args in addresses:
        find(site, *args)  # type: ignore[operator]


def addresses_of(site: Site, alice: Caller) -> list[tuple[object, tuple[str, ...]]]:
    upload = keep(site, alice, custom_name="named")
    return [
        (found.find_by_id, (upload.id,)),
        (found.find_public, (upload.slug,)),
        (found.find_public, ("named", "png")),
        (found.find_page, (upload.slug,)),
        (found.find_by_user_and_filename, ("alice", upload.filename)),
    ]


def test_a_team_s_drop_stays_when_who_brought_it_is_blocked(site: Site) -> None:
    people = cast(site)
    upload = keep(site, people.member, team_id=people.team.id)
    User.update(is_active=False).where(User.id == people.member.user_id).execute()
    assert found.find_by_id(site, upload.id).id == upload.id


def test_usage_that_is_old_or_nobody_s_is_forgotten(site: Site, alice: Caller, clock: ManualClock) -> None:
    usage.add(site, alice.user_id, views=1)
    usage.add(site, "somebody gone", views=1)
    assert usage.forget_usage(site) == "1 removed"
    clock.advance(days=401)
    usage.add(site, alice.user_id, views=1)
    assert usage.forget_usage(site) == "1 removed"
    assert Usage.get().day == 20271226


def test_the_requests_of_the_hour_are_known_where_they_are_limited(site: Site, alice: Caller) -> None:
    def requests() -> int | None:
        return usage.summary(site, User.get_by_id(alice.user_id)).requests_this_hour

    assert requests() is None
    limit(alice, requests_per_hour=10)
    assert requests() == 0
    caller = replace(alice, rates=rates.rates_of(site, User.get_by_id(alice.user_id)))
    for _ in range(3):
        rates.count_request(site, caller, now=time.monotonic())
    assert requests() == 3
