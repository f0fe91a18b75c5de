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
from bulletdrop.tray.preferences import load

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
    """A token and where it came from: "environment", a keyring's name, or the path of the plain file. `username` is
    whose it is, as far as that is known."""

    server: str
    token: str
    where: str
    username: str = ""

    def __repr__(self) -> str:
        return f"StoredToken(server={self.server!r}, token='***', where={self.where!r})"


def load_token(
    data: Path,
    server: str = "",
    *,
    environ: Mapping[str, str] = os.environ,
    limit: float = LIMIT_SECONDS,
    may_prompt: bool = False,
) -> StoredToken | None:
    """The token of this data folder, by order: BULLETDROP_TOKEN, the place remembered in tray/vault.json.

    A locked keyring shows its dialog only where `may_prompt` says that the person asked for it.

    Args:
        server: the address that it is for; "" is the one that was paired first of all.

    Returns: None when nothing is stored. `server` is empty when only the environment gave a token and no server.
    Raises: VaultLocked when the remembered keyring hangs, is locked or gone: the token is probably still there, so
    asking again later is right and pairing again is not.
    """
    memory = _read_memory(data)
    first = str(memory.get("server", ""))
    if token := environ.get("BULLETDROP_TOKEN", "").strip():
        return StoredToken(environ.get("BULLETDROP_SERVER", server or first).rstrip("/"), token, "environment")
    entry = _entry(memory, server)
    if entry is None:
        return None
    for_server, username = str(entry.get("server", "")), str(entry.get("username", ""))
    where = str(entry["backend"])
    if where == "file":
        path = _file(data, entry)
        try:
            return StoredToken(for_server, path.read_text(encoding="utf-8").strip(), str(path), username)
        except FileNotFoundError:
            return None
    try:
        found = _ask(lambda: _backend(where, may_prompt=may_prompt).get_password(SERVICE, _account(entry)), limit)
    except Exception as error:
        raise VaultLocked(f"{_name(where)} holds the token: {_why(error)}. Unlock it.") from error
    return None if found is None else StoredToken(for_server, str(found), _name(where), username)


def is_paired(data: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a token, as far as it can be told without asking the keyring."""
    memory = _read_memory(data)
    return bool(environ.get("BULLETDROP_TOKEN", "").strip() or memory.get("backend") or _others(memory))


def remembers(data: Path, server: str) -> bool:
    """Whether a token for this server is noted, as far as it can be told without asking the keyring."""
    return _entry(_read_memory(data), server) is not None


def with_paired_server(config: Config) -> Config:
    """The settings with the server that this machine was paired with by `bulletdrop pair`, where they name none."""
    if config.server:
        return config
    listed = load(config.data / "tray" / "preferences.json").servers
    return replace(config, server=listed[0].url if listed else paired_elsewhere(config.data))


def paired_elsewhere(data: Path) -> str:
    """The server that is to be used instead of one on this machine; "" where none was paired."""
    memory = _read_memory(data)
    return str(memory.get("server", "")) if memory.get("elsewhere") else ""


def store_token(
    data: Path,
    server: str,
    token: str,
    *,
    keyrings: Sequence[str] = KEYRINGS,
    limit: float = LIMIT_SECONDS,
    elsewhere: bool = False,
    username: str = "",
) -> StoredToken:
    """Keep a token: in the first keyring that proves it keeps secrets, else in a file that only its owner may read.

    Args:
        data: the data folder; tray/vault.json there remembers which place it was.
        server: the address that the token is for.
        token: the key, less than 1,280 characters (the limit of Windows' store).
        keyrings: which to try, as class paths; () means the file.
        elsewhere: the server is to be used from now on, also when one runs on this machine; what other such servers
            gave is kept beside it.
        username: whose it is, to be shown.

    Returns: what `load_token` will find, where the environment gives none.
    Raises: OSError when not even the file can be written.
    """
    server = server.rstrip("/")
    make_private_folder(data / "tray")
    memory = _read_memory(data)
    if server in _others(memory):
        entry = _others(memory)[server]
    elif memory.get("server") in (None, "", server) or not (memory.get("elsewhere") and elsewhere):
        entry = memory  # the first, or in its place
    else:
        entry = {}
    account = _account(entry) or secrets.token_hex(8)
    is_first = entry is memory
    name, problem = probe_keyring(keyrings, limit=limit)
    if name is not None:
        chosen = name
        try:
            _ask(lambda: _keep(chosen, account, token), limit)
        except Exception as error:
            name, problem = None, _why(error)
    new = {"backend": name or "file", "server": server, "account": account, "username": username}
    if not is_first:
        new["file"] = f"token-{account}"
    path = _file(data, new)
    if name is None:
        log.warning("No keyring can keep the token (%s): it lies in the plain file %s.", problem, path)
        write_private(path, token + "\n")
    else:
        path.unlink(missing_ok=True)
    others = {**_others(memory), **({} if is_first else {server: new})}
    kept = {**(new if is_first else memory), "elsewhere": elsewhere if is_first else True, "others": others}
    _write_memory(data, kept)
    return StoredToken(server, token, _name(name) if name else str(path), username)


def forget_token(data: Path, server: str = "", *, limit: float = LIMIT_SECONDS) -> None:
    """Remove a stored token wherever it lies. A keyring that does not answer is logged and keeps its copy.

    Args:
        server: the address that it is for; "" is the one that was paired first, and all beside it stay.
    """
    memory = _read_memory(data)
    entry = _entry(memory, server)
    if entry is None:
        return
    where = str(entry["backend"])
    if where != "file":
        try:
            _ask(lambda: _backend(where).delete_password(SERVICE, _account(entry)), limit)
        except Exception as error:
            log.warning("The keyring did not delete the token: %s", _why(error))
    _file(data, entry).unlink(missing_ok=True)
    others = {url: one for url, one in _others(memory).items() if one is not entry}
    kept = {"others": others} if entry is memory else {**memory, "others": others}
    if kept == {"others": {}}:
        _memory(data).unlink(missing_ok=True)
    else:
        _write_memory(data, kept)


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


def _entry(memory: dict[str, object], server: str) -> dict[str, object] | None:
    """What is remembered of one server's token: the first one's stands at the top, as it always has."""
    entry = _others(memory).get(server.rstrip("/")) if server else None
    if entry is None and server in ("", memory.get("server")):
        entry = memory
    return entry if entry is not None and entry.get("backend") is not None else None


def _others(memory: Mapping[str, object]) -> dict[str, dict[str, object]]:
    others = memory.get("others")
    if not isinstance(others, dict):
        return {}
    return {str(url): entry for url, entry in others.items() if isinstance(entry, dict)}


def _file(data: Path, entry: Mapping[str, object]) -> Path:
    # A name and no path, whatever stands in the file.
    return data / "tray" / Path(str(entry.get("file") or "token")).name


def _memory(data: Path) -> Path:
    return data / "tray" / "vault.json"


def _write_memory(data: Path, memory: Mapping[str, object]) -> None:
    write_private(_memory(data), json.dumps(memory) + "\n")


def _read_memory(data: Path) -> dict[str, object]:
    try:
        memory = json.loads(_memory(data).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return memory if isinstance(memory, dict) else {}
