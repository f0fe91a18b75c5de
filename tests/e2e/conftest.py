"""A real browser for the tests of the page; every visit is watched for what the console complains about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.page_kit import Visits
from tests.support.needs import requires


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module; each visit gets a profile of its own.

    Not for the whole session: Playwright's own event loop counts as running as long as this is open, and every later
    test of the worker that starts one with `asyncio.run` would fail.
    """
    requires("chromium", package="chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Opens pages, each in a profile of its own; fails the test when a page broke its own policy or its script."""
    opened = Visits(browser)
    yield opened
    opened.close()
    assert opened.complaints == []
