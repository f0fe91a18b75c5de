"""How long a refused sign-in takes says nothing about whether there is such a user."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from tests.support.server import Server

# Far above what is sent here: the brake would answer without a check.
NO_BRAKE = {f"BULLETDROP_GUESSES_PER_{which}": "1000000" for which in ("PAIR", "ADDRESS", "NAME")}
KNOWN, UNKNOWN = "alice", "clara"
Send = Callable[[HTTPConnection, str], None]


def by_api(connection: HTTPConnection, name: str) -> None:
    body = json.dumps({"identifier": name, "password": "wrong one here"})
    connection.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"})


def by_email(connection: HTTPConnection, name: str) -> None:
    by_api(connection, f"{name}@example.org")


def by_page(connection: HTTPConnection, name: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    connection.request("POST", "/signin", f"identifier={name}&password=wrong+one+here", headers)


def auc(first: list[float], second: list[float]) -> float:
    """The chance that a value of the first list is larger than one of the second: Mann and Whitney's U over n × m.

    0.5 says that nobody could tell them apart. By chance alone it scatters around that with a standard deviation of
    the root of (n + m + 1) / 12nm: 0.029 for twice 200 values, 0.009 for twice 2,000.
    """
    ranked = sorted([(value, True) for value in first] + [(value, False) for value in second])
    ranks = sum(rank for rank, (_, is_first) in enumerate(ranked, 1) if is_first)
    return (ranks - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


def told_apart(server: Server, send: Send, pairs: int) -> float:
    """The AUC of how long refused sign-ins take, the known name's against the unknown one's, one after the other."""
    server.key_of(KNOWN)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    order = random.Random(11)
    try:
        for turn in range(-5, pairs):
            for name in order.sample((KNOWN, UNKNOWN), 2):
                began = time.perf_counter()
                send(connection, name)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 401
                if turn >= 0:
                    times[name].append(time.perf_counter() - began)
    finally:
        connection.close()
    return auc(times[KNOWN], times[UNKNOWN])


def test_the_measure_itself_tells_what_it_should() -> None:
    assert auc([2, 3], [0, 1]) == 1
    assert auc([0, 1], [2, 3]) == 0
    assert auc([0, 3], [1, 2]) == 0.5


@pytest.mark.alone
@pytest.mark.parametrize("send", [by_api, by_email, by_page])
def test_known_and_unknown_names_are_refused_after_the_same_time(
    make_server: Callable[..., Server], send: Send
) -> None:
    # Three and a half standard deviations to either side; an early return gives 0 or 1.
    assert 0.4 < told_apart(make_server(**NO_BRAKE), send, 200) < 0.6


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("send", [by_api, by_page])
def test_known_and_unknown_names_cannot_be_told_apart_by_thousands_of_refusals(
    make_server: Callable[..., Server], send: Send
) -> None:
    assert 0.47 <= told_apart(make_server(**NO_BRAKE), send, 2000) <= 0.53
