"""The contract of storage: bytes by key. It knows nothing of uploads, people or pictures.

A key is a relative path with `/` between its parts, each part of `A-Z a-z 0-9 . _ -` and not starting with a dot.
A key is written once: putting other bytes under a key that exists is an error of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from bulletdrop.errors import BadName

_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")


class Storage(Protocol):
    """Five methods that every backend has, and one that only some can offer."""

    def put(self, key: str, source: Path, *, size: int) -> None:
        """Take the file `source` in under `key`; the source is gone afterwards.

        When this returns, bytes and name survive a power cut. Until then the key does not exist at all.

        Args:
            key: see the module.
            source: a finished file on the disk that `temporary` names.
            size: its length in bytes; a source of another length is refused.
        Raises: Truncated for another length, DiskFull, Unavailable; the key does not exist then. FileExistsError
            when the key is in use.
        """
        ...

    def open(self, key: str) -> BinaryIO:
        """A seekable file of the bytes, for the caller to close. Raises MissingObject."""
        ...

    def size(self, key: str) -> int:
        """The length in bytes. Raises MissingObject."""
        ...

    def delete(self, key: str) -> None:
        """Remove the key; one that is not there is fine. When this returns, it is gone also after a power cut."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that start with `prefix`, in any order. Keys put or deleted meanwhile may or may not show.

        Only what is well formed: what somebody else put there, such as a `.DS_Store`, is no key.
        """
        ...

    def local_path(self, key: str) -> Path | None:
        """Where the bytes lie on this machine's disk, or None when they do not. Says nothing of whether they exist."""
        ...


def is_settled(storage: Storage, key: str, *, now: datetime, seconds: float) -> bool:
    """True for bytes that have lain for so long that no request can still be about to make a row for them.

    Args:
        seconds: how long. Where the backend has no files of its own, every key counts as settled; one that is gone
            meanwhile never does.
    """
    path = storage.local_path(key)
    if path is None:
        return True
    try:
        return now.timestamp() - path.stat().st_mtime >= seconds
    except FileNotFoundError:
        return False


def is_key(text: str) -> bool:
    """True for a well-formed key."""
    return len(text) <= 200 and _KEY.fullmatch(text) is not None


def check_key(key: str) -> str:
    """The key itself when it is well formed. Raises BadName otherwise: it would leave the storage's folder."""
    if not is_key(key):
        raise BadName("This is no storage key.", paths=[key])
    return key
