"""Fixtures for all tests: a real server, a site on both databases, a Postgres that is started once a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.config import load_config
from bulletdrop.core.database import using
from bulletdrop.core.site import Site, close_site, open_site
from tests.support.postgres import Reused, fresh_database, postgres_server
from tests.support.server import Server
from tests.support.spread import scheduler


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A Postgres server's URL; the server lives as long as the tests of this worker."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def reused_postgres(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reused]:
    """A Postgres database that tests have one after the other, each as the migrations leave it."""

    def migrate_it(url: str) -> None:
        given = {"data": tmp_path_factory.mktemp("migrating")}
        close_site(open_site(load_config(given, environ={"BULLETDROP_DATABASE_URL": url})))

    reused = Reused(postgres, migrate_it)
    yield reused
    reused.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """ "" for SQLite, or a Postgres database: parametrize it indirectly, or use `site`/`server_on`."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        yield ""
    elif kind == "empty postgres":
        with fresh_database(request.getfixturevalue("postgres")) as url:
            yield url
    else:
        with request.getfixturevalue("reused_postgres").as_migrated() as url:
            yield url


both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@pytest.hookimpl(optionalhook=True)  # none of xdist's where xdist is switched off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of a group, and neighbours of one file, go to the same worker; see `tests.support.spread`."""
    if config.getoption("dist") != "loadgroup":
        return None
    return scheduler(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever asks for a site or a `server_on` gets it on both databases."""
    names = {"site", "server_on"} & set(metafunc.fixturenames)
    marked = any(
        mark.name == "parametrize" and "database_url" in mark.args[0] for mark in metafunc.definition.iter_markers()
    )
    if names and not marked:
        metafunc.parametrize("database_url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def clock() -> ManualClock:
    """Noon on 20 November 2026, until the test moves it."""
    return ManualClock()


@pytest.fixture
def site(tmp_path: Path, database_url: str, clock: ManualClock) -> Iterator[Site]:
    """A site over a fresh data folder, on SQLite and on Postgres."""
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    config = load_config({"data": tmp_path / "data", "host": "127.0.0.1", "min_free_disk": 0}, environ=environ)
    opened = open_site(config, clock=clock)
    with using(opened.db):
        yield opened
    close_site(opened)


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers with settings of the test's choice: `make_server(BULLETDROP_MAX_FILE_SIZE="1000")`."""
    servers: list[Server] = []

    def make(*options: str, **environ: str) -> Server:
        server = Server(tmp_path / f"data{len(servers)}", environ=environ, options=options)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A running server on SQLite with nobody in it yet; alice, bob and charlie come when they are asked for."""
    return make_server()


@pytest.fixture
def server_on(make_server: Callable[..., Server], database_url: str) -> Server:
    """A running server, on SQLite and on Postgres."""
    return make_server(**({"BULLETDROP_DATABASE_URL": database_url} if database_url else {}))
