"""Share links: one more link to a drop or an album, with terms of its own. Made, listed, changed, taken back, found.

What holds for a link:

- It shows its object and nothing else: also a private one, which is what it is for. The object's own password and
  number of views do not count here: whoever may change the object has said by making the link on which terms it is
  shown by it. The object's own expiry does count, and so does all else that takes it away from everybody: the trash,
  an admin who hides it, an owner or team that is blocked or waits for deletion.
- It works for as long as whoever made it may share the object. Who leaves the team, or only looks on now, has links
  that no longer work, and that work again when the right comes back.
- A revoked link stays in the list and never works again. When the object is deleted for good, its links are too.
- What is a view, and what is none, is written down in `core/sharing/limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.drops import albums
from bulletdrop.core.drops.albums.looking import joined_albums
from bulletdrop.core.drops.found import is_one_of_theirs
from bulletdrop.core.drops.rows import joined
from bulletdrop.core.drops.uploads import get_upload
from bulletdrop.core.models import Album, ShareLink, Upload, random_text
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.sharing.limits import check_terms
from bulletdrop.core.sharing.link_states import ACTIVE, KNOWN, NO_RIGHT, Maker, state, with_objects
from bulletdrop.core.site import Site
from bulletdrop.core.text import line_of
from bulletdrop.errors import Conflict, Forbidden, Invalid, NotFound

TOKEN_LENGTH = 22
LONGEST_NOTE = 200
_TERMS = ("password", "max_views", "expires_at")
_UNKNOWN = "There is no such share link."
_NOTHING = "There is nothing at this address. The link may be mistyped, expired or taken back."


def share(
    site: Site,
    caller: Caller,
    *,
    upload_id: str | None = None,
    album_id: str | None = None,
    note: str = "",
    terms: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> ShareLink:
    """Make a link to a drop or an album that the caller may change. Hashes a password: for the hashing thread.

    Args:
        upload_id, album_id: exactly one of them.
        note: for those who manage the link alone.
        terms: as in `limits.check_terms`.
        idempotency_key: a repeat with the same one gets the first one's link, whatever it asks for.
    Raises: NotFound, Forbidden, Conflict for an object that is shown to nobody now, Invalid with the field.
    """
    # A link is a way to see what it leads to: a key that may not see it makes itself no way around that.
    caller.needs("uploads:read")
    earlier = _earlier(site, caller, idempotency_key)
    if earlier is not None:
        return earlier
    upload, album = _to_share(site, caller, upload_id, album_id)
    values = {"note": _check_note(note), **check_terms(site, {name: (terms or {}).get(name) for name in _TERMS})}
    try:
        made: ShareLink = ShareLink.create(
            token=random_text(TOKEN_LENGTH),
            owner=caller.user_id,
            upload=upload,
            album=album,
            created_at=site.clock.now(),
            idempotency_key=idempotency_key,
            **values,
        )
    except IntegrityError:
        earlier = _earlier(site, caller, idempotency_key)
        if earlier is None:
            # The object was deleted for good in this moment.
            raise NotFound("There is no such drop.") from None
        return earlier
    record(site, "link.add", actor=caller.user_id, subject=made.id)
    return get_link(site, caller, made.token)


def list_links(
    site: Site,
    caller: Caller,
    *,
    upload_id: str | None = None,
    album_id: str | None = None,
    active: bool | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = 60,
) -> Page[ShareLink]:
    """The links that the caller has made, newest first; with an object, all links to it, whoever made them.

    Args:
        upload_id, album_id: of something that the caller may change.
        active: True for those that work now, False for those that do not; None for all.
        text: part of the note, or of the name of what they lead to.
    Raises: NotFound and Forbidden for an object, Invalid for a cursor that is none, or a limit beyond 1 to 200.
    """
    stands = state(site)
    query = with_objects(ShareLink, stands.alias("state"), Maker.username.alias("maker"))
    if upload_id is None and album_id is None:
        query = query.where(ShareLink.owner == caller.user_id)
    else:
        upload, album = objects(site, caller, upload_id, album_id)
        query = query.where((ShareLink.upload == upload.id) if upload else (ShareLink.album == album))
    if active is not None:
        query = query.where((stands == ACTIVE) if active else (stands != ACTIVE))
    if text := text.replace("\0", "").strip()[:LONGEST_NOTE]:
        names = (Upload.title, Upload.original_filename, Album.title)
        named = names[0].contains(text) | names[1].contains(text) | names[2].contains(text)
        query = query.where(ShareLink.note.contains(text) | ((stands != NO_RIGHT) & named))
    page = paged(query.objects(), by=ShareLink.created_at, ties=ShareLink.id, cursor=cursor, limit=limit)
    return Page(_with_their_objects(page.items), page.next)


def get_link(site: Site, caller: Caller, token: str) -> ShareLink:
    """A link that the caller has made, or to something that they may change. Raises NotFound."""
    found = None if "\0" in token else _query(site).where(ShareLink.token == token).objects().first()
    if found is None:
        raise NotFound(_UNKNOWN)
    _with_their_objects([found])
    if found.owner_id != caller.user_id and not _may_change(site, caller, found.upload, found.album):
        raise NotFound(_UNKNOWN)
    return found  # type: ignore[no-any-return]


def change_link(site: Site, caller: Caller, token: str, changes: Mapping[str, Any]) -> ShareLink:
    """Change note, password, max_views or expires_at. Hashes a password: for the hashing thread.

    Views that were given stay counted: a higher number allows more.

    Raises: NotFound, Invalid with the field, Conflict for other than the note of a revoked link.
    """
    link = get_link(site, caller, token)
    if unknown := [name for name in changes if name not in (*_TERMS, "note")]:
        raise Invalid(f"“{unknown[0]}” cannot be changed.", field=unknown[0])
    values = check_terms(site, {name: changes[name] for name in _TERMS if name in changes})
    where = ShareLink.id == link.id
    if values:
        where &= ShareLink.revoked_at.is_null()
    if "note" in changes:
        values["note"] = _check_note(changes["note"])
    if values and not ShareLink.update(values).where(where).execute():
        raise Conflict("This link was revoked. Make a new one.", title="This link was revoked")
    if values:
        record(site, "link.change", actor=caller.user_id, subject=link.id, detail=", ".join(sorted(changes)))
    return get_link(site, caller, token)


def revoke_link(site: Site, caller: Caller, token: str) -> ShareLink:
    """Take a link back for good: nobody gets in by it any longer, whatever pass they have. Raises NotFound."""
    link = get_link(site, caller, token)
    mine = (ShareLink.id == link.id) & ShareLink.revoked_at.is_null()
    change = ShareLink.update(revoked_at=site.clock.now()).where(mine)
    if with_reserve(site.config.data, change.execute):
        record(site, "link.revoke", actor=caller.user_id, subject=link.id)
    return get_link(site, caller, token)


def delete_link(site: Site, caller: Caller, token: str) -> None:
    """Take a link back and out of the list. Raises NotFound."""
    link = get_link(site, caller, token)
    if with_reserve(site.config.data, ShareLink.delete().where(ShareLink.id == link.id).execute):
        record(site, "link.delete", actor=caller.user_id, subject=link.id)


def find_link(site: Site, token: str) -> ShareLink:
    """The link with this token, for whoever has it: alive, and its object with it (`link.upload` or `link.album`).

    One query answers for links that never were and for those that no longer work, so that no time tells them apart.

    Raises: NotFound.
    """
    known = state(site).in_(KNOWN)
    found = None if "\0" in token else _query(site).where((ShareLink.token == token) & known).objects().first()
    if found is None:
        raise NotFound(_NOTHING)
    _with_their_objects([found])
    if found.upload is None and found.album is None:
        # Deleted for good between the two queries.
        raise NotFound(_NOTHING)
    return found  # type: ignore[no-any-return]


def is_theirs(site: Site, caller: Caller | None, link: ShareLink) -> bool:
    """True for whoever made the link, and for the object's own people: they are asked nothing and not counted."""
    if caller is None or not caller.may("uploads:read"):
        return False
    if caller.user_id == link.owner_id:
        return True
    if link.album is not None:
        return albums.is_theirs(site, caller, link.album)
    return link.upload is not None and is_one_of_theirs(site, caller, link.upload)


def _query(site: Site) -> Any:
    return with_objects(ShareLink, state(site).alias("state"), Maker.username.alias("maker"))


def _with_their_objects(links: list[ShareLink]) -> list[ShareLink]:
    """The links with `upload` and `album` filled: two queries for all of them."""
    uploads = [link.upload_id for link in links if link.upload_id is not None]
    shelves = [link.album_id for link in links if link.album_id is not None]
    found = {row.id: row for row in joined().where(Upload.id.in_(uploads))} if uploads else {}
    kept = {row.id: row for row in joined_albums().where(Album.id.in_(shelves))} if shelves else {}
    for link in links:
        link.upload, link.album = found.get(link.upload_id or ""), kept.get(link.album_id or "")
    return links


def _earlier(site: Site, caller: Caller, idempotency_key: str | None) -> ShareLink | None:
    if idempotency_key is None:
        return None
    mine = (ShareLink.owner == caller.user_id) & (ShareLink.idempotency_key == idempotency_key)
    token: str | None = ShareLink.select(ShareLink.token).where(mine).scalar()
    return None if token is None else get_link(site, caller, token)


def _to_share(
    site: Site, caller: Caller, upload_id: str | None, album_id: str | None
) -> tuple[Upload | None, Album | None]:
    """What a new link is for. Raises as `share`."""
    upload, album = objects(site, caller, upload_id, album_id)
    if upload is not None and upload.hidden_at is not None:
        raise Forbidden("The admin has hidden this drop. Ask them to show it again.")
    if upload is not None and upload.trashed_at is not None:
        raise Conflict("This drop is in the trash. Restore it first.", title="In the trash")
    expires_at = upload.expires_at if upload is not None else album.expires_at if album is not None else None
    if expires_at is not None and expires_at <= site.clock.now():
        raise Conflict("This has expired. Change when it expires first.", title="Expired")
    return upload, album


def objects(
    site: Site, caller: Caller, upload_id: str | None, album_id: str | None
) -> tuple[Upload | None, Album | None]:
    """The drop or the album, one of them, that the caller may share. Raises NotFound, Forbidden."""
    if upload_id is not None:
        upload = get_upload(site, caller, upload_id)
        if not upload.may_change:
            raise Forbidden("This drop is the team's: only an admin of it, or the member who brought it, can share it.")
        return upload, None
    album = albums.get_album(site, caller, album_id or "")
    if not albums.may_change(site, caller, album):
        raise Forbidden("You may look at this team's albums, but not share them. Ask an admin of the team.")
    return None, album


def _may_change(site: Site, caller: Caller, upload: Upload | None, album: Album | None) -> bool:
    if upload is not None:
        return teams.may_change(site, caller, upload)
    return album is not None and albums.may_change(site, caller, album)


def _check_note(text: Any) -> str:
    return line_of(text, what="A note", field="note", most=LONGEST_NOTE)
