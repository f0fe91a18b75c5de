"""Requests that only an attacker sends: each is refused in words, none is a fault of ours."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from bulletdrop.web import words
from bulletdrop.web.disposition import extended_filename
from tests.support.server import PASSWORD, Server
from tests.web.kit import BOUNDARY, FORM_TYPE, png, problem, raw, upload


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _browser(server: Server) -> httpx.Client:
    server.key_of("alice")
    browser = httpx.Client(base_url=server.url, trust_env=False, timeout=30)
    form = {"identifier": "alice", "password": PASSWORD}
    assert browser.post("/signin", data=form, headers={"Origin": server.url}).status_code == 303
    return browser


def test_a_nul_in_an_address_is_not_found(server_on: Server) -> None:
    server_on.key_of("alice")
    for path in ("/%00", "/a%00.png", "/i/%00", "/u/%00/%00", "/u/alice/%00.png", "/info/%00", "/delete/%00/%00"):
        assert server_on.anonymous.get(path).status_code == 404, path
    with closing(_browser(server_on)) as browser:
        assert browser.get("/?only=%00").status_code == 404
        assert browser.get("/?trashed=%00").status_code == 200
    assert server_on.alice.get("/api/v1/uploads/%00").status_code == 404


def test_a_nul_in_what_people_type_is_refused(server_on: Server) -> None:
    server_on.key_of("alice")
    stranger = server_on.anonymous
    problem(stranger.post("/api/v1/auth/login", json={"identifier": "\0", "password": "x" * 9}), 401, "not_signed_in")
    assert stranger.post("/signin", data={"identifier": "\0", "password": "x" * 9}).status_code == 401
    problem(server_on.alice.get("/api/v1/uploads", params={"cursor": _cursor([1, "\0"])}), 400, "invalid")
    with closing(_browser(server_on)) as browser:
        csrf = {"X-CSRF-Token": browser.cookies["bd_csrf"]}
        key = {"name": "a\0b", "scopes": ["uploads:read"]}
        problem(browser.post("/api/v1/api-keys", json=key, headers=csrf), 400, "invalid")


def test_an_agent_with_a_nul_signs_in_or_is_refused_in_words(server_on: Server) -> None:
    server_on.key_of("alice")
    body = json.dumps({"identifier": "alice", "password": PASSWORD}).encode()
    head = (
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\0b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with raw(server_on) as line:
        line.send(head + body)
        assert line.head()[0] in (200, 400)


def test_an_origin_that_is_no_address_is_another_sites(shared: Server) -> None:
    answer = shared.anonymous.post(
        "/api/v1/auth/login", json={"identifier": "a", "password": "b"}, headers={"Origin": "http://["}
    )
    problem(answer, 403, "bad_csrf")


def test_a_cursor_of_brackets_is_none_of_ours(shared: Server) -> None:
    brackets = base64.urlsafe_b64encode(b"[" * 5000).decode()
    problem(shared.alice.get("/api/v1/uploads", params={"cursor": brackets}), 400, "invalid")
    problem(shared.alice.get("/api/v1/uploads", params={"cursor": _cursor([2**80, "x"]) * 9}), 400, "invalid")
    assert shared.alice.get("/api/v1/uploads", params={"cursor": _cursor([2**80, "x"])}).status_code == 200


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "base64", "nothing"])
def test_a_name_in_a_charset_that_forms_do_not_know_is_no_name(charset: str) -> None:
    assert extended_filename(f"form-data; filename*={charset}''a-!.png") is None
    assert extended_filename("form-data; filename*=UTF-8''%e2%82%ac.png") == "€.png"
    assert extended_filename("form-data; filename*=iso-8859-1''%e4.png") == "ä.png"


def test_a_form_with_a_name_in_punycode_is_no_fault_of_ours(shared: Server) -> None:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename*=punycode''a-!.png\r\n\r\n"
    body = head.encode() + png() + f"\r\n--{BOUNDARY}--\r\n".encode()
    answer = shared.alice.post("/api/v1/uploads", content=body, headers={"Content-Type": FORM_TYPE})
    assert answer.status_code < 500, answer.text


def test_an_expiry_at_the_end_of_all_time_is_refused(server_on: Server) -> None:
    made = upload(server_on.alice)
    for moment in ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"):
        patch = {"expires_at": moment}
        problem(server_on.alice.patch(f"/api/v1/uploads/{made['id']}", json=patch), 400, "invalid")
        answer = server_on.alice.post("/api/v1/uploads", files={"file": ("a.png", png())}, data=patch)
        assert problem(answer, 400, "invalid")["field"] == "expires_at"
    with closing(_browser(server_on)) as browser:
        csrf = {"X-CSRF-Token": browser.cookies["bd_csrf"]}
        key = {"name": "far", "scopes": ["uploads:read"], "expires_at": "9999-12-31T23:59:59-14:00"}
        problem(browser.post("/api/v1/api-keys", json=key, headers=csrf), 400, "invalid")
    assert server_on.alice.get("/api/v1/uploads").json()["items"][0]["expires_at"] is None


def test_the_last_second_of_all_time_can_be_shown_in_tokyo() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert words.full(last, words.zone("Asia/Tokyo")) == "31 December 9999, 23:59:59 UTC"


def test_a_login_without_end_holds_nobody_up(shared: Server) -> None:
    answer = shared.anonymous.post(
        "/api/v1/auth/login", json={"identifier": "\u0301\u0316" * 150_000, "password": "x" * 9}, timeout=8
    )
    assert problem(answer, 400, "invalid")["field"] == "identifier"
    # To put its marks in order once takes 49 s of a processor: by the square of their number.
    assert shared.anonymous.get("/health", timeout=8).status_code == 200
