"""Every route of the API against everybody who could ask. A route without a row in `tests/web/rows` fails."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bulletdrop.web.api import ROUTES as API_ROUTES
from bulletdrop.web.openapi import ROUTES as DOCUMENT_ROUTES
from bulletdrop.web.routes import PREFIX, Route
from tests.support.server import Server
from tests.web import rows
from tests.web.cast import Cast
from tests.web.kit import upload
from tests.web.rows.row import REFUSED, WHO, Row

ROUTES = API_ROUTES + DOCUMENT_ROUTES


def gathered() -> dict[str, Row]:
    """The rows of all nouns."""
    table: dict[str, Row] = {}
    for found in pkgutil.iter_modules(rows.__path__):
        for name, row in getattr(importlib.import_module(f"tests.web.rows.{found.name}"), "ROWS", {}).items():
            assert name not in table, f"{name} has two rows"
            table[name] = row
    return table


TABLE = gathered()


class Asked:
    """What a route is asked for: made at the first request, and again after each that may have changed it."""

    def __init__(self, server: Server, params: Callable[[Server], dict[str, str]] | None) -> None:
        self._server = server
        self._params = params
        self._found: dict[str, str] | None = None

    def path(self, written: str) -> str:
        """A route's path with its parameters filled in."""
        if self._found is None:
            self._found = self._params(self._server) if self._params else {}
        for name, value in self._found.items():
            written = written.replace(f"<{name}>", value).replace(f"<{name}:str>", value)
        return written

    @property
    def params(self) -> dict[str, str]:
        """The parameters of the path, after it was asked for."""
        assert self._found is not None
        return self._found

    def after(self, method: str, answer: httpx.Response) -> None:
        """Note an answer."""
        if method != "GET" and answer.status_code < 400:
            self._found = None


def send(cast: Cast, route: Route, row: Row, asked: Asked, headers: dict[str, str]) -> httpx.Response:
    """Call a route about something of alice's, with the row's body."""
    path = asked.path(PREFIX + route.path)
    assert "<" not in path, f"the row of {route.name} does not say what {path} is asked for"
    options: dict[str, Any] = {"json": row.body} if route.body is not None else {}
    if row.content is not None:
        options = {"content": row.content}
    answer = cast.request(route.method, path, headers, **options)
    asked.after(route.method, answer)
    return answer


def wrong_with(answer: httpx.Response, expected: int) -> str:
    """What is wrong with an answer; empty for nothing."""
    if answer.status_code != expected:
        return f"{answer.status_code} in place of {expected}: {answer.text[:200]}"
    if expected >= 400 and set(answer.json()["error"]) != {"code", "message", "field", "request_id"}:
        return f"an error of another shape: {answer.text[:200]}"
    return ""


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {route.name for route in ROUTES} == set(TABLE)


def test_every_row_has_a_cell_for_everybody(record_property: Callable[[str, object], None]) -> None:
    cells = sum(len(row.statuses) for row in TABLE.values())
    assert cells == len(ROUTES) * len(WHO)
    record_property("cells of the API", cells)
    # Whoever comes with something that never counts gets nothing but what is for anybody.
    open_routes = {route.name for route in ROUTES if route.who == "anybody"}
    closed = [row.statuses[who] for name, row in TABLE.items() if name not in open_routes for who in REFUSED]
    assert set(closed) == {401}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_route_lets_in_whom_it_should(cast: Cast, route: Route) -> None:
    row, wrong = TABLE[route.name], {}
    asked = Asked(cast.server, row.params)
    # Those who are refused come first: what is let in last shows that none of them changed anything.
    for who in sorted(WHO, key=lambda who: (row.statuses[who] < 400, WHO.index(who))):
        answer = send(cast, route, row, asked, cast.comes_with(who))
        if words := wrong_with(answer, row.statuses[who]):
            wrong[who] = words
    assert not wrong


def test_what_is_somebody_elses_looks_like_what_never_was(shared: Server) -> None:
    made = upload(shared.alice)
    for method in ("GET", "DELETE"):
        others = shared.bob.request(method, f"/api/v1/uploads/{made['id']}").json()["error"]
        nothing = shared.bob.request(method, "/api/v1/uploads/doesnotexist").json()["error"]
        assert (others["code"], others["message"]) == (nothing["code"], nothing["message"])
