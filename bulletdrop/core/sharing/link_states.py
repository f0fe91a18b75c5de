"""States of share links: whether one works, and if not why; one expression of SQL says it for links and lists alike."""

from __future__ import annotations

from typing import Any

from peewee import JOIN, Case, fn

from bulletdrop.core.models import Album, Blob, ShareLink, Team, TeamMember, Upload, User
from bulletdrop.core.people.teams.roles import ROLES, may
from bulletdrop.core.site import Site

ACTIVE, USED_UP, REVOKED, EXPIRED, NO_RIGHT, AWAY = "active", "used_up", "revoked", "expired", "no_right", "away"
# All of them, as the API names them. Used up, it is still known to whoever comes with a pass.
STATES = (ACTIVE, USED_UP, REVOKED, EXPIRED, NO_RIGHT, AWAY)
# Those in which the link is answered as more than one that never was.
KNOWN = (ACTIVE, USED_UP)

Maker = User.alias("maker")
# The team of what is shared, and who made the link as a member of it.
_team_id = fn.COALESCE(Upload.team, Album.team)
_object_owner = fn.COALESCE(Upload.owner, Album.owner)


def with_objects(*columns: Any) -> Any:
    """Share links with what they lead to, its team, who made them, and that person's place in the team.

    Args:
        columns: what to select; all of the link when left out.
    """
    query = ShareLink.select(*(columns or (ShareLink,))).join(Maker, on=(ShareLink.owner == Maker.id))
    query = query.switch(ShareLink).join(Upload, JOIN.LEFT_OUTER, on=(ShareLink.upload == Upload.id))
    query = query.join(Blob, JOIN.LEFT_OUTER, on=(Upload.blob == Blob.id))
    query = query.switch(ShareLink).join(Album, JOIN.LEFT_OUTER, on=(ShareLink.album == Album.id))
    query = query.switch(ShareLink).join(Team, JOIN.LEFT_OUTER, on=(Team.id == _team_id))
    member = (TeamMember.team == _team_id) & (TeamMember.user == ShareLink.owner)
    return query.switch(ShareLink).join(TeamMember, JOIN.LEFT_OUTER, on=member)


def state(site: Site) -> Any:
    """The expression for a link's state in a query of `with_objects`.

    That its maker has lost the right comes before all else: of what it leads to they are told nothing any more. What
    somebody did comes before what came by itself.
    """
    now = site.clock.now()
    passed = ShareLink.expires_at <= now
    spent = ShareLink.views >= ShareLink.max_views
    return Case(
        None,
        (
            (~_may_share(), NO_RIGHT),
            (ShareLink.revoked_at.is_null(False), REVOKED),
            (passed, EXPIRED),
            (_away(now), AWAY),
            (spent, USED_UP),
        ),
        ACTIVE,
    )


def _away(now: Any) -> Any:
    """What the link leads to is shown to nobody now: in the trash, expired, hidden by an admin, or of a team or by
    somebody that is blocked or waits for deletion. All but the expiry can be taken back, and then the link works again.
    """
    drop = Upload.trashed_at.is_null(False) | Upload.hidden_at.is_null(False) | _is_over(Upload, now)
    maker = ~Maker.is_active | Maker.delete_scheduled_for.is_null(False)
    return drop | _is_over(Album, now) | Team.delete_scheduled_for.is_null(False) | maker


def _is_over(model: Any, now: Any) -> Any:
    return model.expires_at.is_null(False) & (model.expires_at <= now)


def _may_share() -> Any:
    """Whoever made the link may still share its object: their own, or by their role in its team.

    The same as `teams.changes` for drops, and for albums as the right to upload: who left the team, or only looks on
    now, has links that no longer work.
    """
    own = _object_owner == ShareLink.owner
    drops = _role_with("change all drops") | (own & _role_with("change own drops"))
    in_team = (ShareLink.upload.is_null(False) & drops) | (ShareLink.album.is_null(False) & _role_with("upload"))
    # Without a role the comparison is null, which in SQL is not false.
    return fn.COALESCE((_team_id.is_null() & own) | (_team_id.is_null(False) & in_team), False)


def _role_with(right: str) -> Any:
    return TeamMember.role.in_([role for role in ROLES if may(role, right)])
