"""Whom the routes of links before their bytes let in, and the stream that tells of them."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.rows.row import page, row


def a_reservation(server: Server) -> dict[str, str]:
    """One that alice's key holds. Her browser is another device."""
    made = server.alice.post("/api/v1/reservations", json={"count": 1}).json()["items"][0]
    return {"slug": made["slug"]}


ROWS = {
    "post_reservations": row(201, reader=403),
    "get_reservations": row(200, reader=403),
    "delete_reservations_slug": row(404, alice=204, reader=403, params=a_reservation),
}

# Asked about a private drop: to its own people it is there to be seen.
PAGES = {"GET /<name:str>/arrival": page(404, 200, 404, 200, 404)}
