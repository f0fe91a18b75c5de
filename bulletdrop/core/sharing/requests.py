"""Requests for files: a link at which a guest adds files to an album without seeing it. What they bring is its owner's.

Each of its limits is held by one conditional UPDATE: room is taken before the bytes come, and settled when they have.
Who is killed in between leaves its room taken: fewer files may come than were allowed, never more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import JOIN

from bulletdrop.core.audit import record
from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.database import transaction
from bulletdrop.core.drops import albums
from bulletdrop.core.drops.albums.making import check_description
from bulletdrop.core.models import Album, Team, UploadRequest, User
from bulletdrop.core.models.base import random_text
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.text import line_of, size_in_words
from bulletdrop.errors import BadName, Forbidden, Invalid, NotFound, TooBig, UsedUp

# 94 bits: nobody's guess, and short enough to be read out.
_TOKEN = 16
_NOTHING = "There is nothing at this address. The link may be mistyped, expired or taken back."
_UNKNOWN = "There is no such request."
_MOST = {"max_files": 10_000, "max_bytes": 2**50, "max_file_size": 2**50}
_TERMS = frozenset({"password_hash", "expires_at"})


@dataclass(frozen=True)
class Held:
    """Room at a request that one guest has taken: so many files, so many bytes."""

    request_id: str
    files: int
    size: int


def create_request(
    site: Site,
    caller: Caller,
    *,
    album_id: str | None,
    title: str,
    message: str = "",
    numbers: Mapping[str, int | None] | None = None,
    terms: Mapping[str, Any] | None = None,
) -> UploadRequest:
    """Ask guests for files.

    Args:
        album_id: of an album that the caller may change; a team's is filled with the team's drops. None for a new one
            of the caller's own, private and with the request's title; a request that is refused leaves none behind.
        numbers: any of `max_files`, `max_bytes` and `max_file_size`; None is no limit.
        terms: `password_hash` and `expires_at`, as `limits.check_terms` gives them.
    Raises: NotFound, Forbidden for an album that is not the caller's to change, and for a key that may not upload;
        BadName, Invalid, Conflict.
    """
    _check_may_bring(caller)
    album = None if album_id is None else _album_to_fill(site, caller, album_id)
    values = {name: value for name, value in (terms or {}).items() if name in _TERMS}
    for name, value in (numbers or {}).items():
        values[name] = _check_number(name, value)
    values |= {"title": _check_title(title), "message": check_description(message, field="message")}
    with transaction(site.db):
        if album is None:
            album = albums.create_album(site, caller, title=values["title"], is_public=False)
        made = UploadRequest.create(
            token=random_text(_TOKEN),
            owner=caller.user_id,
            album=album.id,
            created_at=site.clock.now(),
            **values,
        )
        record(site, "request.create", actor=caller.user_id, subject=made.id, detail=album.id)
    return get_request(site, caller, made.id)


def list_requests(
    site: Site, caller: Caller, *, album_id: str | None = None, cursor: str | None = None, limit: int = 60
) -> Page[UploadRequest]:
    """The caller's own requests, newest first, also those that are closed or over. Raises Invalid."""
    query = _joined().where(UploadRequest.owner == caller.user_id)
    if album_id is not None:
        query = query.where(UploadRequest.album == albums.get_album(site, caller, album_id).id)
    return paged(query, by=UploadRequest.created_at, ties=UploadRequest.id, cursor=cursor, limit=limit)


def get_request(site: Site, caller: Caller, request_id: str) -> UploadRequest:
    """One of the caller's own requests. Raises NotFound, also for somebody else's."""
    found: UploadRequest | None = None
    if "\0" not in request_id:
        mine = (UploadRequest.id == request_id) & (UploadRequest.owner == caller.user_id)
        found = _joined().where(mine).first()
    if found is None:
        raise NotFound(_UNKNOWN)
    return found


def change_request(
    site: Site,
    caller: Caller,
    request_id: str,
    changes: Mapping[str, Any],
    *,
    terms: Mapping[str, Any] | None = None,
) -> UploadRequest:
    """Change what a request says and allows, or close and open it.

    Args:
        changes: any of `title`, `message`, `max_files`, `max_bytes`, `max_file_size` and `revoked`.
        terms: as in `create_request`.
    Raises: NotFound, Invalid with the field, BadName; Forbidden for a key that may not upload: it may only close it.
    """
    if terms or dict(changes) != {"revoked": True}:
        _check_may_bring(caller)
    found = get_request(site, caller, request_id)
    values = {name: value for name, value in (terms or {}).items() if name in _TERMS}
    for field, value in changes.items():
        if field == "title":
            values["title"] = _check_title(value)
        elif field == "message":
            values["message"] = check_description(value, field="message")
        elif field in _MOST:
            values[field] = _check_number(field, value)
        elif field == "revoked":
            values["revoked_at"] = (found.revoked_at or site.clock.now()) if value else None
        else:
            raise Invalid(f"“{field}” cannot be changed.", field=field)
    if values:
        with transaction(site.db):
            UploadRequest.update(values).where(UploadRequest.id == found.id).execute()
            record(site, "request.change", actor=caller.user_id, subject=found.id, detail=", ".join(sorted(values)))
    return get_request(site, caller, found.id)


def delete_request(site: Site, caller: Caller, request_id: str) -> None:
    """Delete a request: its link stops at once. What came by it stays. Raises NotFound."""
    found = get_request(site, caller, request_id)
    with transaction(site.db):
        UploadRequest.delete().where(UploadRequest.id == found.id).execute()
        record(site, "request.delete", actor=caller.user_id, subject=found.id)


def is_open(site: Site, wanted: UploadRequest) -> bool:
    """True while it takes files, as far as its own row says."""
    over = wanted.expires_at is not None and wanted.expires_at <= site.clock.now()
    return wanted.revoked_at is None and not over and not is_full(wanted)


def takes_more(site: Site, wanted: UploadRequest) -> bool:
    """As `is_open`, of the row as it is now: after files that have just come."""
    now = UploadRequest.get_or_none(UploadRequest.id == wanted.id)
    return now is not None and is_open(site, now)


def is_full(wanted: UploadRequest) -> bool:
    """True when as many files or bytes have come as were allowed, as of the moment at which the row was read."""
    files_full = wanted.max_files is not None and wanted.files >= wanted.max_files
    return files_full or (wanted.max_bytes is not None and wanted.bytes >= wanted.max_bytes)


def find_request(site: Site, token: str) -> UploadRequest:
    """The request behind a link, with owner, album and team: not closed, not over, and its owner still there.

    A team's: only as long as whoever made it may upload there. Raises NotFound.
    """
    found: UploadRequest | None = None
    if "\0" not in token:
        found = _joined().where((UploadRequest.token == token) & UploadRequest.revoked_at.is_null()).first()
    if found is None or not _is_alive(site, found):
        raise NotFound(_NOTHING)
    return found


def sender_of(wanted: UploadRequest) -> Caller:
    """Whose drops they become: the request's owner, who may do nothing else by it."""
    return Caller(wanted.owner_id, wanted.owner.username, is_admin=False, scopes=frozenset({"uploads:write"}))


def reserve(site: Site, wanted: UploadRequest, *, files: int, size: int) -> Held:
    """Take room for files before their bytes come. `settle` it or `give_back`.

    Args:
        size: bytes that will come at the least.
    Raises: UsedUp when there is no room for so many files, TooBig for so many bytes, NotFound when it was closed.
    """
    if not _count(site, wanted.id, files, size):
        raise _refusal(site, wanted.id, files, size)
    return Held(wanted.id, files, size)


def settle(site: Site, held: Held, *, sizes: Sequence[int]) -> Held:
    """The files have come: take exactly what they are. What was held is given back when there is no room for more.

    Raises: as `reserve`; TooBig for a file beyond the largest that is taken.
    """
    try:
        wanted = UploadRequest.get_or_none(UploadRequest.id == held.request_id)
        if wanted is None:
            raise NotFound(_NOTHING)
        check_file_sizes(wanted, sizes)
        more, size = len(sizes) - held.files, sum(sizes) - held.size
        if not _count(site, held.request_id, more, size):
            raise _refusal(site, held.request_id, more, size)
    except Exception:
        give_back(site, held)
        raise
    return Held(held.request_id, len(sizes), sum(sizes))


def give_back(site: Site, held: Held) -> None:
    """The files are not kept after all: their room is free again."""
    row = UploadRequest.id == held.request_id
    UploadRequest.update(files=UploadRequest.files - held.files, bytes=UploadRequest.bytes - held.size).where(
        row
    ).execute()


def take_in(site: Site, wanted: UploadRequest, upload_ids: Sequence[str], *, address: str = "") -> None:
    """Put what a guest brought into the request's album, and note it."""
    with transaction(site.db):
        albums.put_in(site, wanted.album_id, upload_ids)
        count = f"{len(upload_ids)} {'file' if len(upload_ids) == 1 else 'files'}"
        record(site, "request.receive", subject=wanted.id, address=address, detail=count)


def check_file_sizes(wanted: UploadRequest, sizes: Sequence[int]) -> None:
    """Raise TooBig when one of the files is larger than the request takes."""
    most = wanted.max_file_size
    if most is not None and max(sizes, default=0) > most:
        raise TooBig(f"Too large. A file here has up to {size_in_words(most)}.", field="file")


def _count(site: Site, request_id: str, files: int, size: int) -> bool:
    """Count so many more, if there is room for them now. What is not more always fits."""
    model = UploadRequest
    where = (model.id == request_id) & model.revoked_at.is_null()
    where &= model.expires_at.is_null() | (model.expires_at > site.clock.now())
    if files > 0:
        where &= model.max_files.is_null() | (model.files + files <= model.max_files)
    if size > 0:
        where &= model.max_bytes.is_null() | (model.bytes + size <= model.max_bytes)
    changed = model.update(files=model.files + files, bytes=model.bytes + size, last_used_at=site.clock.now())
    return bool(changed.where(where).execute())


def _refusal(site: Site, request_id: str, files: int, size: int) -> Exception:
    """Why there was no room, as of now."""
    wanted = UploadRequest.get_or_none(UploadRequest.id == request_id)
    if wanted is None or wanted.revoked_at is not None:
        return NotFound(_NOTHING)
    if wanted.expires_at is not None and wanted.expires_at <= site.clock.now():
        return NotFound(_NOTHING)
    if files > 0 and wanted.max_files is not None and wanted.files + files > wanted.max_files:
        return UsedUp("No more files are taken here than have come already.")
    if wanted.max_bytes is not None and wanted.bytes >= wanted.max_bytes:
        return UsedUp("No more is taken here than has come already.")
    return TooBig(f"Too large. There is no room here for {size_in_words(max(size, 1))} more.", field="file")


def _is_alive(site: Site, wanted: UploadRequest) -> bool:
    if wanted.expires_at is not None and wanted.expires_at <= site.clock.now():
        return False
    if not wanted.owner.is_active or wanted.owner.delete_scheduled_for is not None:
        return False
    team = wanted.album.team
    if team is None:
        return wanted.album.owner_id == wanted.owner_id
    return team.delete_scheduled_for is None and teams.may(teams.role_in(site, team.id, wanted.owner_id), "upload")


def _check_may_bring(caller: Caller) -> None:
    """What comes by a request is uploaded in the caller's name: a key that may not do so opens no way around that."""
    caller.needs("uploads:write")


def _album_to_fill(site: Site, caller: Caller, album_id: str) -> Album:
    album = albums.get_album(site, caller, album_id)
    if not albums.may_change(site, caller, album):
        raise Forbidden("You may look at this team's albums, but not change them. Ask an admin of the team.")
    return album


def _joined() -> Any:
    owner = (User.id, User.username, User.is_active, User.delete_scheduled_for)
    album = (Album.id, Album.slug, Album.title, Album.owner, Album.team)
    team = (Team.id, Team.name, Team.slug, Team.delete_scheduled_for)
    query = UploadRequest.select(UploadRequest, *owner, *album, *team).join(User, on=(UploadRequest.owner == User.id))
    query = query.switch(UploadRequest).join(Album, on=(UploadRequest.album == Album.id))
    return query.join(Team, JOIN.LEFT_OUTER, on=(Album.team == Team.id))


def _check_title(value: Any) -> str:
    return line_of(value, what="A title", field="title", least=1, most=200, error=BadName)


def _check_number(field: str, value: int | None) -> int | None:
    if value is not None and not 1 <= value <= _MOST[field]:
        raise Invalid("This is a whole number of at least 1, or left out for no limit.", field=field)
    return value
