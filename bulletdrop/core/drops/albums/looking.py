"""Looking: which drops of an album somebody sees. Private ones are shown through it, and what is guarded stays so."""

from __future__ import annotations

from typing import Any

from peewee import JOIN, fn

from bulletdrop.core.cursors import MOST_PER_PAGE, Page, read_cursor, write_cursor
from bulletdrop.core.drops.rows import LIVE, joined, with_tags
from bulletdrop.core.models import Album, AlbumItem, Blob, Team, Upload, User
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound, TooMany

NOTHING = "There is nothing at this address. The link may be mistyped, expired or taken back."
_NO_DROP = "There is no such drop in this album."
# What is needed of whose it is: who may not be shown, and who pays for the bytes.
_PAYER = ("id", "delete_scheduled_for", "silent_until", "plan", "limits")
_OWNER = tuple(getattr(User, name) for name in (*_PAYER, "username", "is_active"))
_TEAM = tuple(getattr(Team, name) for name in (*_PAYER, "name", "slug"))


def joined_albums() -> Any:
    """Albums with what is needed of owner and team, in one query."""
    query = Album.select(Album, *_OWNER, *_TEAM).join(User, on=(Album.owner == User.id)).switch(Album)
    return query.join(Team, JOIN.LEFT_OUTER, on=(Album.team == Team.id))


def find_album(site: Site, slug: str) -> Album:
    """The album at `/a/{slug}`: not expired, and neither its owner nor its team blocked or about to be deleted.

    Whether the asker may see it is `may_see`'s to say. Raises NotFound.
    """
    found: Album | None = None if "\0" in slug else joined_albums().where(Album.slug == slug).first()
    if found is None or not is_alive(site, found):
        raise NotFound(NOTHING)
    return found


def is_alive(site: Site, album: Album) -> bool:
    """False for an expired album, and for one whose people are not shown now. Needs owner and team loaded."""
    if album.expires_at is not None and album.expires_at <= site.clock.now():
        return False
    if album.team is not None:
        # As a team's drop, it is the team's and not that of whoever made it.
        return album.team.delete_scheduled_for is None
    return album.owner.is_active and album.owner.delete_scheduled_for is None


def may_see(site: Site, caller: Caller | None, album: Album) -> bool:
    """True for a public album, for its owner, and for everybody in its team."""
    return album.is_public or is_theirs(site, caller, album)


def is_theirs(site: Site, caller: Caller | None, album: Album) -> bool:
    """True for an album's owner, and for everybody in its team. Asks the database for a team's alone."""
    if caller is None or not caller.may("uploads:read"):
        return False
    if album.team_id is None:
        return caller.user_id == album.owner_id
    return teams.role_in(site, album.team_id, caller.user_id) is not None


def items(site: Site, album: Album, caller: Caller | None, *, start: int = 0, limit: int | None = None) -> list[Upload]:
    """The drops of an album that somebody sees, in its order.

    Visitors see drops that are private through the album. One with a password or a number of views of its own they
    see as a locked tile (`is_locked`); when it is private besides, or an admin has hidden it, not at all.

    Args:
        caller: who looks; the album itself is shown to them already.
        start: how many to leave out at the beginning.
        limit: how many at most.
    """
    query = _seen(site, album, theirs=is_theirs(site, caller, album)).order_by(*order_of(album)).offset(start)
    return list(query if limit is None else query.limit(limit))


def items_page(site: Site, caller: Caller, album: Album, *, cursor: str | None = None, limit: int = 60) -> Page[Upload]:
    """A part of an album's drops as its own people see them, with tags and rights.

    The cursor is a place in the order: a drop that is taken out before it moves the rest up by one.
    Raises: Invalid for a cursor that is none of this list's, or a limit beyond 1 to 200.
    """
    if not 1 <= limit <= MOST_PER_PAGE:
        raise Invalid(f"limit is 1 to {MOST_PER_PAGE}.", field="limit")
    start, of_album = read_cursor(cursor, int) if cursor else (0, album.id)
    if of_album != album.id or start < 0:
        raise Invalid("This cursor is none of ours. Start at the beginning.", field="cursor")
    found = with_tags(items(site, album, caller, start=start, limit=limit + 1))
    role = teams.role_in(site, album.team_id, caller.user_id) if album.team_id is not None else None
    for upload in found:
        upload.may_change = teams.changes(role, caller, upload)
    return Page(found[:limit], write_cursor(start + limit, album.id) if len(found) > limit else None)


def item_ids(site: Site, album: Album, *, theirs: bool) -> list[str]:
    """The ids of what somebody sees, in the album's order; locked drops only where they are theirs."""
    query = _seen(site, album, theirs=theirs).order_by(*order_of(album))
    return [row[0] for row in (query if theirs else query.where(_UNLOCKED)).select(Upload.id).tuples()]


def rows_of(site: Site, album: Album, upload_ids: list[str], *, theirs: bool) -> dict[str, Upload]:
    """Those of the drops that somebody sees now, unlocked, by id."""
    query = _seen(site, album, theirs=theirs).where(Upload.id.in_(upload_ids))
    return {row.id: row for row in (query if theirs else query.where(_UNLOCKED))}


def count_items(site: Site, album: Album, caller: Caller | None) -> int:
    """How many drops `items` gives."""
    return int(_seen(site, album, theirs=is_theirs(site, caller, album)).select(fn.COUNT(Upload.id)).scalar())


def contains(site: Site, album: Album, upload_id: str, caller: Caller | None = None) -> Upload:
    """A drop of the album, whose bytes may be given to somebody who was let into the album.

    Of a drop with a password or a number of views of its own, those who own it alone get them here.
    Raises: NotFound, also for a drop of another album.
    """
    found = {} if "\0" in upload_id else rows_of(site, album, [upload_id], theirs=is_theirs(site, caller, album))
    if upload_id not in found:
        raise NotFound(_NO_DROP)
    return found[upload_id]


def cover_of(site: Site, album: Album, caller: Caller | None) -> Upload | None:
    """The picture that stands for the album: the chosen one, or else its first; None when it has none to show.

    It is one of the album's that this asker sees: a locked drop stands for nothing.
    """
    query = _seen(site, album, theirs=is_theirs(site, caller, album))
    pictures = query.where(_UNLOCKED & Blob.mime.startswith("image/") & (Blob.state != "broken"))
    chosen: Upload | None = None
    if album.cover_id is not None:
        chosen = pictures.where(Upload.id == album.cover_id).first()
    first: Upload | None = chosen or pictures.order_by(*order_of(album)).first()
    return first


def is_locked(upload: Upload) -> bool:
    """True for a drop with a password or a number of views of its own: visitors of an album are asked at its page."""
    return upload.password_hash is not None or upload.max_views is not None


def payer_of(album: Album) -> User | Team:
    """The account that an album's bytes count for: its team, else its owner."""
    return album.owner if album.team is None else album.team


def check_not_silent(site: Site, caller: Caller | None, album: Album) -> None:
    """Raise TooMany, with the time until the next month, when the account's bandwidth is used up.

    Its own people see it all the same.
    """
    until = payer_of(album).silent_until
    if until is not None and until > (now := site.clock.now()) and not is_theirs(site, caller, album):
        message = "This album's owner has used up the month's bandwidth."
        raise TooMany(message, title="Not to be seen this month", retry_after=(until - now).total_seconds())


_UNLOCKED = Upload.password_hash.is_null() & Upload.max_views.is_null()


def shelf_of(album: Album) -> Any:
    """The condition for the drops that may lie in an album: its team's, or else its owner's own.

    Asked each time: a drop that was moved to somebody else's gallery is no longer shown here.
    """
    if album.team_id is not None:
        return Upload.team == album.team_id
    return Upload.team.is_null() & (Upload.owner == album.owner_id)


def _seen(site: Site, album: Album, *, theirs: bool) -> Any:
    query = joined().join(AlbumItem, on=(AlbumItem.upload == Upload.id)).where(AlbumItem.album == album.id)
    lives = Upload.expires_at.is_null() | (Upload.expires_at > site.clock.now())
    query = query.where(shelf_of(album) & LIVE & lives)
    return query if theirs else query.where(Upload.hidden_at.is_null() & (_UNLOCKED | Upload.is_public))


def order_of(album: Album) -> tuple[Any, ...]:
    """What a query of items and drops is ordered by to give the album's order."""
    if album.sort == "newest":
        return Upload.created_at.desc(), Upload.id.desc()
    if album.sort == "oldest":
        return Upload.created_at.asc(), Upload.id.asc()
    if album.sort == "name":
        # As they are called on the page.
        shown = fn.COALESCE(fn.NULLIF(Upload.title, ""), Upload.original_filename)
        return fn.LOWER(shown).asc(), Upload.id.asc()
    return AlbumItem.position.asc(), AlbumItem.upload.asc()
