"""Zipped: all of an album that somebody sees as one zip, written while it is read."""

from __future__ import annotations

from collections.abc import Generator

from bulletdrop.core.archive import Archive, Names, safe_name
from bulletdrop.core.database import using
from bulletdrop.core.drops.albums.looking import is_theirs, item_ids, rows_of
from bulletdrop.core.models import Album
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import MissingObject

# Rows fetched at a time: an album of ten thousand drops never lies in memory, its ids do.
_ROWS = 100


def zip_of(site: Site, album: Album, caller: Caller | None) -> Generator[bytes]:
    """The zip of an album, piece by piece, in its order. Each step may run in another thread.

    In it: what `items` gives this asker, without locked drops; each under the name that it came with. What was
    deleted while it ran is left out.
    """
    with using(site.db):
        theirs = is_theirs(site, caller, album)
        ids = item_ids(site, album, theirs=theirs)
    archive, names = Archive(), Names()
    for start in range(0, len(ids), _ROWS):
        part = ids[start : start + _ROWS]
        with using(site.db):
            rows = rows_of(site, album, part, theirs=theirs)
        for upload_id in part:
            upload = rows.pop(upload_id, None)
            # A broken picture's bytes are never given out.
            if upload is None or upload.blob.state == "broken":
                continue
            try:
                file = site.storage.open(upload.blob.key)
            except MissingObject:
                continue
            with file:
                yield from archive.copy(names.add(upload.filename), file, size=upload.blob.size, at=upload.created_at)
        archive.entries.clear()
    yield from archive.close()


def zip_name(album: Album) -> str:
    """What the zip is called."""
    return f"{safe_name(album.title) if album.title else album.slug}.zip"
