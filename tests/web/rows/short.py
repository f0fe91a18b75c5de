"""Whom the routes and pages of short links let in."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.browser import kept
from tests.web.rows.row import row

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
