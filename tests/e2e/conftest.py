"""A real browser for the tests of the page; every visit is watched for what the console complains about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.page_kit import PATIENCE, Visits, chromium

# Not only what is clicked and awaited, but also what is expected; Playwright's own five seconds are too few for two
# cores with a test each.
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module; each visit gets a profile of its own.

    Not for the whole session: Playwright's own event loop counts as running as long as this is open, and every later
    test of the worker that starts one with `asyncio.run` would fail.
    """
    with chromium() as opened:
        yield opened


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Opens pages, each in a profile of its own; fails the test when a page broke its own policy or its script."""
    opened = Visits(browser)
    yield opened
    opened.close()
    assert opened.complaints == []
