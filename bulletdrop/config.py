"""SETTINGS: one row per setting; file < environment < flag, into one frozen Config."""

from __future__ import annotations

import contextlib
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bulletdrop.config_values import Setting, check_apart, convert
from bulletdrop.errors import BadConfig
from bulletdrop.paths import default_data_folder

MB = 1024 * 1024
# A hundred years in days, and more bytes than any disk has.
_LONG, _HUGE, _WHOLE_DISK = 36_500, 2**50, 2**62


def _row(
    default: Any,
    text: str,
    *,
    secret: bool = False,
    least: float | None = None,
    most: float | None = None,
    live: bool = False,
    of: tuple[str, ...] = (),
) -> Any:
    """One row of the table.

    Args:
        text: the help, in a sentence.
        secret: never shown.
        least: the least value allowed.
        most: the greatest; beyond it dates and columns would overflow.
        live: the admin may change it while the server runs, unless file, environment or a flag give it.
        of: the values there are; empty for any.
    """
    facts = {"help": text, "secret": secret, "least": least, "most": most, "live": live, "of": of}
    return field(default=default, metadata=facts)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting, in its final type. Made by `load_config`, never changed afterwards."""

    data: Path = _row(
        Path(), "The data folder: database, pictures, secrets. Default: the system's place for application data."
    )
    host: str = _row("0.0.0.0", "The address to listen on. 127.0.0.1 keeps the server to this machine.")
    port: int = _row(8484, "The port to listen on.", least=0)
    public_url: str = _row("", "The address people use, such as https://drop.example.org. Every link is built from it.")
    content_url: str = _row(
        "",
        "A second address of this server for people's files alone, such as https://files.example.net. Recommended: "
        "what somebody uploads then never comes from the address where people are signed in. Private, limited and "
        "passworded files stay at public_url, where they cannot run scripts; so do those that an album or a share link "
        "shows.",
    )
    hosts: tuple[str, ...] = _row(
        (),
        "More names by which this server may be called, comma-separated; others are refused. IP addresses always work.",
    )
    user_domains: str = _row(
        "on",
        "Whether people choose among the domains that the admin offers for links: on or off.",
        live=True,
        of=("on", "off"),
    )
    tls: str = _row(
        "off",
        "Whether this server itself speaks https: off (a proxy does, or nobody), own (with a certificate that it makes "
        "for itself and that paired devices remember), file (tls_certificate and tls_key).",
        of=("off", "own", "file"),
    )
    tls_certificate: Path | None = _row(None, "The file with the certificate and those that vouch for it, as PEM.")
    tls_key: Path | None = _row(None, "The file with its private key, as PEM.")
    announce: str = _row(
        "on",
        "Whether devices in the same network find this server by themselves (mDNS): on or off.",
        of=("on", "off"),
    )
    database_url: str = _row(
        "", "postgresql://user:password@host/name; left out, SQLite in the data folder.", secret=True
    )
    secret_key: str = _row("", "Signs sessions and deletion links. Made at the first start when left out.", secret=True)
    master_key: str = _row(
        "",
        "Wraps the keys of secrets: 64 hexadecimal digits, or several, the newest first. Default: made in master.key.",
        secret=True,
    )
    log_level: str = _row("info", "debug, info, warning or error.", of=("debug", "info", "warning", "error"))
    trusted_proxies: tuple[str, ...] = _row((), "Addresses of proxies whose forwarded headers count, comma-separated.")

    registration: str = _row(
        "closed",
        "Who may make an account: closed (nobody), invite (who has a code), open (whoever proves an email address).",
        live=True,
        of=("closed", "invite", "open"),
    )
    default_plan: str = _row(
        "home",
        "The plan of a new account: home (no limits but the disk), free, pro or enterprise.",
        live=True,
        of=("home", "free", "pro", "enterprise"),
    )
    site_name: str = _row("BulletDrop", "What this server calls itself in mails and on its pages.", live=True)
    search_engines: str = _row(
        "off",
        "Whether search engines may list public drops: on or off. What has a password or a limit they never may.",
        live=True,
        of=("off", "on"),
    )
    audit_days: int = _row(365, "Days after which rows of the audit log are removed.", least=1, most=_LONG, live=True)

    smtp_host: str = _row("", "The mail server. Without one, the admin hands the links over.")
    smtp_port: int = _row(587, "The mail server's port.", least=1)
    smtp_security: str = _row(
        "starttls",
        "How mail travels: starttls, tls, or none (a server on this machine).",
        of=("starttls", "tls", "none"),
    )
    smtp_user: str = _row("", "The name to sign in with at the mail server; empty for none.")
    smtp_password: str = _row("", "The password for it.", secret=True)
    smtp_from: str = _row("", "The sender's address. Default: bulletdrop@ the host of public_url.")

    oidc_name: str = _row("Single sign-on", "What the button of the OpenID Connect provider says.")
    oidc_issuer: str = _row("", "An OpenID Connect issuer, such as https://id.example.org: its address is enough.")
    oidc_client_id: str = _row(
        "", "The client id that the issuer gave; its way back: PUBLIC_URL/api/v1/auth/oidc/callback."
    )
    oidc_client_secret: str = _row("", "The client secret; empty for a public client.", secret=True)
    google_client_id: str = _row(
        "", "Sign in with Google: the client id; its way back: PUBLIC_URL/api/v1/auth/google/callback."
    )
    google_client_secret: str = _row("", "Sign in with Google: the client secret.", secret=True)
    github_client_id: str = _row(
        "", "Sign in with GitHub: the client id; its way back: PUBLIC_URL/api/v1/auth/github/callback."
    )
    github_client_secret: str = _row("", "Sign in with GitHub: the client secret.", secret=True)
    github_url: str = _row("https://github.com", "GitHub, or your GitHub Enterprise server.")
    discord_client_id: str = _row(
        "", "Sign in with Discord: the client id; its way back: PUBLIC_URL/api/v1/auth/discord/callback."
    )
    discord_client_secret: str = _row("", "Sign in with Discord: the client secret.", secret=True)

    accepted_types: tuple[str, ...] = _row(
        ("png", "jpeg", "gif", "webp", "avif", "bmp", "mp4", "webm", "tiff", "heic"),
        "The kinds of file to take, read from the bytes. Also possible: text, pdf, zip.",
        live=True,
    )
    pastes: str = _row("on", "Whether texts can be pasted, whatever accepted_types says.", live=True, of=("on", "off"))
    paste_max_bytes: int = _row(MB, "The longest text that can be pasted, in bytes.", least=1, most=16 * MB, live=True)
    max_file_size: int = _row(100 * MB, "The largest file, in bytes.", least=1, most=_HUGE, live=True)
    min_free_disk: int = _row(
        200 * MB,
        "Uploads are refused when less than this is free on the data disk, in bytes.",
        least=0,
        most=_WHOLE_DISK,
        live=True,
    )
    min_upload_rate: int = _row(4096, "Uploads slower than this on average are cut off, in bytes per second.", least=0)
    min_download_rate: int = _row(
        1024,
        "Clients that take an answer slower than this for half a minute are cut off, in bytes per second.",
        least=0,
    )
    workers: int = _row(
        1, "How many processes answer. One is enough for a household; not more than cores, and one on Windows.", least=1
    )
    max_open_uploads: int = _row(256, "How many uploads may be under way at once.", least=1)
    max_open_uploads_per_address: int = _row(100, "How many of them from one address.", least=1)
    max_files_per_request: int = _row(100, "How many files one request may carry.", least=1, most=10_000, live=True)

    max_pixels: int = _row(50_000_000, "The most pixels in one frame of a picture.", least=1)
    max_total_pixels: int = _row(200_000_000, "The most pixels in all frames of a picture together.", least=1)
    max_frames: int = _row(2000, "The most frames of an animation.", least=1)
    decode_processes: int = _row(2, "How many child processes decode pictures.", least=1)
    decode_seconds: int = _row(30, "The longest that decoding one picture may take, in seconds.", least=1)
    decode_memory_mb: int = _row(1024, "The most memory one decoding child may use, in megabytes.", least=128)

    guesses_per_pair: int = _row(10, "Wrong passwords from one address for one name before it has to wait.", least=1)
    guesses_per_address: int = _row(30, "Wrong passwords from one address, whatever the names.", least=1)
    guesses_per_name: int = _row(50, "Wrong passwords for one name, from all addresses that it never used.", least=1)
    guess_minutes: int = _row(5, "Minutes that a wrong password counts.", least=1)

    slug_length: int = _row(10, "Characters in a new link's slug.", least=6, most=40, live=True)
    reservation_days: int = _row(
        7,
        "Days that a link which a device holds ready says that its picture is on its way.",
        least=1,
        most=365,
        live=True,
    )
    foreign_clients: str = _row(
        "off",
        "Whether tools that only know Imgur or Chevereto may upload, by their addresses: on or off.",
        live=True,
        of=("off", "on"),
    )
    trash_days: int = _row(30, "Days after which a drop in the trash is gone for good.", least=0, most=_LONG, live=True)
    access_minutes: int = _row(15, "Minutes that an access token lives.", least=1)
    refresh_days: int = _row(30, "Days after which an unused session ends.", least=1)
    cache_mb: int = _row(32, "Memory for small files that are asked for often, in megabytes.", least=0)

    watch: Path | None = _row(None, "The folder that the tray watches. Default: the system's screenshot folder.")
    server: str = _row("", "The server that the tray and `upload` speak to, when it is not the one on this machine.")
    token: str = _row("", "The API key that the tray and `upload` use, when none is stored.", secret=True)

    # Not a row: the names that file, environment or flags gave, which the admin's page therefore leaves alone.
    given: frozenset[str] = frozenset()


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(
        name=row.name,
        type=str(row.type),
        default=None if row.default is MISSING else row.default,
        help=row.metadata["help"],
        secret=row.metadata["secret"],
        least=row.metadata["least"],
        most=row.metadata["most"],
        live=row.metadata["live"],
        of=row.metadata["of"],
    )
    for row in fields(Config)
    if row.metadata
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}

# Variables of ours that are not settings: for tests and for a child that we start ourselves.
_OTHER_VARIABLES = frozenset(
    {"BULLETDROP_PARENT_PIPE", "BULLETDROP_EXECUTABLE", "BULLETDROP_BINARY", "BULLETDROP_TEST_POSTGRES"}
)


def load_config(flags: Mapping[str, object] | None = None, *, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings: `config.toml` in the data folder < `BULLETDROP_*` < flags.

    Args:
        flags: values from the command line by setting name; None means "not given".
        environ: the environment; `BULLETDROP_X_FILE` reads the value of X from a file.

    Returns: the frozen Config, `data` absolute.
    Raises: BadConfig, naming the nearest setting for a key that does not exist.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    from_environment = _read_environment(environ)
    data = given.get("data") or from_environment.get("data") or default_data_folder()
    folder = Path(str(data)).expanduser().absolute()
    merged: dict[str, object] = {**_read_file(folder / "config.toml"), **from_environment, **given, "data": folder}
    values: dict[str, Any] = {name: convert(_known(name, "a flag"), value) for name, value in merged.items()}
    check_apart(values.get("public_url", ""), values.get("content_url", ""))
    return Config(**values, given=frozenset(merged))


def overlaid(config: Config, changes: Mapping[str, object]) -> Config:
    """The settings with those that the admin changed at run time, where nothing written down gives them.

    A change that no longer fits (an older or newer program made it) is left out.
    """
    fitting: dict[str, Any] = {}
    for name, value in changes.items():
        setting = _BY_NAME.get(name)
        if setting is not None and setting.live and name not in config.given:
            with contextlib.suppress(BadConfig):
                fitting[name] = convert(setting, value)
    return replace(config, **fitting)


def checked(name: str, value: object) -> object:
    """A value for a setting that can change at run time, in its type. Raises BadConfig."""
    setting = _known(name, "This")
    if not setting.live:
        raise BadConfig(f"{name} cannot change while the server runs. Set it in config.toml.", field=name)
    return convert(setting, value)


def _read_file(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except NotADirectoryError as error:
        raise BadConfig(f"The data folder {path.parent} is no folder.", field="data", paths=[path.parent]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}.", paths=[path]) from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path} cannot be read: {error}.", paths=[path]) from error
    values = dict(table)
    for name in list(values):
        if name.endswith("_file") and name not in _BY_NAME:
            setting = _known(name.removesuffix("_file"), str(path))
            values[setting.name] = _read_secret(str(values.pop(name)), name)
        else:
            _known(name, str(path))
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for variable, value in environ.items():
        if (
            not variable.startswith("BULLETDROP_")
            or variable in _OTHER_VARIABLES
            or variable.startswith("BULLETDROP_TEST_")
        ):
            continue
        name = variable.removeprefix("BULLETDROP_").lower()
        if name.endswith("_file") and name not in _BY_NAME:
            values[_known(name.removesuffix("_file"), variable).name] = _read_secret(value, variable)
        else:
            values[_known(name, variable).name] = value
    return values


def _read_secret(path: str, where: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConfig(f"{where} names the file {path}, which cannot be read: {error.strerror}.") from error


def _known(name: str, where: str) -> Setting:
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.0)
    raise BadConfig(f"{where} sets “{name}”, which is no setting. Did you mean “{near[0]}”?", field=name)
