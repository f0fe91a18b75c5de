"""What signing in by a provider needs is loaded by the first who does, and costs nobody else anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.needs import unavailable
from tests.support.oidc_provider import OidcProvider, oidc_provider
from tests.support.server import Server
from tests.support.sign_on import browser_at, server_with, there_and_back

# By a module inside: what was looked for and kept out is written down under the outer name too.
HEAVY = {"httpx.__version__", "httpcore._api", "joserfc.jws", "cryptography.__about__"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    with oidc_provider(tmp_path_factory.mktemp("provider") / "provider.log") as started:
        yield started


def loaded(server: Server) -> set[str]:
    """Of the heavy ones, those that the server has imported so far."""
    lines = re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$", server.log.read_text(), re.MULTILINE)
    assert "bulletdrop.web.app" in lines, "the server does not say what it imports"
    return set(lines) & HEAVY


def test_nothing_is_loaded_before_the_first_sign_in(provider: OidcProvider, tmp_path: Path) -> None:
    if os.environ.get("BULLETDROP_BINARY"):
        unavailable("a frozen program does not say what it imports")
    with server_with(provider, tmp_path / "data", PYTHONPROFILEIMPORTTIME="1") as server, browser_at(server) as browser:
        server.key_of("alice")
        for path in ("/signin", "/account/logins", "/api/v1/openapi.json", "/health"):
            browser.get(path)
        server.alice.get("/api/v1/auth/me").raise_for_status()
        assert loaded(server) == set()
        assert there_and_back(browser, provider, "mia").status_code == 303
        # Which shows as well that the way of looking sees them.
        assert loaded(server) == HEAVY
