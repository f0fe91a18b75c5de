"""Verify: every row has its bytes, every byte has its row, every count and every hash is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from peewee import JOIN, fn

from bulletdrop.core.models import Blob, Upload, User
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.sweeps import find_orphans, find_strangers
from bulletdrop.errors import BulletDropError

_CHUNK = 1024 * 1024


def verify(site: Site, *, read_data: bool = False) -> Iterator[str]:
    """Look at everything and yield one sentence per problem.

    Args:
        read_data: read every byte and compare its SHA-256; otherwise only presence and length are looked at.
    """
    for blob in Blob.select().order_by(Blob.key).iterator():
        yield from _check_blob(site, blob, read_data)
    yield from _check_counts()
    for key in find_orphans(site):
        yield f"{key}: bytes without a row (the hourly sweep removes them)"
    for key in find_strangers(site):
        yield f"{key}: not ours, left alone"


def _check_blob(site: Site, blob: Blob, read_data: bool) -> Iterator[str]:
    try:
        size = site.storage.size(blob.key)
        if size != blob.size:
            yield f"{blob.key}: {size} bytes are stored, {blob.size} were acknowledged"
        elif read_data and (found := _digest(site, blob.key)) != blob.sha256:
            yield f"{blob.key}: the stored bytes have SHA-256 {found}, acknowledged was {blob.sha256}"
    except BulletDropError as error:
        yield f"{blob.key}: {error.message}"


def _digest(site: Site, key: str) -> str:
    digest = hashlib.sha256()
    with site.storage.open(key) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_counts() -> Iterator[str]:
    counted = fn.COUNT(Upload.id)
    blobs: Any = (
        Blob.select(Blob.key, Blob.refs, counted.alias("found")).join(Upload, JOIN.LEFT_OUTER).group_by(Blob.id)
    )
    for key, refs, found in blobs.having(counted != Blob.refs).tuples().iterator():
        yield f"{key}: {found} drops point at it, its count says {refs}"
    used = fn.COALESCE(fn.SUM(Blob.size), 0)
    users: Any = User.select(User.username, User.storage_used, used.alias("found"))
    users = users.join(Upload, JOIN.LEFT_OUTER).join(Blob, JOIN.LEFT_OUTER).group_by(User.id)
    for name, counter, found in users.having(used != User.storage_used).tuples().iterator():
        yield f"{name}: drops of {found} bytes, the count says {counter}"
