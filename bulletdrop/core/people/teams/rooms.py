"""Rooms: making a team, its name and its address."""

from __future__ import annotations

import re
import unicodedata

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Team, TeamMember, User, random_text
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.plans import limits_of
from bulletdrop.core.people.teams.membership import TeamOf, find_team, lock
from bulletdrop.core.people.teams.roles import OWNER
from bulletdrop.core.reserved import is_reserved
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import BadName, Conflict, NameReserved, NameTaken, NotFound

LONGEST_NAME = 100
LONGEST_SLUG = 50
# Words that have a meaning where a team's slug could stand.
_OURS = frozenset({"join", "mine", "none"})
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
# A team has a quota of its own: who has a limit must not multiply it at will.
_MOST_OWNED, _MOST_OWNED_WITH_LIMIT = 500, 5


def create_team(site: Site, user_id: str, *, name: str, address: str = "") -> TeamOf:
    """Make a team of which somebody is the owner. It has the plan and the limits that its owner has now.

    Its slug is made of its name; where that one is taken, with four random characters behind it.

    Args:
        address: where the request came from.
    Raises: BadName, Conflict for somebody who owns as many as one may.
    """
    name = check_name(name)
    now = site.clock.now()
    with transaction(site.db):
        owner = _owner(site, user_id)
        values = {"plan": owner.plan, "limits": owner.limits, "created_at": now, "updated_at": now}
        slug = _free_slug(name)
        team = Team.create(name=name, slug=slug, slug_key=fold(slug), **values)
        TeamMember.create(team=team.id, user=user_id, role=OWNER, joined_at=now)
        record(site, "team.add", actor=user_id, subject=team.id, address=address, detail=name)
    return TeamOf(team, OWNER)


def change_team(
    site: Site, user_id: str, team: str, *, name: str | None = None, slug: str | None = None, address: str = ""
) -> TeamOf:
    """Give a team another name, another slug, or both. The slug stays when only the name changes: links go on working.

    Args:
        team: its id or slug.
    Raises: BadName, NameReserved, NameTaken with the field; NotFound, Forbidden.
    """
    values: dict[str, object] = {}
    if name is not None:
        values["name"] = check_name(name)
    if slug is not None:
        slug = check_slug(slug)
        values |= {"slug": slug, "slug_key": fold(slug)}
    try:
        with transaction(site.db):
            found = lock(site, user_id, team, "rename")
            if values:
                Team.update(values).where(Team.id == found.team.id).execute()
                said = ", ".join(f"{key} {values[key]}" for key in ("name", "slug") if key in values)
                record(site, "team.change", actor=user_id, subject=found.team.id, address=address, detail=said)
    except IntegrityError as error:
        raise NameTaken("This address is taken. Take another one.", field="slug") from error
    return find_team(site, user_id, found.team.id)


def check_name(name: str) -> str:
    """A team's name in the form to keep. Raises BadName."""
    name = unicodedata.normalize("NFC", name[: 10 * LONGEST_NAME]).strip()
    if not 1 <= len(name) <= LONGEST_NAME or not is_visible(name):
        raise BadName(f"A team's name has 1 to {LONGEST_NAME} characters, all of them visible.", field="name")
    return name


def check_slug(slug: str) -> str:
    """A team's slug in the form to keep. Raises BadName, NameReserved."""
    slug = fold(slug)
    if not _SLUG.fullmatch(slug):
        raise BadName("An address has 1 to 50 letters, digits or dashes; its ends are letters or digits.", field="slug")
    if is_reserved(slug) or slug in _OURS:
        raise NameReserved("This address is reserved. Take another one.", field="slug")
    return slug


def check_may_own(site: Site, user_id: str) -> None:
    """Raise Conflict for somebody who owns as many teams as one may: two people could hand over new ones for ever."""
    _, owned, most = _owns(site, user_id)
    if owned >= most:
        raise Conflict(f"They own {owned} teams, and {most} are the most. Choose somebody else.")


def _owner(site: Site, user_id: str) -> User:
    """Who makes a team, if they may own one more."""
    owner, owned, most = _owns(site, user_id)
    if owned >= most:
        raise Conflict(f"You own {owned} teams, and {most} are the most. Hand one over or delete one first.")
    return owner


def _owns(site: Site, user_id: str) -> tuple[User, int, int]:
    """Somebody, how many teams they own, and how many they may.

    Their row is locked, so that many requests at once make no more than one may.
    """
    if not User.update(updated_at=User.updated_at).where(User.id == user_id).execute():
        raise NotFound("This account is gone.")
    owner: User = User.get_by_id(user_id)
    owned = TeamMember.select().where((TeamMember.user == user_id) & (TeamMember.role == OWNER)).count()
    return owner, owned, _MOST_OWNED if limits_of(site, owner).storage is None else _MOST_OWNED_WITH_LIMIT


def _free_slug(name: str) -> str:
    wanted = _slug_of(name)
    taken = is_reserved(wanted) or wanted in _OURS or Team.select(Team.id).where(Team.slug_key == fold(wanted)).exists()
    return f"{wanted[: LONGEST_SLUG - 5].strip('-')}-{random_text(4).lower()}" if taken else wanted


def _slug_of(name: str) -> str:
    """The Latin letters and digits of a name, with dashes between: `Très Bon` is `tres-bon`."""
    slug = re.sub(r"[^a-z0-9]+", "-", fold(unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()))
    return slug[:LONGEST_SLUG].strip("-") or f"team-{random_text(6).lower()}"
