"""Rotation: every data key is wrapped anew with a new master key; then the old one is destroyed.

Each row is one conditional update, and the file of keys says which key is next: whoever is killed at any point is
taken up by the next run. The old key goes inside a transaction that has seen no row of it and lets none come.
"""

from __future__ import annotations

from typing import Any

from bulletdrop.core.audit import record
from bulletdrop.core.database import is_sqlite, transaction
from bulletdrop.core.models import Secret
from bulletdrop.core.sharing import master
from bulletdrop.core.sharing.master import MasterKey
from bulletdrop.core.sharing.secrets.burning import checkpoint
from bulletdrop.core.site import Site
from bulletdrop.log import get_logger

logger = get_logger("secrets")

_BATCH = 500


def rotate_master_key(site: Site) -> int:
    """Make a new master key, wrap all data keys with it, destroy the old one. Safe beside a running server.

    Returns: how many keys were wrapped anew by this run.
    Raises: Conflict where a setting gives one key only, Unavailable while another rotation runs, or when a secret's
        master key is missing: nothing is destroyed then.
    """
    count = 0
    with master.rotation(site) as keys:
        while True:
            count += _rewrap_all(keys)
            with transaction(site.db):
                _hold_back_others(site)
                if _others(keys).exists():
                    continue
                master.destroy_others(site, keys)
                record(site, "secret.rotate-key", category="admin", detail=f"{count} keys, now {keys[0].id}")
            break
    checkpoint(site)
    return count


def _rewrap_all(keys: list[MasterKey]) -> int:
    count, after = 0, ""
    while rows := list(_others(keys).where(Secret.id > after).order_by(Secret.id).limit(_BATCH)):
        for row in rows:
            after = row.id
            data_key = master.unwrap(keys, row.key_id, row.wrapped_key, about=row.id)
            key_id, wrapped = master.wrap(keys, data_key, about=row.id)
            # Only if it is still as it was read: a secret that burned meanwhile gets no key again.
            same = (Secret.id == row.id) & (Secret.wrapped_key == row.wrapped_key)
            count += Secret.update(key_id=key_id, wrapped_key=wrapped).where(same).execute()
    return count


def _others(keys: list[MasterKey]) -> Any:
    """Secrets whose key is wrapped by another master key than the first."""
    which = (Secret.wrapped_key != "") & (Secret.key_id != keys[0].id)
    return Secret.select(Secret.id, Secret.key_id, Secret.wrapped_key).where(which)


def _hold_back_others(site: Site) -> None:
    """Let nobody write a secret until the transaction ends. SQLite's own transactions do that from their first word."""
    if not is_sqlite(site.db):
        # Waits for whoever has inserted already, and lets looking and our own record go on.
        site.db.execute_sql("LOCK TABLE secret IN SHARE ROW EXCLUSIVE MODE")
