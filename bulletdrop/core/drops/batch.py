"""Several files of one request become drops: all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.drops.intake import Incoming, Kept, NeedsChild, Prepared, Wishes, earlier, keep, prepare
from bulletdrop.core.models import Upload
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.usage import uncount_upload
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid


def store_all(site: Site, caller: Caller, files: Sequence[Incoming], wishes: Wishes) -> list[Upload]:
    """Keep all files of a request: `prepare_all` and `keep_all` in one.

    The temporary files are gone afterwards, in any case.

    Raises: what `intake.store` raises; Invalid for a custom name or a reserved slug that several files would share.
    """
    return [kept.upload for kept in keep_all(site, caller, prepare_all(site, files, wishes), wishes)]


def prepare_quickly(site: Site, files: Sequence[Incoming], wishes: Wishes) -> list[Prepared | Incoming]:
    """As `prepare_all`, but files that need a decoding child first come back as they are, for `prepare_all` to end."""
    return _each(site, files, wishes, patient=False)


def prepare_all(site: Site, files: Sequence[Prepared | Incoming], wishes: Wishes) -> list[Prepared]:
    """Prepare all files of a request, before the first is kept. After an error, none of their files is left.

    Args:
        files: in the order in which they came; those that are prepared already stay as they are.
        wishes: for each of them.
    """
    return [one for one in _each(site, files, wishes, patient=True) if isinstance(one, Prepared)]


def _each(
    site: Site, files: Sequence[Prepared | Incoming], wishes: Wishes, *, patient: bool
) -> list[Prepared | Incoming]:
    done: list[Prepared | Incoming] = []
    try:
        if wishes.custom_name and len(files) > 1:
            raise Invalid("A custom name is for one file; this request has several.", field="custom_name")
        if wishes.slug and len(files) > 1:
            raise Invalid("A reserved link is for one file; this request has several.", field="slug")
        for one in files:
            try:
                done.append(one if isinstance(one, Prepared) else prepare(site, one, wishes, patient=patient))
            except NeedsChild:
                done.append(one)
    except BaseException:
        discard_all((*done, *files))
        raise
    return done


def keep_all(site: Site, caller: Caller, prepared: Sequence[Prepared], wishes: Wishes) -> list[Kept]:
    """Make a drop of each prepared file. When one fails, those that this call made are deleted again.

    With several files, an idempotency key counts for each by its place. A drop that another request made with the
    same key is never taken back: that request may have been answered.
    """
    if len(prepared) == 1:
        return [keep(site, caller, prepared[0], wishes)]
    done: list[Kept] = []
    try:
        for number, one in enumerate(prepared):
            own = _numbered(wishes, number)
            first = earlier(site, caller, own.idempotency_key) if own.idempotency_key else None
            done.append(Kept(first, made=False) if first else keep(site, caller, one, own))
    except BaseException:
        _take_back(site, [kept.upload for kept in done if kept.made])
        raise
    finally:
        discard_all(prepared)
    return done


def discard_all(files: Sequence[Prepared | Incoming]) -> None:
    """Remove the temporary files of a request."""
    for one in files:
        path = one.stored.path if isinstance(one, Prepared) else one.path
        path.unlink(missing_ok=True)


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
        uncount_upload(site, upload.team_id or upload.owner_id, upload.created_at)
