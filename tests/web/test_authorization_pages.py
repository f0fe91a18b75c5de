"""Every other address against everybody who could ask: pages, forms, bytes. An address without a row fails."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

from bulletdrop.config import load_config
from bulletdrop.web.app import create_app
from bulletdrop.web.routes import PREFIX
from tests.support.server import Server
from tests.web import rows
from tests.web.cast import Cast
from tests.web.kit import path_of, png, upload
from tests.web.rows.row import PAGE_NOBODY, PAGE_REFUSED, Page, everybody, page
from tests.web.rows.row import PAGE_WHO as WHO
from tests.web.test_authorization import Asked

OWNERS_ALONE = page(404, 200, 404, 200, 404)
# Asked about one of alice's private drops; 302 leads to the sign-in form.
TABLE: dict[str, Page] = {
    "GET /health": everybody(200),
    "GET /ready": everybody(200),
    "GET /favicon.ico": everybody(200),
    "GET /robots.txt": everybody(200),
    "GET /static/<name:path>": everybody(404),
    "GET /": page(302, 200, 200, 200, 200),
    "GET /setup": everybody(302, refused=401),
    "POST /setup": everybody(409, refused=401),
    "GET /signin": page(200, 302, 302, 302, 302),
    "POST /signin": everybody(401),
    "POST /signout": page(302, 303, 303, 303, 303),
    "GET /trash": page(302, 200, 200, 200, 200),
    "POST /drops/<upload_id:str>/trash": page(302, 303, 404, 303, 404, reader=403),
    "POST /drops/<upload_id:str>/restore": page(302, 303, 404, 303, 404, reader=403),
    "POST /drops/<upload_id:str>/show": page(302, 303, 404, 303, 404, reader=403),
    "GET /trash/<upload_id:str>/face": page(302, 200, 404, 200, 404),
    "GET /info/<upload_id:str>": OWNERS_ALONE,
    "GET /delete/<slug:str>/<token:str>": everybody(200, refused=401),
    "POST /delete/<slug:str>/<token:str>": everybody(200, refused=401),
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


class AskedDrop(Asked):
    """A private drop of alice's, and what the row makes besides."""

    def __init__(self, server: Server, address: str) -> None:
        row = TABLE[address].params
        self.drop: dict[str, Any] = {}
        self.address = address

        def made(server: Server) -> dict[str, str]:
            self.drop = upload(server.alice, png(), named="private.png", is_public="false")
            if "/trash/" in address:
                server.alice.delete(f"/api/v1/uploads/{self.drop['id']}").raise_for_status()
            parts = dict(zip(("", "", "slug", "token"), path_of(self.drop["deletion_url"]).split("/"), strict=True))
            named = {"upload_id": self.drop["id"], "username": "alice", "filename": self.drop["filename"]}
            return {**named, **parts, "name": self.drop["slug"], **(row(server) if row else {})}

        super().__init__(server, made)


def test_every_address_has_a_row() -> None:
    assert set(addresses()) == set(TABLE)


def test_every_row_has_a_cell_for_everybody(record_property: Callable[[str, object], None]) -> None:
    cells = sum(len(row.statuses) for row in TABLE.values())
    assert cells == len(addresses()) * len(WHO)
    record_property("cells of pages", cells)
    # What leads nobody to the sign-in form refuses whatever is sent on purpose and does not count.
    guarded = [row for row in TABLE.values() if row.statuses["anonymous"] == 302 and row.statuses["other"] != 302]
    assert {row.statuses[who] for row in guarded for who in PAGE_NOBODY} == {302}
    assert {row.statuses[who] for row in guarded for who in PAGE_REFUSED} == {401}


@pytest.mark.parametrize("address", TABLE)
def test_the_address_lets_in_whom_it_should(cast: Cast, address: str) -> None:
    row, wrong = TABLE[address], {}
    method, _, written = address.partition(" ")
    asked = AskedDrop(cast.server, address)
    form: dict[str, Any] = {"data": row.form} if row.form is not None else {}
    for who in sorted(WHO, key=lambda who: (row.statuses[who] in (200, 303), WHO.index(who))):
        path = asked.path(written).replace("<name:path>", "nothing.js")
        answer = cast.request(method, path, {"Accept": "text/html", **cast.comes_with(who)}, **form)
        if answer.status_code != 302:  # to the form, not after one
            asked.after(method, answer)
        if answer.status_code != row.statuses[who]:
            wrong[who] = f"{answer.status_code} in place of {row.statuses[who]}"
        elif answer.status_code == 302 and who in PAGE_NOBODY and not answer.headers["location"].startswith("/signin"):
            wrong[who] = f"led to {answer.headers['location']}"
        elif who not in ("owner", "key", "reader") and "/admin/" not in path and asked.drop["sha256"] in answer.text:
            wrong[who] = "was shown the drop"
    assert not wrong
