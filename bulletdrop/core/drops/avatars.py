"""Avatars: a small picture of a person, decoded and stripped like every other one."""

from __future__ import annotations

from bulletdrop.core.audit import record
from bulletdrop.core.drops.intake import Incoming, Wishes, prepare
from bulletdrop.core.models import User, random_text
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound, UnknownType
from bulletdrop.storage.base import is_settled

FOLDER = "avatars/"
# Bytes at most: a photograph of a telephone.
MOST_BYTES = 20 * 1024 * 1024
# What is left over by a crash is removed when it is older than any request, in seconds.
_AGE_SECONDS = 3600.0
# How long to wait for a free decoding child, in seconds.
_PATIENCE = 20.0


def set_avatar(site: Site, user_id: str, incoming: Incoming) -> User:
    """Make a picture somebody's avatar: its smallest thumbnail is kept, the picture itself is not.

    The temporary file is gone afterwards, whether it was taken or refused.

    Raises: what `intake.prepare` raises for bytes that are no picture we take; BadPicture, UnknownType, DiskFull,
        Unavailable, NotFound.
    """
    prepared = prepare(site, incoming, Wishes(source="web"))
    try:
        if not prepared.stored.mime.startswith("image/"):
            raise UnknownType("An avatar is a picture, such as a PNG or a JPEG.", field="file")
        decoded = site.decoder.thumbnails(
            prepared.stored.path,
            mime=prepared.stored.mime,
            folder=site.temporary,
            urgent=True,
            wait_seconds=_PATIENCE,
        )
    finally:
        prepared.discard()
    # A key of its own each time: its address can be kept by browsers for ever.
    key = f"{FOLDER}{user_id}-{random_text(8)}.webp"
    try:
        small = decoded.files["thumb"]
        site.storage.put(key, small, size=small.stat().st_size)
    finally:
        for path in decoded.files.values():
            path.unlink(missing_ok=True)
    return _swap(site, user_id, key)


def remove_avatar(site: Site, user_id: str) -> User:
    """Go without. Raises NotFound."""
    return _swap(site, user_id, None)


def avatar_key(site: Site, user_id: str) -> str:
    """The storage key of somebody's avatar. Raises NotFound when there is none."""
    user = User.get_or_none(User.id == user_id)
    if user is None or user.avatar_key is None:
        raise NotFound("There is no picture of this person.")
    return str(user.avatar_key)


def sweep_avatars(site: Site) -> str:
    """Remove avatars that no account speaks of, and that are older than any request."""
    removed = 0
    for key in list(site.storage.keys(FOLDER)):
        settled = is_settled(site.storage, key, now=site.clock.now(), seconds=_AGE_SECONDS)
        if not settled or User.select(User.id).where(User.avatar_key == key).exists():
            continue
        site.storage.delete(key)
        removed += 1
    return f"{removed} removed"


def _swap(site: Site, user_id: str, key: str | None) -> User:
    user = User.get_or_none(User.id == user_id)
    if user is None:
        if key:
            site.storage.delete(key)
        raise NotFound("This account is gone.")
    old = user.avatar_key
    # Conditional: of two at once each removes the one that it replaced.
    same = User.avatar_key.is_null() if old is None else User.avatar_key == old
    if not User.update(avatar_key=key, updated_at=site.clock.now()).where((User.id == user_id) & same).execute():
        return _swap(site, user_id, key)
    if old:
        site.storage.delete(old)
    record(site, "avatar.change", actor=user_id, subject=user_id)
    user.avatar_key = key
    return user
