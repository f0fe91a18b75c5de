"""The list of captures says how another file gets to the server."""

from __future__ import annotations

from pathlib import Path

from tests.tray.control_kit import Browser
from tests.tray.steering_kit import controlled


def test_the_page_names_the_gallery_and_the_command_for_another_file(tmp_path: Path) -> None:
    with controlled(tmp_path) as tray:
        page = Browser(tray).get("recent").text
        assert "<code>bulletdrop upload FILE</code>" in page
        assert "Open gallery" in page
