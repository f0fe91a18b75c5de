"""Parts: a secret's ciphertext on the disk, from its first byte under DATA/tmp to the last, which is overwritten."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bulletdrop.core.database import transaction
from bulletdrop.core.models import Secret, SecretPart, new_id, random_text
from bulletdrop.core.people import quotas
from bulletdrop.core.sharing.secrets.ciphers import Sealer, new_key, opened
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, DiskFull, MissingObject, TooBig, Unavailable
from bulletdrop.log import get_logger

logger = get_logger("secrets")

FOLDER = "secrets/"
# The place of the text; attachments come after it.
TEXT = 0
_PIECE = 1024 * 1024


class Draft:
    """A secret on its way in: its id, its key, and what has come of it, encrypted at once.

    Args:
        site: whose temporary folder it lies in until it is kept.
    """

    def __init__(self, site: Site) -> None:
        self.id = new_id()
        self.key = new_key()
        self.parts: list[Part] = []
        self._folder = site.temporary

    def part(self) -> Part:
        """Begin the next part. The first is the text, the others are the attachments in their order."""
        made = Part(self._folder, self.key, about=self.id, place=len(self.parts))
        self.parts.append(made)
        return made

    def discard(self) -> None:
        """Remove what was not kept."""
        for part in self.parts:
            part.abort()


class Part:
    """One part on its way in. Only its ciphertext is ever on the disk. For one thread at a time."""

    def __init__(self, folder: Path, key: bytes, *, about: str, place: int) -> None:
        self.place = place
        self.path = folder / f"{new_id()}.part"
        self.size = 0
        self.stored = 0
        self._sealer = Sealer(key, about=about, place=place)
        with _said():
            self._file = open(self.path, "xb", opener=_private)  # noqa: SIM115

    def write(self, data: bytes) -> None:
        """Add plain bytes. Raises DiskFull, Unavailable."""
        self.size += len(data)
        self._put(self._sealer.update(data))

    def finish(self) -> None:
        """The part is whole. Raises DiskFull, Unavailable."""
        self._put(self._sealer.finish())
        with _said():
            self._file.close()

    def abort(self) -> None:
        """Remove the file, whatever state it is in; one that was kept is somewhere else by now."""
        with contextlib.suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _put(self, sealed: bytes) -> None:
        with _said():
            self._file.write(sealed)
        self.stored += len(sealed)


def new_place() -> str:
    """A fresh storage key. It says nothing of the secret, nor of its owner."""
    return FOLDER + random_text(32)


def read_sealed(site: Site, key: str, *, most: int) -> bytes | None:
    """A small part's ciphertext, or None when it is gone. Raises TooBig beyond `most` bytes."""
    try:
        with site.storage.open(key) as file:
            data = file.read(most + 1)
    except MissingObject:
        return None
    if len(data) > most:
        raise TooBig("This secret's text is larger than one can be.")
    return data


def unsealed(data: bytes, key: bytes, *, about: str, place: int) -> bytes:
    """The plain bytes of a small part. Raises Unavailable."""
    import io

    return b"".join(opened(io.BytesIO(data), key, about=about, place=place))


def remove_parts(site: Site, secret: Secret, parts: Iterable[SecretPart]) -> None:
    """Destroy the bytes of a burned secret's parts, then their rows; their owner has the room again.

    Bytes first: who is killed in between finds the row again, and removes what is left.
    """
    for part in parts:
        shred(site, part.key)
        with transaction(site.db):
            if SecretPart.delete().where(SecretPart.id == part.id).execute():
                quotas.credit(site, secret.owner_id, secret.team_id, part.size)


def shred(site: Site, key: str) -> None:
    """Overwrite bytes, then delete them. On disks that write elsewhere (SSD, copy on write) the first is an attempt."""
    path = site.storage.local_path(key)
    if path is not None:
        with contextlib.suppress(OSError), path.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(bytes(min(left, _PIECE)))
            file.flush()
            os.fsync(file.fileno())
    site.storage.delete(key)


def shred_quietly(site: Site, keys: Iterable[str]) -> None:
    """As `shred`, for bytes without a row: what cannot be removed now is found by the sweep."""
    for key in keys:
        try:
            shred(site, key)
        except BulletDropError as error:
            logger.warning("bytes of a secret that was not made are left for the sweep: %s", error.message)


@contextlib.contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("The server's disk is full. Nothing was kept; try again later.", retry_after=60) from error
        raise Unavailable("The server's disk cannot be written now. Try again later.", retry_after=30) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
