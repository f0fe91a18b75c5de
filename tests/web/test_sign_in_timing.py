"""How long a refused sign-in takes says nothing about whether there is such a user."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from tests.support.server import Server
from tests.web.timing_kit import Ask, auc, told_apart

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


def refused(server: Server, send: Send, pairs: int) -> float:
    """The AUC of how long refused sign-ins take, the known name's against the unknown one's."""
    server.key_of(KNOWN)

    def ask(name: str) -> Ask:
        return lambda connection: send(connection, name)

    both = (ask(KNOWN), ask(UNKNOWN))
    return told_apart(server, lambda: both, pairs, status=401, warm=5)


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
    assert 0.4 < refused(make_server(**NO_BRAKE), send, 200) < 0.6


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("send", [by_api, by_page])
def test_known_and_unknown_names_cannot_be_told_apart_by_thousands_of_refusals(
    make_server: Callable[..., Server], send: Send
) -> None:
    assert 0.47 <= refused(make_server(**NO_BRAKE), send, 2000) <= 0.53
