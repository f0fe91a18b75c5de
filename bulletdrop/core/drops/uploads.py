"""Drops once they are there: listing, changing, taking back; one's own and those of one's teams."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import Case, Value

from bulletdrop.core.audit import record
from bulletdrop.core.drops import changing
from bulletdrop.core.drops.found import (
    delete_by_token,
    find_by_id,
    find_by_token,
    find_by_user_and_filename,
    find_page,
    find_public,
    may_see,
    same_ending,
)
from bulletdrop.core.drops.rows import LIVE, joined, lasting, put_into_trash, trash_expired, with_tags
from bulletdrop.core.models import TeamMember, Upload, from_microseconds, to_microseconds
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.teams import TeamOf
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, NotFound

__all__ = [
    "MOST_PER_PAGE",
    "Page",
    "change_upload",
    "delete_by_token",
    "find_by_id",
    "find_by_token",
    "find_by_user_and_filename",
    "find_page",
    "find_public",
    "get_upload",
    "list_uploads",
    "may_see",
    "restore_upload",
    "same_ending",
    "trash_upload",
]

MOST_PER_PAGE = 200
_LONGEST_CURSOR = 200


@dataclass(frozen=True)
class Page:
    """Part of a list, and the cursor of the next part (None at the end)."""

    items: list[Upload]
    next: str | None


def list_uploads(
    site: Site,
    caller: Caller,
    *,
    team: str | None = None,
    trash: bool = False,
    cursor: str | None = None,
    limit: int = 60,
) -> Page:
    """The caller's own drops, or a team's, newest first (of the trash: last trashed first).

    A drop whose time is over lies in the trash at once, also before it is swept there.

    Args:
        team: its id or slug; None for the drops that are no team's.
    Raises: Invalid for a cursor that is none, or a limit beyond 1 to 200; NotFound for a team that the caller is not
        in, Forbidden for its trash where the caller only looks on, Conflict while it is being deleted.
    """
    if not 1 <= limit <= MOST_PER_PAGE:
        raise Invalid(f"limit is 1 to {MOST_PER_PAGE}.", field="limit")
    order: Any = Upload.trashed_at if trash else Upload.created_at
    shelf = _shelf(site, caller, team, trash=trash)
    if trash:
        trash_expired(site, shelf)
    query = joined().where(shelf & (~LIVE if trash else LIVE & lasting(site)))
    if cursor:
        at, upload_id = _read_cursor(cursor)
        query = query.where((order < at) | ((order == at) & (Upload.id < upload_id)))
    rows = list(query.order_by(order.desc(), Upload.id.desc()).limit(limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if more else None
    return Page(
        _with_rights(site, caller, rows),
        _write_cursor(last.trashed_at if trash else last.created_at, last.id) if last else None,
    )


def get_upload(site: Site, caller: Caller, upload_id: str) -> Upload:
    """One of the caller's own drops, or of a team that they are in, trashed or not.

    Raises: NotFound, also for somebody else's; Conflict for one of a team that is being deleted.
    """
    if "\0" in upload_id:
        raise NotFound("There is no such drop.")
    mine = TeamMember.select(TeamMember.team).where(TeamMember.user == caller.user_id)
    within = (Upload.team.is_null() & (Upload.owner == caller.user_id)) | Upload.team.in_(mine)
    found = joined().where((Upload.id == upload_id) & within).first()
    if found is None:
        raise NotFound("There is no such drop.")
    if found.team_id is not None:
        teams.check_alive(found.team)
    return _with_rights(site, caller, [found])[0]


def change_upload(site: Site, caller: Caller, upload_id: str, changes: Mapping[str, Any]) -> Upload:
    """Change a drop that is the caller's to change.

    Args:
        changes: by field, types as in the API's answer; None takes away what may be missing. title, description,
            language, custom_name, is_public, expires_at, tags; `domain` as a name or id, None or "" for the main
            address; `team` as a slug or id, None for the caller's own gallery; password_hash and max_views as
            `limits.check_terms` gives them; `keep_old_name`: until when the custom name that it had leads on to it;
            `end_old_names`: true ends those that lead on to it now.
    Raises: Invalid for a field that cannot be changed, BadName, NameReserved, NameTaken, TooBig for the domain,
        NotFound, Forbidden; for another team what `moving.move` raises.
    """
    upload = _to_change(site, caller, upload_id)
    found = changing.checked(site, caller, upload, changes)
    changing.write(site, upload, found, (caller, changes["team"]) if "team" in changes else None)
    return get_upload(site, caller, upload_id)


def trash_upload(site: Site, caller: Caller, upload_id: str) -> Upload:
    """Put a drop into the trash: its links stop at once; it is gone for good after `trash_days`."""
    put_into_trash(site, _to_change(site, caller, upload_id), actor=caller.user_id)
    return get_upload(site, caller, upload_id)


def restore_upload(site: Site, caller: Caller, upload_id: str) -> Upload:
    """Take a drop out of the trash: its links work again. One whose time was over has none from then on, and stays."""
    upload = _to_change(site, caller, upload_id)
    if upload.removed_at is not None:
        raise Forbidden("The admin has taken this drop away. Ask them to give it back.")
    # With its old end it would be back in the trash within a minute.
    end = Case(None, [(Upload.expires_at <= site.clock.now(), Value(None))], Upload.expires_at)
    Upload.update(trashed_at=None, expires_at=end).where(Upload.id == upload.id).execute()
    record(site, "upload.restore", actor=caller.user_id, subject=upload.id)
    return get_upload(site, caller, upload_id)


def _shelf(site: Site, caller: Caller, team: str | None, *, trash: bool) -> Any:
    """The condition for the drops of one gallery."""
    if team is None:
        return Upload.team.is_null() & (Upload.owner == caller.user_id)
    found = teams.find_team(site, caller.user_id, team)
    if trash:
        teams.require(found.role, "upload")
    teams.check_alive(found.team)
    return Upload.team == found.team.id


def _to_change(site: Site, caller: Caller, upload_id: str) -> Upload:
    upload = get_upload(site, caller, upload_id)
    if not upload.may_change:
        raise Forbidden("This drop is the team's: only an admin of it, or the member who brought it, can change it.")
    return upload


def _with_rights(site: Site, caller: Caller, rows: Iterable[Upload]) -> list[Upload]:
    """The rows with `tag_names` and `may_change` filled: two queries for all of them."""
    found = with_tags(rows)
    roles = {one.team.id: one for one in teams.teams_of(site, caller.user_id)} if any(r.team_id for r in found) else {}
    for upload in found:
        team: TeamOf | None = roles.get(upload.team_id or "")
        upload.may_change = teams.changes(team.role if team else None, caller, upload)
    return found


def _write_cursor(at: datetime | None, upload_id: str) -> str:
    assert at is not None
    return base64.urlsafe_b64encode(json.dumps([to_microseconds(at), upload_id]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        # Ours has 60 characters; json.loads follows brackets as deep as they go.
        if len(cursor) > _LONGEST_CURSOR:
            raise ValueError("too long")
        at, upload_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if "\0" in str(upload_id):
            raise ValueError("no id")
        return from_microseconds(int(at)), str(upload_id)
    except (ValueError, TypeError, OverflowError) as error:
        raise Invalid("This cursor is none of ours. Start at the beginning.", field="cursor") from error
