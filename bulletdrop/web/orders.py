"""What the parent of several worker processes tells each of them, and what each may use of the whole."""

from __future__ import annotations

import os
import pickle
import struct
from dataclasses import dataclass, replace

from bulletdrop.config import Config

# A worker ends with this status when it could not start, and will not with these settings.
HOPELESS = 2

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Orders:
    """One worker's orders.

    Attributes:
        config: the settings as the parent read them: a worker that is started again gets the same ones.
        number: which worker this is, from 0.
        instance: the server's name for itself, the same for all workers.
        socket: the descriptor of the listening socket.
        ready: the descriptor to write a byte to when the worker answers.
    """

    config: Config
    number: int
    instance: str
    socket: int
    ready: int


def send_orders(pipe: int, orders: Orders) -> None:
    """Write the orders into a pipe before the worker is there to read: it holds more than they take (64 KB)."""
    # Through a pipe and pickled: secrets stand neither in arguments nor in the environment, and types stay.
    data = pickle.dumps(orders)
    os.write(pipe, _LENGTH.pack(len(data)) + data)


def receive_orders(pipe: int) -> Orders:
    """Read the orders from the pipe that the parent made. Raises EOFError when the parent is gone."""
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size))
    orders = pickle.loads(_read(pipe, length))
    assert isinstance(orders, Orders)
    return orders


def share_of(config: Config, workers: int) -> Config:
    """The settings for one of several workers: what is a total for the server is divided.

    From one address a worker takes up to twice its share: connections do not come evenly.
    """
    if workers == 1:
        return config
    uploads = _part(config.max_open_uploads, workers)
    return replace(
        config,
        max_open_uploads=uploads,
        max_open_uploads_per_address=min(uploads, _part(2 * config.max_open_uploads_per_address, workers)),
        decode_processes=_part(config.decode_processes, workers),
        cache_mb=_part(config.cache_mb, workers),
    )


def _part(total: int, workers: int) -> int:
    return -(-total // workers)


def _read(pipe: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = os.read(pipe, length - len(data))
        if not part:
            raise EOFError
        data += part
    return data
