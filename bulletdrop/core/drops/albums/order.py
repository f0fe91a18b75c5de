"""Order: what lies in an album and where. Drops are put in, taken out and moved about, many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from peewee import EXCLUDED, fn

from bulletdrop.core.database import transaction
from bulletdrop.core.drops.albums.looking import item_ids, order_of, shelf_of
from bulletdrop.core.drops.albums.making import to_change
from bulletdrop.core.drops.rows import LIVE
from bulletdrop.core.models import Album, AlbumItem, Upload
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid, NotFound

MOST_ITEMS = 10_000
# How many ids one statement takes: SQLite allows 32,766 values in one.
_AT_ONCE = 500


def add_items(site: Site, caller: Caller, album_id: str, upload_ids: Sequence[str]) -> int:
    """Put drops at an album's end, in this order; those that lie in it already stay where they are.

    Returns: how many are new in it.
    Raises: NotFound when one of them is not a drop that may lie there: the caller's own, or of a team's album the
        team's; Forbidden for somebody else's private one that they may not change, and for an album that they only
        look at; Conflict, Invalid for more than MOST_ITEMS. Nothing is added then.
    """
    album = to_change(site, caller, album_id)
    wanted = _distinct(upload_ids)
    with transaction(site.db):
        _lock(site, album)
        if _known(album, wanted) < len(wanted):
            raise NotFound("One of these drops is not there, or is not yours to put into this album.", field="ids")
        _check_may_show(site, caller, album, wanted)
        return _append(site, album, wanted)


def put_in(site: Site, album_id: str, upload_ids: Sequence[str]) -> int:
    """As `add_items`, for drops that somebody else was allowed to bring; one that is gone meanwhile is left out.

    Returns: how many are new in it; 0 also when the album is gone.
    """
    with transaction(site.db):
        album = Album.get_or_none(Album.id == album_id)
        if album is None or not _lock(site, album):
            return 0
        wanted = [one for part in _parts(_distinct(upload_ids)) for one in _alive_ids(album, part)]
        return _append(site, album, wanted)


def remove_items(site: Site, caller: Caller, album_id: str, upload_ids: Sequence[str]) -> int:
    """Take drops out of an album; they stay where they are. Returns how many were in it. Raises NotFound, Forbidden."""
    album = to_change(site, caller, album_id)
    wanted, removed = _distinct(upload_ids), 0
    with transaction(site.db):
        _lock(site, album)
        for part in _parts(wanted):
            inside = (AlbumItem.album == album.id) & AlbumItem.upload.in_(part)
            removed += AlbumItem.delete().where(inside).execute()
        Album.update(cover=None).where((Album.id == album.id) & Album.cover.in_(wanted[:_AT_ONCE])).execute()
    return removed


def reorder(site: Site, caller: Caller, album_id: str, upload_ids: Sequence[str]) -> Album:
    """Give an album's drops an order, and show it by that from now on.

    Args:
        upload_ids: all of them or only some: those come first in this order, the others after them as they were. Ids
            that are not in the album are passed over: somebody may have taken them out meanwhile.
    """
    album = to_change(site, caller, album_id)
    wanted = _distinct(upload_ids)
    with transaction(site.db):
        _lock(site, album)
        query: Any = AlbumItem.select(AlbumItem.upload).where(AlbumItem.album == album.id)
        now = [row[0] for row in query.order_by(AlbumItem.position, AlbumItem.upload).tuples()]
        known, first = set(now), set(wanted)
        ids = [one for one in wanted if one in known] + [one for one in now if one not in first]
        _write(site, album, {one: place for place, one in enumerate(ids)})
        Album.update(sort="manual").where(Album.id == album.id).execute()
    album.sort = "manual"
    return album


def move_item(site: Site, caller: Caller, album_id: str, upload_id: str, *, before: str | None) -> Album:
    """Move one drop of an album to another place in the order in which it is shown now, which counts from now on.

    Args:
        before: the id of the drop that is to follow it; None for the album's end.
    Raises: NotFound when one of them is not in the album, Forbidden, Conflict.
    """
    album = to_change(site, caller, album_id)
    with transaction(site.db):
        _lock(site, album)
        places = _places(album)
        ids = list(places)
        if upload_id not in ids or (before is not None and before not in ids):
            raise NotFound("There is no such drop in this album. Reload the page.")
        if upload_id != before:
            ids.remove(upload_id)
            ids.insert(len(ids) if before is None else ids.index(before), upload_id)
        # Mostly a few: writing all of five thousand takes a quarter of a second.
        _write(site, album, {one: place for place, one in enumerate(ids) if places[one] != place})
        Album.update(sort="manual").where(Album.id == album.id).execute()
    album.sort = "manual"
    return album


def step(site: Site, caller: Caller, album_id: str, upload_id: str, *, by: int) -> Album:
    """Move a drop by one place among those that are shown: forward for -1, back for 1; at an end it stays."""
    album = to_change(site, caller, album_id)
    shown = item_ids(site, album, theirs=True)
    if upload_id not in shown:
        raise NotFound("There is no such drop in this album. Reload the page.")
    at = shown.index(upload_id)
    if not 0 <= at + by < len(shown):
        return album
    after = at - 1 if by < 0 else at + 2
    return move_item(site, caller, album_id, upload_id, before=shown[after] if after < len(shown) else None)


def inside(site: Site, album: Album, upload_ids: Sequence[str]) -> set[str]:
    """Those of the drops that lie in the album."""
    query: Any = AlbumItem.select(AlbumItem.upload).where(AlbumItem.album == album.id)
    return {row[0] for row in query.where(AlbumItem.upload.in_(list(upload_ids))).tuples()}


def albums_with(site: Site, upload_id: str) -> set[str]:
    """The ids of the albums that a drop lies in, whoever's they are."""
    query: Any = AlbumItem.select(AlbumItem.album).where(AlbumItem.upload == upload_id)
    return {row[0] for row in query.tuples()}


def _places(album: Album) -> dict[str, int]:
    """All drops of an album in the order in which it is shown, also those that nobody sees now, and their positions."""
    query: Any = AlbumItem.select(AlbumItem.upload, AlbumItem.position).join(Upload).where(AlbumItem.album == album.id)
    return {row[0]: int(row[1]) for row in query.order_by(*order_of(album)).tuples()}


def _lock(site: Site, album: Album) -> bool:
    """Lock the album's row until the transaction ends, so that one change of its order comes after the other."""
    return bool(Album.update(updated_at=site.clock.now()).where(Album.id == album.id).execute())


def _append(site: Site, album: Album, upload_ids: list[str]) -> int:
    its = AlbumItem.album == album.id
    inside: set[str] = set()
    for part in _parts(upload_ids):
        rows: Any = AlbumItem.select(AlbumItem.upload).where(its & AlbumItem.upload.in_(part))
        inside |= {row[0] for row in rows.tuples()}
    new = [one for one in upload_ids if one not in inside]
    count, last = AlbumItem.select(fn.COUNT(AlbumItem.upload), fn.MAX(AlbumItem.position)).where(its).tuples().first()
    if count + len(new) > MOST_ITEMS:
        raise Conflict(f"An album holds at most {MOST_ITEMS:,} drops.", title="The album is full", field="ids")
    end = 0 if last is None else int(last) + 1
    _write(site, album, {one: place for place, one in enumerate(new, end)})
    return len(new)


def _write(site: Site, album: Album, places: dict[str, int]) -> None:
    """Give drops their positions; those that are new in the album come into it."""
    now = site.clock.now()
    for part in _parts(list(places)):
        rows = [{"album": album.id, "upload": one, "position": places[one], "added_at": now} for one in part]
        AlbumItem.insert_many(rows).on_conflict(
            conflict_target=[AlbumItem.album, AlbumItem.upload], update={AlbumItem.position: EXCLUDED.position}
        ).execute()


def _known(album: Album, upload_ids: list[str]) -> int:
    return sum(len(_alive_ids(album, part)) for part in _parts(upload_ids))


def _alive_ids(album: Album, upload_ids: list[str]) -> list[str]:
    """Those that may lie in the album, in the order in which they were named."""
    rows: Any = Upload.select(Upload.id).where(Upload.id.in_(upload_ids) & shelf_of(album) & LIVE).tuples()
    found = {row[0] for row in rows}
    return [one for one in upload_ids if one in found]


def _check_may_show(site: Site, caller: Caller, album: Album, upload_ids: list[str]) -> None:
    """Raise Forbidden for a team's private drops that the caller may not change: an album would show them to others."""
    if album.team_id is None or teams.may(teams.role_in(site, album.team_id, caller.user_id), "change all drops"):
        return
    others = ~Upload.is_public & (Upload.owner != caller.user_id)
    for part in _parts(upload_ids):
        if Upload.select(Upload.id).where(Upload.id.in_(part) & others).exists():
            message = "One of these drops is private. Whoever brought it, or an admin of the team, can put it in here."
            raise Forbidden(message, field="ids")


def _distinct(upload_ids: Sequence[str]) -> list[str]:
    if len(upload_ids) > MOST_ITEMS:
        raise Invalid(f"At most {MOST_ITEMS:,} at once.", field="ids")
    if any("\0" in one for one in upload_ids):
        raise NotFound("There is no such drop.", field="ids")
    return list(dict.fromkeys(upload_ids))


def _parts(upload_ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(upload_ids), _AT_ONCE):
        yield upload_ids[start : start + _AT_ONCE]
