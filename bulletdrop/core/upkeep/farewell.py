"""Farewell: an account or a team whose time is over is deleted, in an order that a crash cannot break.

Drops first, one by one, each whole; teams handed on; the account's own row last. Until that row is gone the next run
finds it and goes on; after it, nothing of the account is left but what the hourly sweep knows how to find.
"""

from __future__ import annotations

from datetime import timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.mail import post
from bulletdrop.core.models import Hold, Upload, Usage, User
from bulletdrop.core.people import teams
from bulletdrop.core.people.departures import due_deletions
from bulletdrop.core.sharing.secrets import erase_secrets
from bulletdrop.core.site import Site

# Drops deleted in one go; a library of ten years takes several runs of the job.
_MOST_DROPS = 2000


def finish_deletions(site: Site) -> str:
    """Delete the accounts and the teams whose time is over. Safe to be killed anywhere, and to be run again."""
    gone = sum(finish_deletion(site, user_id) for user_id in due_deletions(site))
    gone += sum(_finish_team(site, team_id) for team_id in teams.due_teams(site))
    return f"{gone} deleted"


def finish_deletion(site: Site, user_id: str) -> bool:
    """Delete one account whose time is over. Returns whether it is gone now."""
    user = User.get_or_none((User.id == user_id) & (User.delete_scheduled_for <= site.clock.now()))
    if user is None:
        return False
    erase_secrets(site, owner_id=user_id)
    teams.hand_over_before_leaving(site, user_id)
    if not _delete_drops(site, user_id):
        return False
    if user.avatar_key:
        site.storage.delete(user.avatar_key)
    with transaction(site.db):
        if Upload.select(Upload.id).where(Upload.owner == user_id).exists():
            return False  # one came meanwhile: with the next run
        Usage.delete().where(Usage.account == user_id).execute()
        Hold.delete().where(Hold.account == user_id).execute()
        # Sessions, keys, second factors, identities, tickets and memberships go with the row.
        User.delete().where(User.id == user_id).execute()
        record(site, "account.deleted", subject=user_id)
        if user.email:
            post(site, "deleted", to=user.email, username=user.username, lives=timedelta(days=7))
    return True


def _finish_team(site: Site, team_id: str) -> bool:
    erase_secrets(site, team_id=team_id)
    return teams.finish_deletion(site, team_id, delete_forever)


def _delete_drops(site: Site, user_id: str) -> bool:
    """Delete a person's own drops for good. Returns whether none is left."""
    mine = (Upload.owner == user_id) & Upload.team.is_null()
    ids = [row.id for row in Upload.select(Upload.id).where(mine).order_by(Upload.id).limit(_MOST_DROPS)]
    for upload_id in ids:
        still = (Upload.id == upload_id) & Upload.trashed_at.is_null()
        Upload.update(trashed_at=site.clock.now()).where(still).execute()
        delete_forever(site, upload_id)
    return len(ids) < _MOST_DROPS
