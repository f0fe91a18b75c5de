"""Final deletion: rows first, in one transaction; then the bytes, which a crash leaves to the sweep."""

from __future__ import annotations

from datetime import timedelta

from bulletdrop.core.database import transaction
from bulletdrop.core.drops.pictures import SIZES, thumbnail_key
from bulletdrop.core.drops.rows import trash_expired
from bulletdrop.core.models import Blob, Upload
from bulletdrop.core.people.quotas import credit
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site

# However wrong the clock: one run deletes no more than this, and somebody notices before the next.
MOST_PER_RUN = 500


def delete_forever(site: Site, upload_id: str) -> bool:
    """Delete a trashed drop for good; its blob too when it was the last one. Returns whether there was one.

    A drop of the same bytes that is made meanwhile keeps them: the reference is taken back and looked at in one
    transaction, and a blob's key is never used a second time.
    """
    deleted, blob = with_reserve(site.config.data, lambda: _delete_rows(site, upload_id))
    if blob is not None:
        delete_bytes(site, blob)
    return deleted


def _delete_rows(site: Site, upload_id: str) -> tuple[bool, Blob | None]:
    """Returns: whether there was such a drop, and its blob when that is gone with it."""
    with transaction(site.db):
        upload = Upload.get_or_none(Upload.id == upload_id)
        if upload is None:
            return False, None
        trashed = (Upload.id == upload_id) & Upload.trashed_at.is_null(False)
        if not Upload.delete().where(trashed).execute():
            return False, None
        blob = Blob.get(Blob.id == upload.blob_id)
        # The blob before the person, as intake does: the other way round, Postgres finds deadlocks.
        Blob.update(refs=Blob.refs - 1).where(Blob.id == blob.id).execute()
        credit(site, upload.owner_id, upload.team_id, blob.size)
        gone = Blob.delete().where((Blob.id == blob.id) & (Blob.refs == 0)).execute()
    return True, blob if gone else None


def delete_bytes(site: Site, blob: Blob) -> None:
    """Remove a deleted blob's bytes and thumbnails."""
    for size in SIZES:
        site.storage.delete(thumbnail_key(blob, size))
    site.storage.delete(blob.key)


def empty_trash(site: Site) -> str:
    """Delete for good what has been in the trash for `trash_days`."""
    limit = site.clock.now() - timedelta(days=site.config.trash_days)
    due = Upload.select(Upload.id).where(Upload.trashed_at <= limit).order_by(Upload.trashed_at)
    ids = [row.id for row in due.limit(MOST_PER_RUN)]
    deleted = sum(delete_forever(site, upload_id) for upload_id in ids)
    return f"{deleted} deleted"


def expire(site: Site) -> str:
    """Put drops whose time is over into the trash."""
    return f"{trash_expired(site)} expired"
