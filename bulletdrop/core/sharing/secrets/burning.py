"""Burning: what ends a secret before its last view, and what sweeps up after crashes. It never opens again.

The row stays for a while, so that its owner sees what became of it; its key is gone with the burn itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from bulletdrop.core.audit import record
from bulletdrop.core.database import is_sqlite, transaction
from bulletdrop.core.models import Secret, SecretAccess, SecretPart
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.sharing.master import sweep_master
from bulletdrop.core.sharing.secrets.listing import visible_secret
from bulletdrop.core.sharing.secrets.parts import FOLDER, TEXT, remove_parts, shred
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.storage.base import is_settled

logger = get_logger("secrets")

# How long whoever has opened a secret may fetch its attachments.
LIVES = timedelta(minutes=15)
# How long the row of a burned secret stays in its owner's list.
KEPT = timedelta(days=30)
# Bytes come before their row: only what has lain about for longer than any request takes is left over.
_AGE_SECONDS = 3600.0
_MOST_PER_RUN = 2000
# How long emptying the write-ahead log waits for others, in milliseconds: readers that last longer get the sweep.
_PATIENCE_MS = 500


def burn_secret(site: Site, caller: Caller, secret_id: str, *, address: str = "") -> Secret:
    """Burn a secret at once, passes to its attachments included. One that burned already is fine.

    Args:
        secret_id: of a secret of the caller's, or of a team in which they may add things.
        address: where the request came from.
    Raises: NotFound, Forbidden.
    """
    secret = visible_secret(site, caller, secret_id, right="upload")

    def burn() -> None:
        with transaction(site.db):
            if _burned(site, (Secret.id == secret.id), "burned"):
                record(site, "secret.burn", actor=caller.user_id, subject=secret.id, address=address)

    with_reserve(site.config.data, burn)
    remove_parts_quietly(site, secret, list(SecretPart.select().where(SecretPart.secret == secret.id)))
    checkpoint(site)
    found: Secret = Secret.get_by_id(secret.id)
    return found


def remove_parts_quietly(site: Site, secret: Secret, parts: Iterable[SecretPart]) -> None:
    """As `remove_parts`; what cannot be removed now is found by the sweep, and has no key any more."""
    try:
        remove_parts(site, secret, parts)
    except BulletDropError as error:
        logger.warning("bytes of a burned secret are left for the sweep: %s", error.message)


def checkpoint(site: Site) -> bool:
    """Empty SQLite's write-ahead log, which holds what rows were before. Postgres' own log holds no ciphertext.

    Returns: whether it is empty; somebody who reads for long keeps it, and the sweep tries again.
    """
    if not is_sqlite(site.db):
        return True
    connection: Any = site.db.connection()
    connection.set_busy_timeout(_PATIENCE_MS)
    try:
        busy, _, _ = site.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except Exception as error:  # the driver's own "busy" among them
        logger.debug("the write-ahead log is in use: %s", error)
        return False
    finally:
        connection.set_busy_timeout(10_000)
    return not busy


def sweep_secrets(site: Site, *, older_than_seconds: float = _AGE_SECONDS) -> str:
    """Burn what has expired, destroy bytes that are due or belong to nobody, forget rows that burned long ago."""
    count = sum(_expire(site, secret) for secret in _expired(site))
    for secret, parts in _burned_with_bytes(site):
        remove_parts_quietly(site, secret, parts)
        count += len(parts)
    count += _remove_orphans(site, older_than_seconds)
    old = Secret.burned_at < site.clock.now() - KEPT
    count += Secret.delete().where(old & Secret.id.not_in(SecretPart.select(SecretPart.secret))).execute()
    sweep_master(site)
    recent = Secret.burned_at > site.clock.now() - timedelta(minutes=10)
    if count or Secret.select(Secret.id).where(recent).exists():
        checkpoint(site)
    return f"{count} removed"


def erase_secrets(site: Site, *, owner_id: str | None = None, team_id: str | None = None) -> None:
    """Destroy all secrets of an account that is being deleted, bytes and rows. Safe to be killed anywhere."""
    mine = (Secret.owner == owner_id) if owner_id is not None else (Secret.team == team_id)
    Secret.update(wrapped_key="", burned_at=site.clock.now()).where(mine & Secret.burned_at.is_null()).execute()
    for secret in Secret.select().where(mine).order_by(Secret.id):
        remove_parts(site, secret, list(SecretPart.select().where(SecretPart.secret == secret.id)))
        Secret.delete().where(Secret.id == secret.id).execute()
    checkpoint(site)


def find_secret_orphans(site: Site) -> list[str]:
    """Keys under `secrets/` that no row speaks of, in order."""
    known = {part.key for part in SecretPart.select(SecretPart.key)}
    return sorted(key for key in site.storage.keys(FOLDER) if key not in known)


def _burned(site: Site, which: Any, outcome: str) -> bool:
    """Take the key away and note why, in the caller's transaction. Returns whether it was there."""
    ended = Secret.update(wrapped_key="", burned_at=site.clock.now()).where(which & Secret.burned_at.is_null())
    rows = list(ended.returning(Secret.id).execute())
    for row in rows:
        SecretAccess.create(secret=row.id, at=site.clock.now(), outcome=outcome)
    return bool(rows)


def _expired(site: Site) -> list[Secret]:
    over = (Secret.expires_at <= site.clock.now()) & Secret.burned_at.is_null()
    return list(Secret.select().where(over).order_by(Secret.expires_at).limit(_MOST_PER_RUN))


def _expire(site: Site, secret: Secret) -> int:
    def burn() -> int:
        with transaction(site.db):
            over = Secret.expires_at <= site.clock.now()
            return int(_burned(site, (Secret.id == secret.id) & over, "expired"))

    return with_reserve(site.config.data, burn)


def _burned_with_bytes(site: Site) -> list[tuple[Secret, list[SecretPart]]]:
    """Burned secrets and those of their parts that are due: the text at once, attachments when all passes are over."""
    rows = SecretPart.select(SecretPart, Secret).join(Secret).where(Secret.burned_at.is_null(False))
    since = site.clock.now() - LIVES
    waits = (SecretPart.place != TEXT) & (Secret.last_viewed_at > since)
    due: dict[str, tuple[Secret, list[SecretPart]]] = {}
    for part in rows.where(Secret.last_viewed_at.is_null() | ~waits).order_by(SecretPart.id).limit(_MOST_PER_RUN):
        due.setdefault(part.secret_id, (part.secret, []))[1].append(part)
    return list(due.values())


def _remove_orphans(site: Site, older_than_seconds: float) -> int:
    removed = 0
    for key in find_secret_orphans(site)[:_MOST_PER_RUN]:
        if not is_settled(site.storage, key, now=site.clock.now(), seconds=older_than_seconds):
            continue
        # Asked again: its row may have come since the list was made.
        if not SecretPart.select(SecretPart.id).where(SecretPart.key == key).exists():
            shred(site, key)
            removed += 1
    return removed
