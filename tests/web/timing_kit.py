"""Whether two kinds of requests can be told apart by how long their answers take."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from http.client import HTTPConnection

from tests.support.server import Server

Ask = Callable[[HTTPConnection], None]


def auc(first: list[float], second: list[float]) -> float:
    """The chance that a value of the first list is larger than one of the second: Mann and Whitney's U over n × m.

    0.5 says that nobody could tell them apart. By chance alone it scatters around that with a standard deviation of
    the root of (n + m + 1) / 12nm: 0.029 for twice 200 values, 0.009 for twice 2,000.
    """
    ranked = sorted([(value, True) for value in first] + [(value, False) for value in second])
    ranks = sum(rank for rank, (_, is_first) in enumerate(ranked, 1) if is_first)
    return (ranks - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


def told_apart(
    server: Server, both: Callable[[], tuple[Ask, Ask]], pairs: int, *, status: int, warm: int = 20
) -> float:
    """The AUC of the times of two kinds of answers, each pair in random order over one connection.

    Args:
        both: gives what sends a request of either kind, anew for each pair.
        status: of every answer.
        warm: so many pairs come first and do not count.
    """
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    times: tuple[list[float], list[float]] = ([], [])
    order = random.Random(7)
    try:
        for turn in range(-warm, pairs):
            asks = both()
            for which in order.sample((0, 1), 2):
                began = time.perf_counter()
                asks[which](connection)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == status
                if turn >= 0:
                    times[which].append(time.perf_counter() - began)
    finally:
        connection.close()
    return auc(*times)
