"""What the page starts beside the tray, only while somebody looks, and ends with it."""

from __future__ import annotations

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.tray.page.thumbnailer import Thumbnailer


class Services:
    """Helpers of the page, shared by all visits.

    Args:
        config: for the data folder that helpers work on.
        clock: for what is thrown away after a while.
    """

    def __init__(self, config: Config, *, clock: Clock) -> None:
        self.thumbnails = Thumbnailer()
        self._config = config
        self._clock = clock

    def close(self) -> None:
        """End them all, at once."""
        self.thumbnails.close()
