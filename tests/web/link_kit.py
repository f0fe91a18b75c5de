"""What the tests of share links share: making one, visitors without and with cookies, and passes of another age."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx

from bulletdrop.clock import ManualClock
from bulletdrop.core.sharing import passes
from tests.support.server import Server, certificates
from tests.web.kit import png, upload

HTML = {"Accept": "text/html"}
DISCORD = {**HTML, "User-Agent": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"}
Json = dict[str, Any]


def a_drop(server: Server, **fields: str) -> Json:
    """One of alice's drops, private unless told otherwise."""
    return upload(server.alice, png(), named="canary.png", **{"is_public": "false", **fields})


def share(server: Server, drop: Json | None = None, **terms: Any) -> Json:
    """A share link of alice's, with its path."""
    drop = drop or a_drop(server)
    answer = server.alice.post(f"/api/v1/uploads/{drop['id']}/share", json=terms)
    assert answer.status_code == 201, answer.text
    link: Json = answer.json()
    return {**link, "path": f"/l/{link['token']}", "drop": drop}


def views(server: Server, link: Json) -> int:
    """How often a link was opened, as its owner is told."""
    return int(server.alice.get(f"/api/v1/share-links/{link['token']}").json()["views"])


@contextlib.contextmanager
def visitor(server: Server) -> Iterator[httpx.Client]:
    """A browser without an account, which keeps its cookies."""
    with httpx.Client(base_url=server.url, headers=HTML, trust_env=False, verify=certificates(), timeout=30) as client:
        yield client


def look(server: Server, path: str, **headers: str) -> httpx.Response:
    """Ask once, without cookies."""
    sent = {**HTML, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.get(server.url + path, headers=sent, trust_env=False, verify=certificates(), timeout=30)


def grow_older(server: Server, client: httpx.Client, *, seconds: int) -> None:
    """Put passes into the browser's jar that are older than those it has, signed as the server does."""
    clock = ManualClock(datetime.now(UTC) - timedelta(seconds=seconds))
    config = SimpleNamespace(secret_key=(server.data / "secret.key").read_text().strip())
    site: Any = SimpleNamespace(clock=clock, config=config)
    for name in [name for name in client.cookies if name.startswith("bd_pass_")]:
        row: Any = SimpleNamespace(id=name.removeprefix("bd_pass_"))
        client.cookies.delete(name)
        client.cookies.set(name, passes.make_pass(site, row), domain="127.0.0.1")
