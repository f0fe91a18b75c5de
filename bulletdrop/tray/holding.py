"""Links held ready: what the server hands out, and to whom. Light, for the client is used without an outbox too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """To whom slugs are handed out: this device at one server. `device` is a mark of its key, never the key."""

    server: str
    device: str

    @classmethod
    def of(cls, server: str, token: str) -> Holder:
        """The holder that a token makes us."""
        return cls(server, hashlib.sha256(token.encode()).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class Reserved:
    """One slug with its links. `direct_base` is the link of the bytes without an ending; `with_ending`: that one is
    what its owner wants to be copied, and not the page's."""

    slug: str
    url: str
    direct_base: str
    expires_at: datetime
    with_ending: bool = False
