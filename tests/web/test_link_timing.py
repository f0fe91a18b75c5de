"""How long the answer to a link takes says nothing about whether there is, or was, such a link."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bulletdrop.core.models.base import ALPHABET, random_text
from tests.conftest import both_databases
from tests.support.server import Server
from tests.web.link_kit import a_drop, share
from tests.web.timing_kit import Ask, told_apart

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


def links_apart(server: Server, paths: Paths, pairs: int) -> float:
    """The AUC of the times of two kinds of answers for links."""

    def ask(path: str) -> Ask:
        return lambda connection: connection.request("GET", path, headers={"Accept": "text/html"})

    def both() -> tuple[Ask, Ask]:
        first, second = paths()
        return ask(first), ask(second)

    return told_apart(server, both, pairs, status=404)


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
    assert 0.4 < links_apart(server, kind(server), 250) < 0.6


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
    found = links_apart(server, kind(server), 3000)
    record_property("AUC", round(found, 3))
    print(f"AUC {kind.__name__} {found:.3f}")
    assert 0.47 <= found <= 0.53
