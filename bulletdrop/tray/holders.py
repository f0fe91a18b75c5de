"""Whose links new captures take: those of the server of now, or of the one from before while there is no network."""

from __future__ import annotations

from collections.abc import Callable, Collection

from bulletdrop.errors import NotSignedIn
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import Status
from bulletdrop.tray.holding import Holder
from bulletdrop.tray.line import Line
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.uplink import Uplink


class Holders:
    """Asked by the intake for each capture. `is_paused` says whether uploads are held back now."""

    def __init__(self, outbox: Outbox, line: Line, chosen: Chosen, is_paused: Callable[[], bool]) -> None:
        self._outbox = outbox
        self._line = line
        self._chosen = chosen
        self._is_paused = is_paused
        # Whose key the server has refused, once the person was told.
        self._refused: Holder | None = None

    def remember(self, client: Uplink | None) -> None:
        """Uploads go there from now on, and over a restart until there is another; None: that server was forgotten."""
        if client is None or isinstance(client, Client):
            with self._outbox.together():
                self._outbox.set_setting("server", client.holder.server if client is not None else "")
                self._outbox.set_setting("device", client.holder.device if client is not None else "")

    def now(self) -> Holder | None:
        """Who holds the links that are ready, if anybody."""
        client = self._line.client
        if client is not None:
            return client.holder if isinstance(client, Client) else None
        # Started without a network: the links of the server from before are as true as ever.
        server, device = (self._outbox.setting(name) or "" for name in ("server", "device"))
        return Holder(server, device) if server else None

    def to_take_from(self) -> Holder | None:
        """As `now`; None while paused, while the key is refused, or when the link is wanted after the upload."""
        with self._line.turn:
            is_blocked = self._line.gate.blocked
        return None if is_blocked or self._is_paused() or self._chosen.now.link != "first" else self.now()

    def newly_refused(self) -> int | None:
        """Once for each key that the server refuses: how many captures wait with a link that nobody can fill any more.

        What the key held ready is forgotten with it. None where there is nothing new.
        """
        with self._line.turn:
            client, is_refused = self._line.client, isinstance(self._line.gate.reason, NotSignedIn)
        if not is_refused or not isinstance(client, Client) or client.holder == self._refused:
            return None
        self._refused = client.holder
        self._outbox.pool.forget(client.holder)
        return sum(one.slug is not None for one in self._outbox.with_status((Status.WAITING,), 100))

    def count(self) -> int:
        """How many links are held ready."""
        return self._outbox.pool.count(self.now())

    def away(self) -> Collection[str]:
        """The servers that are known and are not the one of now."""
        client = self._line.client
        now = client.server_url if client is not None else ""
        return [one.url.rstrip("/") for one in self._chosen.now.servers if one.url.rstrip("/") != now]
