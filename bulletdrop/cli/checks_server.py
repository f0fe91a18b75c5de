"""The doctor's checks of the server's side: folder, disk, database, versions, clock, address."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from bulletdrop.cli.finding import Finding, fail, ok, warn
from bulletdrop.config import Config

Check = tuple[str, Callable[[], Finding]]

PRIVATE = ("secret.key", "master.key", "setup-code", "run/server.json", "tls/key.pem", "tray/token", "tray/vault.json")
SERVERS = ("bulletdrop.db", "run/server.json", "setup-code")
# A server answers a question in its network well within it.
LOOK_SECONDS = 2.0
# Nothing of this program is older than that: a clock before it is wrong.
FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)


def server_checks(config: Config) -> tuple[Check, ...]:
    """All checks of this half, in the order in which they make sense; few where only a tray lives in the folder."""
    common: tuple[Check, ...] = (
        ("versions", versions),
        ("data folder", lambda: data_folder(config.data)),
        ("secrets", lambda: secrets_are_private(config.data)),
    )
    if not has_server(config) and (elsewhere := paired_with(config)):
        here = ok(f"none here: this computer is paired with {elsewhere}")
        return (*common, ("clock", lambda: clock(datetime.now(UTC))), ("server", lambda: here))
    return (
        *common,
        ("disk", lambda: free_disk(config)),
        ("database", lambda: database(config)),
        ("clock", lambda: clock(datetime.now(UTC))),
        ("server", lambda: server(config)),
        ("address", lambda: address(config)),
        ("certificate", lambda: own_certificate(config, datetime.now(UTC))),
        ("network", lambda: network(config)),
        ("mail", lambda: mail(config)),
    )


def has_server(config: Config) -> bool:
    """Whether a server has ever run from this data folder."""
    return bool(config.database_url) or any((config.data / name).exists() for name in SERVERS)


def paired_with(config: Config) -> str:
    """The servers elsewhere that this computer sends to; "" for none."""
    from bulletdrop.tray.servers import servers_of

    return ", ".join(one.url for one in servers_of(config))


def versions() -> Finding:
    """The program and what it is linked with; SQLite must be one that cannot corrupt its file."""
    import apsw
    import PIL

    from bulletdrop import __version__
    from bulletdrop.core.database import assert_sqlite
    from bulletdrop.errors import Unavailable

    sqlite = apsw.sqlite_lib_version()
    python = ".".join(map(str, sys.version_info[:3]))
    words = f"BulletDrop {__version__}, Python {python}, SQLite {sqlite}, Pillow {PIL.__version__}"
    try:
        assert_sqlite(sqlite)
    except Unavailable as error:
        return fail(words, error.message)
    return ok(words)


def data_folder(data: Path) -> Finding:
    """There, ours, and writable."""
    if not data.exists():
        return warn(f"{data} does not exist yet", "it is made by the first start of “bulletdrop”")
    try:
        with tempfile.TemporaryFile(dir=data) as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return fail(f"{data} cannot be written ({error.strerror})", "give this account the right to write there")
    if os.name != "nt" and data.stat().st_mode & 0o077:
        return warn(f"others may look into {data}", f"chmod 700 {data}")
    return ok(str(data))


def secrets_are_private(data: Path) -> Finding:
    """Secret files may be read by their owner alone."""
    if os.name == "nt":
        return ok("kept by the folder's own rights")
    present = [*(data / name for name in PRIVATE if (data / name).exists()), *data.glob("tray/token-*")]
    open_ones = " ".join(str(path) for path in present if path.stat().st_mode & 0o077)
    if open_ones:
        return fail(f"others may read {open_ones}", f"chmod 600 {open_ones}")
    return ok(f"{len(present)} files, readable by their owner alone" if present else "none made yet")


def free_disk(config: Config) -> Finding:
    """Room on the data disk, against the guard that refuses uploads."""
    folder = next(path for path in (config.data, *config.data.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    words, guard = f"{_size(free)} free", f"uploads are refused below {_size(config.min_free_disk)}"
    if free < config.min_free_disk:
        return fail(f"{words}; {guard}", "free some space, or set min_free_disk")
    return warn(words, f"make room: {guard}") if free < 5 * config.min_free_disk else ok(words)


def database(config: Config) -> Finding:
    """It opens, and its quick check is clean. Changes nothing."""
    if config.database_url:
        return _postgres(config)
    import apsw

    path = config.data / "bulletdrop.db"
    if not path.exists():
        return warn("SQLite, not made yet", "it is made by the first start of “bulletdrop”")
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(5000)
            connection.execute("PRAGMA query_only = 1")
            result = str(next(connection.execute("PRAGMA quick_check(1)"))[0])
            mode = str(next(connection.execute("PRAGMA journal_mode"))[0])
        finally:
            connection.close()
    except apsw.Error as error:
        return fail(f"{path} cannot be read: {error}", "stop the server and put back a copy from the folder “backups”")
    if result != "ok":
        return fail(f"{path} is damaged: {result}", "stop the server and put back a copy from the folder “backups”")
    return ok(f"SQLite, {_size(path.stat().st_size)}, {mode} mode, quick check clean")


def _postgres(config: Config) -> Finding:
    from bulletdrop.core.database import open_database, using

    cure = "check database_url, and that Postgres runs and lets this account in"
    try:
        opened = open_database(config)
        with using(opened):
            row = opened.execute_sql("SHOW server_version").fetchone()
            opened.close()
    except Exception as error:
        return fail(f"Postgres: {error}", cure)
    return ok(f"Postgres {row[0]}")


def clock(now: datetime) -> Finding:
    """The time of day is one that can be true."""
    if now < FIRST_DAY:
        return fail(f"this machine says it is {now:%d %B %Y}", "set the clock; sessions and links would expire wrongly")
    return ok(f"{now:%d %B %Y %H:%M} UTC")


def server(config: Config) -> Finding:
    """It answers at the address it wrote down, and it is the one of this data folder."""
    from bulletdrop.errors import BulletDropError
    from bulletdrop.tray.client import Client
    from bulletdrop.tray.pairing import read_local_server
    from bulletdrop.tray.servers import fingerprint_of

    local = read_local_server(config.data)
    url = config.server or (local.url if local else "")
    if not url:
        return warn("not running", "start it with “bulletdrop” or “bulletdrop serve”")
    pin = local.fingerprint if local is not None and not config.server else fingerprint_of(config, url)
    client = Client(url, connect_seconds=3, answer_seconds=3, fingerprint=pin)
    try:
        health = client.health()
    except BulletDropError as error:
        return fail(f"{url} does not answer: {error.message}", "start it with “bulletdrop serve”")
    finally:
        client.close()
    if local is not None and not config.server and health.get("instance") != local.instance:
        return fail(f"another server answers at {url}", "end that one, or give this one another port")
    return ok(f"{url}, version {health.get('version', 'unknown')}")


def address(config: Config) -> Finding:
    """Links are built from public_url."""
    if config.public_url:
        return ok(config.public_url)
    return warn("public_url is not set: links carry this machine's own address", "set BULLETDROP_PUBLIC_URL to share")


def own_certificate(config: Config, now: datetime) -> Finding:
    """The server's certificate, where it speaks https itself: it can be used, and for how long."""
    from bulletdrop import trust
    from bulletdrop.core import certificate
    from bulletdrop.errors import BulletDropError

    if config.tls == "off":
        return ok("none: this server speaks http (tls = own makes one)")
    named = certificate.files(config)
    if config.tls == "own" and named is not None and not named[0].exists():
        return ok("made by the first start")
    try:
        certificate.Served(config)
    except BulletDropError as error:
        return fail(error.message, "correct tls_certificate and tls_key, or set tls = own")
    ends = certificate.ends_at(config)
    words = f"{'its own' if config.tls == 'own' else 'given'}, good until {ends:%d %B %Y}"
    if ends < now:
        return fail(f"ended on {ends:%d %B %Y}", "renew it; a new own one is made when DATA/tls is moved away")
    if (ends - now).days < 14:
        return warn(words, "renew it")
    return ok(f"{words}, fingerprint {trust.shown(certificate.fingerprint(config))}")


def network(config: Config) -> Finding:
    """Devices in the same network can find the server by themselves."""
    from bulletdrop.tray import discovery
    from bulletdrop.tray.answers import Unreachable
    from bulletdrop.tray.pairing import read_local_server
    from bulletdrop.web import announcing

    local = read_local_server(config.data)
    # What the running one says of itself counts: it may have been started with other settings than these.
    told = announcing.is_wanted(config) if local is None else local.announced
    if told is None:
        return ok("the running server does not say whether it is announced")
    if not told:
        return ok("not announced: announce is off, or the server is for this machine alone")
    if local is None:
        return ok("announced while the server runs")
    port = urlsplit(local.url).port
    everywhere = announcing.addresses(replace(config, host=""))
    mine = {f"{urlsplit(local.url).scheme}://{address}:{port}" for address in everywhere}
    if not mine:
        return ok("not announced: this machine is in no network")
    cure = "let UDP port 5353 through the firewall; pairing by the address works all the same"
    try:
        found = discovery.look(LOOK_SECONDS)
    except Unreachable as error:
        return warn(error.message, cure)
    if any(mine & set(one.urls) for one in found):
        return ok(f"found at {', '.join(sorted(mine))}")
    return warn("the server is announced and was not found", cure)


def mail(config: Config) -> Finding:
    """The mail server answers, shows a good certificate and takes our name and password. Sends nothing."""
    from bulletdrop.core.mail import probe
    from bulletdrop.errors import BulletDropError

    if not config.smtp_host:
        return ok("no mail server: the admin hands links over")
    try:
        probe(config)
    except BulletDropError as error:
        return fail(error.message, "check the settings smtp_…")
    if config.public_url:
        return ok(f"{config.smtp_host}, port {config.smtp_port}, {config.smtp_security}")
    return warn(f"{config.smtp_host} answers", "set public_url: links in mails carry this machine's own address")


def _size(count: float) -> str:
    units = ("bytes", "KB", "MB", "GB", "TB")
    step = 0
    while count >= 1024 and step < len(units) - 1:
        count, step = count / 1024, step + 1
    return f"{count:.0f} {units[step]}" if count >= 10 or step == 0 else f"{count:.1f} {units[step]}"
