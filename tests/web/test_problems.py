"""Errors: each class has its status, each answer its one shape, and a page for whoever looks at one."""

from __future__ import annotations

import json

import pytest

from bulletdrop import errors
from bulletdrop.errors import BulletDropError, Busy, Rejected
from bulletdrop.web.problems import STATUS, status_of
from tests.support.server import Server
from tests.web.kit import problem


def every(kind: type[BulletDropError]) -> list[type[BulletDropError]]:
    """A class and all below it."""
    return [kind, *(each for below in kind.__subclasses__() for each in every(below))]


def test_every_error_has_a_status_of_its_family() -> None:
    for kind in every(BulletDropError):
        if kind.__module__ == errors.__name__:
            assert kind in STATUS, kind
    for kind in every(Rejected):
        # Not by its own way of being made: some want to be told more than others.
        assert 400 <= status_of(kind.__new__(kind)) < 500, kind
    for kind in every(Busy):
        assert status_of(kind()) in (429, 503, 507), kind


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in every(BulletDropError)]
    assert len(codes) == len(set(codes))


def test_an_unknown_address_is_404_for_programs_and_a_page_for_browsers(shared: Server) -> None:
    for path in ("/nothing", "/nothing.png", "/i/nothing", "/api/v1/nothing", "/static/nothing.js", "/a/b/c"):
        problem(shared.anonymous.get(path), 404, "not_found")
        answer = shared.anonymous.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 404
        is_page = answer.headers["content-type"].startswith("text/html")
        assert is_page == (not path.startswith("/api/"))


def test_a_wrong_method_names_the_right_ones(shared: Server) -> None:
    for method, path, allowed in (
        ("DELETE", "/api/v1/uploads", {"GET", "HEAD", "POST"}),
        ("POST", "/health", {"GET", "HEAD"}),
        ("PUT", "/i/x", {"GET", "HEAD"}),
        ("BREW", "/health", {"GET", "HEAD"}),
    ):
        answer = shared.anonymous.request(method, path)
        problem(answer, 405, "method_not_allowed")
        assert {each.strip() for each in answer.headers["allow"].split(",")} == allowed


def test_nothing_of_ours_leaks_from_an_unexpected_error(shared: Server) -> None:
    answer = shared.anonymous.get("/health", headers={"Accept": "text/html"})
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html"])
def test_a_head_of_an_error_has_no_body(shared: Server, accept: str) -> None:
    answer = shared.anonymous.head("/nothing", headers={"Accept": accept})
    assert answer.status_code == 404
    assert answer.content == b""


def test_the_request_id_leads_to_the_log(shared: Server) -> None:
    ids = {shared.anonymous.get("/nothing").headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20
    given = shared.anonymous.get("/nothing", headers={"X-Request-Id": "chosen-by-a-stranger"})
    assert given.headers["x-request-id"] != "chosen-by-a-stranger"


def test_an_error_of_a_head_request_counts_its_body(shared: Server) -> None:
    body = json.dumps(shared.anonymous.get("/nothing").json(), separators=(",", ":"), ensure_ascii=False)
    head = shared.anonymous.head("/nothing")
    assert abs(int(head.headers["content-length"]) - len(body.encode())) < 3
