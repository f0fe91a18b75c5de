"""Verify: every row has its bytes, every byte has its row, every count and every hash is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from peewee import JOIN, fn

from bulletdrop.core.drops.reservations import is_unfilled
from bulletdrop.core.models import Blob, Reservation, Secret, SecretPart, ShortLink, Team, Upload, Usage, User
from bulletdrop.core.sharing.secrets import find_secret_orphans
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
    yield from _check_reservations()
    yield from _check_secrets(site)
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
    for what in (_check_users(), _check_teams(), _check_usage()):
        yield from what


def _check_users() -> Iterator[str]:
    """A person's count is of the drops and secrets that are no team's."""
    used = fn.COALESCE(fn.SUM(Blob.size), 0) + _of_secrets((Secret.owner == User.id) & Secret.team.is_null())
    own = (Upload.owner == User.id) & Upload.team.is_null()
    users: Any = User.select(User.username, User.storage_used, used.alias("found"))
    users = users.join(Upload, JOIN.LEFT_OUTER, on=own).join(Blob, JOIN.LEFT_OUTER).group_by(User.id)
    for name, counter, found in users.having(used != User.storage_used).tuples().iterator():
        yield f"{name}: drops and secrets of {found} bytes, the count says {counter}"


def _check_teams() -> Iterator[str]:
    used = fn.COALESCE(fn.SUM(Blob.size), 0) + _of_secrets(Secret.team == Team.id)
    teams: Any = Team.select(Team.slug, Team.storage_used, used.alias("found"))
    teams = teams.join(Upload, JOIN.LEFT_OUTER, on=(Upload.team == Team.id)).join(Blob, JOIN.LEFT_OUTER)
    for name, counter, found in teams.group_by(Team.id).having(used != Team.storage_used).tuples().iterator():
        yield f"team {name}: drops and secrets of {found} bytes, the count says {counter}"


def _of_secrets(whose: Any) -> Any:
    """Bytes of secrets, for a query over whose they are."""
    sizes: Any = SecretPart.select(fn.COALESCE(fn.SUM(SecretPart.size), 0))
    return sizes.join(Secret).where(whose)


def _check_secrets(site: Site) -> Iterator[str]:
    """Every secret that can still be opened has all its parts."""
    rows: Any = SecretPart.select(SecretPart.key, SecretPart.secret).join(Secret).where(Secret.burned_at.is_null())
    for key, secret_id in rows.order_by(SecretPart.key).tuples().iterator():
        try:
            site.storage.size(key)
        except BulletDropError:
            if Secret.select(Secret.id).where((Secret.id == secret_id) & Secret.burned_at.is_null()).exists():
                yield f"{key}: the bytes of a secret are gone"
    for key in find_secret_orphans(site):
        yield f"{key}: bytes of a secret without a row (the sweep removes them within the hour)"


def _check_reservations() -> Iterator[str]:
    """No slug that a device still holds is anybody's already: its link would lead to something else."""
    for model, what in ((Upload, "a drop"), (ShortLink, "a short link")):
        taken: Any = model.select(model.slug).join(Reservation, on=(Reservation.slug == model.slug))
        for (slug,) in taken.where(is_unfilled()).order_by(model.slug).tuples().iterator():
            yield f"{slug}: a device still holds this link, and {what} has it already"


def _check_usage() -> Iterator[str]:
    """No day's figure is below nothing. Deleted drops stay counted, so there is no recount to compare with."""
    wrong = (Usage.uploads < 0) | (Usage.views < 0) | (Usage.bytes_served < 0) | (Usage.api_requests < 0)
    wrong |= Usage.secrets < 0
    for row in Usage.select().where(wrong).order_by(Usage.day, Usage.account).iterator():
        yield f"usage of {row.account} on {row.day}: a count is below 0"
