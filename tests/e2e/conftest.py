"""A real browser for the tests of the page; every visit is watched for what the console complains about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.e2e.page_kit import PATIENCE, Visits, chromium

# Not only what is clicked and awaited, but also what is expected; Playwright's own five seconds are too few for two
# cores with a test each.
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """What drives browsers.

    Not for the whole session: its own event loop counts as running as long as this is open, and every later test of the
    worker that starts one with `asyncio.run` would fail. Tests in this folder that need one start it in a thread.
    """
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests here, since it takes two seconds to start; each visit has a profile of its own."""
    with chromium(playwright) as opened:
        yield opened


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Opens pages, each in a profile of its own; fails the test when a page broke its own policy or its script."""
    opened = Visits(browser)
    yield opened
    opened.close()
    assert opened.complaints == []
