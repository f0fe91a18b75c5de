"""A real provider, and a site that offers it, with alice in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.config import load_config
from bulletdrop.core.database import using
from bulletdrop.core.site import Site, close_site, open_site
from tests.core.sign_on.kit import PUBLIC, alice_of, now, settings
from tests.support.oidc_provider import OidcProvider, oidc_provider


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    with oidc_provider(tmp_path_factory.mktemp("provider") / "provider.log") as started:
        yield started


@pytest.fixture
def provider(running: OidcProvider) -> OidcProvider:
    """The provider, on its best behaviour."""
    running.tell(allow=[f"{PUBLIC}/api/v1/auth/oidc/callback"])
    return running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(now())


@pytest.fixture
def site(tmp_path: Path, database_url: str, clock: ManualClock, provider: OidcProvider) -> Iterator[Site]:
    """A site that offers the provider, with alice in it."""
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    flags = settings(provider, data=tmp_path / "data", host="127.0.0.1", min_free_disk=0)
    opened = open_site(load_config(flags, environ=environ), clock=clock)
    with using(opened.db):
        alice_of(opened)
        yield opened
    close_site(opened)
