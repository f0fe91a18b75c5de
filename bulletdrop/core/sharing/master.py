"""The master key: it wraps the data key of each secret. Kept in one file beside the database, or given by a setting."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.core.site import Site
from bulletdrop.errors import BadConfig, Conflict, Unavailable
from bulletdrop.paths import sync_folder

FILE = "master.key"
_NONCE = 12
_LENGTH = 32


@dataclass(frozen=True)
class MasterKey:
    """One master key. Its id is made of it, so that it is the same key wherever it is given."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"


def master_keys(site: Site) -> list[MasterKey]:
    """All master keys, the one that wraps first. The file is made when it is not there.

    Read anew each time: what a rotation has destroyed must not live on in the memory of another process.
    Raises: Unavailable for a damaged file, BadConfig for a setting that holds no keys.
    """
    if site.config.master_key:
        return _given(site.config.master_key)
    path = site.config.data / FILE
    try:
        return _parsed(path, path.read_text(encoding="ascii"))
    except FileNotFoundError:
        _make(path)
        return _parsed(path, path.read_text(encoding="ascii"))


def wrap(keys: Sequence[MasterKey], data_key: bytes, *, about: str) -> tuple[str, str]:
    """Wrap a data key with the first master key (AES-256-GCM).

    Args:
        about: authenticated with it: the id of the secret whose key it is.
    Returns: the master key's id and the wrapped key in base64url.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE)
    wrapped = AESGCM(keys[0].key).encrypt(nonce, data_key, _about(about))
    return keys[0].id, base64.urlsafe_b64encode(nonce + wrapped).decode("ascii")


def unwrap(keys: Sequence[MasterKey], key_id: str, wrapped: str, *, about: str) -> bytes:
    """The data key. Raises Unavailable where its master key is not here, or the row is another one's."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    master = next((key for key in keys if key.id == key_id), None)
    if master is None:
        raise Unavailable("This secret cannot be opened: the server's master.key is not the one that it was made with.")
    try:
        raw = base64.urlsafe_b64decode(wrapped)
        return AESGCM(master.key).decrypt(raw[:_NONCE], raw[_NONCE:], _about(about))
    except (InvalidTag, ValueError) as error:
        raise Unavailable("This secret cannot be opened: its key was changed.") from error


@contextlib.contextmanager
def rotation(site: Site) -> Iterator[list[MasterKey]]:
    """Hold the master keys for a rotation, a new one before the others; one that was interrupted is taken up again.

    Raises: Conflict where the setting `master_key` gives one key only: there is nothing to go on to. Unavailable
        while another rotation runs.
    """
    if site.config.master_key:
        given = _given(site.config.master_key)
        if len(given) < 2:
            message = "master_key is given by a setting. Put a new key and a comma before the old one, and come again."
            raise Conflict(message, field="master_key")
        yield given
        return
    master_keys(site)
    with _locked(site.config.data, wait=False):
        _remove_unfinished(site.config.data)
        keys = master_keys(site)
        if len(keys) == 1:
            keys = [_new(), *keys]
            _write(site.config.data / FILE, keys)
        yield keys


def destroy_others(site: Site, keys: Sequence[MasterKey]) -> None:
    """Keep the first master key and destroy the others: the file that held them is overwritten before it goes.

    Keys that a setting gives are their owner's to take out of it.
    """
    if not site.config.master_key:
        _write(site.config.data / FILE, keys[:1], shred=True)


def sweep_master(site: Site) -> None:
    """Remove what a killed rotation has left beside the file: it holds keys."""
    if (site.config.data / FILE).exists():
        with contextlib.suppress(Unavailable), _locked(site.config.data, wait=False):
            _remove_unfinished(site.config.data)


def _about(text: str) -> bytes:
    return f"bulletdrop secret {text}".encode()


def _new() -> MasterKey:
    return _keyed(secrets.token_bytes(_LENGTH))


def _keyed(key: bytes) -> MasterKey:
    return MasterKey(hashlib.sha256(b"bulletdrop master key" + key).hexdigest()[:16], key)


def _given(text: str) -> list[MasterKey]:
    """Keys from the setting: each 64 hexadecimal digits, separated by commas, the newest first."""
    try:
        keys = [_keyed(bytes.fromhex(part.strip())) for part in text.split(",") if part.strip()]
    except ValueError:
        keys = []
    if not keys or any(len(key.key) != _LENGTH for key in keys):
        message = "master_key is 64 hexadecimal digits (openssl rand -hex 32), or several of them, the newest first."
        raise BadConfig(message, field="master_key")
    return keys


def _parsed(path: Path, text: str) -> list[MasterKey]:
    try:
        keys = [_keyed(bytes.fromhex(row["key"])) for row in json.loads(text)["keys"]]
        whole = bool(keys) and all(len(key.key) == _LENGTH for key in keys)
    except (ValueError, TypeError, KeyError):
        whole = False
    if not whole:
        raise Unavailable(f"{path.name} is damaged. Restore it from a backup: secrets need it.", paths=[path])
    return keys


def _text(keys: Sequence[MasterKey]) -> str:
    return json.dumps({"keys": [{"id": key.id, "key": key.key.hex()} for key in keys]}, indent=1) + "\n"


def _make(path: Path) -> None:
    """Make the file with a first key, of several processes in one."""
    with _locked(path.parent, wait=True):
        if not path.exists():
            os.replace(_written(path, _text([_new()])), path)
            sync_folder(path.parent)


def _write(path: Path, keys: Sequence[MasterKey], *, shred: bool = False) -> None:
    """Put keys into the file, whole or not at all; with `shred` the old bytes are overwritten after that."""
    with path.open("r+b") as old:
        length = os.fstat(old.fileno()).st_size
        os.replace(_written(path, _text(keys)), path)
        sync_folder(path.parent)
        if shred:
            old.write(bytes(length))
            old.flush()
            os.fsync(old.fileno())


def _written(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _remove_unfinished(data: Path) -> None:
    for path in data.glob(f".{FILE}.*.tmp"):
        with path.open("r+b") as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(data: Path, *, wait: bool) -> Iterator[None]:
    with (data / "master.lock").open("a+b") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise Unavailable("Another rotation of the master key is under way.") from error
        yield
