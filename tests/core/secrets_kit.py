"""What the tests of secrets share: making one, opening one, and a look at where its bytes lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bulletdrop.core.models import Secret
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import secrets
from bulletdrop.core.sharing.secrets import Draft, Opened, Wishes
from bulletdrop.core.site import Site

TEXT = "the door is 4711"
WHERE: dict[str, str] = {"address": "192.0.2.0/24", "agent": "Firefox on Linux"}


def make(site: Site, caller: Caller, text: str = TEXT, files: dict[str, bytes] | None = None, **wishes: Any) -> Secret:
    """A secret, with attachments by name."""
    draft = Draft(site)
    try:
        draft.part()
        for content in (files or {}).values():
            part = draft.part()
            part.write(content)
            part.finish()
        wanted = replace(Wishes(), **wishes)
        return secrets.make_secret(site, caller, draft, text=text, names=list(files or {}), wishes=wanted).secret
    finally:
        draft.discard()


def open_(site: Site, secret: Secret) -> Opened:
    """Open a secret."""
    return secrets.open_secret(site, secrets.find_secret(site, secret.id), **WHERE)


def fetch(site: Site, secret: Secret, opened: Opened, part: int = 1) -> bytes:
    """Fetch an attachment whole."""
    found = secrets.begin_fetch(site, secret.id, part, opened.pass_)
    try:
        content = b"".join(found.pieces)
    finally:
        found.close()
    secrets.fetched(site, secret.id, part, owner=found.owner, size=found.file.size)
    return content


def stored(site: Site) -> list[str]:
    """The keys of all ciphertexts."""
    return sorted(site.storage.keys("secrets/"))
