"""Teams: who may what, invitations, handing over, endings. On both databases."""

from __future__ import annotations

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.models import Audit, Mail, Team, TeamInvite, TeamMember, User
from bulletdrop.core.people import accounts, teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, Conflict, Forbidden, Gone, Invalid, NameReserved, NameTaken, NotFound
from tests.core.drops_kit import person
from tests.core.teams_kit import Cast, cast, join


@pytest.fixture
def people(site: Site) -> Cast:
    return cast(site)


def roles(team: Team) -> dict[str, str]:
    query = TeamMember.select(TeamMember, User).join(User).where(TeamMember.team == team.id)
    return {row.user.username: row.role for row in query}


def test_who_makes_a_team_owns_it_and_its_slug_comes_of_its_name(site: Site, alice: Caller) -> None:
    made = teams.create_team(site, alice.user_id, name="  Très  Bon Büro! ")
    assert (made.team.name, made.team.slug, made.role) == ("Très  Bon Büro!", "tres-bon-buro", "owner")
    assert [one.team.id for one in teams.teams_of(site, alice.user_id)] == [made.team.id]
    assert teams.find_team(site, alice.user_id, "TRES-BON-BURO").team.id == made.team.id


@pytest.mark.parametrize("name", ["Design", "join", "admin", "日本語", "---"])
def test_a_slug_that_is_taken_reserved_or_empty_gets_another_ending(site: Site, alice: Caller, name: str) -> None:
    teams.create_team(site, alice.user_id, name="Design")
    made = teams.create_team(site, alice.user_id, name=name).team
    assert made.name == name
    assert made.slug not in ("design", "join", "admin", "")
    assert teams.find_team(site, alice.user_id, made.slug).team.id == made.id


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "a\nb", "a\0b"])
def test_a_name_that_nobody_could_read_is_refused(site: Site, alice: Caller, name: str) -> None:
    with pytest.raises(BadName):
        teams.create_team(site, alice.user_id, name=name)


def test_a_team_has_its_makers_plan_and_limited_people_own_few(site: Site, alice: Caller) -> None:
    User.update(plan="free", limits={"storage": 1000}).where(User.id == alice.user_id).execute()
    made = [teams.create_team(site, alice.user_id, name=f"t{n}").team for n in range(5)]
    assert {(team.plan, team.limits["storage"]) for team in made} == {("free", 1000)}
    with pytest.raises(Conflict, match="5 are the most"):
        teams.create_team(site, alice.user_id, name="one more")


def test_a_team_is_renamed_and_keeps_its_address_until_that_is_changed(site: Site, people: Cast) -> None:
    other = teams.create_team(site, people.charlie.user_id, name="Other").team
    renamed = teams.change_team(site, people.admin.user_id, people.team.id, name="Drawing")
    assert (renamed.team.name, renamed.team.slug) == ("Drawing", "design")
    assert teams.change_team(site, people.alice.user_id, "design", slug="Drawing").team.slug == "drawing"
    for slug, error in ((other.slug, NameTaken), ("admin", NameReserved), ("join", NameReserved), ("ä b", BadName)):
        with pytest.raises(error) as found:
            teams.change_team(site, people.alice.user_id, people.team.id, slug=slug)
        assert found.value.field == "slug"
    with pytest.raises(Forbidden):
        teams.change_team(site, people.member.user_id, people.team.id, name="Mine")


def test_a_stranger_learns_of_no_team_whatever_they_try(site: Site, people: Cast) -> None:
    me, bob = people.charlie.user_id, people.member.user_id
    invite = teams.invite(site, people.alice.user_id, people.team.id, role="member")
    said = set()
    for name in (people.team.id, "design", "never-was", "a\0b", "x" * 5000):
        for attempt in (
            lambda team: teams.find_team(site, me, team),
            lambda team: teams.change_team(site, me, team, name="x"),
            lambda team: teams.list_members(site, me, team),
            lambda team: teams.change_role(site, me, team, bob, "viewer"),
            lambda team: teams.remove_member(site, me, team, bob),
            lambda team: teams.leave(site, me, team),
            lambda team: teams.hand_over(site, me, team, bob),
            lambda team: teams.invite(site, me, team, role="member"),
            lambda team: teams.list_invitations(site, me, team),
            lambda team: teams.withdraw(site, me, team, invite.id),
            lambda team: teams.delete_team(site, me, team, confirm="Design"),
            lambda team: teams.restore_team(site, me, team),
            lambda team: teams.check_may_upload(site, me, team),
        ):
            with pytest.raises(NotFound) as found:
                attempt(name)
            said.add(found.value.message)
    assert len(said) == 1


# What each role may do to each other: change their role, and remove them.
@pytest.mark.parametrize(
    ("actor", "whom", "role", "allowed"),
    [
        ("owner", "admin", "viewer", True),
        ("owner", "viewer", "owner", True),
        ("admin", "member", "viewer", True),
        ("admin", "viewer", "member", True),
        ("admin", "member", "admin", False),
        ("admin", "owner", "member", False),
        ("admin", "admin", "member", False),
        ("member", "viewer", "member", False),
        ("member", "member", "admin", False),
        ("viewer", "member", "viewer", False),
    ],
)
def test_roles_are_given_only_below_ones_own(
    site: Site, people: Cast, actor: str, whom: str, role: str, allowed: bool
) -> None:
    before = roles(people.team)
    args = (people.of(actor).user_id, people.team.id, people.of(whom).user_id)
    if allowed:
        assert teams.change_role(site, *args, role).role == role
        return
    with pytest.raises(Forbidden):
        teams.change_role(site, *args, role)
    if actor != whom and (actor, whom) != ("admin", "member"):
        with pytest.raises(Forbidden):
            teams.remove_member(site, *args)
    assert roles(people.team) == before


def test_a_role_that_is_none_and_a_member_who_is_none_are_refused(site: Site, people: Cast) -> None:
    with pytest.raises(Invalid):
        teams.change_role(site, people.alice.user_id, people.team.id, people.member.user_id, "king")
    for nobody in (people.charlie.user_id, "", "a\0b"):
        with pytest.raises(NotFound):
            teams.change_role(site, people.alice.user_id, people.team.id, nobody, "viewer")
        with pytest.raises(NotFound):
            teams.remove_member(site, people.alice.user_id, people.team.id, nobody)


def test_the_only_owner_stays_until_somebody_else_is_one(site: Site, people: Cast) -> None:
    me, team = people.alice.user_id, people.team.id
    for attempt in (
        lambda: teams.leave(site, me, team),
        lambda: teams.remove_member(site, me, team, me),
        lambda: teams.change_role(site, me, team, me, "admin"),
    ):
        with pytest.raises(Conflict, match="needs an owner"):
            attempt()
    assert teams.hand_over(site, me, team, people.member.user_id).role == "admin"
    assert roles(people.team) == {"alice": "admin", "dora": "admin", "bob": "owner", "erin": "viewer"}
    with pytest.raises(Forbidden):
        teams.hand_over(site, me, team, me)
    teams.leave(site, me, team)
    assert "alice" not in roles(people.team)


def test_an_owner_who_is_blocked_does_not_count_as_one(site: Site, people: Cast) -> None:
    teams.change_role(site, people.alice.user_id, people.team.id, people.admin.user_id, "owner")
    accounts.disable(site, "dora")
    with pytest.raises(Conflict, match="needs an owner"):
        teams.leave(site, people.alice.user_id, people.team.id)
    with pytest.raises(Conflict, match="blocked"):
        teams.hand_over(site, people.alice.user_id, people.team.id, people.admin.user_id)


def test_an_invitation_is_good_once_and_for_seven_days(site: Site, clock: ManualClock, people: Cast) -> None:
    made = teams.invite(site, people.admin.user_id, people.team.id, role="viewer")
    assert teams.invitation_link(site, made).endswith(f"/teams/join#code={made.code}")
    shown = teams.look_at_invitation(site, made.code)
    assert (shown.team_name, shown.role, shown.inviter) == ("Design", "viewer", "dora")
    assert teams.accept(site, people.charlie.user_id, made.code).role == "viewer"
    with pytest.raises(Gone):
        teams.accept(site, person(site, "frank").user_id, made.code)
    late = teams.invite(site, people.alice.user_id, people.team.id, role="member")
    clock.advance(days=7)
    for attempt in (teams.look_at_invitation, lambda site, code: teams.accept(site, people.charlie.user_id, code)):
        with pytest.raises(Gone):
            attempt(site, late.code)
    assert teams.list_invitations(site, people.alice.user_id, people.team.id) == []


@pytest.mark.parametrize("actor", ["admin", "member", "viewer"])
def test_nobody_invites_to_a_role_that_is_not_below_their_own(site: Site, people: Cast, actor: str) -> None:
    for role in ("owner", "admin", *(() if actor == "admin" else ("member", "viewer"))):
        with pytest.raises(Forbidden):
            teams.invite(site, people.of(actor).user_id, people.team.id, role=role)
    with pytest.raises(Forbidden):
        teams.invite(site, people.alice.user_id, people.team.id, role="owner")


@pytest.mark.parametrize("going", ["removed", "left", "demoted", "blocked"])
def test_an_invitation_is_worth_nothing_once_its_maker_could_not_make_it(site: Site, people: Cast, going: str) -> None:
    made = teams.invite(site, people.admin.user_id, people.team.id, role="member")
    if going == "removed":
        teams.remove_member(site, people.alice.user_id, people.team.id, people.admin.user_id)
    elif going == "left":
        teams.leave(site, people.admin.user_id, people.team.id)
    elif going == "demoted":
        teams.change_role(site, people.alice.user_id, people.team.id, people.admin.user_id, "member")
    else:
        accounts.disable(site, "dora")
    with pytest.raises(Gone):
        teams.accept(site, people.charlie.user_id, made.code)


def test_an_invitation_to_an_address_sends_a_mail_and_shows_on_that_persons_page(site: Site, people: Cast) -> None:
    made = teams.invite(site, people.alice.user_id, people.team.id, role="member", whom="Charlie@Example.org")
    (mail,) = Mail.select()
    assert (mail.purpose, mail.recipient) == ("team-invite", "charlie@example.org")
    assert mail.link == teams.invitation_link(site, made)
    (mine,) = teams.invitations_of(site, people.charlie.user_id)
    assert teams.invitations_of(site, people.member.user_id) == []
    assert teams.accept_invitation(site, people.charlie.user_id, mine.id).team.id == people.team.id
    assert teams.invitations_of(site, people.charlie.user_id) == []


def test_an_address_that_is_not_proved_is_shown_no_invitation(site: Site, people: Cast) -> None:
    teams.invite(site, people.alice.user_id, people.team.id, role="member", whom="charlie@example.org")
    User.update(is_verified=False).where(User.id == people.charlie.user_id).execute()
    assert teams.invitations_of(site, people.charlie.user_id) == []


def test_an_invitation_for_a_username_is_that_persons_alone(site: Site, people: Cast) -> None:
    made = teams.invite(site, people.alice.user_id, people.team.id, role="member", whom="Charlie")
    frank = person(site, "frank")
    for attempt in (
        lambda: teams.accept(site, frank.user_id, made.code),
        lambda: teams.accept_invitation(site, frank.user_id, made.id),
        lambda: teams.decline(site, frank.user_id, made.id),
    ):
        with pytest.raises((Gone, NotFound)):
            attempt()
    assert not Mail.select().exists()
    teams.decline(site, people.charlie.user_id, made.id)
    assert not TeamInvite.select().exists()
    with pytest.raises(NotFound):
        teams.accept_invitation(site, people.charlie.user_id, made.id)


def test_inviting_somebody_who_does_not_exist_looks_the_same(site: Site, people: Cast) -> None:
    for whom in ("charlie", "nobody"):
        made = teams.invite(site, people.alice.user_id, people.team.id, role="member", whom=whom)
        assert made.email == f"@{whom}"
    with pytest.raises(Conflict, match="open already"):
        teams.invite(site, people.alice.user_id, people.team.id, role="viewer", whom="NOBODY")
    with pytest.raises(Conflict, match="in this team already"):
        teams.invite(site, people.alice.user_id, people.team.id, role="viewer", whom="bob")
    for bad in ("a b", "a" * 300, "a\0b"):
        with pytest.raises(Invalid):
            teams.invite(site, people.alice.user_id, people.team.id, role="viewer", whom=bad)


def test_who_is_in_the_team_does_not_use_an_invitation_up(site: Site, people: Cast) -> None:
    made = teams.invite(site, people.alice.user_id, people.team.id, role="admin")
    with pytest.raises(Conflict):
        teams.accept(site, people.viewer.user_id, made.code)
    assert roles(people.team)["erin"] == "viewer"
    assert teams.accept(site, people.charlie.user_id, made.code).role == "admin"


def test_an_invitation_that_was_taken_back_lets_nobody_in(site: Site, people: Cast) -> None:
    made = teams.invite(site, people.alice.user_id, people.team.id, role="member")
    with pytest.raises(Forbidden):
        teams.withdraw(site, people.member.user_id, people.team.id, made.id)
    teams.withdraw(site, people.admin.user_id, people.team.id, made.id)
    with pytest.raises(NotFound):
        teams.withdraw(site, people.admin.user_id, people.team.id, made.id)
    with pytest.raises(Gone):
        teams.accept(site, people.charlie.user_id, made.code)


def test_a_team_that_is_deleted_rests_for_seven_days_in_which_any_owner_takes_it_back(
    site: Site, clock: ManualClock, people: Cast
) -> None:
    me, team = people.alice.user_id, people.team.id
    teams.change_role(site, me, team, people.admin.user_id, "owner")
    with pytest.raises(Invalid, match="not the team's name"):
        teams.delete_team(site, me, team, confirm="Desing")
    with pytest.raises(Forbidden):
        teams.delete_team(site, people.member.user_id, team, confirm="Design")
    due = teams.delete_team(site, me, team, confirm="Design")
    assert (due - clock.now()).days == 7
    for attempt in (
        lambda: teams.delete_team(site, me, team, confirm="Design"),
        lambda: teams.invite(site, me, team, role="member"),
        lambda: teams.change_role(site, me, team, people.viewer.user_id, "member"),
        lambda: teams.check_may_upload(site, me, team),
    ):
        with pytest.raises(Conflict):
            attempt()
    assert teams.restore_team(site, people.admin.user_id, team).team.delete_scheduled_for is None
    teams.check_may_upload(site, people.member.user_id, team)
    teams.delete_team(site, me, team, confirm="Design")
    clock.advance(days=7)
    with pytest.raises(Conflict, match="over"):
        teams.restore_team(site, me, team)
    assert teams.due_teams(site) == [team]


def test_nobody_joins_a_team_that_is_being_deleted(site: Site, people: Cast) -> None:
    made = teams.invite(site, people.alice.user_id, people.team.id, role="member")
    teams.delete_team(site, people.alice.user_id, people.team.id, confirm="Design")
    with pytest.raises(Conflict):
        teams.accept(site, people.charlie.user_id, made.code)
    teams.restore_team(site, people.alice.user_id, people.team.id)
    assert teams.accept(site, people.charlie.user_id, made.code).role == "member"


def test_every_act_is_recorded_with_who_did_it(site: Site, people: Cast) -> None:
    me, team = people.alice.user_id, people.team.id
    made = teams.invite(site, me, team, role="member", address="203.0.113.7")
    teams.withdraw(site, me, team, made.id)
    teams.change_team(site, me, team, name="Other")
    teams.change_role(site, me, team, people.viewer.user_id, "member")
    teams.remove_member(site, me, team, people.viewer.user_id)
    teams.leave(site, people.member.user_id, team)
    teams.hand_over(site, me, team, people.admin.user_id)
    teams.delete_team(site, people.admin.user_id, team, confirm="Other")
    teams.restore_team(site, people.admin.user_id, team)
    rows = [(row.action, row.actor) for row in Audit.select().where(Audit.subject == team)]
    acts = {action for action, _ in rows}
    assert acts >= {
        *("team.add", "team.invite", "team.withdraw-invite", "team.join", "team.change", "team.role"),
        *("team.remove-member", "team.leave", "team.hand-over", "team.delete-request", "team.restore"),
    }
    assert all(actor for _, actor in rows)
    assert Audit.select().where((Audit.action == "team.invite") & (Audit.address == "203.0.113.7")).exists()
    assert not any(made.code in row.detail for row in Audit.select())


def test_before_an_account_goes_its_teams_go_to_those_who_stay(site: Site, clock: ManualClock, people: Cast) -> None:
    clock.advance(hours=1)
    late = person(site, "late")
    join(site, people.team, people.alice, late, "admin")
    teams.hand_over_before_leaving(site, people.alice.user_id)
    teams.hand_over_before_leaving(site, people.alice.user_id)
    # dora is admin for longer than late.
    assert roles(people.team) == {"dora": "owner", "bob": "member", "erin": "viewer", "late": "admin"}
    for who in (people.admin, people.member, people.viewer):
        teams.hand_over_before_leaving(site, who.user_id)
    assert roles(people.team) == {"late": "owner"}
    teams.hand_over_before_leaving(site, late.user_id)
    assert not Team.select().exists()
