"""Ports for servers that a test starts: nobody else's between the moment they are found and the moment they are bound.

The system's own answer to "any port" is not enough. It gives one of 14,000 at random, and a server takes a second and
more to bind it: in a run with a thousand servers, several at a time, two of them get the same one now and then. The
second then ends, and its test talks to a server of another's.
"""

from __future__ import annotations

import fcntl
import functools
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Below what Linux gives out by itself (32768 and up, ip(7)), for outgoing connections too.
FIRST, BLOCKS, BLOCK = 16_000, 80, 200


def free_port() -> int:
    """A port of 127.0.0.1 that is free, and that no other process of any tests on this machine gets as well."""
    for port in itertools.islice(_own(os.getpid()), BLOCK):
        with socket.socket() as probe:
            # As servers do: what is left of connections that have ended is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError(f"no port of {BLOCK} is free")


@functools.cache
def _own(pid: int) -> Iterator[int]:
    """The ports of this process's block, in turn. A locked file makes the block this process's alone."""
    folder = Path(tempfile.gettempdir()) / f"bulletdrop-tests-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for step in range(BLOCKS):
        number = (pid + step) % BLOCKS
        held = os.open(folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            continue
        # Left open, and so locked, as long as this process lives.
        return itertools.cycle(range(FIRST + number * BLOCK, FIRST + (number + 1) * BLOCK))
    raise AssertionError(f"{BLOCKS} processes have ports of their own already")
