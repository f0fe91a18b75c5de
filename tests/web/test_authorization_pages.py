"""Every other address against everybody who could ask: pages, forms, bytes. An address without a row fails."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bulletdrop.config import load_config
from bulletdrop.web.app import create_app
from bulletdrop.web.routes import PREFIX
from tests.support.server import Server
from tests.web import rows
from tests.web.browser import signed_in
from tests.web.kit import path_of, png, upload
from tests.web.rows.row import PAGE_WHO as WHO
from tests.web.rows.row import Page, everybody, page

OWNERS_ALONE = page(404, 200, 404, 200, 404)
# Asked about one of alice's private drops; 302 leads to the sign-in form.
TABLE: dict[str, Page] = {
    "GET /health": everybody(200),
    "GET /ready": everybody(200),
    "GET /favicon.ico": everybody(200),
    "GET /robots.txt": everybody(200),
    "GET /static/<name:path>": everybody(404),
    "GET /": page(302, 200, 200, 200, 200),
    "GET /setup": everybody(302),
    "POST /setup": everybody(409),
    "GET /signin": page(200, 302, 302, 302, 302),
    "POST /signin": everybody(401),
    "POST /signout": page(302, 303, 303, 303, 303),
    "GET /trash": page(302, 200, 200, 200, 200),
    "POST /drops/<upload_id:str>/trash": page(302, 303, 404, 303, 404),
    "POST /drops/<upload_id:str>/restore": page(302, 303, 404, 303, 404),
    "POST /drops/<upload_id:str>/show": page(302, 303, 404, 303, 404),
    "GET /trash/<upload_id:str>/face": page(302, 200, 404, 200, 404),
    "GET /info/<upload_id:str>": OWNERS_ALONE,
    "GET /delete/<slug:str>/<token:str>": everybody(200),
    "POST /delete/<slug:str>/<token:str>": everybody(200),
    "GET /i/<upload_id:str>": OWNERS_ALONE,
    "GET /u/<username:str>/<filename:str>": OWNERS_ALONE,
    "GET /<name:str>": OWNERS_ALONE,
}


for found in pkgutil.iter_modules(rows.__path__):
    TABLE |= getattr(importlib.import_module(f"tests.web.rows.{found.name}"), "PAGES", {})


def addresses() -> list[str]:
    """Every method and path of the server outside of the API; HEAD is GET without its body."""
    app = create_app(load_config({"data": "/nonexistent"}, environ={}))
    found = [
        f"{method} /{route.path}"
        for route in app.router.routes
        for method in sorted(route.methods - {"HEAD"})
        if not f"/{route.path}".startswith(PREFIX)
    ]
    return sorted(found)


@pytest.fixture(scope="module")
def clients(shared: Server) -> Iterator[dict[str, httpx.Client]]:
    with signed_in(shared, "alice") as owner, signed_in(shared, "bob") as other:
        yield {
            "anonymous": shared.anonymous,
            "owner": owner,
            "other": other,
            "key": shared.alice,
            "foreign": shared.bob,
        }


def test_every_address_has_a_row() -> None:
    assert set(addresses()) == set(TABLE)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("address", TABLE)
def test_the_address_lets_in_whom_it_should(
    shared: Server, clients: dict[str, httpx.Client], address: str, who: str
) -> None:
    drop = upload(shared.alice, png(), named=f"{who}.png", is_public="false")
    method, _, path = address.partition(" ")
    if path == "/trash/<upload_id:str>/face":
        shared.alice.delete(f"/api/v1/uploads/{drop['id']}")
    if path.startswith("/delete"):
        path = path_of(drop["deletion_url"])
    for written, value in {
        "<upload_id:str>": drop["id"],
        "<username:str>/<filename:str>": f"alice/{drop['filename']}",
        "<name:path>": "nothing.js",
        "<name:str>": drop["slug"],
    }.items():
        path = path.replace(written, value)
    row = TABLE[address]
    for name, value in (row.params(shared) if row.params else {}).items():
        path = path.replace(f"<{name}:str>", value)
    if path == "/signout" and who in ("owner", "other"):
        # With a session of its own, or the tests after this one would be signed out too.
        with signed_in(shared, "alice") as fresh:
            assert fresh.post(path).status_code == row.statuses[who]
        return
    client = clients[who]
    form: dict[str, Any] = {"data": row.form} if row.form is not None else {}
    answer = client.request(method, path, headers={"Accept": "text/html"}, **form)
    assert answer.status_code == row.statuses[who], (address, who, answer.text[:300])
    if answer.status_code == 302 and who == "anonymous":
        assert answer.headers["location"].startswith("/signin")
    assert who in ("owner", "key") or drop["sha256"] not in answer.text
