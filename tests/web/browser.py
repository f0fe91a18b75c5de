"""A browser as far as cookies and headers go, without a screen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx

from tests.support.server import PASSWORD, Server, certificates


def browser(server: Server, **headers: str) -> httpx.Client:
    """A client that says what browsers say. Its cookies are kept."""
    said = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Site": "same-origin", "Origin": server.url, **headers}
    return httpx.Client(base_url=server.url, headers=said, timeout=30, trust_env=False, verify=certificates())


@contextlib.contextmanager
def signed_in(server: Server, name: str) -> Iterator[httpx.Client]:
    """A browser in which somebody has signed in; it sends the CSRF token as our script does."""
    server.key_of(name)
    with browser(server) as client:
        answer = sign_in(client, name)
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = client.cookies["bd_csrf"]
        yield client


def kept(server: Server, name: str) -> httpx.Client:
    """As `signed_in`, but the same browser at each call: signed in once, and again when its session has ended."""
    server.key_of(name)
    client = server.keep(f"browser of {name}", lambda: browser(server))
    if client.get("/api/v1/auth/me").status_code != 200:
        client.cookies.clear()
        sign_in(client, name).raise_for_status()
        client.headers["X-CSRF-Token"] = client.cookies["bd_csrf"]
    return client


def sign_in(client: httpx.Client, identifier: str, password: str = PASSWORD) -> httpx.Response:
    """Send the sign-in."""
    return client.post("/api/v1/auth/login", json={"identifier": identifier, "password": password})


def cookies_of(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    """The cookies that an answer sets: name → value and attributes in lower case."""
    found: dict[str, dict[str, Any]] = {}
    for line in answer.headers.get_list("set-cookie"):
        first, *rest = [part.strip() for part in line.split(";")]
        name, _, value = first.partition("=")
        attributes = {key.lower(): text for key, _, text in (part.partition("=") for part in rest)}
        found[name] = {"value": value, **attributes}
    return found
