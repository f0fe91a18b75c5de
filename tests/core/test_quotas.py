"""Quotas: room that is taken, counted and given back; never more than there is, whatever happens at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.drops import intake, uploads
from bulletdrop.core.drops.batch import store_all
from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.models import Hold, Team, Upload, Usage, User
from bulletdrop.core.people import quotas, usage
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.sweeps import sweep_partials
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import BulletDropError, Conflict, NameTaken, NotFound, QuotaFull, TooBig, TooMany
from tests.core.drops_kit import arrive, keep
from tests.core.teams_kit import cast, counts_are_exact
from tests.support.pictures import screenshot

GB = 1024**3


def limit(who: Caller, **figures: int | None) -> None:
    User.update(limits=figures).where(User.id == who.user_id).execute()


def used(who: Caller) -> int:
    return User.get_by_id(who.user_id).storage_used


def at_once(site: Site, works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do everything at the same moment, each in a thread. Returns what each gave, or its refusal."""
    start = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(number: int) -> None:
        with using(site.db):
            start.wait(10)
            try:
                results[number] = works[number]()
            except BulletDropError as error:
                results[number] = error
        site.db.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_an_account_without_a_limit_holds_nothing(site: Site, alice: Caller) -> None:
    assert quotas.hold(site, alice.user_id, GB) == ""
    assert quotas.take(site, alice.user_id, team=None, size=GB, least=GB).hold is None
    assert not Hold.select().exists()


def test_a_full_storage_says_so_in_words_and_numbers(site: Site, alice: Caller) -> None:
    limit(alice, storage=GB)
    User.update(storage_used=GB).where(User.id == alice.user_id).execute()
    with pytest.raises(QuotaFull) as refused:
        quotas.check_upload(site, alice.user_id, size=None)
    assert refused.value.message == "Your storage is full: 1 GB of 1 GB used. Delete something or ask the admin."
    User.update(storage_used=GB // 2).where(User.id == alice.user_id).execute()
    with pytest.raises(QuotaFull) as refused:
        quotas.check_upload(site, alice.user_id, size=GB)
    words = "Your storage has no room for this: 512 MB of 1 GB used, and this needs 1 GB. Delete something or ask"
    assert refused.value.message.startswith(words)


def test_what_others_hold_counts_and_one_s_own_hold_does_not(site: Site, alice: Caller) -> None:
    size = keep(site, alice, screenshot(1)).blob.size
    limit(alice, storage=used(alice) + 2 * size)
    held = quotas.hold(site, alice.user_id, 2 * size)
    with pytest.raises(QuotaFull):
        keep(site, alice, screenshot(1))
    with pytest.raises(QuotaFull):
        quotas.hold(site, alice.user_id, 1)
    keep(site, alice, screenshot(1), hold=held)
    assert quotas.held(alice.user_id) == size, "what was settled is not held as well"
    keep(site, alice, screenshot(1), hold=held)
    assert not Hold.select().exists()
    assert used(alice) == 3 * size
    with pytest.raises(QuotaFull):
        keep(site, alice, screenshot(1), hold=held)
    assert list(verify(site)) == []


def test_a_refused_upload_leaves_nothing_behind(site: Site, alice: Caller) -> None:
    limit(alice, storage=10)
    with pytest.raises(QuotaFull):
        keep(site, alice)
    assert not Upload.select().exists()
    assert list(site.storage.keys("uploads/")) == []
    assert list(site.temporary.iterdir()) == []
    assert usage.uploads_today(site, alice.user_id) == 0


def test_what_is_kept_may_be_more_than_came(site: Site, alice: Caller) -> None:
    """A picture of another format is converted: the hold was of what came, the count is of what is kept."""
    data = screenshot(3, kind="TIFF", compression="jpeg", quality=10)
    probe = keep(site, alice, data, name="a.tiff")
    assert probe.blob.size > len(data)
    limit(alice, storage=used(alice) + len(data))
    held = quotas.hold(site, alice.user_id, len(data))
    with pytest.raises(QuotaFull):
        keep(site, alice, data, name="a.tiff", hold=held)
    assert used(alice) == probe.blob.size


def test_holds_at_once_are_never_more_than_there_is(site: Site, alice: Caller) -> None:
    limit(alice, storage=1000)
    results = at_once(site, [lambda: quotas.hold(site, alice.user_id, 100)] * 24)
    assert sum(isinstance(result, str) for result in results) == 10
    assert all(isinstance(result, str | QuotaFull) for result in results)
    assert quotas.held(alice.user_id) == 1000


def test_uploads_at_once_are_never_more_than_the_quota(site: Site, alice: Caller) -> None:
    size = keep(site, alice, screenshot(5)).blob.size
    limit(alice, storage=5 * size)
    arrived = [arrive(site, screenshot(5)) for _ in range(16)]
    works = [partial(intake.store, site, alice, one, Wishes()) for one in arrived]
    results = at_once(site, works)
    assert sum(isinstance(result, Upload) for result in results) == 4
    assert sum(isinstance(result, QuotaFull) for result in results) == 12
    assert used(alice) == 5 * size
    assert list(verify(site)) == []


def test_the_day_s_uploads_are_exact_when_many_come_at_once(site: Site, alice: Caller, clock: ManualClock) -> None:
    limit(alice, uploads_per_day=5)
    arrived = [arrive(site, screenshot(number)) for number in range(12)]
    works = [partial(intake.store, site, alice, one, Wishes()) for one in arrived]
    refused = [result for result in at_once(site, works) if isinstance(result, TooMany)]
    assert len(refused) == 7
    assert {error.retry_after for error in refused} == {12 * 3600}, "it is noon: midnight is twelve hours away"
    assert usage.uploads_today(site, alice.user_id) == 5
    clock.advance(hours=12)
    keep(site, alice)


def test_a_deleted_drop_gives_its_room_back_but_not_its_day(site: Site, alice: Caller) -> None:
    upload = keep(site, alice)
    uploads.trash_upload(site, alice, upload.id)
    assert used(alice) == upload.blob.size, "in the trash it still takes room"
    delete_forever(site, upload.id)
    assert used(alice) == 0
    assert usage.uploads_today(site, alice.user_id) == 1


def test_a_repeat_is_counted_once(site: Site, alice: Caller) -> None:
    for _ in range(3):
        keep(site, alice, idempotency_key="k")
    assert usage.uploads_today(site, alice.user_id) == 1
    assert used(alice) == Upload.get().blob.size


def test_files_of_a_request_that_is_refused_are_not_counted(site: Site, alice: Caller) -> None:
    limit(alice, uploads_per_day=2)
    files = [arrive(site, screenshot(number)) for number in range(3)]
    with pytest.raises(TooMany):
        store_all(site, alice, files, Wishes())
    assert (usage.uploads_today(site, alice.user_id), used(alice)) == (0, 0)
    assert not Upload.select().exists()


def test_the_plan_s_largest_file_is_checked_by_its_own_words(site: Site, alice: Caller) -> None:
    limit(alice, max_file_size=1000)
    quotas.check_upload(site, alice.user_id, size=1000)
    with pytest.raises(TooBig) as refused:
        quotas.check_upload(site, alice.user_id, size=1001)
    assert "Your plan" in refused.value.message


def test_an_account_that_is_gone_is_told(site: Site) -> None:
    with pytest.raises(NotFound):
        quotas.check_upload(site, "nobody", size=1)
    with pytest.raises(NotFound):
        quotas.hold(site, "nobody", 1)


def test_a_team_s_drop_counts_for_the_team(site: Site) -> None:
    people = cast(site)
    team, bob = people.team, people.member
    size = len(screenshot(2))
    limit(bob, storage=1)
    Team.update(limits={"storage": 2 * size, "uploads_per_day": 3}).where(Team.id == team.id).execute()
    keep(site, bob, screenshot(2), team_id=team.id)
    assert used(bob) == 0
    assert usage.uploads_today(site, team.id) == 1
    assert usage.uploads_today(site, bob.user_id) == 0
    keep(site, people.admin, screenshot(2), team_id=team.id)
    with pytest.raises(QuotaFull) as refused:
        keep(site, bob, screenshot(2), team_id=team.id)
    assert refused.value.message.startswith("The team's storage")
    assert list(verify(site)) == []


def test_who_is_in_a_team_is_not_refused_before_the_form_has_said_for_whom(site: Site) -> None:
    people = cast(site)
    for who in (people.member, people.charlie):
        limit(who, storage=1, max_file_size=1)
    undecided = quotas.take(site, people.member.user_id, team=None, size=None, least=100, maybe_team=True)
    assert (undecided.account, undecided.largest) == (None, None)
    with pytest.raises(QuotaFull):
        quotas.take(site, people.charlie.user_id, team=None, size=None, least=100, maybe_team=True)
    with pytest.raises(NotFound):
        quotas.take(site, people.charlie.user_id, team="design", size=None, least=100)
    taken = quotas.take(site, people.member.user_id, team="design", size=None, least=100)
    assert taken.account is not None
    assert taken.account.is_team


def test_a_hold_grows_with_what_comes_and_is_gone_when_there_is_no_more_room(site: Site, alice: Caller) -> None:
    limit(alice, storage=100)
    first = quotas.take(site, alice.user_id, team=None, size=None, least=0)
    assert (first.hold, first.room) == (None, 100)
    assert first.account is not None
    more = quotas.grow(site, first.account, None, 60)
    assert (quotas.held(alice.user_id), more.room) == (60, 40)
    more = quotas.grow(site, first.account, more.hold, 90)
    assert (quotas.held(alice.user_id), more.room) == (90, 10)
    with pytest.raises(QuotaFull):
        quotas.grow(site, first.account, more.hold, 101)
    assert quotas.held(alice.user_id) == 0


def test_what_dead_requests_hold_is_given_back(site: Site, alice: Caller, clock: ManualClock) -> None:
    limit(alice, storage=100)
    quotas.hold(site, alice.user_id, 50)
    clock.advance(minutes=50)
    quotas.hold(site, alice.user_id, 20)
    clock.advance(minutes=11)
    sweep_partials(site)
    assert quotas.held(alice.user_id) == 20, "what is younger than an hour may be under way"
    intake.sweep_temporary(site)
    assert quotas.held(alice.user_id) == 0, "at the start nothing is"


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_in_whatever_order_the_counts_equal_a_recount(site: Site, seed: int) -> None:
    people = cast(site)
    dice = random.Random(seed)
    somebody = [people.alice, people.admin, people.member]
    for who in somebody:
        limit(who, storage=12_000, uploads_per_day=25)
    Team.update(limits={"storage": 15_000}).where(Team.id == people.team.id).execute()
    pictures = [screenshot(number, width=60 * number + 80) for number in range(5)]
    refused: set[str] = set()
    holds: list[str] = []

    def upload() -> None:
        wishes: dict[str, Any] = {
            "team_id": dice.choice((None, people.team.id)),
            "custom_name": dice.choice((None, "one", "two")),
        }
        wishes |= {"idempotency_key": dice.choice((None, "k")), "hold": dice.choice((None, *holds))}
        keep(site, dice.choice(somebody), dice.choice(pictures), **wishes)

    def change(what: str) -> None:
        found = list(Upload.select())
        if not found:
            return
        one = dice.choice(found)
        who = next(who for who in somebody if who.user_id == one.owner_id)
        if what == "delete":
            delete_forever(site, one.id)
        elif what == "move":
            uploads.change_upload(site, who, one.id, {"team": dice.choice((None, "design"))})
        elif what == "trash":
            uploads.trash_upload(site, who, one.id)
        else:
            uploads.restore_upload(site, who, one.id)

    def hold() -> None:
        holds.append(quotas.hold(site, dice.choice(somebody).user_id, dice.randrange(1, 5_000)))

    def several() -> None:
        files = [arrive(site, dice.choice(pictures)) for _ in range(3)]
        store_all(site, dice.choice(somebody), files, Wishes())

    acts: list[Callable[[], None]] = [upload, upload, upload, hold, several]
    acts += [partial(change, what) for what in ("delete", "delete", "move", "trash", "trash", "restore")]
    for _ in range(80):
        try:
            dice.choice(acts)()
        except (QuotaFull, TooMany, NameTaken, Conflict) as error:
            refused.add(error.code)
        assert counts_are_exact(site)
        for who in somebody:
            assert used(who) <= 12_000
        if holds and dice.random() < 0.3:
            quotas.release(site, holds.pop())
    assert Team.get_by_id(people.team.id).storage_used <= 15_000
    assert "quota_full" in refused, "a run that never meets its limit shows nothing"
    assert list(verify(site)) == []
    assert not Usage.select().where(Usage.uploads < 0).exists()


def test_verify_finds_a_count_that_is_wrong(site: Site) -> None:
    people = cast(site)
    keep(site, people.member, team_id=people.team.id)
    Team.update(storage_used=Team.storage_used + 1).where(Team.id == people.team.id).execute()
    User.update(storage_used=7).where(User.id == people.charlie.user_id).execute()
    Usage.update(uploads=-1).execute()
    found = list(verify(site))
    assert [line.partition(":")[0].split(" of ")[0] for line in found] == ["charlie", "team design", "usage"]


def test_many_people_of_a_team_upload_and_delete_at_once_and_the_counts_are_exact(site: Site) -> None:
    people = cast(site)
    old = [keep(site, people.member, screenshot(1), team_id=people.team.id) for _ in range(6)]
    for one in old:
        uploads.trash_upload(site, people.member, one.id)
    arrived = [arrive(site, screenshot(number % 2)) for number in range(10)]
    works: list[Callable[[], Any]] = [partial(delete_forever, site, one.id) for one in old]
    works += [partial(intake.store, site, people.member, one, Wishes(team_id=people.team.id)) for one in arrived]
    works += [lambda: usage.add_many(site, {people.team.id: {"bytes_served": 5}, people.member.user_id: {"views": 1}})]
    results = at_once(site, works)
    assert not [result for result in results if isinstance(result, BulletDropError)]
    assert counts_are_exact(site)
    assert list(verify(site)) == []


def test_a_stranger_s_copy_costs_the_stranger_its_full_size(site: Site, alice: Caller, bob: Caller) -> None:
    upload = keep(site, alice)
    keep(site, bob)
    assert used(bob) == upload.blob.size
