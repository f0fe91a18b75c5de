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
from bulletdrop.tray.answers import Untrusted
from bulletdrop.tray.client import Asked, Client, Paired
from bulletdrop.tray.discovery import Found, reach
from bulletdrop.tray.meeting import meet
from bulletdrop.tray.preferences import Server
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import told

log = get_logger("page")


class PairingTry:
    """A pairing in a thread of its own. The page reads `asked`, `problem` and `done`; and `seen`, the fingerprint of a
    certificate that nobody vouches for, which the person compares: before the yes on the server's page, or, where
    `doubts` is True, before the code is shown to whoever has that certificate.

    Args:
        data: the data folder that the key is kept for.
        where: the server's address, or a server that was found in this network.
        code: a code that the server's page showed to its owner; "" asks for one to be shown here.
        fingerprint: of the server's certificate, as the person or the QR code said it; "" where nobody did.
        paired: called when it worked.
        clock: for how long a code is good.
    """

    def __init__(
        self,
        data: Path,
        where: str | Found,
        *,
        code: str,
        paired: Callable[[], object],
        clock: Clock,
        fingerprint: str = "",
    ) -> None:
        self._data = data
        self.where = where
        self.code = code
        self._fingerprint = fingerprint
        self._paired = paired
        self._clock = clock
        self._stopped = threading.Event()
        self.name = where.name if isinstance(where, Found) else where
        self.asked: Asked | None = None
        self.problem = ""
        self.done = ""
        self.seen = ""
        self.doubts = False
        self._thread = threading.Thread(target=self._run, name="pairing-try", daemon=True)

    @property
    def runs(self) -> bool:
        """Whether it is still to be waited for."""
        return not (self.problem or self.done or self.doubts or self._stopped.is_set())

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give up; returns at once."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            server = self._meet()
            client = servers.client_for(server, "")
            try:
                device = platform.node() or t("A computer")
                paired = client.pair_with_code(self.code, device) if self.code else self._ask(client, device)
            finally:
                client.close()
            if paired is None:
                return
            vault.store_token(self._data, server.url, paired.key, elsewhere=True, username=paired.username)
            servers.add(self._data, server)
            name = server.name or server.url
            self.done = t("Paired with {server} as {username}.", server=name, username=paired.username)
            self._paired()
        except Untrusted as error:
            self.doubts = bool(self.seen)
            self.problem = "" if self.doubts else told(error)[1]
        except BulletDropError as error:
            self.problem = told(error)[1]
        except Exception as error:
            log.exception("Pairing from the page did not work.")
            self.problem = t("It did not work: {why}", why=error)

    def _meet(self) -> Server:
        """The server, held to a certificate where nobody vouches for it. Raises Untrusted for the person to look."""
        if isinstance(self.where, Found):
            url, self.seen = reach(self.where)
            return Server(url=url, name=self.where.name, fingerprint=self.seen)
        return meet(self.where, fingerprint=self._fingerprint, is_theirs=self._is_theirs)

    def _is_theirs(self, seen: str) -> bool:
        # A code is shown to whoever asks for it: first the person looks. Without one, nothing is given away before the
        # yes on the server's page, which shows the fingerprint too.
        self.seen = seen
        return not self.code

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
