"""Fixtures of the core's tests: alice, who owns what the test is about, and bob."""

from __future__ import annotations

import pytest

from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from tests.core.drops_kit import person


@pytest.fixture
def alice(site: Site) -> Caller:
    """She owns what the test is about."""
    return person(site, "alice")


@pytest.fixture
def bob(site: Site) -> Caller:
    """He will be in her team."""
    return person(site, "bob")
