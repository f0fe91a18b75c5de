"""A server that the tests of one module share, for those that count nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Server
from tests.web.cast import Cast


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with alice in it."""
    server = Server(tmp_path_factory.mktemp("shared") / "data", environ={"BULLETDROP_MIN_FREE_DISK": "0"})
    server.start()
    try:
        server.key_of("alice")
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """A running server with everybody of the authorization tests in it."""
    environ = {"BULLETDROP_MIN_FREE_DISK": "0", "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1"}
    server = Server(tmp_path_factory.mktemp("cast") / "data", environ=environ)
    server.start()
    try:
        people = Cast(server)
        yield people
        people.close()
    finally:
        server.close()
