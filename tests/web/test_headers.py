"""The header contract: what every answer carries, whatever it is."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.server import Server
from tests.web.browser import signed_in
from tests.web.kit import path_of, upload

CANARY = "canary.evil.example"


@pytest.fixture(scope="module")
def answers(shared: Server) -> dict[str, httpx.Response]:
    """One answer of every kind."""
    drop = upload(shared.alice)
    private = upload(shared.alice, is_public="false")
    pages = [
        "/",
        "/signin",
        "/trash",
        f"/{drop['slug']}",
        f"/info/{drop['id']}",
        path_of(drop["deletion_url"]),
        "/nope",
    ]
    found: dict[str, httpx.Response] = {}
    with signed_in(shared, "alice") as browser:
        for path in pages:
            found[f"page {path}"] = browser.get(path)
        found["private picture"] = browser.get(f"/i/{private['id']}")
        found["cookie api"] = browser.get("/api/v1/auth/me")
    direct = path_of(drop["direct_url"])
    for path in (
        "/health",
        "/ready",
        "/api/v1/openapi.json",
        "/robots.txt",
        direct,
        f"/i/{drop['id']}?size=thumb",
        "/x.png",
    ):
        found[path] = shared.anonymous.get(path)
        found[f"HEAD {path}"] = shared.anonymous.head(path)
    etag = found[direct].headers["etag"]
    found["304"] = shared.anonymous.get(direct, headers={"If-None-Match": etag})
    found["206"] = shared.anonymous.get(direct, headers={"Range": "bytes=0-5"})
    found["416"] = shared.anonymous.get(direct, headers={"Range": "bytes=99999999-"})
    found["412"] = shared.anonymous.get(direct, headers={"If-Match": '"x"'})
    found["405"] = shared.anonymous.post("/health")
    found["401"] = shared.anonymous.get("/api/v1/uploads")
    found["list"] = shared.alice.get("/api/v1/uploads")
    found["redirect"] = shared.anonymous.get("/")
    short = shared.alice.post("/api/v1/short-links", json={"url": "https://example.org/"}).json()
    found["short link"] = shared.anonymous.get(f"/{short['slug']}")
    found["HEAD short link"] = shared.anonymous.head(f"/{short['slug']}")
    found["202"] = shared.anonymous.post("/api/v1/auth/resend", json={"identifier": "nobody@example.org"})
    found["204"] = shared.alice.delete(f"/api/v1/short-links/{short['id']}")
    return found


def test_an_answer_without_bytes_has_a_type_or_none_but_never_the_word_none(
    answers: dict[str, httpx.Response],
) -> None:
    statuses = {name: answers[name].status_code for name in ("short link", "HEAD short link", "202", "204")}
    assert list(statuses.values()) == [302, 302, 202, 204]
    for name, answer in answers.items():
        assert "none" not in [value.lower() for value in answer.headers.values()], name
    assert "content-type" not in answers["204"].headers


def test_every_answer_protects_itself(answers: dict[str, httpx.Response]) -> None:
    for name, answer in answers.items():
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff", name
        assert "default-src 'none'" in headers["content-security-policy"], name
        assert headers["referrer-policy"] in ("same-origin", "no-referrer"), name
        assert headers["cache-control"], name
        assert headers["x-request-id"], name
        assert headers["date"].endswith("GMT"), name
        assert "server" not in headers, name
        assert "sanic" not in str(headers).lower(), name


def test_pages_run_only_our_own_scripts_and_nobody_frames_them(answers: dict[str, httpx.Response]) -> None:
    pages = {
        name: answer
        for name, answer in answers.items()
        if answer.headers.get("content-type", "").startswith("text/html")
    }
    assert len(pages) >= 5
    for name, answer in pages.items():
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy, name
        assert "unsafe" not in policy, name
        assert "base-uri 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "immutable" not in answer.headers["cache-control"], name


def test_what_belongs_to_somebody_is_never_cached(answers: dict[str, httpx.Response]) -> None:
    for name in ("private picture", "cookie api", "list", "401"):
        assert "no-store" in answers[name].headers["cache-control"], name


def test_no_public_answer_carries_a_cookie(answers: dict[str, httpx.Response]) -> None:
    for name, answer in answers.items():
        if "public" in answer.headers["cache-control"]:
            assert "set-cookie" not in answer.headers, name


HOSTS = [
    {"Host": CANARY},
    {"Host": CANARY, "X-Forwarded-Host": CANARY, "X-Forwarded-Proto": "gopher"},
    {"Forwarded": f"host={CANARY};proto=gopher"},
    {"X-Forwarded-Host": CANARY, "X-Forwarded-Prefix": f"/{CANARY}", "X-Original-URL": f"/{CANARY}"},
]


@pytest.mark.parametrize("headers", HOSTS)
def test_no_link_is_ever_built_from_what_a_client_says(shared: Server, headers: dict[str, str]) -> None:
    drop: dict[str, Any] = upload(shared.alice)
    paths = [
        "/",
        "/signin",
        "/setup",
        f"/{drop['slug']}",
        f"/info/{drop['id']}",
        path_of(drop["deletion_url"]),
        "/nope",
    ]
    with signed_in(shared, "alice") as browser:
        for client in (shared.anonymous, shared.alice, browser):
            for path in [*paths, "/api/v1/uploads", "/api/v1/auth/me", f"/api/v1/uploads/{drop['id']}"]:
                answer = client.get(path, headers=headers)
                assert CANARY not in answer.text, path
                assert CANARY not in str(answer.headers), path
    made = shared.alice.put("/api/v1/uploads/a.png", content=upload_bytes(), headers=headers)
    assert made.status_code == (421 if "Host" in headers else 201)
    assert CANARY not in made.text


def upload_bytes() -> bytes:
    from tests.web.kit import png

    return png()
