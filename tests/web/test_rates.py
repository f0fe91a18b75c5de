"""Requests by the hour: what plans and keys allow, exactly, and what each answer says of it."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.server import Server
from tests.web.browser import signed_in
from tests.web.kit import png, problem, upload

ME = "/api/v1/auth/me"


def change(server: Server, statement: str, *values: object) -> None:
    """Change the database under the running server."""
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        assert database.execute(statement, values).rowcount > 0


def limit_user(server: Server, name: str, most: int) -> None:
    limits = json.dumps({"requests_per_hour": most})
    change(server, 'UPDATE "user" SET limits = ? WHERE username = ?', limits, name)


def limit_key(server: Server, name: str, most: int) -> None:
    prefix = server.key_of(name)[:9]
    change(server, "UPDATE api_key SET rate_limit_per_hour = ? WHERE prefix = ?", most, prefix)


def said(answer: httpx.Response) -> tuple[str | None, str | None]:
    return answer.headers.get("ratelimit-policy"), answer.headers.get("ratelimit")


def test_without_a_limit_nothing_is_said_and_nothing_is_counted(server: Server) -> None:
    assert said(server.alice.get(ME)) == (None, None)
    assert not (server.data / "run" / "counts.db").exists()


def test_a_plan_limits_all_that_is_the_users_and_says_so(server: Server) -> None:
    server.key_of("alice")
    with signed_in(server, "bob") as page:
        limit_user(server, "bob", 4)
        first = server.bob.get(ME)
        policy, state = said(first)
        assert policy == '"plan";q=4;w=3600'
        assert state is not None
        assert re.fullmatch(r'"plan";r=3;t=\d{1,4}', state)
        assert said(page.get(ME))[1].startswith('"plan";r=2;')  # type: ignore[union-attr]
        # Refused for another reason: counted all the same.
        problem(server.bob.get("/api/v1/uploads/none-of-ours"), 404)
        upload(server.bob, png())
        refused = server.bob.get(ME)
        assert problem(refused, 429)["code"] == "too_many"
        assert said(refused)[0] == policy
        wait = int(refused.headers["retry-after"])
        assert 0 < wait <= 7200
        assert said(refused)[1] == f'"plan";r=0;t={wait}'
        assert page.get(ME).status_code == 429
        # Pages go on, and nobody else notices.
        answer = page.get("/")
        assert (answer.status_code, said(answer)) == (200, (None, None))
        assert server.alice.get(ME).status_code == 200


def test_a_plans_figure_that_changes_holds_within_a_second(server: Server) -> None:
    server.key_of("bob")
    change(server, "UPDATE plan SET requests_per_hour = 2 WHERE name = 'home'")
    statuses = Counter(server.bob.get(ME).status_code for _ in range(5))
    assert statuses == {200: 2, 429: 3}
    change(server, "UPDATE plan SET requests_per_hour = NULL WHERE name = 'home'")
    time.sleep(1.1)
    assert server.bob.get(ME).status_code == 200


def test_a_key_has_its_own_limit_beside_the_plans(server: Server) -> None:
    server.key_of("bob")
    limit_user(server, "bob", 5)
    limit_key(server, "bob", 2)
    policy, state = said(server.bob.get(ME))
    assert policy == '"key";q=2;w=3600, "plan";q=5;w=3600'
    assert state is not None
    assert re.fullmatch(r'"key";r=1;t=\d+, "plan";r=4;t=\d+', state)
    assert server.bob.get(ME).status_code == 200
    for _ in range(10):
        refused = server.bob.get(ME)
        assert refused.status_code == 429
        assert str(said(refused)[0]) == '"key";q=2;w=3600'
    # What the key was refused did not use up the plan.
    with signed_in(server, "bob") as page:
        assert [page.get(ME).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_many_at_once_get_exactly_what_is_allowed(server: Server) -> None:
    server.key_of("bob")
    limit_user(server, "bob", 50)
    bob = server.bob
    with ThreadPoolExecutor(20) as threads:
        assert Counter(threads.map(lambda _: bob.get(ME).status_code, range(120))) == {200: 50, 429: 70}


def test_a_refused_browser_still_gets_the_token_that_its_refresh_gave(server: Server) -> None:
    with signed_in(server, "bob") as page:
        limit_user(server, "bob", 1)
        refresh = {"bd_refresh": page.cookies["bd_refresh"]}
        answer = httpx.get(server.url + ME, cookies=refresh, trust_env=False, timeout=30)
        assert answer.status_code == 200
        refresh = {"bd_refresh": answer.cookies["bd_refresh"]}
        answer = httpx.get(server.url + ME, cookies=refresh, trust_env=False, timeout=30)
        assert answer.status_code == 429
        assert answer.cookies["bd_refresh"] != refresh["bd_refresh"]
