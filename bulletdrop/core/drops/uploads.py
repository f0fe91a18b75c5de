"""Drops once they are there: finding, listing, changing, taking back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.drops.intake import check_tags, is_taken
from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.models import Blob, Upload, UploadTag, User, from_microseconds, to_microseconds
from bulletdrop.core.names.slugs import check_custom_name
from bulletdrop.core.names.urls import token_fits
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, Forbidden, Invalid, NameTaken, NotFound

_LIVE = Upload.trashed_at.is_null()
MOST_PER_PAGE = 200
_LONGEST_CURSOR = 200


@dataclass(frozen=True)
class Page:
    """Part of a list, and the cursor of the next part (None at the end)."""

    items: list[Upload]
    next: str | None


def list_uploads(
    site: Site, caller: Caller, *, trash: bool = False, cursor: str | None = None, limit: int = 60
) -> Page:
    """The caller's drops, newest first (of the trash: last trashed first). Expired drops show until they are swept.

    Raises: Invalid for a cursor that is none, or a limit beyond 1 to 200.
    """
    if not 1 <= limit <= MOST_PER_PAGE:
        raise Invalid(f"limit is 1 to {MOST_PER_PAGE}.", field="limit")
    order: Any = Upload.trashed_at if trash else Upload.created_at
    query = _joined().where(Upload.owner == caller.user_id)
    query = query.where(~_LIVE if trash else _LIVE)
    if cursor:
        at, upload_id = _read_cursor(cursor)
        query = query.where((order < at) | ((order == at) & (Upload.id < upload_id)))
    rows = list(query.order_by(order.desc(), Upload.id.desc()).limit(limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    last = rows[-1] if more else None
    return Page(
        _with_tags(rows), _write_cursor(last.trashed_at if trash else last.created_at, last.id) if last else None
    )


def get_upload(site: Site, caller: Caller, upload_id: str) -> Upload:
    """One of the caller's own drops, trashed or not. Raises NotFound, also for somebody else's."""
    if "\0" in upload_id:
        raise NotFound("There is no such drop.")
    found = _joined().where((Upload.id == upload_id) & (Upload.owner == caller.user_id)).first()
    if found is None:
        raise NotFound("There is no such drop.")
    return _with_tags([found])[0]


def change_upload(site: Site, caller: Caller, upload_id: str, changes: Mapping[str, Any]) -> Upload:
    """Change title, custom_name, is_public, expires_at, tags or filename of one of the caller's drops.

    Args:
        changes: by field; None takes a custom name or an expiry away. Types as in the API's answer.
    Raises: Invalid for a field that cannot be changed, BadName, NameReserved, NameTaken, NotFound.
    """
    upload = get_upload(site, caller, upload_id)
    values: dict[str, Any] = {}
    tags: tuple[str, ...] | None = None
    for field, value in changes.items():
        if field == "tags":
            tags = check_tags(tuple(value))
        elif field == "custom_name":
            name = check_custom_name(value) if value else None
            values |= {"custom_name": name, "custom_key": fold(name) if name else None}
            _check_free(upload, name)
        elif field == "title":
            values["title"] = _check_title(value)
        elif field == "is_public":
            values["is_public"] = _check_may_show(upload, bool(value))
        elif field == "expires_at":
            values["expires_at"] = check_expiry(site, value)
        else:
            raise Invalid(f"“{field}” cannot be changed.", field=field)
    _write_changes(site, upload, values, tags)
    return get_upload(site, caller, upload_id)


def trash_upload(site: Site, caller: Caller, upload_id: str) -> Upload:
    """Put a drop into the trash: its links stop at once; it is gone for good after `trash_days`."""
    upload = get_upload(site, caller, upload_id)
    _trash(site, upload, actor=caller.user_id)
    return get_upload(site, caller, upload_id)


def restore_upload(site: Site, caller: Caller, upload_id: str) -> Upload:
    """Take a drop out of the trash: its links work again."""
    upload = get_upload(site, caller, upload_id)
    if upload.removed_at is not None:
        raise Forbidden("The admin has taken this drop away. Ask them to give it back.")
    Upload.update(trashed_at=None).where(Upload.id == upload.id).execute()
    record(site, "upload.restore", actor=caller.user_id, subject=upload.id)
    return get_upload(site, caller, upload_id)


def find_public(site: Site, name: str, ext: str | None = None) -> Upload:
    """The drop at `/{name}` or `/{name}.{ext}`: by slug, else by custom name. Not in the trash, not expired.

    Whether the asker may see it is `may_see`'s to say. Raises NotFound.
    """
    found = _joined().where((Upload.slug == name) & _LIVE).first()
    if found is None:
        found = _joined().where((Upload.custom_key == fold(name)) & _LIVE).first()
    if found is not None and ext is not None and not same_ending(ext, found.blob.ext):
        found = None
    return _alive(site, found)


def find_page(site: Site, name: str) -> Upload:
    """The drop whose page is at `/{name}`. As `find_public`, but `name.ext` is nobody's page where `name` is a drop's.

    That drop may be private, expired or in the trash: its direct link must not lead to somebody else's.
    """
    stem = name.rpartition(".")[0]
    if stem and Upload.select(Upload.id).where((Upload.slug == stem) | (Upload.custom_key == fold(stem))).exists():
        return _alive(site, None)
    return find_public(site, name)


def find_by_id(site: Site, upload_id: str) -> Upload:
    """The drop with this id, not in the trash, not expired. Raises NotFound."""
    return _alive(site, _joined().where((Upload.id == upload_id) & _LIVE).first())


def find_by_user_and_filename(site: Site, username: str, filename: str) -> Upload:
    """The newest drop of this name in this person's gallery; a private one hides no public one. Raises NotFound."""
    query = _joined().where((User.username_key == fold(username)) & (Upload.filename == filename) & _LIVE)
    return _alive(site, query.order_by(Upload.is_public.desc(), Upload.created_at.desc()).first())


def may_see(caller: Caller | None, upload: Upload) -> bool:
    """True for a public drop, and for its owner."""
    if upload.is_public:
        return True
    return caller is not None and caller.user_id == upload.owner_id and caller.may("uploads:read")


def same_ending(asked: str, kept: str) -> bool:
    """True when an ending in a link fits the one of the bytes; `jpeg` is `jpg`."""
    return {"jpeg": "jpg", "tif": "tiff"}.get(asked.lower(), asked.lower()) == {"jpeg": "jpg"}.get(kept, kept)


def find_by_token(site: Site, slug: str, token: str) -> Upload:
    """The drop of a deletion link, trashed or not. Raises NotFound, also for a wrong token."""
    upload = _joined().where(Upload.slug == slug).first()
    if upload is None or not token_fits(site, upload.id, token):
        raise NotFound("This deletion link does not work. The drop may be gone already.")
    return _with_tags([upload])[0]


def delete_by_token(site: Site, slug: str, token: str) -> Upload:
    """Put the drop of a deletion link into the trash, whoever asks. Raises NotFound."""
    upload = find_by_token(site, slug, token)
    _trash(site, upload, actor=None)
    return find_by_token(site, slug, token)


def _joined() -> Any:
    return Upload.select(Upload, Blob, User).join(Blob).switch(Upload).join(User)


def _with_tags(rows: Iterable[Upload]) -> list[Upload]:
    """The rows with `tag_names` filled by one more query for all of them."""
    uploads = list(rows)
    found: dict[str, list[str]] = {upload.id: [] for upload in uploads}
    if uploads:
        for row in UploadTag.select().where(UploadTag.upload.in_(list(found))).order_by(UploadTag.tag):
            found[row.upload_id].append(row.tag)
    for upload in uploads:
        upload.tag_names = tuple(found[upload.id])
    return uploads


def _alive(site: Site, upload: Upload | None) -> Upload:
    if upload is None or (upload.expires_at is not None and upload.expires_at <= site.clock.now()):
        raise NotFound("There is nothing at this address. The link may be mistyped, expired or taken back.")
    return upload


def _trash(site: Site, upload: Upload, *, actor: str | None) -> None:
    now = site.clock.now()

    def change() -> None:
        with transaction(site.db):
            if Upload.update(trashed_at=now).where((Upload.id == upload.id) & _LIVE).execute():
                record(site, "upload.trash", actor=actor, subject=upload.id)

    with_reserve(site.config.data, change)


def _write_changes(site: Site, upload: Upload, values: dict[str, Any], tags: tuple[str, ...] | None) -> None:
    try:
        with transaction(site.db):
            if values:
                Upload.update(values).where(Upload.id == upload.id).execute()
            if tags is not None:
                UploadTag.delete().where(UploadTag.upload == upload.id).execute()
                for tag in tags:
                    UploadTag.create(upload=upload.id, tag=tag)
    except IntegrityError as error:
        raise NameTaken("This name is taken. Take another one.", field="custom_name") from error


def _check_free(upload: Upload, name: str | None) -> None:
    if name and is_taken(name, but=upload.id):
        raise NameTaken("This name is taken. Take another one.", field="custom_name")


def _check_may_show(upload: Upload, is_public: bool) -> bool:
    """What is to be kept as `is_public`. Raises Forbidden for a drop that an admin has hidden."""
    if is_public and upload.hidden_at is not None:
        raise Forbidden("The admin has hidden this drop. Ask them to show it again.", field="is_public")
    return is_public


def _check_title(value: Any) -> str:
    title = str(value or "").strip()
    if len(title) > 200 or not title.replace("\u200d", "").isprintable():
        raise BadName("A title has at most 200 characters, all of them visible.", field="title")
    return title


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
