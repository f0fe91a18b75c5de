"""Sweeps: what crashes leave behind is found and removed, slowly and never in doubt."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bulletdrop.core.drops.deletion import MOST_PER_RUN
from bulletdrop.core.drops.intake import sweep_temporary
from bulletdrop.core.drops.pictures import SIZES
from bulletdrop.core.models import ALPHABET, Blob
from bulletdrop.core.site import Site
from bulletdrop.media.formats.kinds import KINDS
from bulletdrop.storage.base import is_settled

# Bytes come before their row: only what has lain about for longer than any request takes is left over.
_AGE_SECONDS = 3600.0


def sweep_partials(site: Site) -> str:
    """Remove unfinished files of requests that are long over."""
    return f"{sweep_temporary(site, older_than_seconds=_AGE_SECONDS)} removed"


def sweep_orphans(site: Site, *, older_than_seconds: float = _AGE_SECONDS) -> str:
    """Remove stored bytes and thumbnails that no row speaks of. What is not named like ours stays."""
    removed = 0
    for key in find_orphans(site):
        if removed >= MOST_PER_RUN:
            break
        if not is_settled(site.storage, key, now=site.clock.now(), seconds=older_than_seconds) or _belongs(key):
            continue
        site.storage.delete(key)
        removed += 1
    return f"{removed} removed"


def find_orphans(site: Site) -> list[str]:
    """Keys of our own making under `uploads/` and `thumbnails/` without a blob, in order."""
    stems = {_stem(blob.key) for blob in Blob.select(Blob.key)}
    known = {blob.key for blob in Blob.select(Blob.key)}
    orphans = [key for key in site.storage.keys("uploads/") if key not in known]
    orphans += [key for key in site.storage.keys("thumbnails/") if _stem(key) not in stems]
    ours = _our_keys(site)
    return sorted(key for key in orphans if ours.fullmatch(key))


def find_strangers(site: Site) -> list[str]:
    """What lies in the folders of the storage and is none of our files, in order: a person put it there."""
    known = {blob.key for blob in Blob.select(Blob.key)}
    stems = {_stem(key) for key in known}
    ours, found = _our_keys(site), []

    def is_strange(key: str) -> bool:
        # Slugs may have been shorter once.
        return not (ours.fullmatch(key) or key in known or (top == "thumbnails" and _stem(key) in stems))

    for top in ("uploads", "thumbnails"):
        root = site.storage.local_path(top)
        if root is None:
            found += [key for key in site.storage.keys(f"{top}/") if is_strange(key)]
            continue
        if root.is_symlink():
            found.append(top)
            continue
        for folder, folders, names in os.walk(root):
            for name in (*names, *folders):
                path = Path(folder, name)
                key = path.relative_to(root.parent).as_posix()
                if path.is_symlink() or (name in names and is_strange(key)):
                    found.append(key)
    return sorted(found)


def _our_keys(site: Site) -> re.Pattern[str]:
    """The shape of the keys that intake and pictures make."""
    slug = rf"\d{{4}}/\d\d/\d\d/[{ALPHABET}]{{{site.config.slug_length},}}"
    endings = "|".join(sorted({kind.ext for kind in KINDS.values()}))
    return re.compile(rf"uploads/{slug}\.(?:{endings})|thumbnails/{slug}\.(?:{'|'.join(SIZES)})\.webp", re.ASCII)


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
