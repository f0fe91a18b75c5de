"""Intake: a finished temporary file becomes a drop. Bytes first, row second, answer last."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from peewee import IntegrityError, PeeweeException

from bulletdrop.core.database import transaction
from bulletdrop.core.drops import reservations
from bulletdrop.core.drops.preparing import Incoming, NeedsChild, Prepared, Stored, prepare
from bulletdrop.core.drops.wishes import Wishes, check_free, check_wishes, domain_for
from bulletdrop.core.models import Blob, Domain, Team, Upload, UploadTag, User, new_id, random_text
from bulletdrop.core.names.chosen import MAIN, choose, hold_name, is_handed_out, is_slug_taken, lead_from
from bulletdrop.core.names.slugs import new_slug
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.quotas import charge, release_old
from bulletdrop.core.people.teams import check_may_upload
from bulletdrop.core.queue import enqueue
from bulletdrop.core.site import Site
from bulletdrop.errors import BadPicture, BulletDropError, Invalid, NotFound, NotReserved, TooBig

__all__ = [
    "THUMBNAILS",
    "Incoming",
    "Kept",
    "NeedsChild",
    "Prepared",
    "Wishes",
    "earlier",
    "keep",
    "prepare",
    "store",
    "sweep_temporary",
]

THUMBNAILS = "thumbnails"
_NOT_DECODED = ("video/", "text/", "application/")
# Of two uploads that come for one slug at once, neither may write over the other's bytes.
_KEY_LETTERS = 6
# With a million drops in the style `words`, one try in 850 meets a slug that is there.
_MOST_SLUGS = 20


@dataclass(frozen=True)
class Kept:
    """A drop, and whether this very call made it: with an idempotency key it may be another request's."""

    upload: Upload
    made: bool


def earlier(site: Site, caller: Caller, idempotency_key: str) -> Upload | None:
    """The drop that the caller made with this key before, or None."""
    query = Upload.select(Upload, Blob).join(Blob)
    mine = (Upload.owner == caller.user_id) & (Upload.idempotency_key == idempotency_key)
    found: Upload | None = query.where(mine).first()
    if found is not None:
        tags = UploadTag.select().where(UploadTag.upload == found.id).order_by(UploadTag.tag)
        found.tag_names = tuple(row.tag for row in tags)
    return found


def store(site: Site, caller: Caller, incoming: Incoming, wishes: Wishes) -> Upload:
    """Keep one file: `prepare` and `keep` in one. When this returns, bytes and row survive a power cut.

    The caller's temporary file is gone afterwards, whether it was taken or refused.

    Returns: the drop with its blob; for an idempotency key that was used before, the first drop.
    Raises: what `formats.inspect` raises for a file that is not whole or not a type we take; what `check_wishes`
        raises; NotReserved for a slug that the device does not hold; DiskFull, Unavailable. Nothing is kept then.
    """
    return keep(site, caller, prepare(site, incoming, wishes), wishes).upload


def keep(site: Site, caller: Caller, prepared: Prepared, wishes: Wishes) -> Kept:
    """Make a drop of a prepared file, whose temporary file is gone afterwards. See `store`."""
    try:
        return _keep(site, caller, prepared.stored, prepared.filename, check_wishes(site, wishes))
    except NotReserved:
        # The same request came twice, and the other one has filled it meanwhile.
        if wishes.idempotency_key and (first := earlier(site, caller, wishes.idempotency_key)):
            return Kept(first, made=False)
        raise
    finally:
        prepared.discard()


def _keep(site: Site, caller: Caller, stored: Stored, filename: str, wishes: Wishes) -> Kept:
    """Bytes, then rows. The bytes of a blob that exists already are not written again."""
    new = _planned(site, caller, stored, filename, wishes)
    key = f"uploads/{site.clock.now():%Y/%m/%d}/{new.key_word}.{stored.ext}"
    blob = Blob.get_or_none(Blob.sha256 == stored.sha256)
    # Only of bytes that were the caller's own before: the refusal would tell what others have.
    if blob is not None and blob.state == "broken" and _has(caller, blob):
        raise BadPicture(f"This picture is broken: {blob.problem}. Nothing was kept.", field="file")
    known = blob is not None
    # Slow work stays outside the transaction: it would hold the database's one write lock through an fsync.
    if not known:
        site.storage.put(key, stored.path, size=stored.size)
    try:
        kept = _insert(site, stored, key if not known else None, new)
    except _BlobLeft:
        # Its last drop was deleted between our look and our row: now the bytes are ours to bring.
        site.storage.put(key, stored.path, size=stored.size)
        kept = _insert(site, stored, key, new)
    except (BulletDropError, IntegrityError, _NotCommitted) as error:
        # Only where the row is surely not there: after a connection lost at COMMIT it may be, and needs its bytes.
        if not known:
            site.storage.delete(key)
        if isinstance(error, _NotCommitted) and error.__cause__ is not None:
            raise error.__cause__ from None
        raise
    site.wake.set()
    if not known and kept.upload.blob.key != key:
        # Somebody brought the same bytes at the same time, or the same request came twice: one copy is enough.
        site.storage.delete(key)
    return kept


@dataclass(frozen=True)
class _New:
    """A drop that is to be made.

    slug: the one that was reserved for it; else a random one: its own in that style, and the storage key's in every.
    link_domain: of a reserved one, the domain's id that its link was built with.
    """

    caller: Caller
    owner: User
    domain: Domain | None
    style: str
    slug: str
    filename: str
    wishes: Wishes
    link_domain: str | None = None

    @property
    def key_word(self) -> str:
        """What its file is called in the storage: no two uploads have the same."""
        return self.slug + random_text(_KEY_LETTERS) if self.wishes.slug else self.slug

    @property
    def domain_key(self) -> str:
        """Where its custom name counts."""
        return MAIN if self.domain is None else self.domain.id


def _planned(site: Site, caller: Caller, stored: Stored, filename: str, wishes: Wishes) -> _New:
    """What the database has to say about the wishes. Raises NotFound, NameTaken, Invalid, TooBig."""
    owner: User | None = User.get_or_none(User.id == caller.user_id)
    if owner is None:
        raise NotFound("This account is gone.")
    if wishes.slug is not None:
        new = _planned_as(site, caller, owner, stored, filename, wishes, wishes.slug)
    else:
        domain = domain_for(site, owner, wishes, size=stored.size)
        new = _New(caller, owner, domain, wishes.slug_style or owner.slug_style, new_slug(site), filename, wishes)
    # Once more when the name is given: this spares the bytes.
    check_free(site, wishes.custom_name, domain_key=new.domain_key)
    return new


def _planned_as(
    site: Site, caller: Caller, owner: User, stored: Stored, filename: str, wishes: Wishes, slug: str
) -> _New:
    """For a slug whose link was given away: it is to lead to the drop, whatever has become of its domain."""
    reserved = reservations.check_held(site, caller, slug)
    domain: Domain | None = None
    if wishes.domain is not None:
        domain = domain_for(site, owner, wishes, size=stored.size)
    else:
        # Nobody chose the domain for this file: one that does not take it is no reason to refuse it.
        with contextlib.suppress(Invalid, TooBig):
            domain = domain_for(site, owner, replace(wishes, domain=reserved.domain_id or ""), size=stored.size)
    return _New(caller, owner, domain, "random", slug, filename, wishes, reserved.domain_id)


def _has(caller: Caller, blob: Blob) -> bool:
    return bool(Upload.select(Upload.id).where((Upload.owner == caller.user_id) & (Upload.blob == blob.id)).exists())


class _NotCommitted(Exception):
    """The database failed before COMMIT was sent: surely no row is there. The cause is the database's own error."""


class _BlobLeft(Exception):
    """The blob that we meant to share is gone."""


class _SlugTaken(Exception):
    """Another drop, or a chosen name, has this slug."""


def _insert(site: Site, stored: Stored, key: str | None, new: _New) -> Kept:
    """The rows. Slugs that are taken are made again; after so many, it is a random one."""
    if new.wishes.slug is not None:
        return _insert_as(site, stored, key, new, new.slug)
    for tried in range(_MOST_SLUGS):
        try:
            return _insert_as(site, stored, key, new, _slug(site, new, tried))
        except _SlugTaken:
            continue
    return _insert_as(site, stored, key, new, new_slug(site))


def _slug(site: Site, new: _New, tried: int) -> str:
    if new.style == "random":
        return new.slug if tried == 0 else new_slug(site)
    return new_slug(site, new.style, filename=new.filename, plain=tried == 0)


def _insert_as(site: Site, stored: Stored, key: str | None, new: _New, slug: str) -> Kept:
    committing, wishes = False, new.wishes
    try:
        with transaction(site.db):
            blob = _share_or_make(site, stored, key)
            upload = _insert_upload(site, new, blob, slug)
            committing = True
        return Kept(upload, made=True)
    except IntegrityError as error:
        # The transaction is rolled back with the reference it had counted. Which of the unique names was it?
        if wishes.idempotency_key and (first := earlier(site, new.caller, wishes.idempotency_key)):
            return Kept(first, made=False)
        check_free(site, wishes.custom_name, domain_key=new.domain_key)
        if wishes.slug is None and Upload.select(Upload.id).where(Upload.slug == slug).exists():
            raise _SlugTaken from error
        if not User.select(User.id).where(User.id == new.owner.id).exists():
            raise NotFound("This account is gone.") from error
        if wishes.team_id and not Team.select(Team.id).where(Team.id == wishes.team_id).exists():
            raise NotFound("This team is gone.") from error
        if new.domain is not None and not Domain.select(Domain.id).where(Domain.id == new.domain.id).exists():
            raise Invalid("This domain is gone. Choose another one.", field="domain") from error
        raise
    except PeeweeException as error:
        if committing:
            raise
        raise _NotCommitted from error


def _share_or_make(site: Site, stored: Stored, key: str | None) -> Blob:
    """Count one more reference, or make the blob: one statement each, so that no race can come between."""
    shared = Blob.update(refs=Blob.refs + 1).where((Blob.sha256 == stored.sha256) & (Blob.refs > 0))
    if not shared.execute():
        if key is None:
            raise _BlobLeft
        _make_blob(site, stored, key)
    blob: Blob = Blob.get(Blob.sha256 == stored.sha256)
    return blob


def _make_blob(site: Site, stored: Stored, key: str) -> None:
    decoded = not stored.mime.startswith(_NOT_DECODED)
    values = {
        "sha256": stored.sha256,
        "size": stored.size,
        "mime": stored.mime,
        "ext": stored.ext,
        "key": key,
        "width": stored.width,
        "height": stored.height,
        "frames": stored.frames,
        "refs": 1,
        "state": "new" if decoded else "ready",
        "created_at": site.clock.now(),
    }
    Blob.insert(id=new_id(), **values).on_conflict(
        # On Postgres another transaction may have made it since our UPDATE looked: then it is one more reference.
        conflict_target=[Blob.sha256],
        update={Blob.refs: Blob.refs + 1},
    ).execute()
    blob = Blob.get(Blob.sha256 == stored.sha256)
    if blob.key == key and (decoded or stored.mime.startswith("video/")):
        enqueue(site, THUMBNAILS, blob.id)


def _insert_upload(site: Site, new: _New, blob: Blob, slug: str) -> Upload:
    wishes = new.wishes
    if wishes.slug is not None:
        reservations.fill(site, new.caller, slug, is_public=wishes.is_public)
    elif new.style == "random":
        # They meet nobody else's in a lifetime, and the index would say so. What is handed out is not in that index.
        if is_handed_out(slug):
            raise _SlugTaken
    else:
        hold_name(site, slug)
        if is_slug_taken(slug):
            raise _SlugTaken
    upload = Upload.create(
        slug=slug,
        owner=new.owner,
        team=wishes.team_id,
        blob=blob,
        filename=f"{Path(new.filename).stem[:240] or slug}.{blob.ext}",
        original_filename=new.filename,
        title=wishes.title,
        description=wishes.description,
        language=wishes.language,
        custom_name=wishes.custom_name,
        domain=new.domain,
        is_public=wishes.is_public,
        password_hash=wishes.password_hash,
        max_views=wishes.max_views,
        expires_at=wishes.expires_at,
        source=wishes.source,
        idempotency_key=wishes.idempotency_key,
        created_at=site.clock.now(),
    )
    if new.link_domain not in (None, upload.domain_id):
        # The link that was given away is on another domain than the drop.
        lead_from(site, slug, upload=upload.id, domain_key=str(new.link_domain))
    if wishes.custom_name:
        choose(site, wishes.custom_name, upload=upload.id, domain_key=new.domain_key)
    for tag in wishes.tags:
        UploadTag.create(upload=upload, tag=tag)
    upload.tag_names = wishes.tags
    charge(site, new.owner.id, wishes.team_id, blob.size, hold_id=wishes.hold)
    if wishes.team_id is not None:
        # Once more, now that the team's row is locked: nobody's role changes before this drop is there.
        check_may_upload(site, new.owner.id, wishes.team_id)
    return upload


def sweep_temporary(site: Site, *, older_than_seconds: float = 0) -> int:
    """Remove unfinished files that a crash left, and give back the room in quotas that they held. Returns how many."""
    swept = 0
    now = site.clock.now()
    for entry in os.scandir(site.temporary):
        if entry.is_file() and now.timestamp() - entry.stat().st_mtime >= older_than_seconds:
            Path(entry.path).unlink(missing_ok=True)
            swept += 1
    release_old(site, before=now - timedelta(seconds=older_than_seconds) if older_than_seconds else None)
    return swept
