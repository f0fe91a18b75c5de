"""What the sender needs of whoever takes the bytes: our own server, or somebody else's host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from bulletdrop.tray.client import Uploaded
from bulletdrop.tray.wire import Progress


class Uplink(Protocol):
    """`Client` is one, and `ForeignClient`. Safe to share between threads; errors are those of `Client`."""

    server_url: str

    def upload(
        self,
        source: Path | BinaryIO,
        name: str,
        *,
        size: int | None = None,
        sha256: str | None = None,
        idempotency_key: str | None = None,
        query: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Uploaded:
        """Send one file."""

    def health(self) -> Mapping[str, Any]:
        """Whether it is there. Raises Unreachable."""

    def warm(self) -> None:
        """Open this thread's connection. Never raises."""

    def close(self) -> None:
        """Close all connections, for good."""
