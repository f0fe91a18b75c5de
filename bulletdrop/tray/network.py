"""Hears at once when the network comes back. Where the system cannot tell, the question every ten seconds finds out.

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
        self._wake, self._waker = socket.socketpair()
        self._events: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> bool:
        """Begin to listen. False where the system has no such thing, or refuses it."""
        if not hasattr(socket, "AF_NETLINK"):
            return False
        try:
            self._events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
            self._events.bind((0, GROUPS))
        except OSError as error:
            log.info("The system does not tell of the network: %s", error)
            self._close_events()
            return False
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """End. Blocks until the thread has ended."""
        with contextlib.suppress(OSError):
            self._waker.send(b"x")
        if self._thread is not None:
            self._thread.join(5)
        self._close_events()
        self._wake.close()
        self._waker.close()

    def _run(self) -> None:
        events = self._events
        while events is not None:
            if self._wake in select.select([events, self._wake], [], [])[0]:
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

    def _close_events(self) -> None:
        if self._events is not None:
            self._events.close()
            self._events = None
