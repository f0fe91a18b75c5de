"""A relay between browsers and a server that writes down every byte of every request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Recorder:
    """Relays connections to a port of this machine.

    Args:
        target: the server's port.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._received: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def received(self) -> bytes:
        """All that browsers have sent so far."""
        return b"".join(self._received)

    def listen(self) -> None:
        """Take connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for source, sink, kept in ((client, server, self._received), (server, client, None)):
                    threading.Thread(target=self._relay, args=(source, sink, kept), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @staticmethod
    def _relay(source: socket.socket, sink: socket.socket, kept: list[bytes] | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if kept is not None:
                    kept.append(data)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()


@contextlib.contextmanager
def recorded(target: int) -> Iterator[Recorder]:
    """A relay for a block."""
    relay = Recorder(target)
    threading.Thread(target=relay.listen, daemon=True).start()
    try:
        yield relay
    finally:
        relay.close()
