"""Site: one running BulletDrop. The first argument of every use case."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from peewee import Database

from bulletdrop.clock import Clock, SystemClock
from bulletdrop.config import Config, overlaid
from bulletdrop.core.counts import Counts
from bulletdrop.core.database import open_database, using
from bulletdrop.core.migrations import migrate
from bulletdrop.core.models import Setting, database_proxy
from bulletdrop.core.reserve import keep_reserve
from bulletdrop.errors import BadConfig, Unavailable
from bulletdrop.media.decoding.pool import Decoder
from bulletdrop.paths import make_private_folder, write_private
from bulletdrop.storage.base import Storage
from bulletdrop.storage.local import LocalStorage

# What the names of the admin's changes begin with in the table of settings.
CHANGED = "config:"


class Live:
    """The settings as they are now: those that are written down, with the admin's changes over them.

    The one thing of a site that changes while it runs; it is replaced as a whole, so that every reader sees one state.

    Args:
        written: what file, environment and flags say.
    """

    def __init__(self, written: Config) -> None:
        self.written = written
        self.config = written
        # The domains as they were at the last look (see `names/known`); None before the first.
        self.domains: Any = None


@dataclass(frozen=True)
class Site:
    """What a use case needs: settings, database, bytes, time, and the children that decode pictures."""

    live: Live
    db: Database
    storage: Storage
    clock: Clock
    decoder: Decoder
    # Limits that hold over all processes of this machine.
    counts: Counts
    # Plans by name, each with how long it is believed without asking again (see `people/rates`).
    plans: dict[str, Any] = field(default_factory=dict)
    # What sign-in providers say of themselves, each with when it was fetched (see `people/openid`).
    fetched: dict[str, Any] = field(default_factory=dict)
    # Set when the queue got work, so that this process's workers need not wait for their next look.
    wake: threading.Event = field(default_factory=threading.Event)
    # Held as long as this process serves the data folder.
    lock: IO[str] | None = None

    @property
    def config(self) -> Config:
        """Every setting, as it is now."""
        return self.live.config

    @property
    def temporary(self) -> Path:
        """The folder for unfinished files, on the same file system as the storage."""
        return self.config.data / "tmp"


def open_site(
    config: Config, *, clock: Clock | None = None, storage: Storage | None = None, serving: bool = False
) -> Site:
    """Open the data folder: make what is missing, read the secret key, bring the database up to date.

    Args:
        config: the settings; an empty `secret_key` is replaced by the one in the data folder.
        clock: the system's, unless a test passes its own.
        storage: the local folder, unless a test passes its own.
        serving: this is to be the one server of the folder, until it is closed or the process ends.

    Raises: BadConfig; Unavailable, also where another server has the folder. Nothing is half open then.
    """
    clock = clock or SystemClock()
    # Whatever this process makes from now on is its owner's alone, also what SQLite makes.
    os.umask(0o077)
    try:
        _close_to_others(make_private_folder(config.data))
        make_private_folder(config.data / "tmp")
        lock = _lock_for_serving(config.data) if serving else None
    except OSError as error:
        raise BadConfig(f"The data folder {config.data} cannot be used: {error.strerror}.", field="data") from error
    with _starting(config.data):
        config = replace(config, secret_key=_secret_key(config))
        database = open_database(config)
        database_proxy.initialize(database)
        with using(database):
            migrate(database, now=clock.now(), backups=config.data / "backups")
            live = Live(config)
            live.config = overlaid(config, changes())
    keep_reserve(config.data, config.min_free_disk)
    counts = Counts(config.data / "run" / "counts.db")
    return Site(live, database, storage or LocalStorage(config.data), clock, Decoder(config), counts, lock=lock)


def changes() -> dict[str, object]:
    """What the admin changed at run time: setting → value, as the database keeps it."""
    rows = Setting.select().where(Setting.name.startswith(CHANGED))
    return {row.name.removeprefix(CHANGED): json.loads(row.value) for row in rows}


def close_site(site: Site) -> None:
    """End the decoding children and this thread's connection."""
    site.decoder.close()
    site.counts.close()
    if not site.db.is_closed():
        site.db.close()
    if site.lock is not None:
        site.lock.close()


def _close_to_others(data: Path) -> None:
    """Nobody else may read what we made. A folder that others filled before us keeps its mode: `doctor` names it."""
    if os.name == "nt":
        return
    if data.stat().st_uid == os.geteuid() and data.stat().st_mode & 0o077 and not any(data.iterdir()):
        data.chmod(0o700)
    for name in ("bulletdrop.db", "bulletdrop.db-wal", "bulletdrop.db-shm"):
        # The last two come and go with other processes' connections.
        with contextlib.suppress(FileNotFoundError):
            if (data / name).stat().st_mode & 0o077:
                (data / name).chmod(0o600)


def _lock_for_serving(data: Path) -> IO[str]:
    """An open file whose lock ends with this process, however that ends. Raises Unavailable when another has it."""
    file = (data / "serve.lock").open("a+", encoding="ascii")
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            process = file.read().strip() or "unknown"
            file.close()
            message = f"Another BulletDrop serves this data folder (process {process})."
            raise Unavailable(message, paths=[data]) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


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
