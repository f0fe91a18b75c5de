"""Where the tray's token lies: the environment, the system's keyring, or honestly a plain file of our own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.paths import make_private_folder, write_private
from bulletdrop.tray.deadline import within

log = get_logger("vault")

T = TypeVar("T")

SERVICE = "bulletdrop"
LIMIT_SECONDS = 5.0

SECRET_SERVICE = "keyring.backends.SecretService.Keyring"

# Only these keep a secret. keyring would also take what keyrings.alt offers, which is a plain file without saying so.
KEYRINGS = (
    SECRET_SERVICE,
    "keyring.backends.kwallet.DBusKeyring",
    "keyring.backends.macOS.Keyring",
    "keyring.backends.Windows.WinVaultKeyring",
)


class VaultLocked(BulletDropError):
    """The keyring that holds the token does not answer."""

    code = "vault_locked"
    title = "The keyring is locked"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token and where it came from: "environment", a keyring's name, or the path of the plain file."""

    server: str
    token: str
    where: str

    def __repr__(self) -> str:
        return f"StoredToken(server={self.server!r}, token='***', where={self.where!r})"


def load_token(
    data: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    limit: float = LIMIT_SECONDS,
    may_prompt: bool = False,
) -> StoredToken | None:
    """The token of this data folder, by order: BULLETDROP_TOKEN, the place remembered in tray/vault.json.

    A locked keyring shows its dialog only where `may_prompt` says that the person asked for it.

    Returns: None when nothing is stored. `server` is empty when only the environment gave a token and no server.
    Raises: VaultLocked when the remembered keyring hangs, is locked or gone: the token is probably still there, so
    asking again later is right and pairing again is not.
    """
    memory = _read_memory(data)
    server = str(memory.get("server", ""))
    if token := environ.get("BULLETDROP_TOKEN", "").strip():
        return StoredToken(environ.get("BULLETDROP_SERVER", server).rstrip("/"), token, "environment")
    where = memory.get("backend")
    if where is None:
        return None
    if where == "file":
        path = _file(data)
        try:
            return StoredToken(server, path.read_text(encoding="utf-8").strip(), str(path))
        except FileNotFoundError:
            return None
    try:
        found = _ask(lambda: _backend(str(where), may_prompt=may_prompt).get_password(SERVICE, _account(memory)), limit)
    except Exception as error:
        raise VaultLocked(f"{_name(str(where))} holds the token: {_why(error)}. Unlock it.") from error
    return None if found is None else StoredToken(server, str(found), _name(str(where)))


def is_paired(data: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a token, as far as it can be told without asking the keyring."""
    return bool(environ.get("BULLETDROP_TOKEN", "").strip() or _read_memory(data).get("backend"))


def with_paired_server(config: Config) -> Config:
    """The settings with the server that this machine was paired with by `bulletdrop pair`, where they name none."""
    memory = _read_memory(config.data)
    if config.server or not memory.get("elsewhere"):
        return config
    return replace(config, server=str(memory.get("server", "")))


def store_token(
    data: Path,
    server: str,
    token: str,
    *,
    keyrings: Sequence[str] = KEYRINGS,
    limit: float = LIMIT_SECONDS,
    elsewhere: bool = False,
) -> StoredToken:
    """Keep a token: in the first keyring that proves it keeps secrets, else in a file that only its owner may read.

    Args:
        data: the data folder; tray/vault.json there remembers which place it was.
        server: the address that the token is for.
        token: the key, less than 1,280 characters (the limit of Windows' store).
        keyrings: which to try, as class paths; () means the file.
        elsewhere: the server is to be used from now on, also when one runs on this machine.

    Returns: what `load_token` will find, where the environment gives none.
    Raises: OSError when not even the file can be written.
    """
    make_private_folder(data / "tray")
    memory = _read_memory(data)
    account = _account(memory) if memory.get("account") else secrets.token_hex(8)
    name, problem = probe_keyring(keyrings, limit=limit)
    if name is not None:
        chosen = name
        try:
            _ask(lambda: _keep(chosen, account, token), limit)
        except Exception as error:
            name, problem = None, _why(error)
    if name is None:
        log.warning("No keyring can keep the token (%s): it lies in the plain file %s.", problem, _file(data))
        write_private(_file(data), token + "\n")
    else:
        _file(data).unlink(missing_ok=True)
    entry = {"backend": name or "file", "server": server.rstrip("/"), "account": account, "elsewhere": elsewhere}
    write_private(_memory(data), json.dumps(entry) + "\n")
    return StoredToken(server.rstrip("/"), token, _name(name) if name else str(_file(data)))


def forget_token(data: Path, *, limit: float = LIMIT_SECONDS) -> None:
    """Remove the stored token wherever it lies. A keyring that does not answer is logged and keeps its copy."""
    memory = _read_memory(data)
    where = memory.get("backend")
    if where not in (None, "file"):
        try:
            _ask(lambda: _backend(str(where)).delete_password(SERVICE, _account(memory)), limit)
        except Exception as error:
            log.warning("The keyring did not delete the token: %s", _why(error))
    _file(data).unlink(missing_ok=True)
    _memory(data).unlink(missing_ok=True)


def probe_keyring(keyrings: Sequence[str] = KEYRINGS, *, limit: float = LIMIT_SECONDS) -> tuple[str | None, str]:
    """Find a keyring that really keeps a secret: write, read, compare, delete.

    Returns: (the backend's class path, "") or (None, why not, in a few words). Never raises; takes at most `limit` s.
    """
    try:
        return _ask(lambda: _probe(keyrings), limit), ""
    except Exception as error:
        return None, _why(error)


def describe(backend: str) -> str:
    """A keyring backend's name for people."""
    return _name(backend)


def _probe(keyrings: Sequence[str]) -> str:
    problems = []
    for path in keyrings:
        account, value = f"probe-{secrets.token_hex(8)}", secrets.token_urlsafe(24)
        try:
            backend = _backend(path)
            backend.set_password(SERVICE, account, value)
            same = backend.get_password(SERVICE, account) == value
            backend.delete_password(SERVICE, account)
        except Exception as error:
            problems.append(_why(error))
            continue
        if same:
            return path
        problems.append(f"{_name(path)} gave back something else than was written")
    raise LookupError(problems[0] if problems else "no keyring is known on this system")


def _keep(path: str, account: str, token: str) -> None:
    backend = _backend(path)
    backend.set_password(SERVICE, account, token)
    if backend.get_password(SERVICE, account) != token:
        raise LookupError(f"{_name(path)} did not give the token back")


def _backend(path: str, *, may_prompt: bool = False) -> Any:
    """Make one allowed backend. Raises when its system is not this one, its service is not there or would prompt."""
    import importlib

    import keyring  # noqa: F401 -- in plain sight for the binary's builder, whose hook then brings all backends

    if path not in KEYRINGS:
        raise LookupError(f"{path} is not a keyring that we trust")
    module, _, name = path.rpartition(".")
    kind = getattr(importlib.import_module(module), name)
    kind.priority  # noqa: B018 -- asking raises where the backend cannot work
    if path == SECRET_SERVICE and not may_prompt:
        _needs_no_dialog()
    return kind()


def _needs_no_dialog() -> None:
    """Raise where the Secret Service would first ask the person: its dialog takes the whole desktop for itself.

    Only reads: `ReadAlias` gives "/" where there is no default collection, and each collection tells its `Locked`
    (freedesktop.org, Secret Service API).
    """
    import secretstorage

    with contextlib.closing(secretstorage.dbus_init()) as connection:
        try:
            collection = secretstorage.get_collection_by_alias(connection, "default")
        except secretstorage.ItemNotFoundException as error:
            raise LookupError("the Secret Service has no default keyring yet") from error
        if collection.is_locked():
            raise LookupError("the default keyring is locked")


def _ask(question: Callable[[], T], limit: float) -> T:
    # A keyring call may sit behind a password dialog for ever.
    return within(limit, question, name="keyring")


def _why(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _name(path: str) -> str:
    names = ("Secret Service keyring", "KWallet", "macOS Keychain", "Windows Credential Manager")
    return dict(zip(KEYRINGS, names, strict=True)).get(path, path)


def _account(memory: Mapping[str, object]) -> str:
    return str(memory.get("account", ""))


def _file(data: Path) -> Path:
    return data / "tray" / "token"


def _memory(data: Path) -> Path:
    return data / "tray" / "vault.json"


def _read_memory(data: Path) -> dict[str, object]:
    try:
        memory = json.loads(_memory(data).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return memory if isinstance(memory, dict) else {}
