"""Sweeps: what crashes leave behind is found and removed, slowly and never in doubt."""

from __future__ import annotations

from bulletdrop.core.drops.deletion import MOST_PER_RUN
from bulletdrop.core.drops.intake import sweep_temporary
from bulletdrop.core.drops.pictures import SIZES
from bulletdrop.core.models import Blob
from bulletdrop.core.site import Site
from bulletdrop.errors import MissingObject

# Bytes come before their row: only what has lain about for longer than any request takes is left over.
_AGE_SECONDS = 3600.0


def sweep_partials(site: Site) -> str:
    """Remove unfinished files of requests that are long over."""
    return f"{sweep_temporary(site, older_than_seconds=_AGE_SECONDS)} removed"


def sweep_orphans(site: Site, *, older_than_seconds: float = _AGE_SECONDS) -> str:
    """Remove stored bytes and thumbnails that no row speaks of."""
    removed = 0
    for key in find_orphans(site):
        if removed >= MOST_PER_RUN:
            break
        if _age(site, key) < older_than_seconds or _belongs(key):
            continue
        site.storage.delete(key)
        removed += 1
    return f"{removed} removed"


def find_orphans(site: Site) -> list[str]:
    """Keys under `uploads/` and `thumbnails/` without a blob, in order."""
    stems = {_stem(blob.key) for blob in Blob.select(Blob.key)}
    known = {blob.key for blob in Blob.select(Blob.key)}
    orphans = [key for key in site.storage.keys("uploads/") if key not in known]
    orphans += [key for key in site.storage.keys("thumbnails/") if _stem(key) not in stems]
    return sorted(orphans)


def _belongs(key: str) -> bool:
    """Asked again right before a deletion: its row may have come since the list was made."""
    if key.startswith("uploads/"):
        return bool(Blob.select(Blob.id).where(Blob.key == key).exists())
    return bool(Blob.select(Blob.id).where(Blob.key.startswith(f"uploads/{_stem(key)}.")).exists())


def _stem(key: str) -> str:
    """`2026/11/20/slug` of `uploads/2026/11/20/slug.png` and of `thumbnails/2026/11/20/slug.thumb.webp`."""
    path = key.partition("/")[2]
    folder, _, name = path.rpartition("/")
    stem = name.rsplit(".", 1)[0]
    if key.startswith("thumbnails/") and stem.rpartition(".")[2] in SIZES:
        stem = stem.rpartition(".")[0]
    return f"{folder}/{stem}"


def _age(site: Site, key: str) -> float:
    path = site.storage.local_path(key)
    if path is None:
        return _AGE_SECONDS
    try:
        return site.clock.now().timestamp() - path.stat().st_mtime
    except FileNotFoundError as error:
        raise MissingObject(paths=[path]) from error
