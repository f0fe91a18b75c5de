"""Moving: a drop goes from its sender's own gallery into a team's, or back, or from team to team."""

from __future__ import annotations

from bulletdrop.core.audit import record
from bulletdrop.core.drops.rows import LIVE
from bulletdrop.core.models import Upload
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.quotas import charge, credit
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden


def move(site: Site, caller: Caller, upload: Upload, team: str | None) -> None:
    """Move a drop, inside the caller's transaction: what one account gives up in storage the other takes.

    It counts as an upload of the day for the account that gets it. Whoever moves a drop is its owner afterwards.

    Args:
        upload: the drop, with its blob, which the caller may change.
        team: the slug or id of the team; None for the caller's own gallery.
    Raises: NotFound for a team that the caller is not in, Forbidden where they may not upload or may no longer change
        the drop, Conflict for a drop in the trash or one that somebody else moved meanwhile, QuotaFull, TooMany.
    """
    target = None if team is None else teams.find_team(site, caller.user_id, team).team.id
    if target == upload.team_id:
        return
    keep_key = upload.owner_id == caller.user_id
    values = {"team": target, "owner": caller.user_id} | ({} if keep_key else {"idempotency_key": None})
    where_it_was = Upload.team.is_null() if upload.team_id is None else Upload.team == upload.team_id
    still = (Upload.id == upload.id) & (Upload.owner == upload.owner_id) & where_it_was & LIVE
    if not Upload.update(values).where(still).execute():
        raise Conflict("This drop is in the trash, or was moved meanwhile. Reload the page.")
    size, before = upload.blob.size, upload.team_id or upload.owner_id
    # Both accounts' rows in one order: two moves that cross would wait for each other for ever.
    first_taken = (target or caller.user_id) < before
    if first_taken:
        charge(site, caller.user_id, target, size)
    credit(site, upload.owner_id, upload.team_id, size)
    if not first_taken:
        charge(site, caller.user_id, target, size)
    # Asked with both rows locked: whoever was removed or demoted a moment ago moves nothing.
    if target is not None:
        teams.check_may_upload(site, caller.user_id, target)
    if not teams.may_change(site, caller, upload):
        raise Forbidden("This drop is the team's: only an admin of it, or the member who brought it, can move it.")
    said = f"{upload.team_id or 'own'} to {target or 'own'}"
    record(site, "upload.move", actor=caller.user_id, subject=upload.id, detail=said)
