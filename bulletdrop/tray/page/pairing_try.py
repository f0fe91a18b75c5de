"""One pairing from the page: a code is shown here, its owner says yes on the server's page."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.errors import BulletDropError, Busy, Pending, SlowDown
from bulletdrop.log import get_logger
from bulletdrop.tray import servers, vault
from bulletdrop.tray.client import Asked, Client, Paired
from bulletdrop.tray.discovery import Found, reach
from bulletdrop.tray.preferences import Server
from bulletdrop.tray.words import t

log = get_logger("page")


class PairingTry:
    """A pairing in a thread of its own. The page reads `asked`, `problem` and `done`.

    Args:
        data: the data folder that the key is kept for.
        where: the server's address, or a server that was found in this network.
        code: a code that the server's page showed to its owner; "" asks for one to be shown here.
        paired: called when it worked.
        clock: for how long a code is good.
    """

    def __init__(
        self, data: Path, where: str | Found, *, code: str, paired: Callable[[], object], clock: Clock
    ) -> None:
        self._data = data
        self._where = where
        self._code = code
        self._paired = paired
        self._clock = clock
        self._stopped = threading.Event()
        self.name = where.name if isinstance(where, Found) else where
        self.asked: Asked | None = None
        self.problem = ""
        self.done = ""
        self._thread = threading.Thread(target=self._run, name="pairing-try", daemon=True)

    @property
    def runs(self) -> bool:
        """Whether it is still to be waited for."""
        return not (self.problem or self.done or self._stopped.is_set())

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give up; returns at once."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            url, fingerprint = reach(self._where) if isinstance(self._where, Found) else (self._where, "")
            client = Client(url, fingerprint=fingerprint)
            try:
                device = platform.node() or t("A computer")
                paired = client.pair_with_code(self._code, device) if self._code else self._ask(client, device)
            finally:
                client.close()
            if paired is None:
                return
            name = self._where.name if isinstance(self._where, Found) else ""
            vault.store_token(self._data, url, paired.key, elsewhere=True, username=paired.username)
            servers.add(self._data, Server(url=url, name=name, fingerprint=fingerprint))
            self.done = t("Paired with {server} as {username}.", server=name or url, username=paired.username)
            self._paired()
        except BulletDropError as error:
            self.problem = error.message
        except Exception as error:
            log.exception("Pairing from the page did not work.")
            self.problem = t("It did not work: {why}", why=error)

    def _ask(self, client: Client, device: str) -> Paired | None:
        """Ask as often as the server allows until there is an answer. None: given up."""
        asked = self.asked = client.pair_begin(device)
        interval, deadline = asked.interval, self._clock.monotonic() + asked.expires_in
        while self._clock.monotonic() < deadline:
            if self._stopped.wait(interval):
                return None
            try:
                return client.pair_poll(asked.device_code)
            except Pending:
                continue
            except SlowDown as error:
                interval = max(interval + 5, error.retry_after or 0)
            except Busy as error:
                interval = max(asked.interval, error.retry_after or 0)
        self.problem = t("Nobody said yes in time. Begin anew.")
        return None
