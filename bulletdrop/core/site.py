"""Site: one running BulletDrop. The first argument of every use case."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from peewee import Database

from bulletdrop.clock import Clock, SystemClock
from bulletdrop.config import Config
from bulletdrop.core.database import open_database, using
from bulletdrop.core.migrations import migrate
from bulletdrop.core.models import database_proxy
from bulletdrop.core.reserve import keep_reserve
from bulletdrop.errors import BadConfig, Unavailable
from bulletdrop.media.decoding.pool import Decoder
from bulletdrop.paths import make_private_folder, write_private
from bulletdrop.storage.base import Storage
from bulletdrop.storage.local import LocalStorage


@dataclass(frozen=True)
class Site:
    """What a use case needs: settings, database, bytes, time, and the children that decode pictures."""

    config: Config
    db: Database
    storage: Storage
    clock: Clock
    decoder: Decoder
    # Set when the queue got work, so that this process's workers need not wait for their next look.
    wake: threading.Event = field(default_factory=threading.Event)

    @property
    def temporary(self) -> Path:
        """The folder for unfinished files, on the same file system as the storage."""
        return self.config.data / "tmp"


def open_site(config: Config, *, clock: Clock | None = None, storage: Storage | None = None) -> Site:
    """Open the data folder: make what is missing, read the secret key, bring the database up to date.

    Args:
        config: the settings; an empty `secret_key` is replaced by the one in the data folder.
        clock: the system's, unless a test passes its own.
        storage: the local folder, unless a test passes its own.

    Raises: BadConfig, Unavailable; nothing is half open then.
    """
    clock = clock or SystemClock()
    try:
        make_private_folder(config.data)
        make_private_folder(config.data / "tmp")
    except OSError as error:
        raise BadConfig(f"The data folder {config.data} cannot be used: {error.strerror}.", field="data") from error
    with _starting(config.data):
        config = replace(config, secret_key=_secret_key(config))
        database = open_database(config)
        database_proxy.initialize(database)
        with using(database):
            migrate(database, now=clock.now(), backups=config.data / "backups")
    keep_reserve(config.data, config.min_free_disk)
    return Site(config, database, storage or LocalStorage(config.data), clock, Decoder(config))


def close_site(site: Site) -> None:
    """End the decoding children and this thread's connection."""
    site.decoder.close()
    if not site.db.is_closed():
        site.db.close()


@contextlib.contextmanager
def _starting(data: Path) -> Iterator[None]:
    """One process at a time makes the secret and migrates: two would make two secrets, and back up a moving file."""
    with (data / "start.lock").open("a+b") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _secret_key(config: Config) -> str:
    if config.secret_key:
        if len(config.secret_key) < 32:
            raise BadConfig("secret_key needs at least 32 characters.", field="secret_key")
        return config.secret_key
    path = config.data / "secret.key"
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = secrets.token_hex(32)
        write_private(path, key + "\n")
        return key
    if len(key) < 32:
        raise Unavailable(f"{path} is damaged. Restore it from a backup; a new one signs everybody out.", paths=[path])
    if os.name != "nt":
        path.chmod(0o600)
    return key
