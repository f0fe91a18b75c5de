"""What the tests of drops share: people, arriving files, and a look at what was kept."""

from __future__ import annotations

import functools
import hashlib

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.drops import intake
from bulletdrop.core.drops.intake import Incoming, Wishes
from bulletdrop.core.models import Blob, Upload, new_id
from bulletdrop.core.people import accounts, passwords
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from tests.support.pictures import screenshot


@functools.cache
def _hashed() -> str:
    return passwords.hash_password("correct horse")


def person(site: Site, name: str) -> Caller:
    """An account, as `accounts.create_user` makes it. Its password is hashed once for all: that is slow on purpose."""
    with transaction(site.db):
        user = accounts.insert_user(site, username=name, email=f"{name}@example.org", password_hash=_hashed())
    record(site, "user.add", subject=user.username, category="admin")
    return Caller(user.id, user.username, user.is_admin)


def arrive(site: Site, data: bytes, name: str = "shot.png") -> Incoming:
    path = site.temporary / f"{new_id()}.part"
    path.write_bytes(data)
    return Incoming(path, len(data), hashlib.sha256(data).hexdigest(), name)


def keep(site: Site, caller: Caller, data: bytes | None = None, *, name: str = "shot.png", **wishes: object) -> Upload:
    incoming = arrive(site, screenshot() if data is None else data, name)
    return intake.store(site, caller, incoming, Wishes(**wishes))  # type: ignore[arg-type]


def nothing_was_kept(site: Site) -> bool:
    return (
        not list(site.temporary.iterdir())
        and not list(site.storage.keys("uploads/"))
        and not Upload.select().exists()
        and not Blob.select().exists()
    )


def stored(site: Site, upload: Upload) -> bytes:
    with site.storage.open(upload.blob.key) as file:
        return file.read()
