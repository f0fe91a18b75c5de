"""Secrets over HTTP: made as JSON or as a form, opened so many times, and gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.server import Server


def make(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    """A secret; the answer's JSON."""
    answer = client.post("/api/v1/secrets", json={"text": "the door is 4711", **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def open_(server: Server, secret: dict[str, Any], **fields: Any) -> httpx.Response:
    """Open a secret as somebody without an account."""
    return server.anonymous.post(f"/api/v1/secrets/{secret['id']}/open", json=fields)


def test_a_secret_opens_once_and_is_gone(server_on: Server) -> None:
    made = make(server_on.alice, note="for bob")
    assert made["url"] == f"{server_on.url}/s/{made['id']}"
    assert (made["state"], made["max_views"]) == ("open", 1)
    first = open_(server_on, made)
    assert first.status_code == 200
    assert first.json() == {"mode": "server", "text": "the door is 4711", "files": [], "views_left": 0, "pass": ""}
    assert first.headers["cache-control"] == "no-store"
    second, never = open_(server_on, made), open_(server_on, {"id": "1111111111111111111111"})
    assert (second.status_code, never.status_code) == (410, 410)
    assert second.json()["error"]["message"] == never.json()["error"]["message"]
    after = server_on.alice.get(f"/api/v1/secrets/{made['id']}").json()
    assert (after["state"], after["views"]) == ("opened", 1)
    assert not any((server_on.data / "secrets").iterdir())
