"""Hears at once when the network comes back. Where the system cannot tell, a question every few seconds finds out.

Linux says it on a socket of its own (rtnetlink(7)): addresses and routes that come and go. It costs nothing while
nothing happens.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

from bulletdrop.log import get_logger

log = get_logger("network")

# rtnetlink(7), linux/rtnetlink.h: RTMGRP_IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE.
GROUPS = 0x10 | 0x40 | 0x100 | 0x400
# What comes and goes together is one change.
SETTLE_SECONDS = 0.3
SETTLED_AT_MOST = 10


class NetworkWatch:
    """Calls `changed` some moments after addresses or routes changed, from a thread of its own."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._thread: threading.Thread | None = None
        self._waker: socket.socket | None = None

    def start(self) -> bool:
        """Begin to listen. False where the system has no such thing, or refuses it."""
        if not hasattr(socket, "AF_NETLINK"):
            return False
        events = None
        try:
            events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
            events.bind((0, GROUPS))
            wake, self._waker = socket.socketpair()
        except OSError as error:
            log.info("The system does not tell of the network: %s", error)
            if events is not None:
                events.close()
            return False
        self._thread = threading.Thread(target=self._run, args=(events, wake), name="network", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """End. Blocks until the thread has ended."""
        waker, self._waker = self._waker, None
        if waker is not None and self._thread is not None:
            waker.close()
            self._thread.join(5)

    def _run(self, events: socket.socket, wake: socket.socket) -> None:
        with events, wake:
            self._listen(events, wake)

    def _listen(self, events: socket.socket, wake: socket.socket) -> None:
        while True:
            # The other end of it was closed: readable.
            if wake in select.select([events, wake], [], [])[0]:
                return
            for _ in range(SETTLED_AT_MOST):
                # ENOBUFS: more happened than fits; that something happened is all there is to know.
                with contextlib.suppress(OSError):
                    events.recv(65536)
                if not select.select([events], [], [], SETTLE_SECONDS)[0]:
                    break
            try:
                self._changed()
            except Exception:
                log.exception("The change of the network went unheard.")
