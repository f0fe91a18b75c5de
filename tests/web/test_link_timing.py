"""How long the answer to a link takes says nothing about whether there is, or was, such a link."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest

from bulletdrop.core.models.base import ALPHABET, random_text
from tests.conftest import both_databases
from tests.support.server import Server
from tests.web.link_kit import a_drop, share
from tests.web.test_sign_in_timing import auc

pytestmark = pytest.mark.alone
# Gives the two paths that are to be told apart, anew for each pair.
Paths = Callable[[], tuple[str, str]]


def revoked_or_never(server: Server) -> Paths:
    """A link that was revoked, and one that never was."""
    link = share(server, password="open sesame", note="a link")
    server.alice.patch(f"/api/v1/share-links/{link['token']}", json={"revoked": True}).raise_for_status()
    return lambda: (link["path"], f"/l/{random_text(22)}")


def trashed_or_never(server: Server) -> Paths:
    """A link to a drop in the trash, and one that never was."""
    link = share(server)
    server.alice.delete(f"/api/v1/uploads/{link['upload_id']}").raise_for_status()
    return lambda: (link["path"], f"/l/{random_text(22)}")


def near_or_far(server: Server) -> Paths:
    """A token that differs from a good one in its last letter alone, and one that differs in all."""
    path = share(server)["path"]
    others = iter_forever([letter for letter in ALPHABET if letter != path[-1]])
    return lambda: (path[:-1] + next(others), f"/l/{random_text(22)}")


def iter_forever(letters: list[str]) -> Iterator[str]:
    """The letters again and again."""
    while True:
        yield from letters


def told_apart(server: Server, paths: Paths, pairs: int) -> float:
    """The AUC of the times of two kinds of answers, each pair in random order over one connection."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    times: tuple[list[float], list[float]] = ([], [])
    order = random.Random(7)
    try:
        for turn in range(-20, pairs):
            both = paths()
            for which in order.sample((0, 1), 2):
                began = time.perf_counter()
                connection.request("GET", both[which], headers={"Accept": "text/html"})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 404
                if turn >= 0:
                    times[which].append(time.perf_counter() - began)
    finally:
        connection.close()
    return auc(*times)


def a_server(make_server: Callable[..., Server], database_url: str) -> Server:
    """A server with other links in it."""
    server = make_server(**({"BULLETDROP_DATABASE_URL": database_url} if database_url else {}))
    drop = a_drop(server)
    for _ in range(20):
        share(server, drop)
    return server


KINDS = pytest.mark.parametrize("kind", [revoked_or_never, trashed_or_never, near_or_far], ids=lambda one: one.__name__)


@KINDS
def test_a_link_that_ended_is_refused_as_fast_as_one_that_never_was(
    make_server: Callable[..., Server], kind: Callable[[Server], Paths]
) -> None:
    server = a_server(make_server, "")
    # More than three standard deviations to either side; see `auc`.
    assert 0.4 < told_apart(server, kind(server), 250) < 0.6


@both_databases
@KINDS
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_thousands_of_refusals_do_not_tell_what_was_a_link(
    make_server: Callable[..., Server],
    database_url: str,
    kind: Callable[[Server], Paths],
    record_property: Callable[[str, object], None],
) -> None:
    server = a_server(make_server, database_url)
    found = told_apart(server, kind(server), 3000)
    record_property("AUC", round(found, 3))
    print(f"AUC {kind.__name__} {found:.3f}")
    assert 0.47 <= found <= 0.53
