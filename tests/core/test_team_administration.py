"""What an admin does to teams: found, given another plan and limits, deleted and kept; each act a row of the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import found
from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.models import Audit, Team, Upload, User
from bulletdrop.core.people import accounts, team_administration, team_directory, teams, usage
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.team_administration import keep_team, schedule_team_deletion
from bulletdrop.core.people.team_directory import search_teams
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Conflict, Invalid, NotFound, QuotaFull, TooMany
from tests.core.drops_kit import keep, person
from tests.core.teams_kit import Cast, cast, join


@pytest.fixture
def people(site: Site) -> Cast:
    return cast(site)


@pytest.fixture
def root(site: Site, people: Cast) -> By:
    """charlie, who is in no team, as the admin."""
    accounts.promote(site, "charlie")
    return By(people.charlie.user_id, "192.0.2.7")


def rows(site: Site, action: str) -> list[Audit]:
    """What the log says about an admin's acts of this kind, in order."""
    return list(Audit.select().where((Audit.category == "admin") & (Audit.action == action)).order_by(Audit.at))


def names(site: Site, **wanted: Any) -> list[str]:
    return [one.team.slug for one in search_teams(site, **wanted).items]


def team(people: Cast) -> Team:
    """The team as it is now."""
    now: Team = Team.get_by_id(people.team.id)
    return now


def test_every_team_is_listed_with_its_members_owners_storage_and_plan(site: Site, people: Cast, root: By) -> None:
    other = teams.create_team(site, people.member.user_id, name="Office").team
    join(site, other, people.member, people.alice, "member")
    upload = keep(site, people.member, team_id=people.team.id)
    teams.change_role(site, people.alice.user_id, people.team.id, people.admin.user_id, "owner")
    team_administration.set_team_plan(site, root, "office", "free")
    first, second = search_teams(site).items
    assert (first.team.slug, first.members, first.owners) == ("design", 4, ("alice", "dora"))
    assert (first.team.storage_used, first.limits.storage) == (upload.blob.size, None)
    assert (second.team.slug, second.members, second.owners, second.team.plan) == ("office", 2, ("bob",), "free")
    assert second.limits.storage is not None


def test_teams_are_found_by_name_address_member_state_and_plan(
    site: Site, people: Cast, root: By, clock: ManualClock
) -> None:
    dora = people.admin
    teams.create_team(site, dora.user_id, name="Größe 100%")
    assert names(site) == ["design", "groe-100"]
    assert names(site, text=" DESI ") == ["design"]
    assert names(site, text="größe") == ["groe-100"]
    assert names(site, text="%") == ["groe-100"]
    assert names(site, text="_") == []
    assert names(site, text="DORA") == ["design", "groe-100"]
    assert names(site, text="bob") == ["design"]
    assert names(site, text="bo") == names(site, text="charlie") == []
    team_administration.set_team_plan(site, root, "design", "pro")
    assert names(site, plan="pro") == ["design"]
    assert names(site, plan="pro\0x") == []
    Team.update(silent_until=clock.now() + timedelta(days=1)).where(Team.slug == "design").execute()
    assert (names(site, state="silent"), names(site, state="active")) == (["design"], ["groe-100"])
    clock.advance(days=2)
    assert (names(site, state="silent"), names(site, state="active")) == ([], ["design", "groe-100"])
    schedule_team_deletion(site, root, "groe-100")
    assert (names(site, state="leaving"), names(site, state="active")) == (["groe-100"], ["design"])


@pytest.mark.parametrize(
    "wanted",
    [{"state": "blocked"}, {"sort": "luck"}, {"cursor": "x"}, {"limit": 0}, {"text": "x" * 301}, {"text": "\0"}],
)
def test_a_search_that_cannot_be_is_refused(site: Site, wanted: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        search_teams(site, **wanted)


@pytest.mark.parametrize("sort", sorted(team_directory.SORTS))
def test_pages_of_the_list_give_every_team_once_and_in_order(site: Site, clock: ManualClock, sort: str) -> None:
    owner = person(site, "owner")
    for number in range(11):
        made = teams.create_team(site, owner.user_id, name=f"Team {number % 4}").team
        Team.update(storage_used=number % 3).where(Team.id == made.id).execute()
        if number % 3:
            clock.advance(seconds=1)
    whole = names(site, sort=sort, limit=200)
    walked: list[str] = []
    cursor = None
    while True:
        page = search_teams(site, sort=sort, cursor=cursor, limit=3)
        walked += [one.team.slug for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert walked == whole
    assert len(set(walked)) == 11


def test_a_dossier_has_everybody_in_the_team_and_its_drops(site: Site, people: Cast) -> None:
    keep(site, people.member, team_id=people.team.id)
    keep(site, people.member)
    about = team_directory.team_dossier(site, "DESIGN")
    assert [(row.user.username, row.role) for row in about.members] == [
        ("alice", "owner"),
        ("dora", "admin"),
        ("bob", "member"),
        ("erin", "viewer"),
    ]
    assert (about.uploads, about.trashed) == (1, 0)
    for name in ("nothing", "\0", ""):
        with pytest.raises(NotFound):
            team_directory.team_dossier(site, name)


def test_another_plan_holds_at_once_and_is_recorded(site: Site, people: Cast, root: By) -> None:
    changed = team_administration.set_team_plan(site, root, people.team.id, "free")
    assert changed.plan == "free"
    team_administration.set_team_plan(site, root, people.team.id, "free")
    (row,) = rows(site, "team.plan")
    assert (row.actor, row.subject, row.detail, row.address) == (
        root.actor,
        people.team.id,
        "design: home → free",
        "192.0.2.7",
    )
    for wrong in ("golden", "pro\0", ""):
        with pytest.raises(Invalid) as refused:
            team_administration.set_team_plan(site, root, people.team.id, wrong)
        assert refused.value.field == "plan"


def test_limits_of_a_team_lie_over_its_plans_and_go_again(site: Site, people: Cast, root: By) -> None:
    team_administration.set_team_limits(site, root, "design", {"storage": 10, "uploads_per_day": -1})
    with pytest.raises(QuotaFull):
        keep(site, people.member, team_id=people.team.id)
    team_administration.set_team_limits(site, root, "design", {"storage": None})
    keep(site, people.member, team_id=people.team.id)
    assert team(people).limits == {"uploads_per_day": -1}
    assert [row.detail for row in rows(site, "team.limits")] == [
        "design: storage 10, uploads_per_day -1",
        "design: uploads_per_day -1",
    ]
    with pytest.raises(Invalid) as refused:
        team_administration.set_team_limits(site, root, "design", {"happiness": 1})
    assert refused.value.field == "happiness"
    with pytest.raises(Invalid, match="limit its people"):
        team_administration.set_team_limits(site, root, "design", {"requests_per_hour": 1})


def test_of_several_changes_all_happen_or_none(site: Site, people: Cast, root: By) -> None:
    with pytest.raises(Invalid):
        team_administration.change_team(site, root, "design", {"plan": "pro", "limits": {"storage": -7}})
    with pytest.raises(Invalid, match="slug"):
        team_administration.change_team(site, root, "design", {"plan": "pro", "slug": "x"})
    with pytest.raises(NotFound):
        team_administration.change_team(site, root, "nothing", {"plan": "pro"})
    assert (team(people).plan, team(people).limits, rows(site, "team.plan")) == ("home", {}, [])
    changed = team_administration.change_team(site, root, "design", {"plan": "pro", "limits": {"storage": 7}})
    assert (changed.plan, changed.limits) == ("pro", {"storage": 7})


@pytest.mark.parametrize("way", ["plan", "limits"])
def test_a_silent_team_speaks_again_when_it_may_and_a_loud_one_falls_silent(
    site: Site, people: Cast, root: By, way: str
) -> None:
    upload = keep(site, people.member, team_id=people.team.id)
    plan = team(people).plan

    def allow(is_much: bool) -> None:
        if way == "limits":
            figures = {"bandwidth_per_month": None if is_much else 1000}
            team_administration.set_team_limits(site, root, "design", figures)
        else:
            team_administration.set_team_plan(site, root, "design", plan if is_much else "free")

    usage.add_many(site, {people.team.id: {"bytes_served": 2**40}})
    stranger = people.charlie
    found.check_not_silent(site, stranger, found.find_by_id(site, upload.id))
    allow(False)
    with pytest.raises(TooMany):
        found.check_not_silent(site, stranger, found.find_by_id(site, upload.id))
    allow(True)
    found.check_not_silent(site, stranger, found.find_by_id(site, upload.id))
    assert team(people).silent_until is None


def test_a_deletion_rests_for_seven_days_in_which_nothing_is_shown_or_gone(
    site: Site, people: Cast, root: By, clock: ManualClock
) -> None:
    upload = keep(site, people.member, team_id=people.team.id)
    assert schedule_team_deletion(site, root, "design") == clock.now() + timedelta(days=7)
    with pytest.raises(NotFound):
        found.find_by_id(site, upload.id)
    with pytest.raises(Conflict):
        schedule_team_deletion(site, root, "design")
    clock.advance(days=6)
    assert not teams.finish_deletion(site, people.team.id, delete_forever)
    assert keep_team(site, root, "design").delete_scheduled_for is None
    assert found.find_by_id(site, upload.id).id == upload.id
    with pytest.raises(Conflict):
        keep_team(site, root, "design")
    assert len(rows(site, "team.delete")) == len(rows(site, "team.keep")) == 1


def test_a_team_is_gone_after_seven_days_and_its_owner_could_have_kept_it(
    site: Site, people: Cast, root: By, clock: ManualClock
) -> None:
    keep(site, people.member, team_id=people.team.id)
    schedule_team_deletion(site, root, "design")
    assert teams.restore_team(site, people.alice.user_id, "design").team.delete_scheduled_for is None
    schedule_team_deletion(site, root, "design")
    clock.advance(days=7)
    with pytest.raises(Conflict):
        keep_team(site, root, "design")
    assert teams.finish_deletion(site, people.team.id, delete_forever)
    for act in (schedule_team_deletion, keep_team):
        with pytest.raises(NotFound):
            act(site, root, people.team.id)
    assert not Upload.select().exists()


@pytest.mark.parametrize("state", [{"is_active": False}, {"delete_scheduled_for": 7}])
def test_what_a_blocked_or_leaving_person_brought_into_a_team_stays_to_be_seen(
    site: Site, people: Cast, clock: ManualClock, state: dict[str, Any]
) -> None:
    brought = keep(site, people.member, team_id=people.team.id)
    own = keep(site, people.member)
    if "delete_scheduled_for" in state:
        state = {"delete_scheduled_for": clock.now() + timedelta(days=7)}
    User.update(state).where(User.id == people.member.user_id).execute()
    assert found.find_public(site, brought.slug).id == brought.id
    assert found.find_page(site, brought.slug).id == brought.id
    with pytest.raises(NotFound):
        found.find_public(site, own.slug)


def test_the_command_line_needs_nobody(site: Site, people: Cast) -> None:
    team_administration.set_team_plan(site, By(), "design", "pro")
    (row,) = rows(site, "team.plan")
    assert (row.actor, row.address) == (None, "")


def test_refusals_leave_the_log_alone(site: Site, people: Cast, root: By) -> None:
    refused: list[BulletDropError] = []
    attempts: tuple[tuple[Any, ...], ...] = (
        (team_administration.set_team_plan, "design", "golden"),
        (team_administration.set_team_limits, "design", {"storage": "much"}),
        (keep_team, "design"),
        (schedule_team_deletion, "nothing"),
    )
    for act, *rest in attempts:
        try:
            act(site, root, *rest)
        except BulletDropError as error:
            refused.append(error)
    assert len(refused) == len(attempts)
    assert not Audit.select().where(Audit.action.startswith("team.") & (Audit.category == "admin")).exists()
