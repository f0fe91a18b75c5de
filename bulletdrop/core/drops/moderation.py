"""Moderation: everybody's drops, as an admin looks through them, hides them and takes them away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN, fn

from bulletdrop.core.audit import record
from bulletdrop.core.cursors import Page, paged, read_cursor, write_cursor
from bulletdrop.core.database import transaction
from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.mail import post
from bulletdrop.core.models import Audit, Blob, Domain, Name, Upload, User
from bulletdrop.core.people.accounts import LONGEST, fold
from bulletdrop.core.people.administration import By, check_reason
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid, NotFound

STATES = ("live", "public", "private", "hidden", "trashed")
KINDS = ("picture", "film", "other")
ACTS = ("hide", "show", "trash", "restore")
SORTS: dict[str, tuple[Any, bool]] = {
    "newest": (Upload.created_at, True),
    "oldest": (Upload.created_at, False),
    "largest": (Blob.size, True),
}
# A private drop stays open for the admin who asked for it as long as this: then it is asked, and recorded, again.
LOOKED = timedelta(minutes=10)
_LOOK = "upload.look"


@dataclass(frozen=True)
class Filter:
    """Which drops to show; empty shows all that are not in the trash.

    Args:
        text: part of a file name, a title, a custom name, or a whole slug.
        owner: the id or the name of an account.
        kind: one of KINDS, or the beginning of a MIME type such as `image/png`.
        state: one of STATES.
        least, most: sizes in bytes.
        since, until: times of arrival; `until` is not part of it.
    """

    text: str = ""
    owner: str = ""
    kind: str = ""
    state: str = ""
    least: int | None = None
    most: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_everybodys(
    site: Site, wanted: Filter, *, sort: str = "newest", cursor: str | None = None, limit: int = 60
) -> Page[Upload]:
    """Everybody's drops with their owners and blobs. Raises Invalid with the field for a filter that cannot be."""
    if sort not in SORTS:
        raise Invalid(f"sort is one of {', '.join(SORTS)}.", field="sort")
    column, descending = SORTS[sort]
    query = _joined().where(*_conditions(wanted))
    if column.model is Upload:
        return paged(query, by=column, ties=Upload.id, cursor=cursor, limit=limit, descending=descending)
    return _by_size(query, cursor, limit)


def get_anybodys(site: Site, upload_id: str) -> Upload:
    """Anybody's drop, with its owner and blob. Raises NotFound."""
    found: Upload | None = None if "\0" in upload_id else _joined().where(Upload.id == upload_id).first()
    if found is None:
        raise NotFound("There is no such drop.")
    return found


def moderate(site: Site, by: By, upload_id: str, act: str, *, reason: str = "") -> Upload:
    """Hide a drop, show it again, put it into the trash, or take it out again. Its owner is told by mail why.

    A hidden drop is private, and one that an admin put into the trash stays there: its owner can undo neither.

    Args:
        act: one of ACTS.
    Raises: Invalid for another act, Conflict where there is nothing to do, NotFound.
    """
    if act not in ACTS:
        raise Invalid(f"act is one of {', '.join(ACTS)}.", field="act")
    reason = check_reason(reason)
    upload = get_anybodys(site, upload_id)
    now = site.clock.now()
    values, holds, otherwise = {
        "hide": (
            # A private one is shown by share links and albums as well.
            {"is_public": False, "was_public": Upload.is_public, "hidden_at": now},
            Upload.hidden_at.is_null(),
            "An admin has hidden this drop already.",
        ),
        "show": (
            {"is_public": fn.COALESCE(Upload.was_public, True), "was_public": None, "hidden_at": None},
            Upload.hidden_at.is_null(False),
            "No admin has hidden this drop.",
        ),
        "trash": (
            {"trashed_at": now, "removed_at": now},
            Upload.trashed_at.is_null(),
            "This drop is in the trash already.",
        ),
        "restore": (
            {"trashed_at": None, "removed_at": None},
            Upload.removed_at.is_null(False),
            "No admin has put this drop into the trash.",
        ),
    }[act]

    def change() -> None:
        with transaction(site.db):
            if not Upload.update(values).where((Upload.id == upload.id) & holds).execute():
                raise Conflict(otherwise)
            _record(site, by, f"upload.admin-{act}", upload, reason)
            _tell(site, by, upload, act, reason)

    with_reserve(site.config.data, change)
    return get_anybodys(site, upload_id)


def delete_anybodys(site: Site, by: By, upload_id: str, *, reason: str = "") -> None:
    """Delete anybody's drop for good, whether it was in the trash or not. There is no way back.

    Raises: NotFound.
    """
    reason = check_reason(reason)
    upload = get_anybodys(site, upload_id)
    now = site.clock.now()

    def mark() -> None:
        # What is deleted for good comes out of the trash: a crash between the two leaves it there, and recorded.
        with transaction(site.db):
            values = {"trashed_at": upload.trashed_at or now, "removed_at": upload.removed_at or now}
            Upload.update(values).where(Upload.id == upload.id).execute()
            _record(site, by, "upload.admin-delete", upload, reason)
            _tell(site, by, upload, "delete", reason)

    with_reserve(site.config.data, mark)
    delete_forever(site, upload.id)


def look_at(site: Site, by: By, upload_id: str) -> Upload:
    """Ask to see a drop that is not public: recorded, once for as long as it then stays open. Raises NotFound."""
    upload = get_anybodys(site, upload_id)
    if needs_look(upload) and not _has_looked(site, by, upload):
        _record(site, by, _LOOK, upload, "private" if not upload.is_public else "in the trash")
    return upload


def looked_at(site: Site, by: By, upload_id: str) -> Upload:
    """A drop whose bytes this admin may be shown now. Raises Forbidden for a private one not asked for, NotFound."""
    upload = get_anybodys(site, upload_id)
    if needs_look(upload) and not _has_looked(site, by, upload):
        raise Forbidden("This drop is private. Press “Show” on its page first: that is recorded.")
    return upload


def needs_look(upload: Upload) -> bool:
    """True for what nobody but its owner can see."""
    return not upload.is_public or upload.trashed_at is not None


def may_still_look(site: Site, by: By, upload: Upload) -> bool:
    """True when the drop needs no look, or had one that still counts."""
    return not needs_look(upload) or _has_looked(site, by, upload)


def _has_looked(site: Site, by: By, upload: Upload) -> bool:
    mine = (Audit.action == _LOOK) & (Audit.actor == by.actor) & (Audit.subject == upload.id)
    return bool(Audit.select(Audit.id).where(mine & (Audit.at > site.clock.now() - LOOKED)).exists())


def _joined() -> Any:
    query = Upload.select(Upload, Blob, User, Domain).join(Blob).switch(Upload).join(User)
    return query.switch(Upload).join(Domain, JOIN.LEFT_OUTER)


def _conditions(wanted: Filter) -> list[Any]:
    found: list[Any] = [_in_state(wanted.state)]
    if text := _text(wanted.text, "q"):
        names = (Upload.filename, Upload.original_filename, Upload.title)
        called = Name.select(Name.upload).where(Name.key.contains(fold(text)))
        matching = (Upload.slug == text) | Upload.id.in_(called)
        for name in names:
            matching |= name.contains(text)
        found.append(matching)
    if owner := _text(wanted.owner, "owner"):
        found.append((User.id == owner) | (User.username_key == fold(owner)))
    if kind := _text(wanted.kind, "type"):
        found.append(_of_kind(kind))
    if wanted.least is not None:
        found.append(Blob.size >= wanted.least)
    if wanted.most is not None:
        found.append(Blob.size <= wanted.most)
    if wanted.since is not None:
        found.append(Upload.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(Upload.created_at < wanted.until)
    return found


def _in_state(state: str) -> Any:
    live = Upload.trashed_at.is_null()
    states = {
        "": live,
        "live": live,
        "public": live & Upload.is_public,
        "private": live & ~Upload.is_public & Upload.hidden_at.is_null(),
        "hidden": Upload.hidden_at.is_null(False),
        "trashed": ~live,
    }
    if state not in states:
        raise Invalid(f"state is one of {', '.join(STATES)}.", field="state")
    return states[state]


def _of_kind(kind: str) -> Any:
    if kind in KINDS:
        picture, film = Blob.mime.startswith("image/"), Blob.mime.startswith("video/")
        return {"picture": picture, "film": film, "other": ~picture & ~film}[kind]
    return Blob.mime.startswith(kind.lower())


def _by_size(query: Any, cursor: str | None, limit: int) -> Page[Upload]:
    """As `paged`, over a column of the joined blob."""
    if cursor:
        size, upload_id = read_cursor(cursor, int)
        query = query.where((Blob.size < size) | ((Blob.size == size) & (Upload.id < upload_id)))
    rows = list(query.order_by(Blob.size.desc(), Upload.id.desc()).limit(limit + 1))
    following = write_cursor(rows[limit - 1].blob.size, rows[limit - 1].id) if len(rows) > limit else None
    return Page(rows[:limit], following)


def _text(value: str, field: str) -> str:
    if len(value) > LONGEST or "\0" in value:
        raise Invalid(f"{field} has at most {LONGEST} characters.", field=field)
    return value.strip()


def _record(site: Site, by: By, action: str, upload: Upload, detail: str) -> None:
    whose = f"of {upload.owner.username}"
    said = f"{whose}: {detail}" if detail else whose
    record(site, action, actor=by.actor, subject=upload.id, address=by.address, category="admin", detail=said)


_TOLD = {
    "hide": "hidden: only you see it now",
    "show": "shown again: whoever has the link sees it",
    "trash": "taken away: its links do not work",
    "restore": "given back: its links work again",
    "delete": "deleted for good",
}


def _tell(site: Site, by: By, upload: Upload, act: str, reason: str) -> None:
    owner: User = upload.owner
    if owner.id == by.actor:
        return
    values = {
        "drop": upload.title or upload.original_filename,
        "what": _TOLD[act],
        "reason": reason or "no reason was given",
    }
    post(site, "moderated", to=owner.email, user=owner, lives=timedelta(days=7), **values)
