"""A server that offers a provider, and browsers that go there and back by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.support.server import Server, certificates, free_port

PAGE = {"accept": "text/html"}


@contextlib.contextmanager
def server_with(provider: OidcProvider, data: Path, **environ: str) -> Iterator[Server]:
    """A running server that offers this provider, where anybody may make an account."""
    port = free_port()
    settings = {
        "BULLETDROP_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BULLETDROP_REGISTRATION": "open",
        "BULLETDROP_OIDC_NAME": "Hall",
        "BULLETDROP_OIDC_ISSUER": provider.url,
        "BULLETDROP_OIDC_CLIENT_ID": CLIENT,
        "BULLETDROP_OIDC_CLIENT_SECRET": SECRET,
        **environ,
    }
    server = Server(data, environ=settings, port=port)
    try:
        server.start()
        provider.tell(allow=[f"{server.url}/api/v1/auth/oidc/callback"])
        yield server
    finally:
        server.close()


def browser_at(server: Server) -> httpx.Client:
    """A browser with a cookie jar of its own, that follows nothing by itself."""
    return httpx.Client(base_url=server.url, headers=PAGE, timeout=30, trust_env=False, verify=certificates())


def out(browser: httpx.Client, **query: str) -> str:
    """Follow the button; the provider's address that it leads to."""
    answer = browser.get("/api/v1/auth/oidc", params=query)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def there_and_back(browser: httpx.Client, provider: OidcProvider, subject: str, **query: str) -> httpx.Response:
    """All of a sign-in; the server's answer to the way back."""
    return browser.get(provider.sign_in(out(browser, **query), subject))
