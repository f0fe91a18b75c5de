"""The address that links begin with, and when it leads nowhere but to this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulletdrop.config import Config
from bulletdrop.core import origin


@pytest.mark.parametrize(
    ("host", "public_url", "said"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("::1", "", "::1"),
        ("127.0.0.1", "https://drop.example.org", ""),
        ("0.0.0.0", "http://localhost:5200", "localhost"),
        ("0.0.0.0", "https://drop.localhost", "drop.localhost"),
        ("192.0.2.8", "", ""),
        ("0.0.0.0", "", "127.0.0.1"),
    ],
)
def test_links_that_lead_to_this_machine_alone_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, public_url: str, said: str
) -> None:
    # A server on every interface of a machine that has no way out.
    monkeypatch.setattr(origin, "_recent_lan_address", lambda _moment: "127.0.0.1")
    assert origin.only_here(Config(data=tmp_path, host=host, public_url=public_url)) == said
