"""Secrets: what opens so many times and then is gone, from the database, the disk, the logs and later backups."""

from __future__ import annotations

from bulletdrop.core.sharing.secrets.burning import (
    burn_secret,
    erase_secrets,
    find_secret_orphans,
    sweep_secrets,
)
from bulletdrop.core.sharing.secrets.listing import (
    list_accesses,
    list_secrets,
    may_burn,
    shortened,
    state_of,
    visible_secret,
)
from bulletdrop.core.sharing.secrets.making import (
    BROWSER,
    MOST_FILES,
    MOST_SEALED_TEXT,
    MOST_TEXT,
    MOST_VIEWS,
    SERVER,
    Made,
    Wishes,
    check_wishes,
    earlier,
    hash_passphrase,
    make_secret,
)
from bulletdrop.core.sharing.secrets.opening import (
    GONE,
    Opened,
    WrongPassphrase,
    check_passphrase,
    find_secret,
    open_secret,
)
from bulletdrop.core.sharing.secrets.parts import Draft, Part
from bulletdrop.core.sharing.secrets.passes import FILE_GONE, Fetch, File, begin_fetch, fetched

__all__ = [
    "BROWSER",
    "FILE_GONE",
    "GONE",
    "MOST_FILES",
    "MOST_SEALED_TEXT",
    "MOST_TEXT",
    "MOST_VIEWS",
    "SERVER",
    "Draft",
    "Fetch",
    "File",
    "Made",
    "Opened",
    "Part",
    "Wishes",
    "WrongPassphrase",
    "begin_fetch",
    "burn_secret",
    "check_passphrase",
    "check_wishes",
    "earlier",
    "erase_secrets",
    "fetched",
    "find_secret",
    "find_secret_orphans",
    "hash_passphrase",
    "list_accesses",
    "list_secrets",
    "make_secret",
    "may_burn",
    "open_secret",
    "shortened",
    "state_of",
    "sweep_secrets",
    "visible_secret",
]
