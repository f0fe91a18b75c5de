"""The socket that the server listens on, and the name under which this machine reaches it."""

from __future__ import annotations

import socket

from bulletdrop.config import Config
from bulletdrop.errors import Unavailable


def bind(config: Config) -> socket.socket:
    """A listening socket. Bound by us, so that port 0 works and a port in use is one clear line.

    Raises: Unavailable when the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server(
            (config.host, config.port), family=family, backlog=1024, dualstack_ipv6=config.host == "::"
        )
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"Cannot listen on {config.host}, port {config.port}: {reason}. Choose another with --port."
        raise Unavailable(message) from error


def reachable(host: str) -> str:
    """The host under which this machine reaches itself."""
    if host in ("", "0.0.0.0"):
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
