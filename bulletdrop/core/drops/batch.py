"""Several files of one request become drops: all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.drops.intake import Incoming, Wishes, earlier, store
from bulletdrop.core.models import Upload
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid


def store_all(site: Site, caller: Caller, files: Sequence[Incoming], wishes: Wishes) -> list[Upload]:
    """Keep all files of a request. When one is refused, those before it are deleted again, and none is kept.

    The temporary files are gone afterwards, in any case.

    Args:
        files: in the order in which they came.
        wishes: for each of them. With several files, an idempotency key counts for each by its place.

    Raises: what `intake.store` raises; Invalid for a custom name that several files would share.
    """
    made: list[Upload] = []
    try:
        if len(files) == 1:
            return [store(site, caller, files[0], wishes)]
        if wishes.custom_name:
            raise Invalid("A custom name is for one file; this request has several.", field="custom_name")
        done: list[Upload] = []
        for number, incoming in enumerate(files):
            own = _numbered(wishes, number)
            first = earlier(site, caller, own.idempotency_key) if own.idempotency_key else None
            done.append(first or store(site, caller, incoming, own))
            if first is None:
                made.append(done[-1])
        made = []
        return done
    finally:
        _take_back(site, made)
        for incoming in files:
            incoming.path.unlink(missing_ok=True)


def _numbered(wishes: Wishes, number: int) -> Wishes:
    """Each file's own key. The plain key is never used, or a repeat of a request that was cut off in the middle
    would be answered with its first file alone."""
    if wishes.idempotency_key is None:
        return wishes
    return replace(wishes, idempotency_key=f"{wishes.idempotency_key[:190]}#{number}")


def _take_back(site: Site, made: list[Upload]) -> None:
    for upload in made:
        Upload.update(trashed_at=site.clock.now()).where(Upload.id == upload.id).execute()
        delete_forever(site, upload.id)
