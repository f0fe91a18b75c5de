"""Intake: a finished temporary file becomes a drop. Bytes first, row second, answer last."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from peewee import IntegrityError, PeeweeException

from bulletdrop.core.database import transaction
from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.models import Blob, Team, Upload, UploadTag, User, new_id
from bulletdrop.core.names.chosen import choose, is_taken
from bulletdrop.core.names.slugs import check_custom_name, check_filename, new_slug
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.quotas import charge, release_old
from bulletdrop.core.people.teams import check_may_upload
from bulletdrop.core.queue import enqueue
from bulletdrop.core.site import Site
from bulletdrop.errors import BadPicture, BulletDropError, DiskFull, Invalid, NameTaken, NotFound, UnknownType
from bulletdrop.media import formats

THUMBNAILS = "thumbnails"
_NOT_DECODED = ("video/", "text/", "application/")
MOST_TAGS = 20
LONGEST_TAG = 50


@dataclass(frozen=True)
class Incoming:
    """A file that has arrived whole, in the site's temporary folder. `sha256` is of the bytes as they came."""

    path: Path
    size: int
    sha256: str
    filename: str


@dataclass(frozen=True)
class Wishes:
    """What the sender asked for beside the bytes."""

    custom_name: str | None = None
    expires_at: datetime | None = None
    is_public: bool = True
    tags: tuple[str, ...] = ()
    source: str = "api"
    idempotency_key: str | None = None
    # For a team's gallery; whether the sender may put something there is asked before.
    team_id: str | None = None
    # Room that was taken for the bytes before they were read (see `people/quotas`).
    hold: str | None = None


@dataclass(frozen=True)
class _Stored:
    """The bytes as they will be kept."""

    path: Path
    size: int
    sha256: str
    mime: str
    ext: str
    width: int | None
    height: int | None
    frames: int


@dataclass(frozen=True)
class Prepared:
    """A file that was found whole and lies in the temporary folder as it will be kept."""

    stored: _Stored
    filename: str

    def discard(self) -> None:
        """Remove the temporary file."""
        self.stored.path.unlink(missing_ok=True)


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


def check_wishes(site: Site, wishes: Wishes, *, ask: bool = True) -> Wishes:
    """The wishes in the form to keep: can be asked before a byte is read.

    With `ask` False the database is not asked, and a name that is taken is not found.

    Raises: BadName, NameReserved, NameTaken, Invalid, each with its field.
    """
    name = check_custom_name(wishes.custom_name) if wishes.custom_name else None
    if name and ask and is_taken(name):
        raise NameTaken("This name is taken. Take another one.", field="custom_name")
    expires_at = check_expiry(site, wishes.expires_at)
    if wishes.idempotency_key is not None and not 1 <= len(wishes.idempotency_key) <= 200:
        raise Invalid("An Idempotency-Key has 1 to 200 characters.", field="Idempotency-Key")
    tags = check_tags(wishes.tags)
    return replace(wishes, custom_name=name, expires_at=expires_at, tags=tags, source=wishes.source[:20])


def check_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags folded, without doubles. Raises Invalid for more than 20, or one longer than 50 characters."""
    # Before folding, which takes time by the square of a tag's length.
    if any(len(tag) > 2 * LONGEST_TAG for tag in tags):
        raise Invalid(f"A tag has at most {LONGEST_TAG} characters, all of them visible.", field="tags")
    folded = tuple(dict.fromkeys(tag for tag in map(fold, tags[: 10 * MOST_TAGS]) if tag))
    if len(tags) > 10 * MOST_TAGS or len(folded) > MOST_TAGS:
        raise Invalid(f"A drop has at most {MOST_TAGS} tags.", field="tags")
    if any(len(tag) > LONGEST_TAG or not tag.isprintable() for tag in folded):
        raise Invalid(f"A tag has at most {LONGEST_TAG} characters, all of them visible.", field="tags")
    return folded


def store(site: Site, caller: Caller, incoming: Incoming, wishes: Wishes) -> Upload:
    """Keep one file: `prepare` and `keep` in one. When this returns, bytes and row survive a power cut.

    The caller's temporary file is gone afterwards, whether it was taken or refused.

    Returns: the drop with its blob; for an idempotency key that was used before, the first drop.
    Raises: what `formats.inspect` raises for a file that is not whole or not a type we take; what `check_wishes`
        raises; DiskFull, Unavailable. Nothing is kept then.
    """
    return keep(site, caller, prepare(site, incoming, wishes), wishes).upload


class NeedsChild(Exception):
    """This picture has to be converted or turned upright first, and whoever asks did not want to wait for that."""


def prepare(site: Site, incoming: Incoming, wishes: Wishes, *, patient: bool = True) -> Prepared:
    """Prove a file whole and bring it into the form to keep. Asks the database nothing; may wait for a decoding child.

    The caller's temporary file belongs to the result: `keep` it, or `discard` it. After an error it is gone.

    Args:
        patient: wait for a decoding child where one is needed.

    Raises: as `store`, but for a custom name that is taken, which `keep` finds; NeedsChild, and the file stays then.
    """
    temporary = [incoming.path]
    kept: Path | None = None
    try:
        filename = check_filename(incoming.filename)
        check_wishes(site, wishes, ask=False)
        stored = _prepare(site, incoming, temporary, patient=patient)
        kept = stored.path
        return Prepared(stored, filename)
    except NeedsChild:
        kept = incoming.path
        raise
    finally:
        for path in temporary:
            if path != kept:
                path.unlink(missing_ok=True)


def keep(site: Site, caller: Caller, prepared: Prepared, wishes: Wishes) -> Kept:
    """Make a drop of a prepared file, whose temporary file is gone afterwards. See `store`."""
    try:
        return _keep(site, caller, prepared.stored, prepared.filename, check_wishes(site, wishes))
    finally:
        prepared.discard()


def _prepare(site: Site, incoming: Incoming, temporary: list[Path], *, patient: bool) -> _Stored:
    """Prove the file whole, turn it upright, strip it. Files made on the way are added to `temporary`."""
    limits = formats.Limits(site.config.max_pixels, site.config.max_total_pixels, site.config.max_frames)
    path = incoming.path
    inspection = _inspect(site, path, limits)
    if not patient and (inspection.needs_conversion or inspection.orientation != 1):
        raise NeedsChild
    if inspection.needs_conversion:
        target = _fresh(site, temporary)
        site.decoder.convert(path, target, mime=inspection.mime)
        path, inspection = target, _inspect(site, target, limits)
    if inspection.orientation != 1:
        target = _fresh(site, temporary)
        site.decoder.upright(path, target, mime=inspection.mime, orientation=inspection.orientation)
        path, inspection = target, _inspect(site, target, limits)
    if inspection.unchanged and path == incoming.path:
        size, sha256 = incoming.size, incoming.sha256
    else:
        target = _fresh(site, temporary)
        size, sha256 = _write_stripped(path, target, inspection)
        path = target
    return _Stored(
        path, size, sha256, inspection.mime, inspection.ext, inspection.width, inspection.height, inspection.frames
    )


def _inspect(site: Site, path: Path, limits: formats.Limits) -> formats.Inspection:
    with path.open("rb") as file:
        inspection = formats.inspect(file, limits)
    if inspection.kind not in site.config.accepted_types:
        kinds = ", ".join(site.config.accepted_types)
        raise UnknownType(f"This server does not take {inspection.kind} files. It takes: {kinds}.", field="file")
    return inspection


def _write_stripped(source: Path, target: Path, inspection: formats.Inspection) -> tuple[int, str]:
    try:
        with source.open("rb") as reader, target.open("xb") as writer:
            return formats.copy_pieces(reader, writer, inspection.pieces)
    except OSError as error:
        raise DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60) from error


def _fresh(site: Site, temporary: list[Path]) -> Path:
    path = site.temporary / f"{new_id()}.part"
    temporary.append(path)
    return path


def _keep(site: Site, caller: Caller, stored: _Stored, filename: str, wishes: Wishes) -> Kept:
    """Bytes, then rows. The bytes of a blob that exists already are not written again."""
    slug = new_slug(site)
    key = f"uploads/{site.clock.now():%Y/%m/%d}/{slug}.{stored.ext}"
    blob = Blob.get_or_none(Blob.sha256 == stored.sha256)
    # Only of bytes that were the caller's own before: the refusal would tell what others have.
    if blob is not None and blob.state == "broken" and _has(caller, blob):
        raise BadPicture(f"This picture is broken: {blob.problem}. Nothing was kept.", field="file")
    known = blob is not None
    # Slow work stays outside the transaction: it would hold the database's one write lock through an fsync.
    if not known:
        site.storage.put(key, stored.path, size=stored.size)
    try:
        kept = _insert(site, caller, stored, key if not known else None, slug, filename, wishes)
    except _BlobLeft:
        # Its last drop was deleted between our look and our row: now the bytes are ours to bring.
        site.storage.put(key, stored.path, size=stored.size)
        kept = _insert(site, caller, stored, key, slug, filename, wishes)
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


def _has(caller: Caller, blob: Blob) -> bool:
    return bool(Upload.select(Upload.id).where((Upload.owner == caller.user_id) & (Upload.blob == blob.id)).exists())


class _NotCommitted(Exception):
    """The database failed before COMMIT was sent: surely no row is there. The cause is the database's own error."""


class _BlobLeft(Exception):
    """The blob that we meant to share is gone."""


def _insert(
    site: Site, caller: Caller, stored: _Stored, key: str | None, slug: str, filename: str, wishes: Wishes
) -> Kept:
    committing = False
    try:
        with transaction(site.db):
            blob = _share_or_make(site, stored, key)
            upload = _insert_upload(site, caller, blob, slug, filename, wishes)
            committing = True
        return Kept(upload, made=True)
    except IntegrityError as error:
        # The transaction is rolled back with the reference it had counted. Which of the unique names was it?
        if wishes.idempotency_key and (first := earlier(site, caller, wishes.idempotency_key)):
            return Kept(first, made=False)
        if wishes.custom_name and is_taken(wishes.custom_name):
            raise NameTaken("This name is taken. Take another one.", field="custom_name") from error
        if not User.select(User.id).where(User.id == caller.user_id).exists():
            raise NotFound("This account is gone.") from error
        if wishes.team_id and not Team.select(Team.id).where(Team.id == wishes.team_id).exists():
            raise NotFound("This team is gone.") from error
        raise
    except PeeweeException as error:
        if committing:
            raise
        raise _NotCommitted from error


def _share_or_make(site: Site, stored: _Stored, key: str | None) -> Blob:
    """Count one more reference, or make the blob: one statement each, so that no race can come between."""
    shared = Blob.update(refs=Blob.refs + 1).where((Blob.sha256 == stored.sha256) & (Blob.refs > 0))
    if not shared.execute():
        if key is None:
            raise _BlobLeft
        _make_blob(site, stored, key)
    blob: Blob = Blob.get(Blob.sha256 == stored.sha256)
    return blob


def _make_blob(site: Site, stored: _Stored, key: str) -> None:
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


def _insert_upload(site: Site, caller: Caller, blob: Blob, slug: str, filename: str, wishes: Wishes) -> Upload:
    upload = Upload.create(
        slug=slug,
        owner=caller.user_id,
        team=wishes.team_id,
        blob=blob,
        filename=f"{Path(filename).stem[:240] or slug}.{blob.ext}",
        original_filename=filename,
        custom_name=wishes.custom_name,
        is_public=wishes.is_public,
        expires_at=wishes.expires_at,
        source=wishes.source,
        idempotency_key=wishes.idempotency_key,
        created_at=site.clock.now(),
    )
    if wishes.custom_name:
        choose(site, wishes.custom_name, upload=upload.id)
    for tag in wishes.tags:
        UploadTag.create(upload=upload, tag=tag)
    upload.tag_names = wishes.tags
    charge(site, caller.user_id, wishes.team_id, blob.size, hold_id=wishes.hold)
    if wishes.team_id is not None:
        # Once more, now that the team's row is locked: nobody's role changes before this drop is there.
        check_may_upload(site, caller.user_id, wishes.team_id)
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
