"""A server that the tests of one module share, for those that count nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Server


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
