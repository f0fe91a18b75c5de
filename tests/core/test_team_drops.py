"""Drops of teams: who sees, changes and moves them, what they count for, what becomes of them. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import transaction
from bulletdrop.core.drops import uploads
from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.models import Team, Upload, User
from bulletdrop.core.names import urls
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import BulletDropError, Conflict, Forbidden, NotFound, QuotaFull
from tests.core.drops_kit import keep, person
from tests.core.teams_kit import Cast, cast, counts_are_exact
from tests.support.pictures import screenshot


@pytest.fixture
def people(site: Site) -> Cast:
    return cast(site)


def bring(site: Site, people: Cast, who: Caller, **wishes: Any) -> Upload:
    return keep(site, who, screenshot(), team_id=people.team.id, **wishes)


def used(site: Site, people: Cast) -> tuple[int, int]:
    """Bytes of the team and of its member."""
    return Team.get_by_id(people.team.id).storage_used, User.get_by_id(people.member.user_id).storage_used


def test_a_drop_of_a_team_is_seen_by_all_in_it_and_counts_for_it(site: Site, people: Cast) -> None:
    upload = bring(site, people, people.member, is_public=False)
    assert used(site, people) == (upload.blob.size, 0)
    for name in ("owner", "admin", "member", "viewer"):
        who = people.of(name)
        assert uploads.may_see(site, who, upload)
        (listed,) = uploads.list_uploads(site, who, team="design").items
        assert listed.may_change is (name != "viewer")
        assert uploads.list_uploads(site, who).items == []
    assert not uploads.may_see(site, people.charlie, upload)
    assert not uploads.may_see(site, None, upload)
    with pytest.raises(NotFound):
        uploads.list_uploads(site, people.charlie, team="design")
    with pytest.raises(NotFound):
        uploads.get_upload(site, people.charlie, upload.id)
    assert list(verify(site)) == []


def test_a_viewer_and_a_stranger_bring_nothing(site: Site, people: Cast) -> None:
    for name, error in (("viewer", Forbidden), ("stranger", NotFound)):
        with pytest.raises(error):
            bring(site, people, people.of(name))
    assert not Upload.select().exists()
    assert list(site.storage.keys("uploads/")) == []
    assert counts_are_exact(site)


@pytest.mark.parametrize("who", ["owner", "admin", "member", "viewer", "stranger"])
@pytest.mark.parametrize("whose", ["own", "another's"])
def test_members_change_their_own_drops_and_admins_all(site: Site, people: Cast, who: str, whose: str) -> None:
    caller = people.of(who)
    # Whoever cannot bring anything now has brought it when they still could.
    Upload.update(owner=caller.user_id).where(Upload.id == bring(site, people, people.member).id).execute()
    upload = Upload.get()
    if whose == "another's":
        other = people.alice if who != "owner" else people.admin
        Upload.update(owner=other.user_id).where(Upload.id == upload.id).execute()
    allowed = who in ("owner", "admin") or (who, whose) == ("member", "own")
    acts: tuple[Callable[[], object], ...] = (
        lambda: uploads.change_upload(site, caller, upload.id, {"title": "x"}),
        lambda: uploads.trash_upload(site, caller, upload.id),
        lambda: uploads.restore_upload(site, caller, upload.id),
        lambda: uploads.change_upload(site, caller, upload.id, {"team": None}),
    )
    for act in acts:
        if allowed:
            act()
            continue
        with pytest.raises(NotFound if who == "stranger" else Forbidden):
            act()
    assert (Upload.get().team_id is None) is allowed
    assert counts_are_exact(site)


@pytest.mark.parametrize("going", ["removed", "left", "demoted"])
def test_what_is_taken_away_is_refused_at_once_and_the_drops_stay(site: Site, people: Cast, going: str) -> None:
    bob = people.member
    upload = bring(site, people, bob, is_public=False)
    token = urls.deletion_token(site, upload)
    assert uploads.find_by_token(site, upload.slug, token).id == upload.id
    if going == "removed":
        teams.remove_member(site, people.alice.user_id, people.team.id, bob.user_id)
    elif going == "left":
        teams.leave(site, bob.user_id, people.team.id)
    else:
        teams.change_role(site, people.alice.user_id, people.team.id, bob.user_id, "viewer")
    acts: tuple[Callable[[], object], ...] = (
        lambda: uploads.change_upload(site, bob, upload.id, {"title": "x"}),
        lambda: uploads.change_upload(site, bob, upload.id, {"team": None}),
        lambda: uploads.trash_upload(site, bob, upload.id),
        lambda: uploads.list_uploads(site, bob, team="design", trash=True),
        lambda: uploads.find_by_token(site, upload.slug, token),
        lambda: uploads.delete_by_token(site, upload.slug, token),
        lambda: bring(site, people, bob),
    )
    for act in acts:
        with pytest.raises((NotFound, Forbidden)):
            act()
    assert uploads.may_see(site, bob, upload) is (going == "demoted")
    assert [one.id for one in uploads.list_uploads(site, people.alice, team="design").items] == [upload.id]


def test_a_team_has_a_trash_of_its_own(site: Site, people: Cast) -> None:
    upload = bring(site, people, people.member)
    uploads.trash_upload(site, people.admin, upload.id)
    assert uploads.list_uploads(site, people.member, trash=True).items == []
    (found,) = uploads.list_uploads(site, people.member, team="design", trash=True).items
    assert found.may_change
    with pytest.raises(Forbidden):
        uploads.list_uploads(site, people.viewer, team="design", trash=True)
    uploads.restore_upload(site, people.member, upload.id)
    assert uploads.list_uploads(site, people.viewer, team="design").items[0].id == upload.id


def test_a_drop_moves_between_galleries_and_both_counts_stay_exact(site: Site, people: Cast) -> None:
    bob = people.member
    mine = keep(site, bob, screenshot())
    size = mine.blob.size
    moved = uploads.change_upload(site, bob, mine.id, {"team": "design", "title": "Ours"})
    assert (moved.team_id, moved.title, used(site, people)) == (people.team.id, "Ours", (size, 0))
    # An admin takes it for their own.
    taken = uploads.change_upload(site, people.admin, mine.id, {"team": None})
    assert (taken.owner_id, used(site, people)) == (people.admin.user_id, (0, 0))
    with pytest.raises(NotFound):
        uploads.get_upload(site, bob, mine.id)
    other = teams.create_team(site, people.admin.user_id, name="Other").team
    assert uploads.change_upload(site, people.admin, mine.id, {"team": other.id}).team_id == other.id
    assert uploads.change_upload(site, people.admin, mine.id, {"team": "design"}).team_id == people.team.id
    assert counts_are_exact(site)
    delete_forever(site, uploads.trash_upload(site, people.admin, mine.id).id)
    assert used(site, people) == (0, 0)
    assert list(verify(site)) == []


@pytest.mark.parametrize("why", ["a stranger's", "a viewer's", "full", "ending", "in the trash"])
def test_a_drop_stays_where_it_is_when_it_may_not_go(site: Site, people: Cast, why: str) -> None:
    bob = people.viewer if why == "a viewer's" else people.member
    mine = keep(site, bob, screenshot())
    target = people.team.id
    errors: type[BulletDropError] = Conflict
    if why == "a stranger's":
        target, errors = teams.create_team(site, people.charlie.user_id, name="Hers").team.id, NotFound
    elif why == "a viewer's":
        errors = Forbidden
    elif why == "full":
        Team.update(limits={"storage": 10}).where(Team.id == target).execute()
        errors = QuotaFull
    elif why == "ending":
        teams.delete_team(site, people.alice.user_id, target, confirm="Design")
    else:
        uploads.trash_upload(site, bob, mine.id)
    with pytest.raises(errors):
        uploads.change_upload(site, bob, mine.id, {"team": target, "title": "x"})
    found = uploads.get_upload(site, bob, mine.id)
    assert (found.team_id, found.title) == (None, "")
    assert counts_are_exact(site)


def test_while_a_team_is_being_deleted_its_drops_are_dark(site: Site, people: Cast) -> None:
    upload = bring(site, people, people.member, custom_name="ours")
    token = urls.deletion_token(site, upload)
    teams.delete_team(site, people.alice.user_id, people.team.id, confirm="Design")
    finds: tuple[Callable[[], object], ...] = (
        lambda: uploads.find_public(site, upload.slug),
        lambda: uploads.find_public(site, "ours"),
        lambda: uploads.find_page(site, upload.slug),
        lambda: uploads.find_by_id(site, upload.id),
        lambda: uploads.find_by_token(site, upload.slug, token),
    )
    for find in finds:
        with pytest.raises(NotFound):
            find()
    looks: tuple[Callable[[], object], ...] = (
        lambda: uploads.get_upload(site, people.alice, upload.id),
        lambda: uploads.list_uploads(site, people.alice, team="design"),
        lambda: bring(site, people, people.member),
    )
    for look in looks:
        with pytest.raises(Conflict):
            look()
    teams.restore_team(site, people.alice.user_id, people.team.id)
    assert uploads.find_public(site, "ours").id == upload.id


def test_a_team_is_deleted_whole_however_often_it_is_killed_on_the_way(
    site: Site, clock: ManualClock, people: Cast
) -> None:
    same = screenshot()
    mine = keep(site, people.member, same)
    for number in range(4):
        keep(site, people.member, same if number == 0 else screenshot(), team_id=people.team.id)
    teams.delete_team(site, people.alice.user_id, people.team.id, confirm="Design")
    assert not teams.finish_deletion(site, people.team.id, delete_forever)
    clock.advance(days=7)

    class Killed(Exception):
        pass

    def killed(site: Site, upload_id: str) -> bool:
        delete_forever(site, upload_id)
        raise Killed

    for left in (3, 2, 1):
        with pytest.raises(Killed):
            teams.finish_deletion(site, people.team.id, killed)
        assert Upload.select().where(Upload.team == people.team.id).count() == left
        assert counts_are_exact(site)
    assert teams.finish_deletion(site, people.team.id, delete_forever)
    assert not teams.finish_deletion(site, people.team.id, delete_forever)
    assert [row.id for row in Upload.select()] == [mine.id]
    assert not Team.select().exists()
    assert list(verify(site)) == []


def test_what_somebody_brought_belongs_to_who_stays_when_their_account_goes(site: Site, people: Cast) -> None:
    bob = people.member
    first = bring(site, people, bob, idempotency_key="k")
    bring(site, people, people.alice, idempotency_key="k")
    teams.leave(site, bob.user_id, people.team.id)
    teams.hand_over_before_leaving(site, bob.user_id)
    assert Upload.get_by_id(first.id).owner_id == people.alice.user_id
    with transaction(site.db):
        User.delete().where(User.id == bob.user_id).execute()
    assert Upload.select().where(Upload.team == people.team.id).count() == 2
    assert counts_are_exact(site)


def test_a_team_with_nobody_else_in_it_goes_with_its_owner(site: Site) -> None:
    alice, bob = person(site, "alice"), person(site, "bob")
    team = teams.create_team(site, alice.user_id, name="Two").team
    teams.accept(site, bob.user_id, teams.invite(site, alice.user_id, team.id, role="member").code)
    for who in (alice, bob):
        keep(site, who, screenshot(), team_id=team.id, idempotency_key="k")
    teams.leave(site, bob.user_id, team.id)
    teams.hand_over_before_leaving(site, alice.user_id)
    assert not Team.select().exists()
    assert {(row.owner_id, row.team_id) for row in Upload.select()} == {(alice.user_id, None)}
    assert counts_are_exact(site)
