"""Making: albums of one's own and of one's teams are made, listed, changed and deleted; their drops stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bulletdrop.core.audit import record
from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.database import transaction
from bulletdrop.core.drops.albums.looking import count_items, cover_of, is_alive, joined_albums, shelf_of
from bulletdrop.core.drops.rows import LIVE
from bulletdrop.core.models import Album, AlbumItem, TeamMember, Upload
from bulletdrop.core.names.slugs import new_slug
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.text import line_of, lines_of
from bulletdrop.errors import BadName, Forbidden, Invalid, NotFound

SORTS = ("manual", "newest", "oldest", "name")
LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 4000
_UNKNOWN = "There is no such album."
_TERMS = frozenset({"password_hash", "max_views", "expires_at"})


@dataclass(frozen=True)
class Listed:
    """An album as its own people see it: how many drops it has, its cover, and whether who looks may change it."""

    album: Album
    count: int
    cover: Upload | None
    may_change: bool
    is_alive: bool


def list_albums(
    site: Site, caller: Caller, *, team: str | None = None, cursor: str | None = None, limit: int = 60
) -> Page[Listed]:
    """The caller's own albums and those of their teams, or one team's alone, newest first; also expired ones.

    Args:
        team: its id or slug; None for all that the caller has a part in.
    Raises: Invalid for a cursor that is none, or a limit beyond 1 to 200; NotFound for a team that the caller is not
        in.
    """
    if team is None:
        query = joined_albums().where(_theirs(caller))
    else:
        query = joined_albums().where(Album.team == teams.find_team(site, caller.user_id, team).team.id)
    page = paged(query, by=Album.created_at, ties=Album.id, cursor=cursor, limit=limit)
    roles = _roles(site, caller)
    return Page([_listed(site, caller, album, roles) for album in page.items], page.next)


def albums_of(site: Site, caller: Caller, *, team_id: str | None) -> list[Album]:
    """The albums that a drop of the caller's, or of a team, may be put into, by title; at most 500."""
    if team_id is not None:
        role = teams.role_in(site, team_id, caller.user_id)
        if not teams.may(role, "upload"):
            return []
        where: Any = Album.team == team_id
    else:
        where = Album.team.is_null() & (Album.owner == caller.user_id)
    return list(joined_albums().where(where).order_by(Album.title, Album.id).limit(500))


def albums_showing(site: Site, caller: Caller, upload: Upload) -> list[Album]:
    """The albums of the caller's own and of their teams that a drop is shown in, by title; at most 20."""
    query = joined_albums().switch(Album).join(AlbumItem, on=(AlbumItem.album == Album.id))
    shelf = (Album.team == upload.team_id) if upload.team_id is not None else Album.team.is_null()
    found = query.where((AlbumItem.upload == upload.id) & shelf & _theirs(caller)).order_by(Album.title).limit(20)
    return [album for album in found if is_alive(site, album)]


def get_album(site: Site, caller: Caller, album_id: str) -> Album:
    """One of the caller's own albums, or of a team that they are in, expired or not.

    Raises: NotFound, also for somebody else's; Conflict for one of a team that is being deleted.
    """
    found: Album | None = None
    if "\0" not in album_id:
        found = joined_albums().where((Album.id == album_id) & _theirs(caller)).first()
    if found is None:
        raise NotFound(_UNKNOWN)
    if found.team is not None:
        teams.check_alive(found.team)
    return found


def listed(site: Site, caller: Caller, album: Album) -> Listed:
    """An album that is the caller's to see, with what its pages show beside it."""
    return _listed(site, caller, album, _roles(site, caller))


def may_change(site: Site, caller: Caller, album: Album) -> bool:
    """True for the owner of an album; of a team's album, for everybody in it who may upload."""
    if album.team_id is None:
        return caller.user_id == album.owner_id
    return teams.may(teams.role_in(site, album.team_id, caller.user_id), "upload")


def to_change(site: Site, caller: Caller, album_id: str) -> Album:
    """An album that the caller may change. Raises NotFound, Forbidden, Conflict."""
    album = get_album(site, caller, album_id)
    if not may_change(site, caller, album):
        raise Forbidden("You may look at this team's albums, but not change them. Ask an admin of the team.")
    return album


def create_album(
    site: Site, caller: Caller, *, title: str, description: str = "", team: str | None = None, is_public: bool = True
) -> Album:
    """Make an empty album.

    Args:
        team: the slug or id of the team whose album it is; None for the caller's own.
    Raises: BadName, Invalid; NotFound, Forbidden, Conflict for a team that the caller may not upload to.
    """
    team_id = None
    if team is not None:
        team_id = teams.find_team(site, caller.user_id, team).team.id
        teams.check_may_upload(site, caller.user_id, team_id)
    now = site.clock.now()
    values = {"title": check_title(title), "description": check_description(description), "is_public": is_public}
    with transaction(site.db):
        made = Album.create(
            slug=new_slug(site), owner=caller.user_id, team=team_id, created_at=now, updated_at=now, **values
        )
        record(site, "album.create", actor=caller.user_id, subject=made.id)
    return get_album(site, caller, made.id)


def change_album(
    site: Site,
    caller: Caller,
    album_id: str,
    changes: Mapping[str, Any],
    *,
    terms: Mapping[str, Any] | None = None,
) -> Album:
    """Change an album's title, description, sort, is_public or cover, and its terms.

    Args:
        changes: by field; `cover` is the id of one of its drops, or None for its first.
        terms: columns as `sharing.limits.check_terms` gives them.
    Raises: Invalid with the field, BadName, NotFound, Forbidden, Conflict.
    """
    album = to_change(site, caller, album_id)
    values = {name: value for name, value in (terms or {}).items() if name in _TERMS}
    for field, value in changes.items():
        if field == "title":
            values["title"] = check_title(value)
        elif field == "description":
            values["description"] = check_description(value)
        elif field == "sort":
            values["sort"] = _check_sort(value)
        elif field == "is_public":
            values["is_public"] = bool(value)
        elif field == "cover":
            values["cover"] = _check_cover(album, value)
        else:
            raise Invalid(f"“{field}” cannot be changed.", field=field)
    if values:
        with transaction(site.db):
            Album.update(updated_at=site.clock.now(), **values).where(Album.id == album.id).execute()
            if values.keys() & (_TERMS | {"is_public"}):
                record(site, "album.change", actor=caller.user_id, subject=album.id, detail=", ".join(sorted(values)))
    return get_album(site, caller, album.id)


def delete_album(site: Site, caller: Caller, album_id: str) -> None:
    """Delete an album, its share links and its requests for files. Its drops stay where they are.

    A team's album: whoever made it, as long as they may upload there, or an admin of the team.
    """
    album = to_change(site, caller, album_id)
    if album.team_id is not None and album.owner_id != caller.user_id:
        role = teams.role_in(site, album.team_id, caller.user_id)
        if not teams.may(role, "change all drops"):
            raise Forbidden("Only an admin of the team, or the member who made this album, can delete it.")
    with transaction(site.db):
        Album.delete().where(Album.id == album.id).execute()
        record(site, "album.delete", actor=caller.user_id, subject=album.id, detail=album.title)


def check_title(value: Any) -> str:
    """A title in the form to keep. Raises BadName."""
    return line_of(value, what="A title", field="title", least=1, most=LONGEST_TITLE, error=BadName)


def check_description(value: Any, *, field: str = "description") -> str:
    """A text of several lines in the form to keep. Raises Invalid."""
    return lines_of(value, what="This text", field=field, most=LONGEST_DESCRIPTION)


def _check_sort(value: Any) -> str:
    if value not in SORTS:
        raise Invalid(f"An album is sorted by: {', '.join(SORTS)}.", field="sort")
    return str(value)


def _check_cover(album: Album, upload_id: Any) -> str | None:
    """The id of an item. Raises NotFound for what is none, with its field."""
    if not upload_id:
        return None
    inside = (AlbumItem.album == album.id) & (AlbumItem.upload == str(upload_id)) & shelf_of(album) & LIVE
    known = "\0" not in str(upload_id) and AlbumItem.select().join(Upload).where(inside).exists()
    if not known:
        raise NotFound("The cover is one of the album's drops.", field="cover")
    return str(upload_id)


def _theirs(caller: Caller) -> Any:
    mine = TeamMember.select(TeamMember.team).where(TeamMember.user == caller.user_id)
    return (Album.team.is_null() & (Album.owner == caller.user_id)) | Album.team.in_(mine)


def _roles(site: Site, caller: Caller) -> dict[str, str]:
    return {one.team.id: one.role for one in teams.teams_of(site, caller.user_id)}


def _listed(site: Site, caller: Caller, album: Album, roles: Mapping[str, str]) -> Listed:
    changes = album.team_id is None or teams.may(roles.get(album.team_id), "upload")
    count = count_items(site, album, caller)
    cover = cover_of(site, album, caller) if count else None
    return Listed(album, count, cover, changes, is_alive(site, album))
