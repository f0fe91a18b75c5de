"""Whom the routes and pages of short links let in."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.browser import kept
from tests.web.rows.row import page, row

WANTED = {"url": "https://example.org/"}


def a_short(server: Server) -> dict[str, str]:
    """One of alice's short links."""
    made = kept(server, "alice").post("/api/v1/short-links", json=WANTED).json()
    return {"short_id": made["id"]}


ROWS = {
    "post_short_links": row(201, reader=403, body=WANTED),
    "get_short_links": row(200, reader=403),
    "get_short_links_short_id": row(404, alice=200, reader=403, cookie=200, params=a_short),
    "patch_short_links_short_id": row(404, alice=200, reader=403, cookie=200, params=a_short),
    "delete_short_links_short_id": row(404, alice=204, reader=403, cookie=204, params=a_short),
}

PAGES = {
    "GET /links/short": page(302, 200, 200, 200, 200, reader=403),
    "POST /links/short": page(302, 303, 303, 303, 303, reader=403, form=WANTED),
    "GET /links/short/<short_id:str>": page(302, 200, 404, 200, 404, reader=403, params=a_short),
    "POST /links/short/<short_id:str>": page(302, 303, 404, 303, 404, reader=403, params=a_short, form={"act": "off"}),
}
