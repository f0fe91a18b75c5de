"""What the page starts beside the tray, only while somebody looks, and ends with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.log import get_logger
from bulletdrop.tray.discovery import Found, Looking
from bulletdrop.tray.page.checkup import Checkup
from bulletdrop.tray.page.pairing_try import PairingTry
from bulletdrop.tray.page.thumbnailer import Thumbnailer

log = get_logger("page")

# The network is looked at for so long after the page was last asked for.
LOOK_SECONDS = 15.0


class Services:
    """Helpers of the page, shared by all visits.

    Args:
        config: for the data folder that helpers work on.
        clock: for how long a pairing's code is good.
        looking: makes what looks for servers in this network; the tests bring their own.
    """

    def __init__(self, config: Config, *, clock: Clock, looking: Callable[[], Looking] = Looking) -> None:
        self.thumbnails = Thumbnailer()
        self.checkup = Checkup(config.data)
        self._clock = clock
        self._config = config
        self._make_looking = looking
        self._lock = threading.Lock()
        self._looking: Looking | None = None
        self._problem = ""
        self._timer: threading.Timer | None = None
        self._pairing: PairingTry | None = None

    @property
    def pairing(self) -> PairingTry | None:
        """The pairing that was begun last."""
        return self._pairing

    def pair(self, make: Callable[[], PairingTry] | None) -> None:
        """Begin a pairing in place of the one before; None ends it."""
        with self._lock:
            old, self._pairing = self._pairing, None
            if old is not None:
                old.stop()
            if make is not None:
                self._pairing = make()
                self._pairing.start()

    def found(self) -> tuple[list[Found], str]:
        """The servers in this network so far, and why none can be looked for ("" when they can)."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(LOOK_SECONDS, self._look_away)
            self._timer.daemon = True
            self._timer.start()
            if self._looking is None:
                try:
                    self._looking = self._make_looking().start()
                    self._problem = ""
                except Exception as error:
                    self._problem = str(error)
                    return [], self._problem
            return self._looking.found(), ""

    def close(self) -> None:
        """End them all, at once."""
        self.thumbnails.close()
        self.checkup.close()
        self.pair(None)
        self._look_away()

    def _look_away(self) -> None:
        with self._lock:
            looking, self._looking = self._looking, None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if looking is not None:
            # It says goodbye to the network, which takes a moment.
            def stop() -> None:
                with contextlib.suppress(Exception):
                    looking.stop()

            threading.Thread(target=stop, name="look-away", daemon=True).start()
