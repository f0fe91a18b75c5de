"""The tray without a screen: folder → whole file → outbox → server → desk. Starts and stops the threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import Desk, Item, Report


class Engine:
    """One running tray. All methods may be called from any thread and return at once unless they say otherwise.

    `folders` is asked at start and every five minutes which folders to watch (screenshot folders move while the
    program runs). `client` None means: not paired yet; captures wait, the state is NEEDS_YOU, until `use_client`.
    """

    def __init__(
        self, config: Config, *, client: Client | None, folders: Callable[[], Sequence[Path]], desk: Desk, clock: Clock
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Open the outbox, watch the folders, scan for what came while the tray was off, begin to send."""
        raise NotImplementedError

    def stop(self, drain_seconds: float = 5.0) -> None:
        """Stop watching, give what is on its way up to `drain_seconds` to arrive, close everything. Blocks."""
        raise NotImplementedError

    def use_client(self, client: Client) -> None:
        """Send to this server from now on (after pairing or pairing again); what waits goes at once."""
        raise NotImplementedError

    def pause(self) -> None:
        """Hold back: captures are still noticed and kept in the outbox; nothing is sent. Survives a restart."""
        raise NotImplementedError

    def resume(self) -> None:
        """End the pause; what was held goes now."""
        raise NotImplementedError

    def recent(self, n: int = 10) -> list[Item]:
        """The newest `n` captures that are not merely `seen`, newest first, whatever their status."""
        raise NotImplementedError

    def retry(self, item_id: int) -> None:
        """Try a refused, failed or delayed capture again, now. Raises NotFound for an unknown id."""
        raise NotImplementedError

    def forget(self, item_id: int) -> None:
        """Never upload this capture and do not show it again. Raises NotFound for an unknown id."""
        raise NotImplementedError

    def upload(self, path: Path) -> None:
        """Send this file now although it lies elsewhere (`bulletdrop upload` to a running tray, drop on the icon)."""
        raise NotImplementedError

    def status(self) -> Report:
        """The state, the numbers and the health of each watched folder."""
        raise NotImplementedError
