"""What the tests of teams share: a team with people in every role."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.core.models import Blob, Team, Upload, User
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from tests.core.drops_kit import person


@dataclass(frozen=True)
class Cast:
    """alice owns the team; an admin, a member and a viewer are in it; charlie is a stranger."""

    team: Team
    alice: Caller
    admin: Caller
    member: Caller
    viewer: Caller
    charlie: Caller

    def of(self, name: str) -> Caller:
        """Somebody by their role; "owner" is alice, "stranger" charlie."""
        people = {"owner": self.alice, "admin": self.admin, "member": self.member, "viewer": self.viewer}
        return people.get(name, self.charlie)


def join(site: Site, team: Team, owner: Caller, who: Caller, role: str) -> None:
    """Let somebody join by an invitation's link."""
    made = teams.invite(site, owner.user_id, team.id, role=role)
    teams.accept(site, who.user_id, made.code)


def cast(site: Site) -> Cast:
    """A team with everybody in it."""
    alice, dora, bob, erin, charlie = (person(site, name) for name in ("alice", "dora", "bob", "erin", "charlie"))
    team = teams.create_team(site, alice.user_id, name="Design").team
    for who, role in ((dora, "admin"), (bob, "member"), (erin, "viewer")):
        join(site, team, alice, who, role)
    return Cast(team, alice, dora, bob, erin, charlie)


def counts_are_exact(site: Site) -> bool:
    """True when every account's storage is what a recount of its drops gives."""
    for user in User.select():
        own = [row.blob.size for row in Upload.select(Upload, Blob).join(Blob).where(Upload.owner == user.id)]
        teams_own = Upload.select(Upload, Blob).join(Blob).where((Upload.owner == user.id) & Upload.team.is_null(False))
        if user.storage_used != sum(own) - sum(row.blob.size for row in teams_own):
            return False
    for team in Team.select():
        sizes = [row.blob.size for row in Upload.select(Upload, Blob).join(Blob).where(Upload.team == team.id)]
        if team.storage_used != sum(sizes):
            return False
    return True
